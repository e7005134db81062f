//! The tables of docs/ that tell of fields and reasons are those that the declarations in the code make.
//!
//! `UPDATE_DOCS=1 cargo test -p stats --test field_docs` rewrites them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fmt::Write, fs, ops::Range, path::PathBuf};

use stats::{
    document::{AGENT_FIELDS, Field, FieldKind, QUEUE_FIELDS},
    engine::Reason,
};

/// Compares the table between a document's marks with `table`, or puts it there.
#[track_caller]
fn check(document: &str, name: &str, table: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(document);
    let mut text = fs::read_to_string(&path).unwrap();
    let marked = marked(&text, name).unwrap_or_else(|| {
        panic!("docs/{document} lacks the marks `<!-- begin {name} -->` and `<!-- end {name} -->`")
    });
    if text[marked.clone()] == *table {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_none() {
        panic!(
            "the table `{name}` in docs/{document} is not the one that the code declares; \
             `UPDATE_DOCS=1 cargo test -p stats --test field_docs` writes this one:\n{table}"
        );
    }
    text.replace_range(marked, table);
    fs::write(path, text).unwrap();
}

/// What lies between the marks of that name.
fn marked(text: &str, name: &str) -> Option<Range<usize>> {
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    let from = text.find(&begin)? + begin.len();
    let to = from + text[from..].find(&end)?;
    Some(from..to)
}

fn fields(fields: &[Field]) -> String {
    let mut table = String::from("| field | value | unit | meaning |\n|---|---|---|---|\n");
    for Field { name, kind, unit, about, .. } in fields {
        let kind = match kind {
            FieldKind::Number => "number",
            FieldKind::NumberOrEmpty => "number or empty",
            FieldKind::Text => "text",
        };
        writeln!(table, "| `{name}` | {kind} | {unit} | {about} |").unwrap();
    }
    table
}

fn reasons() -> String {
    let mut table = String::from("| reason | meaning |\n|---|---|\n");
    for reason in Reason::ALL {
        writeln!(table, "| `{}` | {} |", reason.word(), reason.about()).unwrap();
    }
    table
}

// One test for both tables of a file: tests run side by side, and two would overwrite each other's update.
#[test]
fn the_api_document_holds_the_fields() {
    check("api.md", "agent fields", &fields(AGENT_FIELDS));
    check("api.md", "queue fields", &fields(QUEUE_FIELDS));
}

#[test]
fn the_events_document_holds_the_reasons() {
    check("events.md", "ignored reasons", &reasons());
}
