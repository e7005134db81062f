//! From bytes to messages, however the bytes are cut.
//!
//! What stands in the buffer is looked at once, so that a message in a thousand pieces costs no more than a whole one,
//! and memory is bounded by [`MESSAGE_BYTES_MAX`] and one read.

use std::mem;

use bytes::{Buf as _, BytesMut};

use super::{
    BANNER_BYTES_MAX, LINE_BYTES_MAX, MESSAGE_BYTES_MAX,
    message::{Field, Message},
};

/// Why bytes are no messages. Nothing can be read behind it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The first line is not Asterisk's.
    #[error("the first line is {0:?}, not \"Asterisk Call Manager/…\"")]
    Banner(String),
    /// A line has no end.
    #[error("a line has more than {LINE_BYTES_MAX} bytes")]
    Line,
    /// What was asked is not answered, while other things are told.
    #[error("it sends {0} messages and no answer")]
    NoAnswer(usize),
    /// A message has no end.
    #[error("a message has more than {MESSAGE_BYTES_MAX} bytes")]
    Message,
}

/// The server's first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Banner {
    /// Version of the manager interface, such as `5.0.4` (Asterisk 16) or `11.0.0` (Asterisk 22).
    pub version: String,
}

/// How Asterisk introduces itself; a version follows.
const BANNER: &str = "Asterisk Call Manager/";

/// The line that ends what a command wrote, before Asterisk 14.
const END_OF_OUTPUT: &[u8] = b"--END COMMAND--";

/// Bytes that came, cut into messages.
#[derive(Debug, Default)]
pub struct Decoder {
    /// From the first byte of the message that is next.
    buffer: BytesMut,
    /// Where the line begins that has not ended yet.
    line: usize,
    /// How far the buffer was searched for that line's end.
    searched: usize,
    /// The lines of the message so far.
    fields: Vec<Field>,
    /// The message is what a command wrote: empty lines don't end it, and only its head is kept.
    is_output: bool,
}

impl Decoder {
    /// One that has seen nothing yet.
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Where bytes that come are appended. What is there already must not be changed.
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Appends bytes that came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The first line of a server, once it is there whole. To be asked before any message.
    pub fn banner(&mut self) -> Result<Option<Banner>, Malformed> {
        let head = &self.buffer[..self.buffer.len().min(BANNER_BYTES_MAX)];
        let end = memchr::memchr(b'\n', head);
        let line = head[..end.unwrap_or(head.len())].trim_ascii_end();
        let expected = &BANNER.as_bytes()[..line.len().min(BANNER.len())];
        let is_ours = line.starts_with(expected);
        let is_whole = end.is_some() && line.len() > BANNER.len();
        let may_become_ours = end.is_none() && head.len() < BANNER_BYTES_MAX;
        if !is_ours || !(is_whole || may_become_ours) {
            return Err(Malformed::Banner(excerpt(line)));
        }
        let Some(end) = end else { return Ok(None) };
        let version = String::from_utf8_lossy(&line[BANNER.len()..]).into_owned();
        self.buffer.advance(end + 1);
        Ok(Some(Banner { version }))
    }

    /// The next message, once it is there whole.
    pub fn message(&mut self) -> Result<Option<Message>, Malformed> {
        while let Some(found) = memchr::memchr(b'\n', &self.buffer[self.searched..]) {
            let next = self.searched + found + 1;
            let end = next - 1;
            let line = &self.buffer[self.line..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.len() > LINE_BYTES_MAX {
                return Err(Malformed::Line);
            }
            if next > MESSAGE_BYTES_MAX {
                return Err(Malformed::Message);
            }
            let ends = if self.is_output {
                // The command's last line need not end before the mark.
                line.ends_with(END_OF_OUTPUT)
            } else {
                line.is_empty()
            };
            if !ends {
                self.take_line(next);
                continue;
            }
            let message = (!self.fields.is_empty()).then(|| self.finish());
            self.buffer.advance(next);
            (self.line, self.searched, self.is_output) = (0, 0, false);
            if message.is_some() {
                return Ok(message);
            }
        }
        self.searched = self.buffer.len();
        if self.searched - self.line > LINE_BYTES_MAX + 1 {
            return Err(Malformed::Line);
        }
        if self.searched > MESSAGE_BYTES_MAX {
            return Err(Malformed::Message);
        }
        Ok(None)
    }

    /// Notes the line that ends before `next`.
    fn take_line(&mut self, next: usize) {
        let line = &self.buffer[self.line..next - 1];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let field = Field::of_line(line, self.line);
        if self.fields.is_empty() {
            self.is_output = line.eq_ignore_ascii_case(b"Response: Follows");
        }
        if !self.is_output || is_head_of_output(line) && self.fields.len() < OUTPUT_HEAD_LINES_MAX {
            self.fields.push(field);
        }
        self.line = next;
        self.searched = next;
    }

    fn finish(&mut self) -> Message {
        // The next message is likely to be as long.
        let room = Vec::with_capacity(self.fields.len());
        Message::new(&self.buffer[..self.line], mem::replace(&mut self.fields, room))
    }
}

/// Fields before what a command wrote: the response, its privilege, its id.
const OUTPUT_HEAD_LINES_MAX: usize = 3;

fn is_head_of_output(line: &[u8]) -> bool {
    let heads: [&[u8]; 3] = [b"Response: ", b"Privilege: ", b"ActionID: "];
    heads.iter().any(|head| line.starts_with(head))
}

/// Enough of a foreign line to know it by; it goes into a log.
fn excerpt(line: &[u8]) -> String {
    const CHARS_MAX: usize = 60;
    let text = String::from_utf8_lossy(line);
    let mut short: String = text.chars().take(CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
