//! One pass over a line of JSON (RFC 8259), strict in its grammar, without building anything.
//!
//! A value comes out as its shape and its stretch of the line; what lies nested in it has been checked too, so that
//! it can be read again later without surprises. Nothing recurses: the nesting is one bit a level.

use crate::limit;

/// Where a line stops being JSON, and what it should have gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syntax {
    pub at: usize,
    pub expected: &'static str,
}

/// A value as it stands in the line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Raw<'a> {
    pub shape: Shape,
    /// A string without its quotes; anything else whole.
    pub text: &'a str,
}

/// What a value looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shape {
    /// There is no value.
    #[default]
    Absent,
    Null,
    True,
    False,
    /// A string that means what it shows.
    Plain,
    /// A string with escapes.
    Escaped,
    /// A number without fraction and exponent.
    Whole,
    /// Any other number.
    Fraction,
    Object,
    Array,
}

impl Raw<'_> {
    /// The meaning of an escaped string, or none where an escape is broken.
    pub fn unescape(&self) -> Option<String> {
        serde_json::from_str(&format!("\"{}\"", self.text)).ok()
    }
}

/// A place in a line. The rare paths take it by value, so that the common one can keep it in registers.
#[derive(Clone, Copy)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text, at: 0 }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    #[cold]
    fn expected<T>(self, expected: &'static str) -> Result<T, Syntax> {
        Err(Syntax { at: self.at, expected })
    }

    #[inline]
    fn pass(&mut self, byte: u8, expected: &'static str) -> Result<(), Syntax> {
        self.space();
        if self.peek() != Some(byte) {
            return self.expected(expected);
        }
        self.at += 1;
        Ok(())
    }

    /// Enters the object that the line is; tells whether it has a member.
    #[inline]
    pub fn enter_object(&mut self) -> Result<bool, Syntax> {
        self.pass(b'{', "a JSON object")?;
        Ok(!self.closes(b'}'))
    }

    /// Enters the array that the text is; tells whether it has an element.
    pub fn enter_array(&mut self) -> Result<bool, Syntax> {
        self.pass(b'[', "a JSON array")?;
        Ok(!self.closes(b']'))
    }

    #[inline]
    fn closes(&mut self, byte: u8) -> bool {
        self.space();
        let closes = self.peek() == Some(byte);
        self.at += usize::from(closes);
        closes
    }

    /// A member's key, and on to its value.
    #[inline(always)]
    pub fn key(&mut self) -> Result<Raw<'a>, Syntax> {
        self.pass(b'"', "a field's name in double quotes")?;
        let key = self.string()?;
        self.pass(b':', "`:`")?;
        Ok(key)
    }

    /// After a value: whether another one follows before `close`.
    #[inline]
    pub fn follows(&mut self, close: u8) -> Result<bool, Syntax> {
        self.space();
        let follows = match self.peek() {
            Some(b',') => true,
            Some(byte) if byte == close => false,
            _ if close == b'}' => return self.expected("`,` or `}`"),
            _ => return self.expected("`,` or `]`"),
        };
        self.at += 1;
        Ok(follows)
    }

    /// Nothing may follow.
    #[inline]
    pub fn end(&mut self) -> Result<(), Syntax> {
        self.space();
        if self.at < self.text.len() { self.expected("the end of the line") } else { Ok(()) }
    }

    /// The next value, whatever it is; `depth` is how many objects and arrays lie around it.
    #[inline(always)]
    pub fn value(&mut self, depth: u32) -> Result<Raw<'a>, Syntax> {
        self.space();
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                self.string()
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'{' | b'[') => self.beyond(Scanner::nested, depth),
            _ => self.beyond(|scanner, _| scanner.literal(), depth),
        }
    }

    /// Goes the way of a rare path.
    #[inline(always)]
    fn beyond(
        &mut self,
        rare: fn(&mut Scanner<'a>, u32) -> Result<Raw<'a>, Syntax>,
        depth: u32,
    ) -> Result<Raw<'a>, Syntax> {
        let mut scanner = *self;
        let raw = rare(&mut scanner, depth)?;
        self.at = scanner.at;
        Ok(raw)
    }

    fn literal(&mut self) -> Result<Raw<'a>, Syntax> {
        for (word, shape) in [("true", Shape::True), ("false", Shape::False), ("null", Shape::Null)]
        {
            if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(Raw { shape, text: word });
            }
        }
        self.expected("a JSON value")
    }

    /// From behind the opening quote to behind the closing one.
    #[inline(always)]
    fn string(&mut self) -> Result<Raw<'a>, Syntax> {
        let start = self.at;
        self.at += plain_len(&self.text.as_bytes()[start..]);
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Raw { shape: Shape::Plain, text: &self.text[start..self.at - 1] });
        }
        let mut scanner = *self;
        let raw = scanner.escaped_string(start)?;
        self.at = scanner.at;
        Ok(raw)
    }

    #[cold]
    fn escaped_string(&mut self, start: usize) -> Result<Raw<'a>, Syntax> {
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(_) => return self.expected("control characters in a string as escapes"),
                None => return self.expected("`\"` at the end of a string"),
            }
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            self.at += plain_len(rest);
        }
        let raw = Raw { shape: Shape::Escaped, text: &self.text[start..self.at] };
        if raw.unescape().is_none() {
            self.at = start;
            return self.expected(
                "only the escapes of JSON in a string, \\u with four hex digits, surrogates in pairs",
            );
        }
        self.at += 1;
        Ok(raw)
    }

    #[inline]
    fn number(&mut self) -> Result<Raw<'a>, Syntax> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        let mut shape = Shape::Whole;
        if self.peek() == Some(b'.') {
            shape = Shape::Fraction;
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            shape = Shape::Fraction;
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(Raw { shape, text: &self.text[start..self.at] })
    }

    #[inline]
    fn digits(&mut self) -> Result<(), Syntax> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { self.expected("a digit") } else { Ok(()) }
    }

    /// An object or array and all within.
    fn nested(&mut self, outer_depth: u32) -> Result<Raw<'a>, Syntax> {
        let start = self.at;
        let shape = if self.peek() == Some(b'{') { Shape::Object } else { Shape::Array };
        let mut depth = outer_depth;
        // One bit a level, the innermost lowest: whether it is an object.
        let mut objects = 0_u128;
        loop {
            self.space();
            let opened = match self.peek() {
                Some(byte @ (b'{' | b'[')) => {
                    depth += 1;
                    objects = objects << 1 | u128::from(byte == b'{');
                    if depth > limit::NESTING_MAX {
                        return self.expected("at most 127 objects and arrays within each other");
                    }
                    self.at += 1;
                    true
                }
                _ => {
                    self.value(depth)?;
                    false
                }
            };
            let goes_on = if opened {
                !self.closes(if objects & 1 == 1 { b'}' } else { b']' })
            } else {
                self.follows(if objects & 1 == 1 { b'}' } else { b']' })?
            };
            if !goes_on && !self.close_levels(&mut depth, outer_depth, &mut objects)? {
                return Ok(Raw { shape, text: &self.text[start..self.at] });
            }
            if objects & 1 == 1 {
                self.key()?;
            }
        }
    }

    /// A level has been closed: closes those that end with it, and tells whether an outer one goes on.
    fn close_levels(
        &mut self,
        depth: &mut u32,
        outer_depth: u32,
        objects: &mut u128,
    ) -> Result<bool, Syntax> {
        loop {
            *depth -= 1;
            *objects >>= 1;
            if *depth == outer_depth {
                return Ok(false);
            }
            if self.follows(if *objects & 1 == 1 { b'}' } else { b']' })? {
                return Ok(true);
            }
        }
    }
}

/// How many bytes a string goes on without quote, backslash or control character: eight bytes a step.
#[inline(always)]
fn plain_len(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let marks = special_bytes(u64::from_le_bytes(*chunk));
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    bytes[at..].iter().position(special).map_or(bytes.len(), |len| at + len)
}

/// The high bit of the first byte that is special, and maybe of later ones: a borrow may spill over to those.
#[inline]
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
    let quote = below(word ^ (ONES * u64::from(b'"')), 1);
    let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
    (quote | backslash | below(word, 0x20)) & HIGHS
}
