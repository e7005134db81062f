//! A plain reading of SPEC §4 over `serde_json`, sharing nothing with the parser but the event types.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use stats::event::{
    Base, CodeItem, Event, ExplicitLine, GivenCode, Kind, Line, Media, Origin, Sla, Text,
};

/// The members of an object in their order, repeated ones too.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Members, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        input.deserialize_map(InOrder)
    }
}

const EVENT_FIELDS: &[&str] = &[
    "time",
    "type",
    "source",
    "seq",
    "agent",
    "queue",
    "transaction",
    "name",
    "media",
    "sla",
    "group",
    "assigned",
    "enabled",
    "list",
    "items",
    "item",
    "short_code",
    "status",
    "line",
];

/// Whether the reference has an opinion on the line: `serde_json` has none on numbers beyond a double, and forgets
/// repeated fields within fields.
pub fn judges(line: &[u8]) -> bool {
    let mentions =
        |needle: &str| line.windows(needle.len()).filter(|at| *at == needle.as_bytes()).count();
    let beyond = serde_json::from_slice::<Value>(line)
        .is_err_and(|error| error.to_string().contains("out of range"));
    let repeated =
        ["percent", "within_seconds", "evaluate_every_seconds"].iter().any(|f| mentions(f) > 1);
    !beyond && !repeated && mentions("\"items\"") == 0
}

/// The event on the line, if it is one.
pub fn read(line: &[u8]) -> Option<Event<'static>> {
    let Members(members) = serde_json::from_slice(line).ok()?;
    let of_name = |name: &str| members.iter().filter(|(key, _)| key == name).collect::<Vec<_>>();
    if EVENT_FIELDS.iter().any(|name| of_name(name).len() > 1) {
        return None;
    }
    let get = |name: &str| {
        let value = &of_name(name).first()?.1;
        (!value.is_null()).then_some(value)
    };
    let source = optional(get("source"), |value| characters(value, 1, 64))?;
    let seq = optional(get("seq"), |value| value.as_u64().filter(|seq| *seq > 0))?;
    let origin = match (source, seq) {
        (Some(source), Some(seq)) => Some(Origin { source, seq }),
        (None, None) => None,
        _ => return None,
    };
    Some(Event { time: time(get("time")?)?, origin, kind: kind(&get)? })
}

/// Outer none: there is a value and it is wrong.
fn optional<T>(value: Option<&Value>, read: impl FnOnce(&Value) -> Option<T>) -> Option<Option<T>> {
    value.map_or(Some(None), |value| read(value).map(Some))
}

fn time(value: &Value) -> Option<i64> {
    let ms = match value {
        Value::String(text) => {
            let leap = text.get(17..19) == Some("60");
            let text =
                if leap { format!("{}59{}", &text[..17], &text[19..]) } else { text.clone() };
            let has_form = text.is_ascii() && text.len() > 19 && {
                let rest = text[19..]
                    .trim_start_matches('.')
                    .trim_start_matches(|c: char| c.is_ascii_digit());
                text.as_bytes()[16] == b':'
                    && (text[19..].starts_with('.') || text[19..].len() == rest.len())
                    && (matches!(rest, "Z" | "z")
                        || (rest.len() == 6 && rest.as_bytes()[3] == b':'))
            };
            if !has_form {
                return None;
            }
            // jiff allows no more than nine digits of a fraction.
            let dot = text.find('.');
            let end = dot.map_or(19, |dot| {
                dot + 1 + text[dot + 1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(0)
            });
            if dot.is_some_and(|dot| dot != 19 || end == dot + 1) {
                return None;
            }
            let text = format!("{}{}", &text[..end.min(29)], &text[end..]);
            let at: jiff::Timestamp = text.parse().ok()?;
            let ms = at.as_nanosecond().div_euclid(1_000_000) as i64;
            if !leap {
                ms
            } else if ms.rem_euclid(86_400_000) / 60_000 == 1_439 {
                ms - ms % 1_000 + 999
            } else {
                return None;
            }
        }
        Value::Number(_) => value.as_i64()?,
        _ => return None,
    };
    (0..=253_370_764_800_000).contains(&ms).then_some(ms)
}

fn characters(value: &Value, min: usize, max: usize) -> Option<Text<'static>> {
    let text = value.as_str()?;
    (min..=max).contains(&text.chars().count()).then(|| text.to_owned().into())
}

fn agent_id(value: &Value) -> Option<Text<'static>> {
    let id = characters(value, 1, 128)?;
    let forbidden = |char: char| char == '/' || char.is_control();
    (!id.contains(forbidden)).then_some(id)
}

fn number(value: &Value, min: u64, max: u64) -> Option<u32> {
    value.as_u64().filter(|number| (min..=max).contains(number)).map(|number| number as u32)
}

fn queue(value: &Value) -> Option<u32> {
    number(value, 1, 2_147_483_647)
}

fn media(value: &Value) -> Option<Media> {
    Some(match value.as_str()? {
        "phone" => Media::Phone,
        "chat" => Media::Chat,
        "email" => Media::Email,
        "vmail" => Media::Voicemail,
        _ => return None,
    })
}

fn line(value: &Value) -> Option<Line> {
    match value.as_u64()? {
        1 => Some(Line::One),
        2 => Some(Line::Two),
        _ => None,
    }
}

fn base(value: &Value) -> Option<Base> {
    Some(match value.as_str()? {
        "available" => Base::Available,
        "on-break" => Base::OnBreak,
        "work-offline" => Base::WorkOffline,
        "logged-out" => Base::LoggedOut,
        _ => return None,
    })
}

fn sla(value: &Value) -> Option<Sla> {
    let object = value.as_object()?;
    let every = object.get("evaluate_every_seconds").filter(|every| !every.is_null());
    Some(Sla {
        percent: number(object.get("percent")?, 0, 100)? as u8,
        within_seconds: number(object.get("within_seconds")?, 0, 2_147_483_647)?,
        evaluate_every_seconds: optional(every, |every| number(every, 1, 2_147_483_647))?
            .unwrap_or(900),
    })
}

fn code_item(value: &Value) -> Option<CodeItem<'static>> {
    let object = value.as_object()?;
    Some(CodeItem {
        item: object.get("item")?.as_i64()?,
        short_code: characters(object.get("short_code")?, 0, 1_024)?,
        name: characters(object.get("name")?, 0, 1_024)?,
        status: base(object.get("status")?)
            .filter(|status| [Base::OnBreak, Base::WorkOffline].contains(status))?,
    })
}

fn kind<'v>(get: &impl Fn(&str) -> Option<&'v Value>) -> Option<Kind<'static>> {
    let name = || characters(get("name")?, 0, 1_024);
    let agent = || agent_id(get("agent")?);
    let group = |value: &Value| number(value, 1, 2_147_483_647);
    Some(match get("type")?.as_str()? {
        "queue.configured" => Kind::QueueConfigured {
            queue: queue(get("queue")?)?,
            name: name()?,
            media: media(get("media")?)?,
            sla: optional(get("sla"), sla)?,
        },
        "queue.removed" => Kind::QueueRemoved { queue: queue(get("queue")?)? },
        "group.configured" => Kind::GroupConfigured { group: group(get("group")?)?, name: name()? },
        "group.removed" => Kind::GroupRemoved { group: group(get("group")?)? },
        "agent.configured" => Kind::AgentConfigured {
            agent: agent()?,
            name: name()?,
            group: optional(get("group"), group)?,
        },
        "agent.removed" => Kind::AgentRemoved { agent: agent()? },
        "assignment.set" => Kind::AssignmentSet {
            agent: agent()?,
            queue: queue(get("queue")?)?,
            assigned: get("assigned")?.as_bool()?,
            enabled: optional(get("enabled"), Value::as_bool)?.unwrap_or(true),
        },
        "codes.configured" => Kind::CodesConfigured {
            list: get("list")?.as_i64()?,
            name: name()?,
            items: get("items")?.as_array()?.iter().map(code_item).collect::<Option<_>>()?,
        },
        "agent.status" => Kind::AgentStatus {
            agent: agent()?,
            status: base(get("status")?)?,
            code: GivenCode {
                list: optional(get("list"), Value::as_i64)?,
                item: optional(get("item"), Value::as_i64)?,
                short_code: optional(get("short_code"), |value| characters(value, 0, 1_024))?,
            },
        },
        "line.status" => Kind::LineStatus {
            agent: agent()?,
            line: line(get("line")?)?,
            status: match (get("status")?.as_str()?, line(get("line")?)?) {
                ("monitoring", _) => ExplicitLine::Monitoring,
                ("clear", _) => ExplicitLine::Clear,
                ("error", Line::Two) => ExplicitLine::Error,
                _ => return None,
            },
        },
        word => transaction(word, get)?,
    })
}

fn transaction<'v>(word: &str, get: &impl Fn(&str) -> Option<&'v Value>) -> Option<Kind<'static>> {
    let transaction = characters(get("transaction")?, 1, 128)?;
    let agent = || agent_id(get("agent")?);
    Some(match word {
        "transaction.queued" => {
            Kind::TransactionQueued { transaction, queue: queue(get("queue")?)? }
        }
        "transaction.offered" => Kind::TransactionOffered {
            transaction,
            agent: agent()?,
            line: optional(get("line"), line)?.unwrap_or(Line::One),
        },
        "transaction.accepted" => Kind::TransactionAccepted {
            transaction,
            agent: agent()?,
            line: optional(get("line"), line)?,
        },
        "transaction.placed" => {
            let queue = optional(get("queue"), queue)?;
            let media = optional(get("media"), media)?;
            if queue.is_none() && media.is_none() {
                return None;
            }
            let line = optional(get("line"), line)?.unwrap_or(Line::One);
            Kind::TransactionPlaced { transaction, agent: agent()?, queue, media, line }
        }
        "transaction.rejected" => Kind::TransactionRejected { transaction, agent: agent()? },
        "transaction.withdrawn" => Kind::TransactionWithdrawn { transaction, agent: agent()? },
        "transaction.held" => Kind::TransactionHeld { transaction, agent: agent()? },
        "transaction.resumed" => Kind::TransactionResumed { transaction, agent: agent()? },
        "transaction.muted" => Kind::TransactionMuted { transaction, agent: agent()? },
        "transaction.unmuted" => Kind::TransactionUnmuted { transaction, agent: agent()? },
        "transaction.released" => Kind::TransactionReleased { transaction, agent: agent()? },
        "transaction.completed" => Kind::TransactionCompleted { transaction, agent: agent()? },
        "transaction.abandoned" => Kind::TransactionAbandoned { transaction },
        "transaction.diverted" => Kind::TransactionDiverted { transaction },
        _ => return None,
    })
}
