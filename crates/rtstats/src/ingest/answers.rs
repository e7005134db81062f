//! What ingest answers (SPEC §4.1).

use serde::Serialize;
use stats::parse::LineError;

use crate::shard::Applied;

#[derive(Serialize)]
struct Taken {
    accepted: u64,
    duplicates: u64,
    ignored: Vec<Ignored>,
}

#[derive(Serialize)]
struct Ignored {
    line: u32,
    reason: &'static str,
}

#[derive(Serialize)]
struct Errors<'a> {
    errors: Vec<Error<'a>>,
}

#[derive(Serialize)]
struct Error<'a> {
    line: u32,
    field: &'a str,
    message: &'a str,
}

/// Of a batch that was taken up.
pub fn taken(applied: &Applied) -> Vec<u8> {
    let ignored = applied.ignored.iter();
    json(&Taken {
        accepted: applied.accepted,
        duplicates: applied.duplicates,
        ignored: ignored
            .map(|(line, reason)| Ignored { line: *line, reason: reason.word() })
            .collect(),
    })
}

/// Of a batch with malformed lines.
pub fn malformed(errors: &[LineError]) -> Vec<u8> {
    let errors = errors.iter().map(|wrong| Error {
        line: wrong.line,
        field: &wrong.error.field,
        message: &wrong.error.message,
    });
    json(&Errors { errors: errors.collect() })
}

fn json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("text and numbers are JSON")
}
