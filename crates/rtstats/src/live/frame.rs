//! Frames as Server-Sent Events: a name, a number, and one line of JSON.

use bytes::Bytes;
use stats::{document::json_text, event::Millis};

use super::table::Described;
use crate::shard::{Spoken, State};

/// The first thing that a subscriber gets: after how long to come back when the connection is lost.
pub const GREETING: Bytes = Bytes::from_static(b"retry: 2000\n\n");

/// Why a feed ends for a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bye {
    /// The server stops; another, or the same, takes over.
    Stop,
    /// What let the subscriber watch holds no longer.
    Revoked,
    /// A fault of ours ended the feed; a new one begins when the client comes back.
    Fault,
}

impl Bye {
    /// The event.
    pub fn event(self) -> Bytes {
        Bytes::from_static(match self {
            Bye::Stop => b"event: bye\ndata: {\"reason\":\"stop\"}\n\n",
            Bye::Revoked => b"event: bye\ndata: {\"reason\":\"revoked\"}\n\n",
            Bye::Fault => b"event: bye\ndata: {\"reason\":\"fault\"}\n\n",
        })
    }
}

/// What an event is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventName {
    /// The whole table.
    Full,
    /// What has changed.
    Change,
    /// A point of the trends.
    Trend,
}

impl EventName {
    fn word(self) -> &'static str {
        match self {
            EventName::Full => "full",
            EventName::Change => "change",
            EventName::Trend => "trend",
        }
    }
}

/// A connection of this server to one of the tenant's systems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its name in the configuration.
    pub name: String,
    /// What it does, in a word.
    pub state: &'static str,
    /// Since when it follows nothing; none while it does.
    pub down_since: Option<Millis>,
}

/// Tells the connections of a tenant, by its name.
pub type Lines = Box<dyn Fn(&str) -> Vec<Line> + Send + Sync>;

/// What every frame says of the feed itself.
#[derive(Debug, Clone)]
pub struct Head<'a> {
    /// The frame's number.
    pub number: u64,
    /// Which state the table shows.
    pub described: Option<&'a Described>,
    /// The server's clock.
    pub now: Millis,
    /// How the tenant stands.
    pub state: State,
    /// The connections that feed the tenant from within this server.
    pub lines: Vec<Line>,
}

/// Begins an event; what follows are JSON members with a comma before each.
pub fn begin(name: EventName, head: &Head<'_>) -> Vec<u8> {
    let name = name.word();
    let Head { number, described, now, state, lines } = head;
    let state = match state {
        State::Recovering => "recovering",
        State::Ready => "ready",
        State::Broken => "broken",
    };
    let mut out = format!(
        "event: {name}\nid: {number}\ndata: {{\"frame\":{number},\"instant\":{},\"last-event\":{},\"now\":{now},\
         \"state\":\"{state}\"",
        instant(described.map(|described| described.instant)),
        instant(described.and_then(|described| described.counted)),
    )
    .into_bytes();
    let sources = described.map_or(&[][..], |described| &described.sources);
    list(&mut out, "sources", sources, write_source);
    list(&mut out, "connectors", lines, write_line);
    out
}

fn instant(instant: Option<Millis>) -> String {
    instant.map_or_else(|| "null".to_owned(), |instant| instant.to_string())
}

fn list<T>(out: &mut Vec<u8>, name: &str, items: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    out.extend_from_slice(format!(",\"{name}\":[").as_bytes());
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

fn write_source(out: &mut Vec<u8>, Spoken { source, last_event, steady }: &Spoken) {
    out.extend_from_slice(b"{\"source\":");
    match source {
        Some(name) => json_text(out, name),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(format!(",\"last-event\":{last_event},\"steady\":{steady}}}").as_bytes());
}

fn write_line(out: &mut Vec<u8>, Line { name, state, down_since }: &Line) {
    out.extend_from_slice(b"{\"connector\":");
    json_text(out, name);
    let since = instant(*down_since);
    out.extend_from_slice(format!(",\"state\":\"{state}\",\"down-since\":{since}}}").as_bytes());
}

/// Ends an event.
pub fn end(mut event: Vec<u8>) -> Bytes {
    event.extend_from_slice(b"}\n\n");
    event.into()
}

/// A numbered event of one line of JSON.
pub fn plain(name: EventName, number: u64, json: &str) -> Bytes {
    format!("event: {}\nid: {number}\ndata: {json}\n\n", name.word()).into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_head_says_which_connection_is_down_and_when_sources_spoke() {
        let spoken = |source: Option<&str>| Spoken {
            source: source.map(Into::into),
            last_event: 5,
            steady: source.is_some(),
        };
        let sources = vec![spoken(Some("pbx \"1\"")), spoken(None)];
        let described = Described { instant: 7, counted: Some(6), sources };
        let line =
            |name: &str, state, down_since| Line { name: name.to_owned(), state, down_since };
        let lines = vec![line("main", "cut", Some(3)), line("west", "following", None)];
        let described = Some(&described);
        let head = Head { number: 1, described, now: 8, state: State::Ready, lines };
        let event = end(begin(EventName::Change, &head));
        let event = std::str::from_utf8(&event).unwrap();
        let data: Value = serde_json::from_str(event.split_once("data: ").unwrap().1).unwrap();
        let sources = json!([
            { "source": "pbx \"1\"", "last-event": 5, "steady": true },
            { "source": null, "last-event": 5, "steady": false },
        ]);
        assert_eq!((&data["sources"], &data["last-event"]), (&sources, &json!(6)));
        let connectors = json!([
            { "connector": "main", "state": "cut", "down-since": 3 },
            { "connector": "west", "state": "following", "down-since": null },
        ]);
        assert_eq!(data["connectors"], connectors);
        let head = Head { described: None, lines: Vec::new(), ..head };
        let event = end(begin(EventName::Full, &head));
        assert!(event.ends_with(b",\"sources\":[],\"connectors\":[]}\n\n"), "{event:?}");
    }
}
