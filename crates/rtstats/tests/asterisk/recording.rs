//! A transcript of a manager connection: each chunk of bytes as it went over the wire, with its time.

use std::{
    fmt::Write as _,
    sync::Mutex,
    time::{SystemTime, UNIX_EPOCH},
};

/// Before each chunk stands a line `@@ TIME DIRECTION LENGTH`: seconds since the epoch, `<` received, `>` sent or `-` a
/// note of the driver, and the length in bytes; after the chunk a line end.
#[derive(Default)]
pub struct Recording {
    bytes: Mutex<Vec<u8>>,
}

impl Recording {
    /// What the driver did.
    pub fn note(&self, text: &str) {
        self.chunk('-', text.as_bytes());
    }

    pub fn chunk(&self, direction: char, chunk: &[u8]) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let mut head = String::new();
        let (seconds, micros) = (now.as_secs(), now.subsec_micros());
        writeln!(head, "@@ {seconds}.{micros:06} {direction} {}", chunk.len()).unwrap();
        let mut bytes = self.bytes.lock().unwrap();
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.push(b'\n');
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().unwrap().clone()
    }
}
