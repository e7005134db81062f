//! A manager connection for driving Asterisk and for asking its own view. On purpose it shares no code with the product.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{pbx::PATIENCE, recording::Recording};

/// Where a connection's raw bytes go too.
pub type Tap = Arc<Recording>;

/// One message: its lines in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packet(pub Vec<(String, String)>);

impl Packet {
    /// The value of a line; empty without one.
    pub fn get(&self, key: &str) -> &str {
        self.0.iter().find(|line| line.0 == key).map_or("", |line| line.1.as_str())
    }

    pub fn number(&self, key: &str) -> i64 {
        self.get(key).parse().unwrap_or_else(|_| panic!("no number {key} in {self:?}"))
    }

    pub fn is_event(&self, name: &str) -> bool {
        self.get("Event") == name
    }
}

/// The answer to an action.
#[derive(Debug, Clone)]
pub struct Reply {
    pub response: Packet,
    /// The list that followed, without its end.
    pub list: Vec<Packet>,
}

impl Reply {
    pub fn succeeded(&self) -> bool {
        self.response.get("Response") == "Success"
    }
}

#[derive(Default)]
struct Received {
    packets: Vec<Packet>,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    received: Mutex<Received>,
    changed: Condvar,
}

/// A connection; a thread reads it and keeps all that comes.
pub struct Ami {
    writer: Mutex<TcpStream>,
    shared: Arc<Shared>,
    actions: AtomicU64,
    tap: Option<Tap>,
}

impl Ami {
    pub fn connect(port: u16, user: &str, secret: &str, tap: Option<Tap>) -> std::io::Result<Ami> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        if let Some(tap) = &tap {
            tap.chunk('-', b"connect");
        }
        let shared = Arc::new(Shared::default());
        let (reader, kept, copy) = (stream.try_clone()?, shared.clone(), tap.clone());
        thread::spawn(move || read(reader, &kept, copy.as_ref()));
        let ami = Ami { writer: Mutex::new(stream), shared, actions: AtomicU64::new(1), tap };
        let login = [("Action", "Login"), ("Username", user), ("Secret", secret)];
        match ami.act(&login) {
            Some(reply) if reply.succeeded() => Ok(ami),
            refused => Err(std::io::Error::other(format!("login as {user}: {refused:?}"))),
        }
    }

    /// Sends an action and waits for its whole answer; `None` when the connection is gone.
    pub fn act(&self, lines: &[(&str, &str)]) -> Option<Reply> {
        let id = format!("t{}", self.actions.fetch_add(1, Ordering::Relaxed));
        self.act_as(&id, lines)
    }

    /// The same under an id of the caller's choice.
    pub fn act_as(&self, id: &str, lines: &[(&str, &str)]) -> Option<Reply> {
        let from = self.len();
        let mut text = String::new();
        for (index, (key, value)) in lines.iter().enumerate() {
            text += &format!("{key}: {value}\r\n");
            if index == 0 {
                text += &format!("ActionID: {id}\r\n");
            }
        }
        text += "\r\n";
        if let Some(tap) = &self.tap {
            tap.chunk('>', text.as_bytes());
        }
        self.writer.lock().unwrap().write_all(text.as_bytes()).ok()?;
        let deadline = Instant::now() + PATIENCE;
        let ours = |packet: &Packet| packet.get("ActionID") == id;
        let first = |packet: &Packet| ours(packet) && !packet.get("Response").is_empty();
        let (mut at, response) = self.find(from, deadline, first)?;
        let mut list = Vec::new();
        while response.get("EventList") == "start" {
            let (next, packet) = self.find(at, deadline, ours)?;
            at = next;
            if packet.get("EventList") == "Complete" {
                break;
            }
            list.push(packet);
        }
        Some(Reply { response, list })
    }

    /// An action that must succeed.
    pub fn must(&self, lines: &[(&str, &str)]) -> Reply {
        let reply = self.act(lines).unwrap_or_else(|| panic!("no answer to {lines:?}"));
        assert!(reply.succeeded(), "{lines:?}: {:?}", reply.response);
        reply
    }

    /// Ends the connection; the last that came is still read.
    pub fn close(&self) {
        // It may be closed already.
        let _ = self.writer.lock().unwrap().shutdown(std::net::Shutdown::Both);
    }

    /// How many messages have come.
    pub fn len(&self) -> usize {
        self.shared.received.lock().unwrap().packets.len()
    }

    pub fn is_closed(&self) -> bool {
        self.shared.received.lock().unwrap().closed
    }

    /// The first message from the `from`th on that is wanted, and the number of the one after it; `None` when the
    /// connection is gone or `deadline` has passed.
    pub fn find(
        &self,
        from: usize,
        deadline: Instant,
        wanted: impl Fn(&Packet) -> bool,
    ) -> Option<(usize, Packet)> {
        let mut at = from;
        let mut received = self.shared.received.lock().unwrap();
        loop {
            while at < received.packets.len() {
                at += 1;
                if wanted(&received.packets[at - 1]) {
                    return Some((at, received.packets[at - 1].clone()));
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if received.closed || left == Duration::ZERO {
                return None;
            }
            received = self.shared.changed.wait_timeout(received, left).unwrap().0;
        }
    }
}

impl Drop for Ami {
    fn drop(&mut self) {
        self.close();
    }
}

fn read(mut stream: TcpStream, shared: &Shared, tap: Option<&Tap>) {
    let mut bytes: Vec<u8> = Vec::new();
    let mut buffer = [0; 65_536];
    loop {
        let read = stream.read(&mut buffer).unwrap_or(0);
        if let Some(tap) = tap {
            if read > 0 { tap.chunk('<', &buffer[..read]) } else { tap.chunk('-', b"closed") }
        }
        bytes.extend_from_slice(&buffer[..read]);
        let mut received = shared.received.lock().unwrap();
        received.closed |= read == 0;
        while let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
            bytes.drain(..end + 4);
            // The greeting has one line end and no colon, so it hangs before the first answer.
            let lines = text.split("\r\n").filter_map(|line| line.split_once(':'));
            let lines = lines.map(|(key, value)| (key.to_owned(), value.trim_start().to_owned()));
            received.packets.push(Packet(lines.collect()));
        }
        shared.changed.notify_all();
        if received.closed {
            return;
        }
    }
}
