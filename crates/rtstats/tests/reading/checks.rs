//! Claims that hold for every input: the fuzz targets and the ordinary tests share them.

#![allow(dead_code, reason = "each fuzz target uses one of them")]

use std::{io::ErrorKind, path::Path};

use rtstats::{
    api::{
        credentials,
        path::{Asked, Target, error_format, parse},
    },
    config::{ServeArgs, Sources, resolve},
    pages::{cookie, csv, multipart, pairs},
};
use stats::{document::Format, limit};

#[path = "frames.rs"]
pub mod frames;

pub use frames::http2;

/// A path is a document or a mistake, and a document's own path leads to it again.
pub fn path(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    error_format(text);
    let Ok(asked) = parse(text) else { return };
    let suffix = match asked.format {
        Format::Json => ".json",
        Format::Xml => ".xml",
        Format::Csv => ".csv",
    };
    let own = match &asked.page {
        Target::Agents => "/agents".to_owned(),
        Target::Queues => "/queues".to_owned(),
        Target::Agent(id) => {
            assert!(!id.is_empty());
            let escaped: String = id.bytes().map(|byte| format!("%{byte:02X}")).collect();
            format!("/agent/{escaped}")
        }
        Target::Queue(number) => {
            assert!((1..=limit::QUEUE_ID_MAX).contains(number));
            format!("/queue/{number}")
        }
    };
    let again: Result<Asked, _> = parse(&(own + suffix));
    assert_eq!(again.as_ref(), Ok(&asked), "{text:?}");
}

/// A header's value is a claim or none; a claim's tenant ends at the first colon.
pub fn authorization(input: &[u8]) {
    let Some(claim) = credentials::claim(input) else {
        assert!(!input.to_ascii_lowercase().starts_with(b"basic "));
        return;
    };
    let (tenant, token) = claim.parts();
    assert!(!tenant.contains(':'));
    assert!(tenant.len() + token.len() <= input.len());
}

/// A cookie's value is a part of what was sent, without what would end it.
pub fn cookies(input: &[u8]) {
    let Ok(line) = http::HeaderValue::from_bytes(input) else { return };
    let mut headers = http::HeaderMap::new();
    headers.append(http::header::COOKIE, http::HeaderValue::from_static("theme=dark"));
    headers.append(http::header::COOKIE, line);
    if let Some(value) = cookie::read(&headers) {
        assert!(!value.contains(';') && value.trim() == value, "{value:?}");
        assert!(memchr::memmem::find(input, value.as_bytes()).is_some());
    }
}

/// A form in either encoding is read within bounds: nothing is there that was not sent.
pub fn form(input: &[u8]) {
    let read = pairs(input);
    let len: usize = read.iter().map(|(name, value)| name.len() + value.len()).sum();
    // A byte that is no UTF-8 becomes three.
    assert!(len <= 3 * input.len());
    let (head, body) = input.split_at(input.iter().position(|byte| *byte == b'\n').unwrap_or(0));
    let boundary = std::str::from_utf8(head).ok().and_then(multipart::boundary);
    let body = bytes::Bytes::copy_from_slice(body);
    let Some(parts) = multipart::parts(&body, boundary.as_deref().unwrap_or("x")) else { return };
    let len: usize = parts.iter().map(|part| part.name.len() + part.bytes.len()).sum();
    assert!(len <= body.len());
}

/// Rows that were read are written and read again as the same, and no cell that is written is a formula.
pub fn table(input: &[u8]) {
    // Of a row that is too long or torn only the beginning is kept; one of nothing but empty cells is none.
    let mut rows = csv::read(input).rows;
    let is_whole = |row: &csv::Row| row.cells.len() == row.len;
    rows.retain(|row| is_whole(row) && row.cells.iter().any(|cell| !cell.is_empty()));
    let columns = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let mut written = String::new();
    // A head that leaves no doubt of what separates cells.
    csv::write(&mut written, (0..=columns).map(|_| "x"));
    for row in &rows {
        csv::write(&mut written, row.cells.iter().map(String::as_str));
    }
    let again = csv::read(written.as_bytes());
    assert!(again.faults.is_empty(), "{:?}", again.faults);
    let again = again.rows;
    let cells = |rows: &[csv::Row]| rows.iter().map(|row| row.cells.clone()).collect::<Vec<_>>();
    assert_eq!(cells(&again[1..]), cells(&rows));
    let formulas = ["\n=", "\n+", "\n-", "\n@"];
    let outside_of_quotes = written.split('"').step_by(2);
    for part in outside_of_quotes {
        assert!(!formulas.iter().any(|formula| part.contains(formula)), "{part:?}");
    }
}

/// A file of settings is in force or has mistakes that say where; and what is printed reads back as the same.
pub fn settings(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let read = |text: &str| {
        let read_file = &|_: &Path| Err(ErrorKind::NotFound.into());
        let file = Some((Path::new("f"), text));
        resolve(&Sources { file, environment: &[], flags: &ServeArgs::default(), read_file })
    };
    let effective = read(text);
    let printed = effective.to_string();
    if let Some(mistakes) = effective.mistakes() {
        assert!(!mistakes.to_string().is_empty());
        return;
    }
    // A secret is not printed, and a connection lacks it then.
    if printed.contains("# secret is not shown") {
        return;
    }
    let again = read(&printed);
    assert_eq!(again.mistakes().map(|mistakes| mistakes.to_string()), None, "{printed}");
    assert_eq!(again.into_config().unwrap(), effective.into_config().unwrap(), "{printed}");
}
