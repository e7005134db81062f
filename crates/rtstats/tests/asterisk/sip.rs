//! SIP messages, as far as the test's phones need them.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

/// A request or an answer.
#[derive(Debug, Clone, Default)]
pub struct Message {
    pub start: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Message {
    pub fn new(start: &str) -> Message {
        Message { start: start.to_owned(), ..Message::default() }
    }

    pub fn parse(text: &str) -> Option<Message> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let start = lines.next()?.to_owned();
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (long(name), value.trim().to_owned())).collect();
        Some(Message { start, headers, body: body.to_owned() })
    }

    pub fn text(&self) -> String {
        let mut text = format!("{}\r\n", self.start);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        text + &format!("Content-Length: {}\r\n\r\n{}", self.body.len(), self.body)
    }

    /// The status of an answer; `None` of a request.
    pub fn status(&self) -> Option<u32> {
        self.start.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    pub fn method(&self) -> &str {
        self.start.split(' ').next().unwrap_or_default()
    }

    pub fn get(&self, name: &str) -> &str {
        self.headers.iter().find(|header| header.0 == name).map_or("", |header| &header.1)
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|header| header.0 != name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    pub fn set_body(&mut self, body: &str) {
        self.set("Content-Type", "application/sdp");
        body.clone_into(&mut self.body);
    }

    /// The port of the sound that the body describes.
    pub fn audio_port(&self) -> Option<u16> {
        self.body.split("m=audio ").nth(1)?.split(' ').next()?.parse().ok()
    }

    /// The address in Contact.
    pub fn contact(&self) -> String {
        let contact = self.get("Contact");
        let inner = contact.split('<').nth(1).unwrap_or(contact);
        inner.split('>').next().unwrap_or(inner).to_owned()
    }

    /// An answer to this request; `tag` marks our side unless To has one.
    pub fn answer(&self, status: &str, tag: &str) -> Message {
        let mut answer = Message::new(&format!("SIP/2.0 {status}"));
        for (name, value) in &self.headers {
            match name.as_str() {
                "To" if !tag.is_empty() && !value.contains(";tag=") => {
                    answer.headers.push((name.clone(), format!("{value};tag={tag}")));
                }
                "Via" | "From" | "To" | "Call-ID" | "CSeq" => {
                    answer.headers.push((name.clone(), value.clone()));
                }
                _ => {}
            }
        }
        answer
    }
}

/// The long name of a header that came with its short one.
fn long(name: &str) -> String {
    let name = name.trim();
    match name {
        "v" => "Via",
        "f" => "From",
        "t" => "To",
        "i" => "Call-ID",
        "m" => "Contact",
        _ => name,
    }
    .to_owned()
}

/// A description of a call's sound that never comes.
pub fn sdp(port: u16, direction: &str) -> String {
    static VERSION: AtomicU64 = AtomicU64::new(1);
    let version = VERSION.fetch_add(1, Ordering::Relaxed);
    format!(
        "v=0\r\no=- 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na={direction}\r\n"
    )
}

/// Something that no other call has.
pub fn random_token() -> String {
    format!("{:016x}", RandomState::new().hash_one(0))
}
