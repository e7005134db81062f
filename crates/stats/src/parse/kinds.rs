//! From known fields to an event: which fields each type has, and what they may hold (SPEC §4's table).

use std::borrow::Cow;

use super::{
    FieldError,
    fields::{
        Expected, Fields, Name, Scope, agent_id, characters, excerpt, flag, signed, text, whole,
        word, wrong,
    },
    scan::{Raw, Scanner, Shape},
};
use crate::{
    event::{
        Base, CodeItem, Event, ExplicitLine, GivenCode, Kind, Line, Media, Millis, Origin, Sla,
        Text, Type, rfc3339,
    },
    limit,
};

/// The event that the fields make up.
#[inline(always)]
pub fn event<'a>(fields: &Fields<'a>) -> Result<Event<'a>, FieldError> {
    let time = time(fields)?;
    let of_type = of_type(fields)?;
    let kind = match of_type {
        Type::QueueConfigured
        | Type::QueueRemoved
        | Type::GroupConfigured
        | Type::GroupRemoved
        | Type::AgentConfigured
        | Type::AgentRemoved
        | Type::AssignmentSet
        | Type::CodesConfigured => directory_kind(of_type, fields)?,
        Type::AgentStatus => Kind::AgentStatus {
            agent: agent(fields)?,
            status: fields.required(Name::Status, word(Base::WORDS, Base::of_word))?,
            code: GivenCode {
                list: fields.optional(Name::List, signed)?,
                item: fields.optional(Name::Item, signed)?,
                short_code: fields
                    .optional(Name::ShortCode, characters(0, limit::NAME_CHARS_MAX))?,
            },
        },
        Type::LineStatus => {
            let (agent, line) = (agent(fields)?, fields.required(Name::Line, phone_line)?);
            Kind::LineStatus { agent, line, status: line_status(fields, line)? }
        }
        _ => transaction_kind(of_type, fields)?,
    };
    Ok(Event { time, origin: origin(fields)?, kind })
}

fn directory_kind<'a>(of_type: Type, fields: &Fields<'a>) -> Result<Kind<'a>, FieldError> {
    Ok(match of_type {
        Type::QueueConfigured => Kind::QueueConfigured {
            queue: queue(fields)?,
            name: name(fields)?,
            media: fields.required(Name::Media, media)?,
            sla: sla(fields)?,
        },
        Type::QueueRemoved => Kind::QueueRemoved { queue: queue(fields)? },
        Type::GroupConfigured => Kind::GroupConfigured {
            group: fields.required(Name::Group, group)?,
            name: name(fields)?,
        },
        Type::GroupRemoved => Kind::GroupRemoved { group: fields.required(Name::Group, group)? },
        Type::AgentConfigured => Kind::AgentConfigured {
            agent: agent(fields)?,
            name: name(fields)?,
            group: fields.optional(Name::Group, group)?,
        },
        Type::AgentRemoved => Kind::AgentRemoved { agent: agent(fields)? },
        Type::AssignmentSet => Kind::AssignmentSet {
            agent: agent(fields)?,
            queue: queue(fields)?,
            assigned: fields.required(Name::Assigned, flag)?,
            enabled: fields.optional(Name::Enabled, flag)?.unwrap_or(true),
        },
        Type::CodesConfigured => Kind::CodesConfigured {
            list: fields.required(Name::List, signed)?,
            name: name(fields)?,
            items: code_items(fields)?,
        },
        _ => unreachable!("event sends only the types of the directory here"),
    })
}

#[inline(always)]
fn transaction_kind<'a>(of_type: Type, fields: &Fields<'a>) -> Result<Kind<'a>, FieldError> {
    let transaction = fields.required(Name::Transaction, characters(1, limit::ID_CHARS_MAX))?;
    Ok(match of_type {
        Type::TransactionQueued => Kind::TransactionQueued { transaction, queue: queue(fields)? },
        Type::TransactionAbandoned => Kind::TransactionAbandoned { transaction },
        Type::TransactionDiverted => Kind::TransactionDiverted { transaction },
        _ => leg_kind(of_type, transaction, agent(fields)?, fields)?,
    })
}

#[inline(always)]
fn leg_kind<'a>(
    of_type: Type,
    transaction: Text<'a>,
    agent: Text<'a>,
    fields: &Fields<'a>,
) -> Result<Kind<'a>, FieldError> {
    Ok(match of_type {
        Type::TransactionOffered => Kind::TransactionOffered {
            transaction,
            agent,
            line: fields.optional(Name::Line, phone_line)?.unwrap_or_default(),
        },
        Type::TransactionAccepted => Kind::TransactionAccepted {
            transaction,
            agent,
            line: fields.optional(Name::Line, phone_line)?,
        },
        Type::TransactionPlaced => placed(transaction, agent, fields)?,
        Type::TransactionRejected => Kind::TransactionRejected { transaction, agent },
        Type::TransactionWithdrawn => Kind::TransactionWithdrawn { transaction, agent },
        Type::TransactionHeld => Kind::TransactionHeld { transaction, agent },
        Type::TransactionResumed => Kind::TransactionResumed { transaction, agent },
        Type::TransactionMuted => Kind::TransactionMuted { transaction, agent },
        Type::TransactionUnmuted => Kind::TransactionUnmuted { transaction, agent },
        Type::TransactionReleased => Kind::TransactionReleased { transaction, agent },
        Type::TransactionCompleted => Kind::TransactionCompleted { transaction, agent },
        _ => unreachable!("transaction_kind sends only the types of a leg here"),
    })
}

fn placed<'a>(
    transaction: Text<'a>,
    agent: Text<'a>,
    fields: &Fields<'a>,
) -> Result<Kind<'a>, FieldError> {
    let queue = fields.optional(Name::Queue, queue_number)?;
    let media = match queue {
        Some(_) => fields.optional(Name::Media, media)?,
        None => {
            let raw = fields.raw(Name::Media);
            let needed = "the medium, since no queue is given: `phone`, `chat`, `email` or `vmail`";
            Some(media(raw).map_err(|_| wrong(Name::Media, raw, needed))?)
        }
    };
    let line = fields.optional(Name::Line, phone_line)?.unwrap_or_default();
    Ok(Kind::TransactionPlaced { transaction, agent, queue, media, line })
}

#[inline(always)]
fn time(fields: &Fields<'_>) -> Result<Millis, FieldError> {
    let raw = fields.raw(Name::Time);
    let time = match raw.shape {
        Shape::Plain => rfc3339::read(raw.text),
        Shape::Escaped => rfc3339::read(&raw.unescape().unwrap_or_default()),
        // A number that is too large for a time is beyond its last instant too.
        Shape::Whole if raw.text != "-0" => {
            Ok(raw.text.parse().unwrap_or(if raw.text.starts_with('-') { -1 } else { Millis::MAX }))
        }
        Shape::Whole | Shape::Fraction => {
            let expected = "whole epoch milliseconds, without fraction or exponent";
            return Err(wrong(Name::Time, raw, expected));
        }
        _ => Err(rfc3339::TimeError::Form),
    };
    let time = time.map_err(|error| wrong(Name::Time, raw, error))?;
    if !(0..=limit::TIME_MS_MAX).contains(&time) {
        let expected = "a time from 1970-01-01T00:00:00Z to 9999-01-01T00:00:00Z";
        return Err(wrong(Name::Time, raw, expected));
    }
    Ok(time)
}

#[inline(always)]
fn of_type(fields: &Fields<'_>) -> Result<Type, FieldError> {
    let raw = fields.raw(Name::Type);
    if raw.shape == Shape::Plain
        && let Some(of_type) = Type::of_word(raw.text)
    {
        return Ok(of_type);
    }
    let any = "an event type such as `agent.status`";
    let found = text(raw, Expected::Other(any)).map_err(|_| wrong(Name::Type, raw, any))?;
    Type::of_word(&found).ok_or_else(|| unknown_type(raw, &found))
}

#[cold]
fn unknown_type(raw: Raw<'_>, found: &str) -> FieldError {
    // Lower similarity than this looks arbitrary beside what was written.
    const ALIKE: f64 = 0.8;
    // What is much longer than any type resembles none, and comparing takes time by its length.
    const COMPARED_BYTES_MAX: usize = 64;
    let lower =
        if found.len() <= COMPARED_BYTES_MAX { found.to_lowercase() } else { String::new() };
    let likeness = |word: &&&str| strsim::jaro_winkler(word, &lower);
    let nearest =
        Type::WORDS.iter().max_by(|left, right| likeness(left).total_cmp(&likeness(right)));
    let message = match nearest.filter(|word| likeness(word) >= ALIKE) {
        Some(word) => format!("expected an event type, found {}: is `{word}` meant?", excerpt(raw)),
        None => {
            let known = Type::WORDS.join("`, `");
            format!("expected an event type, one of `{known}`, found {}", excerpt(raw))
        }
    };
    FieldError { field: Cow::Borrowed("type"), message }
}

#[inline(always)]
fn origin<'a>(fields: &Fields<'a>) -> Result<Option<Origin<'a>>, FieldError> {
    let source = fields.optional(Name::Source, characters(1, limit::SOURCE_CHARS_MAX))?;
    let seq = fields.optional(Name::Seq, whole(1, u64::MAX))?;
    match (source, seq) {
        (Some(source), Some(seq)) => Ok(Some(Origin { source, seq })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(wrong(
            Name::Seq,
            fields.raw(Name::Seq),
            "a whole number from 1, since `source` is given",
        )),
        (None, Some(_)) => Err(wrong(
            Name::Source,
            fields.raw(Name::Source),
            "the source's name, since `seq` is given",
        )),
    }
}

#[inline(always)]
fn agent<'a>(fields: &Fields<'a>) -> Result<Text<'a>, FieldError> {
    fields.required(Name::Agent, agent_id)
}

#[inline(always)]
fn queue(fields: &Fields<'_>) -> Result<u32, FieldError> {
    fields.required(Name::Queue, queue_number)
}

#[inline(always)]
fn queue_number(raw: Raw<'_>) -> Result<u32, Expected> {
    whole(1, u64::from(limit::QUEUE_ID_MAX))(raw).map(|queue| queue as u32)
}

fn name<'a>(fields: &Fields<'a>) -> Result<Text<'a>, FieldError> {
    fields.required(Name::Called, characters(0, limit::NAME_CHARS_MAX))
}

fn media(raw: Raw<'_>) -> Result<Media, Expected> {
    word(Media::WORDS, Media::of_word)(raw)
}

fn group(raw: Raw<'_>) -> Result<u32, Expected> {
    // 0 is what the documents show for an agent without a group.
    whole(1, u64::from(limit::GROUP_ID_MAX))(raw).map(|group| group as u32)
}

#[inline(always)]
fn phone_line(raw: Raw<'_>) -> Result<Line, Expected> {
    match (raw.shape, raw.text) {
        (Shape::Whole, "1") => Ok(Line::One),
        (Shape::Whole, "2") => Ok(Line::Two),
        _ => Err(Expected::Other("1 or 2")),
    }
}

fn line_status(fields: &Fields<'_>, line: Line) -> Result<ExplicitLine, FieldError> {
    let status = fields.required(Name::Status, word(ExplicitLine::WORDS, ExplicitLine::of_word))?;
    if (line, status) == (Line::One, ExplicitLine::Error) {
        let expected = "`monitoring` or `clear` on line 1, since only line 2 has `error`";
        return Err(wrong(Name::Status, fields.raw(Name::Status), expected));
    }
    Ok(status)
}

fn sla(fields: &Fields<'_>) -> Result<Option<Sla>, FieldError> {
    let object = |raw: Raw<'_>| match raw.shape {
        Shape::Object => Ok(()),
        _ => Err(Expected::Other("an object with `percent` and `within_seconds`")),
    };
    if fields.optional(Name::Sla, object)?.is_none() {
        return Ok(None);
    }
    let read = || {
        let text = fields.raw(Name::Sla).text;
        let mut fields = Fields::new();
        fields.gather(text, Scope::SLA)?;
        let seconds_max = u64::from(limit::SLA_SECONDS_MAX);
        let every = fields.optional(Name::EvaluateEverySeconds, whole(1, seconds_max))?;
        Ok(Sla {
            percent: fields.required(Name::Percent, whole(0, 100))? as u8,
            within_seconds: fields.required(Name::WithinSeconds, whole(0, seconds_max))? as u32,
            evaluate_every_seconds: every.map_or(limit::EVALUATE_EVERY_SECONDS, |s| s as u32),
        })
    };
    read().map(Some).map_err(|error| within("sla.", error))
}

fn code_items<'a>(fields: &Fields<'a>) -> Result<Vec<CodeItem<'a>>, FieldError> {
    let raw = fields.raw(Name::Items);
    let mut items = Vec::new();
    let mut scanner = Scanner::new(raw.text);
    let mut follows = raw.shape == Shape::Array && scanner.enter_array() == Ok(true);
    if raw.shape != Shape::Array {
        return Err(wrong(Name::Items, raw, "an array of code items"));
    }
    while follows {
        let place = items.len();
        if place == limit::CODE_ITEMS_MAX {
            let message = format!("expected at most {} items", limit::CODE_ITEMS_MAX);
            return Err(FieldError { field: Cow::Borrowed("items"), message });
        }
        // The array is known to be valid JSON: what could fail here has failed before.
        let Ok(item) = scanner.value(1) else { break };
        items.push(code_item(item).map_err(|error| within(&format!("items[{place}]"), error))?);
        follows = scanner.follows(b']') == Ok(true);
    }
    Ok(items)
}

fn code_item(raw: Raw<'_>) -> Result<CodeItem<'_>, FieldError> {
    if raw.shape != Shape::Object {
        let message = format!("expected an object, found {}", excerpt(raw));
        return Err(FieldError { field: Cow::Borrowed(""), message });
    }
    let read = || {
        let mut fields = Fields::new();
        fields.gather(raw.text, Scope::CODE_ITEM)?;
        Ok(CodeItem {
            item: fields.required(Name::Item, signed)?,
            short_code: fields.required(Name::ShortCode, characters(0, limit::NAME_CHARS_MAX))?,
            name: name(&fields)?,
            status: fields.required(Name::Status, code_status)?,
        })
    };
    read().map_err(|error| within(".", error))
}

fn code_status(raw: Raw<'_>) -> Result<Base, Expected> {
    let of_word = |word: &str| {
        Base::of_word(word).filter(|base| matches!(base, Base::OnBreak | Base::WorkOffline))
    };
    word(&["on-break", "work-offline"], of_word)(raw)
}

fn within(prefix: &str, error: FieldError) -> FieldError {
    FieldError { field: Cow::Owned(format!("{prefix}{}", error.field)), ..error }
}
