//! Plays a scenario: lines of what happens, and lines of what the documents then show.
//!
//! ```text
//! 09:00:00 queued t1 1
//! 09:00:00 offered t1 ann line=2
//! 09:00:05 accepted t1 bob
//! 09:00:06 rejected t1 ann             ! not-offered
//! 09:01:00 agent ann: agent-status 0, day-rejected-count 0
//! 09:01:00 queue 1: number-in-offered 0, day-accepted 1
//! ```
//!
//! Times are of 5 June 2024 in UTC, or whole RFC 3339 instants. `!` names the reason for which an event is ignored;
//! all others must count. `zone NAME` and `sla-target percent`, without a time, come first where they are needed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use stats::{
    document::{Format, Page},
    engine::{Engine, Outcome, SlaTarget},
    event::{
        Base, CodeItem, Event, ExplicitLine, GivenCode, Kind, Line, Media, Millis, Origin, Sla,
    },
    zone::Zone,
};

/// Two agents and two queues: `1` takes calls under an SLA of 80 % within 20 s, `2` takes chats without one.
pub const DESK: &str = "
    08:00:00 configure-queue 1 phone sla=80/20
    08:00:00 configure-queue 2 chat
    08:00:00 configure-agent ann
    08:00:00 configure-agent bob
    08:00:00 assign ann 1
    08:00:00 assign ann 2
    08:00:00 assign bob 1
    08:00:00 status ann available
    08:00:00 status bob available
";

/// Plays a scenario at the [`DESK`].
pub fn at_the_desk(scenario: &str) {
    play(&format!("{DESK}{scenario}"));
}

/// Plays a scenario from nothing.
pub fn play(scenario: &str) {
    let (mut zone, mut target) = ("UTC", SlaTarget::Hours);
    let mut engine = None;
    for line in scenario.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.split_once(' ').expect("a time and what happens") {
            ("zone", name) => zone = name,
            ("sla-target", "percent") => target = SlaTarget::Percent,
            (time, rest) => {
                let engine = engine.get_or_insert_with(|| {
                    Engine::new(Zone::named(zone).unwrap()).with_sla_target(target)
                });
                match rest.split_once(": ") {
                    Some((page, figures)) => shows(engine, instant(time), page, figures, line),
                    None => happens(engine, instant(time), rest, line),
                }
            }
        }
    }
}

fn instant(time: &str) -> Millis {
    let whole = if time.contains('T') { time.to_owned() } else { format!("2024-06-05T{time}Z") };
    whole.parse::<Timestamp>().unwrap().as_millisecond()
}

/// Compares figures of one document with those of the line.
fn shows(engine: &mut Engine, now: Millis, page: &str, figures: &str, line: &str) {
    let (kind, id) = page.split_once(' ').unwrap();
    let page = if kind == "agent" { Page::Agent(id) } else { Page::Queue(id.parse().unwrap()) };
    let document = engine.freeze(now).render(page, Format::Json);
    let absent = figures == "absent";
    assert_eq!(document.is_none(), absent, "whether there is such a document, in `{line}`");
    let Some(document) = document else { return };
    let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
    for figure in figures.split(", ") {
        let (field, expected) = figure.split_once(' ').unwrap();
        let shown = match &document[kind][field] {
            serde_json::Value::String(text) if text.is_empty() => "empty".to_owned(),
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        assert_eq!(shown, expected, "{field} in `{line}`");
    }
}

/// Applies one event, which must count unless the line says otherwise.
fn happens(engine: &mut Engine, time: Millis, event: &str, line: &str) {
    let (event, expected) = match event.split_once(" ! ") {
        Some((event, reason)) => (event, reason.trim()),
        None => (event, "applied"),
    };
    let words = Words::of(event);
    let origin = words.named.get("origin").map(|origin| {
        let (source, seq) = origin.split_once('#').unwrap();
        Origin { source: source.into(), seq: seq.parse().unwrap() }
    });
    let outcome = match engine.apply(&Event { time, origin, kind: words.kind() }) {
        Outcome::Applied => "applied",
        Outcome::Duplicate => "duplicate",
        Outcome::Ignored(reason) => reason.word(),
    };
    assert_eq!(outcome, expected, "outcome of `{line}`");
}

/// An event's verb, plain words and `name=value` words.
struct Words<'a> {
    verb: &'a str,
    plain: Vec<&'a str>,
    named: BTreeMap<&'a str, &'a str>,
}

impl<'a> Words<'a> {
    fn of(event: &'a str) -> Self {
        let mut words = event.split_whitespace();
        let verb = words.next().unwrap();
        let (named, plain): (Vec<&str>, Vec<&str>) = words.partition(|word| word.contains('='));
        let named = named.into_iter().map(|word| word.split_once('=').unwrap()).collect();
        Words { verb, plain, named }
    }

    fn number<T: std::str::FromStr>(&self, at: usize) -> T {
        self.plain[at].parse().ok().expect("a number")
    }

    fn named_number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.named.get(name).map(|value| value.parse().ok().expect("a number"))
    }

    fn line(&self) -> Option<Line> {
        self.named.get("line").map(|line| line_of(line))
    }

    fn kind(&self) -> Kind<'a> {
        let says = |word: &str| self.plain.contains(&word);
        match self.verb {
            "configure-queue" => Kind::QueueConfigured {
                queue: self.number(0),
                name: "queue".into(),
                media: media_of(self.plain[1]),
                sla: self.named.get("sla").map(|sla| sla_of(sla)),
            },
            "remove-queue" => Kind::QueueRemoved { queue: self.number(0) },
            "configure-group" => {
                Kind::GroupConfigured { group: self.number(0), name: "group".into() }
            }
            "remove-group" => Kind::GroupRemoved { group: self.number(0) },
            "configure-agent" => Kind::AgentConfigured {
                agent: self.plain[0].into(),
                name: self.plain[0].into(),
                group: self.named_number("group"),
            },
            "remove-agent" => Kind::AgentRemoved { agent: self.plain[0].into() },
            "assign" => Kind::AssignmentSet {
                agent: self.plain[0].into(),
                queue: self.number(1),
                assigned: !says("off"),
                enabled: !says("disabled"),
            },
            "configure-codes" => Kind::CodesConfigured {
                list: self.number(0),
                name: "codes".into(),
                items: self.named.iter().map(|(item, short)| code_item(item, short)).collect(),
            },
            "status" => Kind::AgentStatus {
                agent: self.plain[0].into(),
                status: base_of(self.plain[1]),
                code: GivenCode {
                    list: self.named_number("list"),
                    item: self.named_number("item"),
                    short_code: self.named.get("short").map(|short| (*short).into()),
                },
            },
            "line" => Kind::LineStatus {
                agent: self.plain[0].into(),
                line: line_of(self.plain[1]),
                status: match self.plain[2] {
                    "monitoring" => ExplicitLine::Monitoring,
                    "error" => ExplicitLine::Error,
                    "clear" => ExplicitLine::Clear,
                    other => panic!("{other} is no line status"),
                },
            },
            _ => self.transaction_kind(),
        }
    }

    fn transaction_kind(&self) -> Kind<'a> {
        let transaction = self.plain[0].into();
        match self.verb {
            "queued" => return Kind::TransactionQueued { transaction, queue: self.number(1) },
            "abandoned" => return Kind::TransactionAbandoned { transaction },
            "diverted" => return Kind::TransactionDiverted { transaction },
            _ => {}
        }
        let agent = self.plain[1].into();
        let line = self.line().unwrap_or(Line::One);
        match self.verb {
            "offered" => Kind::TransactionOffered { transaction, agent, line },
            "rejected" => Kind::TransactionRejected { transaction, agent },
            "withdrawn" => Kind::TransactionWithdrawn { transaction, agent },
            "accepted" => Kind::TransactionAccepted { transaction, agent, line: self.line() },
            "placed" => Kind::TransactionPlaced {
                transaction,
                agent,
                queue: self.named_number("queue"),
                media: self.named.get("media").map(|media| media_of(media)),
                line,
            },
            "held" => Kind::TransactionHeld { transaction, agent },
            "resumed" => Kind::TransactionResumed { transaction, agent },
            "muted" => Kind::TransactionMuted { transaction, agent },
            "unmuted" => Kind::TransactionUnmuted { transaction, agent },
            "released" => Kind::TransactionReleased { transaction, agent },
            "completed" => Kind::TransactionCompleted { transaction, agent },
            other => panic!("{other} is no event"),
        }
    }
}

fn line_of(word: &str) -> Line {
    if word == "2" { Line::Two } else { Line::One }
}

fn media_of(word: &str) -> Media {
    let all = [Media::Phone, Media::Chat, Media::Email, Media::Voicemail];
    all.into_iter().find(|media| media.word() == word).expect("a medium")
}

fn base_of(word: &str) -> Base {
    match word {
        "available" => Base::Available,
        "on-break" => Base::OnBreak,
        "work-offline" => Base::WorkOffline,
        "logged-out" => Base::LoggedOut,
        other => panic!("{other} is no status"),
    }
}

/// `80/20` or `80/20/900`: percent, limit, evaluation period.
fn sla_of(word: &str) -> Sla {
    let numbers: Vec<u32> = word.split('/').map(|number| number.parse().unwrap()).collect();
    Sla {
        percent: numbers[0] as u8,
        within_seconds: numbers[1],
        evaluate_every_seconds: numbers.get(2).copied().unwrap_or(900),
    }
}

fn code_item<'a>(item: &str, short: &&'a str) -> CodeItem<'a> {
    CodeItem {
        item: item.parse().unwrap(),
        short_code: (*short).into(),
        name: "code".into(),
        status: Base::OnBreak,
    }
}
