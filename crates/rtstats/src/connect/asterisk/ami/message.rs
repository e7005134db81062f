//! One message of the manager interface: an event or a response, its fields in the order in which they came.

use std::fmt;

use stats::event::Millis;

use super::action::ActionId;

/// One message. Its text is held once; fields are places in it.
///
/// Keys are compared without regard to case. Where a key comes more than once [`get`](Message::get) gives the first:
/// Asterisk writes its own fields first, so text that a caller or a dialplan adds behind can't stand in their place.
/// A line without a colon is a field with an empty key.
#[derive(Clone, Default)]
pub struct Message {
    text: String,
    fields: Vec<Field>,
}

/// Where a field lies. A message is shorter than 4 GiB: [`super::MESSAGE_BYTES_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) key_start: u32,
    pub(super) key_end: u32,
    pub(super) value_start: u32,
    pub(super) value_end: u32,
}

impl Field {
    /// Reads one line that stands at `start`: `Key: Value`, where one blank after the colon belongs to neither.
    pub(super) fn of_line(line: &[u8], start: usize) -> Field {
        let (key_len, value_at) = match memchr::memchr(b':', line) {
            Some(colon) => (colon, colon + 1 + usize::from(line.get(colon + 1) == Some(&b' '))),
            None => (0, 0),
        };
        Field {
            key_start: start as u32,
            key_end: (start + key_len) as u32,
            value_start: (start + value_at) as u32,
            value_end: (start + line.len()) as u32,
        }
    }

    fn key<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.key_start as usize..self.key_end as usize]
    }

    fn value<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.value_start as usize..self.value_end as usize]
    }
}

impl Message {
    /// A message of bytes whose fields were found. What is not UTF-8 becomes U+FFFD.
    pub(super) fn new(bytes: &[u8], fields: Vec<Field>) -> Message {
        match str::from_utf8(bytes) {
            Ok(text) => Message { text: text.to_owned(), fields },
            Err(_) => fields
                .iter()
                .map(|field| {
                    let text = |part| String::from_utf8_lossy(part);
                    (text(field.key(bytes)), text(field.value(bytes)))
                })
                .collect(),
        }
    }

    /// The fields in order: key and value.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|field| (self.key(field), self.value(field)))
    }

    /// The value of the first field with this key.
    pub fn get(&self, key: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields
            .find(|field| self.key(field).eq_ignore_ascii_case(key))
            .map(|field| self.value(field))
    }

    /// The values of all fields with this key, such as `ChanVariable`.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let fields =
            self.fields.iter().filter(move |field| self.key(field).eq_ignore_ascii_case(key));
        fields.map(|field| self.value(field))
    }

    /// The event's name, as in `Event: QueueCallerJoin`; `None` of what is no event.
    ///
    /// The first line decides, as for [`is_response`](Message::is_response): fields behind it may hold anything.
    pub fn name(&self) -> Option<&str> {
        self.first("Event")
    }

    /// Whether this is an event.
    pub fn is_event(&self) -> bool {
        self.name().is_some()
    }

    /// Whether this answers an action. Further events with the same [`ActionId`] may follow.
    pub fn is_response(&self) -> bool {
        self.first("Response").is_some()
    }

    /// Whether this answers an action and refuses it; the reason is in `Message`.
    pub fn is_refusal(&self) -> bool {
        self.first("Response").is_some_and(|word| word.eq_ignore_ascii_case("error"))
    }

    /// Whether this is the event that ends the list an action asked for.
    pub fn ends_list(&self) -> bool {
        let word = if self.is_event() { self.get("EventList") } else { None };
        word.is_some_and(|word| {
            word.eq_ignore_ascii_case("complete") || word.eq_ignore_ascii_case("cancelled")
        })
    }

    /// Which of our actions this belongs to. Ids that others made are none of ours.
    pub fn action_id(&self) -> Option<ActionId> {
        self.get("ActionID")?.parse().ok()
    }

    /// When Asterisk says that it happened, by its own clock; only with `timestampevents = yes`.
    pub fn timestamp(&self) -> Option<Millis> {
        epoch_ms(self.get("Timestamp")?)
    }

    /// The bytes on the wire, the empty line at the end included. Line ends within keys or values become blanks.
    pub fn write(&self, out: &mut Vec<u8>) {
        for (key, value) in self.fields() {
            write_line(key, value, out);
        }
        out.extend_from_slice(b"\r\n");
    }

    fn first(&self, key: &str) -> Option<&str> {
        let field = self.fields.first()?;
        self.key(field).eq_ignore_ascii_case(key).then(|| self.value(field))
    }

    fn key(&self, field: &Field) -> &str {
        &self.text[field.key_start as usize..field.key_end as usize]
    }

    fn value(&self, field: &Field) -> &str {
        &self.text[field.value_start as usize..field.value_end as usize]
    }
}

/// One line with its end. A line end within would end the message there, or add a field of somebody's choice.
pub(super) fn write_line(key: &str, value: &str, out: &mut Vec<u8>) {
    let clean = |byte: u8| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte };
    out.extend(key.bytes().map(clean));
    // A line that had no colon gets none, unless it would be read otherwise.
    if !key.is_empty() || value.is_empty() || value.contains(':') {
        out.extend_from_slice(b": ");
    }
    out.extend(value.bytes().map(clean));
    out.extend_from_slice(b"\r\n");
}

/// Seconds with up to six digits behind the point, as Asterisk writes them, without the error of a `f64`.
fn epoch_ms(text: &str) -> Option<Millis> {
    let (seconds, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(seconds) || !digits(fraction) {
        return None;
    }
    let thousandths = fraction.bytes().chain([b'0'; 3]).take(3);
    let ms = thousandths.fold(0, |ms, digit| ms * 10 + Millis::from(digit - b'0'));
    seconds.parse::<Millis>().ok()?.checked_mul(1_000)?.checked_add(ms)
}

impl<K: AsRef<str>, V: AsRef<str>> FromIterator<(K, V)> for Message {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Message {
        let mut message = Message::default();
        for (key, value) in pairs {
            let key_start = message.text.len() as u32;
            message.text.push_str(key.as_ref());
            let key_end = message.text.len() as u32;
            message.text.push_str(value.as_ref());
            let value_end = message.text.len() as u32;
            message.fields.push(Field { key_start, key_end, value_start: key_end, value_end });
        }
        message
    }
}

impl PartialEq for Message {
    /// The same fields in the same order.
    fn eq(&self, other: &Message) -> bool {
        self.fields().eq(other.fields())
    }
}

impl Eq for Message {}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.fields()).finish()
    }
}
