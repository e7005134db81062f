//! Frames as Server-Sent Events: a name, a number, and one line of JSON.

use bytes::Bytes;
use stats::event::Millis;

use super::table::Described;
use crate::shard::State;

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

/// What every frame says of the feed itself.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// The frame's number.
    pub number: u64,
    /// Which state the table shows.
    pub described: Option<Described>,
    /// The server's clock.
    pub now: Millis,
    /// How the tenant stands.
    pub state: State,
}

/// Begins an event; what follows are JSON members with a comma before each.
pub fn begin(name: EventName, head: Head) -> Vec<u8> {
    let name = name.word();
    let Head { number, described, now, state } = head;
    let instant = |instant: Option<Millis>| {
        instant.map_or_else(|| "null".to_owned(), |instant| instant.to_string())
    };
    let state = match state {
        State::Recovering => "recovering",
        State::Ready => "ready",
        State::Broken => "broken",
    };
    format!(
        "event: {name}\nid: {number}\ndata: {{\"frame\":{number},\"instant\":{},\"last-event\":{},\"now\":{now},\
         \"state\":\"{state}\"",
        instant(described.map(|described| described.instant)),
        instant(described.and_then(|described| described.counted)),
    )
    .into_bytes()
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
