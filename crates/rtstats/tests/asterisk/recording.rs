//! A transcript of a manager connection: each chunk of bytes as it went over the wire, with its time.

use std::{
    sync::Mutex,
    time::{SystemTime, UNIX_EPOCH},
};

/// Before each chunk stands a line `@@ TIME DIRECTION LENGTH`: seconds since the epoch, `<` received, `>` sent, or `-` for
/// `connect` and `closed`; after the chunk a line end. Between chunks stand lines `# TIME TEXT`: what the driver did.
#[derive(Default)]
pub struct Recording {
    bytes: Mutex<Vec<u8>>,
}

impl Recording {
    /// What the driver did.
    pub fn note(&self, text: &str) {
        self.add(&format!("# {} {text}", now()), b"");
    }

    pub fn chunk(&self, direction: char, chunk: &[u8]) {
        self.add(&format!("@@ {} {direction} {}\n", now(), chunk.len()), chunk);
    }

    fn add(&self, head: &str, rest: &[u8]) {
        let mut bytes = self.bytes.lock().unwrap();
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(rest);
        bytes.push(b'\n');
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().unwrap().clone()
    }
}

fn now() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    format!("{}.{:06}", now.as_secs(), now.subsec_micros())
}
