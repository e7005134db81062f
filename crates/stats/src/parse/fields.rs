//! The known fields of one object, and what each is expected to hold.
//!
//! Fields are gathered first and read second, since a line may name its type last. A field that is `null` counts as
//! not given. Of an object's known fields none may come twice.

use std::{borrow::Cow, fmt};

use super::{
    FieldError,
    scan::{Raw, Scanner, Shape, Syntax},
};
use crate::{event::Text, limit};

macro_rules! names {
    ($($variant:ident $word:literal)*) => {
        /// The name of a known field.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Name { $($variant,)* }

        const NAMES: &[&str] = &[$($word),*];

        impl Name {
            #[inline]
            fn of_word(word: &str) -> Option<Name> {
                $(if word.len() == $word.len() && word.as_bytes() == $word.as_bytes() { return Some(Name::$variant); })*
                None
            }
        }
    };
}

// The frequent ones come first: `of_word` tries them in this order.
names! {
    Time "time" Type "type" Transaction "transaction" Agent "agent" Queue "queue" Source "source" Seq "seq"
    Status "status" Line "line" List "list" Item "item" ShortCode "short_code" Called "name" Media "media" Sla "sla"
    Group "group" Assigned "assigned" Enabled "enabled" Items "items"
    Percent "percent" WithinSeconds "within_seconds" EvaluateEverySeconds "evaluate_every_seconds"
}

/// The fields that an object knows, one bit each; all others are ignored in it.
#[derive(Debug, Clone, Copy)]
pub struct Scope(u32);

const fn bit(name: Name) -> u32 {
    1 << name as u32
}

impl Scope {
    pub const SLA: Scope =
        Scope(bit(Name::Percent) | bit(Name::WithinSeconds) | bit(Name::EvaluateEverySeconds));
    pub const CODE_ITEM: Scope =
        Scope(bit(Name::Item) | bit(Name::ShortCode) | bit(Name::Called) | bit(Name::Status));
    pub const EVENT: Scope = Scope((bit(Name::Items) << 1) - 1);
}

/// The known fields of one object after another.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    /// The fields given in the present object, one bit each; the values of others are left over from earlier ones.
    given: u32,
    values: [Raw<'a>; NAMES.len()],
}

impl<'a> Fields<'a> {
    /// No field is given.
    #[inline]
    pub fn new() -> Fields<'a> {
        Fields { given: 0, values: [Raw::default(); NAMES.len()] }
    }

    /// Gathers the fields of the object that the text is, in place of those of an earlier one.
    #[inline]
    pub fn gather(&mut self, text: &'a str, scope: Scope) -> Result<(), FieldError> {
        match self.members(text, scope) {
            Ok(0) => Ok(()),
            Ok(twice) => Err(came_twice(twice)),
            Err(syntax) => Err(no_json(text, syntax)),
        }
    }

    /// Gathers; tells which fields came twice.
    #[inline]
    fn members(&mut self, text: &'a str, scope: Scope) -> Result<u32, Syntax> {
        let mut scanner = Scanner::new(text);
        let (mut given, mut twice) = (0_u32, 0_u32);
        let mut follows = scanner.enter_object()?;
        while follows {
            let key = scanner.key()?;
            let value = scanner.value(1)?;
            if let Some(name) = known(key, scope) {
                twice |= given & bit(name);
                given |= bit(name);
                self.values[name as usize] = value;
            }
            follows = scanner.follows(b'}')?;
        }
        scanner.end()?;
        self.given = given;
        Ok(twice)
    }

    /// The value of a field that may be left out.
    #[inline(always)]
    pub fn optional<T>(
        &self,
        name: Name,
        read: impl FnOnce(Raw<'a>) -> Result<T, Expected>,
    ) -> Result<Option<T>, FieldError> {
        let raw = self.raw(name);
        if let Shape::Absent | Shape::Null = raw.shape {
            return Ok(None);
        }
        read(raw).map(Some).map_err(|expected| wrong(name, raw, expected))
    }

    /// The value of a field that must be there.
    #[inline(always)]
    pub fn required<T>(
        &self,
        name: Name,
        read: impl FnOnce(Raw<'a>) -> Result<T, Expected>,
    ) -> Result<T, FieldError> {
        let raw = self.raw(name);
        read(raw).map_err(|expected| wrong(name, raw, expected))
    }

    #[inline(always)]
    pub fn raw(&self, name: Name) -> Raw<'a> {
        if self.given & bit(name) == 0 { Raw::default() } else { self.values[name as usize] }
    }
}

#[inline(always)]
fn known(key: Raw<'_>, scope: Scope) -> Option<Name> {
    let name = match key.shape {
        Shape::Plain => Name::of_word(key.text),
        _ => key.unescape().as_deref().and_then(Name::of_word),
    };
    name.filter(|name| scope.0 & bit(*name) != 0)
}

/// What a field is expected to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// A whole number, both ends included.
    Whole {
        min: i64,
        max: u64,
    },
    /// Text of so many characters, both ends included.
    Characters {
        min: usize,
        max: usize,
    },
    /// An agent-id.
    AgentId,
    /// One of these words.
    Words(&'static [&'static str]),
    Flag,
    /// Whatever the text says.
    Other(&'static str),
}

impl fmt::Display for Expected {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Whole { min: i64::MIN, .. } => {
                write!(out, "a whole number of at most 64 bits")
            }
            Expected::Whole { min, max } => write!(out, "a whole number from {min} to {max}"),
            Expected::Characters { min: 0, max } => {
                write!(out, "text of at most {max} characters")
            }
            Expected::Characters { min, max } => write!(out, "text of {min} to {max} characters"),
            Expected::AgentId => write!(
                out,
                "text of 1 to {} characters without `/` and control characters",
                limit::ID_CHARS_MAX
            ),
            Expected::Words([words @ .., last]) => {
                for (number, word) in words.iter().enumerate() {
                    write!(out, "{}`{word}`", if number > 0 { ", " } else { "" })?;
                }
                write!(out, " or `{last}`")
            }
            Expected::Words([]) => write!(out, "nothing"),
            Expected::Flag => write!(out, "`true` or `false`"),
            Expected::Other(text) => write!(out, "{text}"),
        }
    }
}

/// The text of a string.
#[inline(always)]
pub fn text<'a>(raw: Raw<'a>, expected: Expected) -> Result<Text<'a>, Expected> {
    match raw.shape {
        Shape::Plain => Ok(Cow::Borrowed(raw.text)),
        Shape::Escaped => raw.unescape().map(Cow::Owned).ok_or(expected),
        _ => Err(expected),
    }
}

/// Text of so many characters.
#[inline(always)]
pub fn characters(
    min: usize,
    max: usize,
) -> impl for<'a> Fn(Raw<'a>) -> Result<Text<'a>, Expected> {
    move |raw| {
        let expected = Expected::Characters { min, max };
        let text = text(raw, expected)?;
        // No text has more characters than bytes: the short ones need no counting.
        let fits = text.len() >= min && (text.len() <= max || text.chars().count() <= max);
        if fits { Ok(text) } else { Err(expected) }
    }
}

/// An agent-id.
#[inline(always)]
pub fn agent_id(raw: Raw<'_>) -> Result<Text<'_>, Expected> {
    let id = characters(1, limit::ID_CHARS_MAX)(raw).map_err(|_| Expected::AgentId)?;
    let suspect = |byte: u8| byte == b'/' || !(0x20..0x7f).contains(&byte);
    // Looking at every byte without stopping takes fewer steps; what is beyond ASCII is looked at again.
    let suspects = id.bytes().fold(false, |found, byte| found | suspect(byte));
    if suspects && id.contains(|char: char| char == '/' || char.is_control()) {
        return Err(Expected::AgentId);
    }
    Ok(id)
}

/// A whole number.
#[inline(always)]
pub fn whole(min: i64, max: u64) -> impl Fn(Raw<'_>) -> Result<u64, Expected> {
    move |raw| {
        let number = if raw.shape == Shape::Whole { raw.text.parse().ok() } else { None };
        number
            .filter(|number: &u64| *number <= max && i128::from(*number) >= i128::from(min))
            .ok_or(Expected::Whole { min, max })
    }
}

/// A whole number of 64 bits with a sign.
#[inline]
pub fn signed(raw: Raw<'_>) -> Result<i64, Expected> {
    let plain = raw.shape == Shape::Whole && raw.text != "-0";
    let number = if plain { raw.text.parse().ok() } else { None };
    number.ok_or(Expected::Whole { min: i64::MIN, max: i64::MAX as u64 })
}

/// One of a few words.
#[inline]
pub fn word<T>(
    words: &'static [&'static str],
    of_word: impl FnOnce(&str) -> Option<T>,
) -> impl FnOnce(Raw<'_>) -> Result<T, Expected> {
    move |raw| {
        let expected = Expected::Words(words);
        of_word(&text(raw, expected)?).ok_or(expected)
    }
}

/// True or false.
#[inline]
pub fn flag(raw: Raw<'_>) -> Result<bool, Expected> {
    match raw.shape {
        Shape::True => Ok(true),
        Shape::False => Ok(false),
        _ => Err(Expected::Flag),
    }
}

/// The longest stretch of a line that a message repeats, in characters.
const EXCERPT_CHARS: usize = 40;

/// What was found, cut short.
pub fn excerpt(raw: Raw<'_>) -> String {
    let quote = if let Shape::Plain | Shape::Escaped = raw.shape { "\"" } else { "" };
    let cut = raw.text.char_indices().nth(EXCERPT_CHARS).map(|(at, _)| at);
    match cut {
        Some(at) => format!("{quote}{}…{quote}", visible(&raw.text[..at])),
        None => format!("{quote}{}{quote}", visible(raw.text)),
    }
}

/// Messages go to terminals too: control characters are shown and do nothing.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() {
            shown.extend(char.escape_default());
        } else {
            shown.push(char);
        }
    }
    shown
}

#[cold]
pub fn wrong(name: Name, raw: Raw<'_>, expected: impl fmt::Display) -> FieldError {
    let message = match raw.shape {
        Shape::Absent => format!("expected {expected}, but the field is missing"),
        _ => format!("expected {expected}, found {}", excerpt(raw)),
    };
    FieldError { field: Cow::Borrowed(NAMES[name as usize]), message }
}

#[cold]
fn came_twice(twice: u32) -> FieldError {
    let message = "expected the field once, found it twice".to_owned();
    FieldError { field: Cow::Borrowed(NAMES[twice.trailing_zeros() as usize]), message }
}

#[cold]
fn no_json(text: &str, syntax: Syntax) -> FieldError {
    let Syntax { at, expected } = syntax;
    let (before, rest) = text.split_at(text.floor_char_boundary(at));
    let column = before.chars().count() + 1;
    let rest: String = rest.trim_ascii_end().chars().take(EXCERPT_CHARS / 2).collect();
    let message = if rest.is_empty() {
        format!("not valid JSON: expected {expected}, but the line ends")
    } else {
        format!(
            "not valid JSON at character {column}: expected {expected}, found `{}`",
            visible(&rest)
        )
    };
    FieldError { field: Cow::Borrowed(""), message }
}
