//! The declaration of events (`event::schema`) says what the parser does, and what docs/events.md tells.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::{Map, Value, json};
use stats::{
    event::{
        Type,
        schema::{EVENT_TYPES, EVERY_EVENT, EventField, EventType, Holds, Rule},
    },
    parse::parse_line,
};

/// Values that a field takes, and values that it doesn't.
fn values(holds: Holds) -> (Vec<Value>, Vec<Value>) {
    let text = |characters: usize| json!("ö".repeat(characters));
    match holds {
        Holds::Time => (
            vec![json!("2026-03-02T09:00:00.250+01:00"), json!(0), json!(1_790_000_000_000_i64)],
            vec![
                json!("2026-03-02T09:00:00"),
                json!("yesterday"),
                json!(-1),
                json!(1.5),
                json!(true),
            ],
        ),
        Holds::Text { min, max } => {
            let mut wrong = vec![text(max + 1), json!(1), json!({})];
            wrong.extend((min > 0).then(|| text(min - 1)));
            (vec![text(min), text(max)], wrong)
        }
        Holds::AgentId => (
            vec![json!("a"), json!("j.doe 1"), text(128)],
            vec![json!(""), json!("a/b"), json!("a\u{7}"), json!("a\u{85}"), text(129), json!(1)],
        ),
        Holds::Whole { min, max } => {
            let mut wrong = vec![json!("1"), json!(1.5), json!([])];
            wrong.extend(min.checked_sub(1).map(|below| json!(below)));
            wrong.extend(max.checked_add(1).map(|above| json!(above)));
            (vec![json!(min), json!(max)], wrong)
        }
        Holds::Flag => (vec![json!(true), json!(false)], vec![json!(1), json!("true")]),
        Holds::Word(words) => {
            let taken = words.iter().map(|word| json!(word)).collect();
            (taken, vec![json!("nonsense"), json!(words[0].to_uppercase()), json!(1)])
        }
        Holds::Object(fields) => {
            let (taken, wrong) = objects(fields);
            (taken, wrong.into_iter().chain([json!([]), json!("x")]).collect())
        }
        Holds::Objects { max, fields } => {
            let (taken, wrong) = objects(fields);
            let many = |count: usize| Value::Array(vec![taken[0].clone(); count]);
            let mut refused: Vec<Value> = wrong.into_iter().map(|item| json!([item])).collect();
            refused.extend([json!({}), json!([1]), many(max + 1)]);
            (vec![json!([]), json!(taken), many(max)], refused)
        }
    }
}

/// The least object of these fields.
fn least(fields: &[EventField]) -> Map<String, Value> {
    let needed = fields.iter().filter(|field| field.required);
    needed.map(|field| (field.name.to_owned(), values(field.holds).0[0].clone())).collect()
}

/// Objects with each field at each of its values, and objects with one wrong or missing.
fn objects(fields: &[EventField]) -> (Vec<Value>, Vec<Value>) {
    let least = least(fields);
    let (mut taken, mut refused) = (vec![json!(least)], Vec::new());
    let with = |name: &str, value: Value| {
        let mut object = least.clone();
        object.insert(name.to_owned(), value);
        json!(object)
    };
    for field in fields {
        let (right, wrong) = values(field.holds);
        taken.extend(right.into_iter().map(|value| with(field.name, value)));
        refused.extend(wrong.into_iter().map(|value| with(field.name, value)));
        if field.required {
            let mut object = least.clone();
            object.remove(field.name);
            refused.push(json!(object));
        }
    }
    (taken, refused)
}

/// The least event of a type.
fn event(declared: &EventType) -> Value {
    let mut event = least(declared.fields);
    event.insert("time".into(), json!(0));
    event.insert("type".into(), json!(declared.of_type.word()));
    if let Some(Rule::Either(one, _)) = declared.rule {
        let field = declared.fields.iter().find(|field| field.name == one).unwrap();
        event.insert(one.into(), values(field.holds).0[0].clone());
    }
    Value::Object(event)
}

fn is_taken(event: &Value) -> bool {
    parse_line(event.to_string().as_bytes()).is_ok()
}

#[track_caller]
fn check(event: &Value, taken: bool) {
    let line = event.to_string();
    let parsed = parse_line(line.as_bytes());
    assert_eq!(parsed.is_ok(), taken, "{parsed:?}: {line:.300}");
}

fn with(event: &Value, name: &str, value: Value) -> Value {
    let mut event = event.clone();
    event[name] = value;
    event
}

fn without(event: &Value, name: &str) -> Value {
    let mut event = event.clone();
    event.as_object_mut().unwrap().remove(name);
    event
}

#[test]
fn every_type_is_declared_once() {
    let mut declared: Vec<_> = EVENT_TYPES.iter().map(|declared| declared.of_type.word()).collect();
    let mut all = Type::WORDS.to_vec();
    declared.sort_unstable();
    all.sort_unstable();
    assert_eq!(declared, all);
}

#[test]
fn the_parser_takes_what_is_declared_and_nothing_else() {
    for declared in EVENT_TYPES {
        let event = event(declared);
        check(&event, true);
        for field in declared.fields {
            let (right, wrong) = values(field.holds);
            let line_two = json!(2);
            for value in right {
                let only_on_two =
                    matches!(declared.rule, Some(Rule::SecondLineOnly(word)) if value == word);
                let changed = with(&event, field.name, value);
                check(&changed, !only_on_two);
                if only_on_two {
                    check(&with(&changed, "line", line_two.clone()), true);
                }
            }
            for value in wrong {
                check(&with(&event, field.name, value), false);
            }
            let either = matches!(declared.rule, Some(Rule::Either(one, _)) if field.name == one);
            check(&without(&event, field.name), !field.required && !either);
            check(&with(&event, field.name, Value::Null), !field.required && !either);
        }
        if let Some(Rule::Either(one, other)) = declared.rule {
            let field = declared.fields.iter().find(|field| field.name == other).unwrap();
            let (right, _) = values(field.holds);
            check(&with(&without(&event, one), other, right[0].clone()), true);
        }
    }
}

#[test]
fn what_is_not_declared_of_a_type_is_not_read() {
    let of_all = EVENT_TYPES.iter().flat_map(|declared| declared.fields);
    let names: BTreeMap<_, _> = of_all.map(|field| (field.name, field)).collect();
    for declared in EVENT_TYPES {
        for name in names.keys() {
            if declared.fields.iter().all(|field| field.name != *name) {
                check(&with(&event(declared), name, json!([{"nonsense": 1.5}])), true);
            }
        }
    }
}

#[test]
fn the_fields_of_every_event_are_those_declared() {
    let event = with(&with(&event(&EVENT_TYPES[0]), "source", json!("pbx")), "seq", json!(1));
    for field in EVERY_EVENT {
        let (right, wrong) = values(field.holds);
        for value in right {
            // Another type has other fields.
            assert!(
                field.name == "type" || is_taken(&with(&event, field.name, value.clone())),
                "{value}"
            );
        }
        for value in wrong {
            check(&with(&event, field.name, value), false);
        }
        check(&without(&event, field.name), false);
    }
    check(&without(&without(&event, "source"), "seq"), true);
}

#[test]
fn the_events_document_tells_the_declared_fields() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
    let text = fs::read_to_string(path).unwrap();
    let mut told = 0;
    for row in text.lines().filter(|line| line.starts_with("| `") && line.contains('.')) {
        let cells: Vec<&str> = row.split(" | ").collect();
        let words = |cell: &str| -> Vec<String> {
            cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
        };
        // Other tables name types too.
        if cells.len() != 3 {
            continue;
        }
        for word in words(cells[0]) {
            let Some(of_type) = Type::of_word(&word) else { continue };
            let declared = EVENT_TYPES.iter().find(|declared| declared.of_type == of_type).unwrap();
            let mark = |field: &EventField| if field.required { "" } else { "?" };
            let fields = declared.fields.iter();
            let expected: Vec<_> =
                fields.map(|field| format!("{}{}", field.name, mark(field))).collect();
            assert_eq!(words(cells[1]), expected, "{word}");
            told += 1;
        }
    }
    assert_eq!(told, EVENT_TYPES.len());
}
