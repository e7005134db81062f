//! Settings from the TOML file: each with its line; unknown keys and wrong types are mistakes.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::{
    connections::{self, Section},
    form::Form,
    mistake::{Mistake, Origin, suggestion},
    resolve::Found,
    settings::SETTINGS,
};

/// Reads a file's text; false where it is no TOML, so that nobody knows what it was to set.
pub(super) fn read(
    path: &Path,
    text: &str,
    found: &mut Vec<Found>,
    sections: &mut Vec<Section>,
    mistakes: &mut Vec<Mistake>,
) -> bool {
    let at = |offset: usize| Origin::File { path: path.to_owned(), line: line_of(text, offset) };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        mistakes.push(Mistake {
            key: "TOML".to_owned(),
            origin: at(error.span().map_or(0, |span| span.start)),
            message: error.message().trim().to_owned(),
        });
    }
    if !errors.is_empty() {
        return false; // What was recovered from broken text may not be what was meant.
    }
    for (key, value) in document.get_ref() {
        let name: &str = key.get_ref();
        let origin = at(key.span().start);
        match value.get_ref() {
            value if name == connections::TABLE => {
                connections::read(value, origin, &at, sections, mistakes);
            }
            DeValue::Table(table) if is_section(name) => {
                for (key, value) in table {
                    let whole = format!("{name}.{}", key.get_ref());
                    take(&whole, value.get_ref(), at(key.span().start), found, mistakes);
                }
            }
            _ if is_section(name) => mistakes.push(Mistake {
                key: name.to_owned(),
                origin,
                message: format!("expected a table, as in [{name}]"),
            }),
            DeValue::Table(_) if !is_setting(name) => mistakes.push(Mistake {
                key: name.to_owned(),
                origin,
                message: unknown_table(name),
            }),
            value => take(name, value, origin, found, mistakes),
        }
    }
    true
}

fn take(
    key: &str,
    value: &DeValue<'_>,
    origin: Origin,
    found: &mut Vec<Found>,
    mistakes: &mut Vec<Mistake>,
) {
    let Some(setting) = SETTINGS.iter().find(|setting| setting.key == key) else {
        let message = unknown(key);
        mistakes.push(Mistake { key: key.to_owned(), origin, message });
        return;
    };
    match text_of(value, &setting.form) {
        Some(text) => found.push(Found { setting, text, origin }),
        None => mistakes.push(Mistake {
            key: key.to_owned(),
            origin,
            message: format!("expected {}, found {}", setting.form.expects(), kind(value)),
        }),
    }
}

fn is_section(name: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.section() == Some(name))
}

fn is_setting(key: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.key == key)
}

fn unknown_table(name: &str) -> String {
    let sections = SETTINGS.iter().filter_map(|setting| setting.section());
    let sections = sections.chain([connections::TABLE]).map(str::to_owned);
    match suggestion(name, sections) {
        Some(like) => format!("no such table; did you mean [{like}]?"),
        None => "no such table; `rtstats config` lists all".to_owned(),
    }
}

/// A key at the wrong place is found by its last part, a misspelled one by its likeness.
fn unknown(key: &str) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    let moved = SETTINGS.iter().find(|setting| setting.name() == last).map(|setting| setting.key);
    let like = || suggestion(key, SETTINGS.iter().map(|setting| setting.key.to_owned()));
    match moved.map(str::to_owned).or_else(like) {
        Some(like) => format!("no such setting; did you mean {like}?"),
        None => "no such setting; `rtstats config` lists all".to_owned(),
    }
}

/// The value as a variable or a flag would write it; `None` where its type isn't the form's.
pub(super) fn text_of(value: &DeValue<'_>, form: &Form) -> Option<String> {
    match (value, form) {
        (DeValue::Boolean(value), Form::Switch) => Some(value.to_string()),
        (DeValue::Integer(number), Form::Whole(..) | Form::Seconds(..)) => {
            // A number too large or below zero goes on as it is written, to be refused with its bounds.
            let number = u64::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| number.to_string(), |number| number.to_string());
            Some(number)
        }
        (DeValue::Float(number), Form::Seconds(..)) => Some(number.as_str().to_owned()),
        (DeValue::String(_), Form::Whole(..) | Form::Seconds(..) | Form::Switch) => None,
        (DeValue::String(text), _) => Some(text.clone().into_owned()),
        (DeValue::Array(values), form) if form.is_list() => {
            let texts: Option<Vec<&str>> =
                values.iter().map(|value| value.get_ref().as_str()).collect();
            Some(texts?.join(","))
        }
        _ => None,
    }
}

pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}
