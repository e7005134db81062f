//! Writing rows into one buffer as XML, JSON or CSV.
//!
//! Names are put together with their brackets when the crate compiles; numbers go through `itoa`; text is copied
//! whole up to the next character that the form cannot hold as it is.

use super::fields::{Field, Tag};

pub const XML_PROLOG: &[u8] = br#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#;

/// A row that shows its fields in the document's order.
pub trait Row {
    /// Root of a list.
    const LIST: &'static str;
    /// Root of an item.
    const ITEM: &'static str;
    /// The declaration.
    const FIELDS: &'static [Field];
    /// Shows every field once, in order.
    fn visit(&self, form: &mut impl Form);
}

/// One of the forms, fed field by field.
pub trait Form {
    fn number(&mut self, tag: &Tag, value: i64);
    fn text(&mut self, tag: &Tag, value: &str);
    fn empty(&mut self, tag: &Tag);
}

pub fn open(out: &mut Vec<u8>, name: &str) {
    out.push(b'<');
    out.extend_from_slice(name.as_bytes());
    out.push(b'>');
}

pub fn close(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b"</");
    out.extend_from_slice(name.as_bytes());
    out.push(b'>');
}

pub fn push_number(out: &mut Vec<u8>, value: i64) {
    // Most figures of a quiet minute are 0 or 1 digit.
    if let Ok(digit @ 0..=9) = u8::try_from(value) {
        out.push(b'0' + digit);
    } else {
        out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
}

pub struct Xml<'a>(pub &'a mut Vec<u8>);

impl Form for Xml<'_> {
    #[inline]
    fn number(&mut self, tag: &Tag, value: i64) {
        self.0.extend_from_slice(tag.xml_open);
        push_number(self.0, value);
        self.0.extend_from_slice(tag.xml_close);
    }

    fn text(&mut self, tag: &Tag, value: &str) {
        if value.is_empty() {
            return self.empty(tag);
        }
        self.0.extend_from_slice(tag.xml_open);
        xml_text(self.0, value);
        self.0.extend_from_slice(tag.xml_close);
    }

    fn empty(&mut self, tag: &Tag) {
        self.0.extend_from_slice(tag.xml_empty);
    }
}

/// Text as an XML element holds it; what XML 1.0 forbids becomes U+FFFD (SPEC §2).
pub fn xml_text(out: &mut Vec<u8>, text: &str) {
    let mut copied = 0;
    for (at, char) in text.char_indices() {
        let replacement: &[u8] = match char {
            '&' => b"&amp;",
            '<' => b"&lt;",
            '>' => b"&gt;",
            // A reader would make a line feed of a bare one.
            '\r' => b"&#13;",
            '\t' | '\n' => continue,
            '\0'..'\u{20}' | '\u{FFFE}' | '\u{FFFF}' => "\u{FFFD}".as_bytes(),
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[copied..at]);
        out.extend_from_slice(replacement);
        copied = at + char.len_utf8();
    }
    out.extend_from_slice(&text.as_bytes()[copied..]);
}

pub struct Json<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Json<'a> {
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Json { out, first: true }
    }

    /// A number, or null.
    pub fn number_or_null(&mut self, tag: &Tag, value: Option<i64>) {
        match value {
            Some(value) => self.number(tag, value),
            None => {
                self.key(tag);
                self.out.extend_from_slice(b"null");
            }
        }
    }

    /// An array of numbers.
    pub fn list(&mut self, tag: &Tag, values: &[i64]) {
        self.key(tag);
        self.out.push(b'[');
        for (place, value) in values.iter().enumerate() {
            if place > 0 {
                self.out.push(b',');
            }
            push_number(self.out, *value);
        }
        self.out.push(b']');
    }

    #[inline]
    fn key(&mut self, tag: &Tag) {
        let key = if self.first { &tag.json_key[1..] } else { tag.json_key };
        self.first = false;
        self.out.extend_from_slice(key);
    }
}

impl Form for Json<'_> {
    #[inline]
    fn number(&mut self, tag: &Tag, value: i64) {
        self.key(tag);
        push_number(self.out, value);
    }

    fn text(&mut self, tag: &Tag, value: &str) {
        self.key(tag);
        json_text(self.out, value);
    }

    fn empty(&mut self, tag: &Tag) {
        self.key(tag);
        self.out.extend_from_slice(b"\"\"");
    }
}

/// Text as a JSON string, with its quotes.
pub fn json_text(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[copied..at]);
        copied = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
        }
    }
    out.extend_from_slice(&text.as_bytes()[copied..]);
    out.push(b'"');
}

pub struct Csv<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Csv<'a> {
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Csv { out, first: true }
    }

    fn comma(&mut self) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
    }
}

impl Form for Csv<'_> {
    fn number(&mut self, _: &Tag, value: i64) {
        self.comma();
        push_number(self.out, value);
    }

    fn text(&mut self, _: &Tag, value: &str) {
        self.comma();
        if value.contains(['"', ',', '\r', '\n']) || value.starts_with(' ') || value.ends_with(' ')
        {
            self.out.push(b'"');
            self.out.extend_from_slice(value.replace('"', "\"\"").as_bytes());
            self.out.push(b'"');
        } else {
            self.out.extend_from_slice(value.as_bytes());
        }
    }

    fn empty(&mut self, _: &Tag) {
        self.comma();
    }
}

pub fn csv_header(out: &mut Vec<u8>, fields: &[Field]) {
    for (number, field) in fields.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        out.extend_from_slice(field.name.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}
