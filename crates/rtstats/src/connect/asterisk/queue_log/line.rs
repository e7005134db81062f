//! One line of queue_log: `time|callid|queue|agent|EVENT|data1|data2|…`, as Asterisk 1.8 to 22 write it.
//!
//! Reading judges the form alone; what a line means in its place is `history`'s matter. It borrows from the line.

use stats::event::Millis;

use super::{
    kind::LogKind,
    time::{LogClock, TimeFault},
};

/// The longest call id: with a PBX's name and a visit's number it must fit a transaction id.
pub const CALL_CHARS_MAX: usize = 84;

/// The longest that an offer may have rung, in milliseconds: a day. More is no ring time but damage.
const RING_MS_MAX: Millis = 86_400_000;

/// A well-formed line. Text that is `NONE` in the log is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLine<'a> {
    /// When it was written.
    pub time: Millis,
    /// The call's unique id; of a membership's line who changed it.
    pub call: &'a str,
    /// The queue's name.
    pub queue: &'a str,
    /// The member's name or its interface.
    pub agent: &'a str,
    /// What it tells; none of a word that no Asterisk writes.
    pub kind: Option<LogKind>,
    /// That word.
    pub word: &'a str,
    /// What follows it, fields and all.
    pub data: &'a str,
    /// How long the offer rang, of kinds that tell it and versions that do.
    pub ring_ms: Option<Millis>,
}

/// Why a line is skipped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// Fewer than five fields.
    #[error("it has {0} of at least 5 fields")]
    Fields(usize),
    /// The time can't be read.
    #[error(transparent)]
    Time(#[from] TimeFault),
    /// Bytes that are no text.
    #[error("it is not UTF-8 from byte {0} on")]
    NoUtf8(usize),
    /// A field that the kind must have is missing.
    #[error("{kind} lacks the {field}")]
    Lacks {
        /// The kind's word.
        kind: &'static str,
        /// What is missing.
        field: &'static str,
    },
    /// A field that holds a number does not.
    #[error("{kind} has a ring time that is no number of at most a day")]
    Ring {
        /// The kind's word.
        kind: &'static str,
    },
    /// A call id longer than a transaction id can hold.
    #[error("its call id has more than {CALL_CHARS_MAX} characters")]
    LongCall,
    /// Longer than any line that Asterisk writes.
    #[error("it is longer than {} KiB", super::files::LINE_BYTES_MAX >> 10)]
    Long,
    /// The file ends before the line does.
    #[error("the file ends in the middle of it")]
    Torn,
}

impl<'a> LogLine<'a> {
    /// Reads one line, with or without its line end.
    pub fn read(line: &'a [u8], clock: &mut LogClock) -> Result<LogLine<'a>, LineFault> {
        LogLine::read_with(line, |text| clock.read(text))
    }

    /// Reads a line whose time is known.
    pub fn read_at(line: &'a [u8], time: Millis) -> Result<LogLine<'a>, LineFault> {
        LogLine::read_with(line, |_| Ok(time))
    }

    fn read_with(
        line: &'a [u8],
        time: impl FnOnce(&str) -> Result<Millis, TimeFault>,
    ) -> Result<LogLine<'a>, LineFault> {
        let text = std::str::from_utf8(line)
            .map_err(|error| LineFault::NoUtf8(error.valid_up_to() + 1))?;
        let text = text.trim_end_matches(['\n', '\r']);
        let mut rest = text;
        let mut fields = [""; 5];
        for (number, field) in fields.iter_mut().enumerate() {
            match memchr::memchr(b'|', rest.as_bytes()) {
                Some(end) => (*field, rest) = (&rest[..end], &rest[end + 1..]),
                None if number == 4 => (*field, rest) = (rest, ""),
                None => return Err(LineFault::Fields(number + 1)),
            }
        }
        let [time_text, call, queue, agent, word] = fields;
        let time = time(time_text)?;
        let kind = LogKind::of(word);
        let mut line = LogLine {
            time,
            call: none_is_empty(call),
            queue: none_is_empty(queue),
            agent: none_is_empty(agent),
            kind,
            word,
            data: rest,
            ring_ms: None,
        };
        if let Some(kind) = kind {
            line.require(kind)?;
            line.ring_ms = line.ring(kind)?;
        }
        Ok(line)
    }

    /// A field of the data, from 0; empty where there is none.
    pub fn field(&self, number: usize) -> &'a str {
        self.data.split('|').nth(number).unwrap_or_default()
    }

    /// The reason of a pause: the whole data, since a reason may hold the separator.
    pub fn reason(&self) -> &'a str {
        self.data.strip_suffix('|').unwrap_or(self.data).trim()
    }

    /// Refuses a line that lacks what its kind cannot be without.
    fn require(&self, kind: LogKind) -> Result<(), LineFault> {
        use LogKind as K;
        let (call, queue, agent) = match kind {
            K::EnterQueue | K::Abandon | K::ExitEmpty | K::ExitWithKey | K::ExitWithTimeout => {
                (true, true, false)
            }
            K::Connect
            | K::CompleteAgent
            | K::CompleteCaller
            | K::RingNoAnswer
            | K::RingCanceled
            | K::Transfer
            | K::BlindTransfer
            | K::AttendedTransfer
            | K::AgentDump => (true, true, true),
            K::AddMember | K::RemoveMember | K::Pause | K::Unpause => (false, true, true),
            K::PauseAll
            | K::UnpauseAll
            | K::AgentLogin
            | K::AgentLogoff
            | K::AgentCallbackLogin
            | K::AgentCallbackLogoff => (false, false, true),
            K::Penalty
            | K::RingInUse
            | K::CallerId
            | K::ConfigReload
            | K::Did
            | K::Info
            | K::QueueStart
            | K::SysCompat => (false, false, false),
        };
        let lacks = |field| Err(LineFault::Lacks { kind: kind.word(), field });
        if call && self.call.is_empty() {
            return lacks("call id");
        }
        if queue && self.queue.is_empty() {
            return lacks("queue");
        }
        if agent && self.agent.is_empty() {
            return lacks("agent");
        }
        if call && self.call.len() > CALL_CHARS_MAX && self.call.chars().count() > CALL_CHARS_MAX {
            return Err(LineFault::LongCall);
        }
        Ok(())
    }

    /// RINGNOANSWER and RINGCANCELED tell milliseconds, CONNECT seconds; versions before 1.6 tell none.
    fn ring(&self, kind: LogKind) -> Result<Option<Millis>, LineFault> {
        let (text, unit_ms) = match kind {
            LogKind::RingNoAnswer | LogKind::RingCanceled => (self.field(0), 1),
            LogKind::Connect => (self.field(2), 1_000),
            _ => return Ok(None),
        };
        if text.is_empty() {
            return Ok(None);
        }
        let ring_ms = text.parse().ok().and_then(|ring: Millis| ring.checked_mul(unit_ms));
        match ring_ms {
            Some(ring_ms) if ring_ms <= RING_MS_MAX => Ok(Some(ring_ms.max(0))),
            _ => Err(LineFault::Ring { kind: kind.word() }),
        }
    }

    /// Writes the line as Asterisk does, with the time in epoch seconds or, where it is finer, with milliseconds.
    pub fn write(&self, out: &mut Vec<u8>) {
        let (seconds, ms) = (self.time / 1_000, self.time % 1_000);
        out.extend_from_slice(seconds.to_string().as_bytes());
        // More digits would read as milliseconds.
        if ms != 0 || seconds >= 100_000_000_000 {
            out.extend_from_slice(format!(".{ms:03}").as_bytes());
        }
        for text in [self.call, self.queue, self.agent] {
            out.push(b'|');
            out.extend_from_slice(if text.is_empty() { b"NONE" } else { text.as_bytes() });
        }
        for text in [self.word, self.data] {
            out.push(b'|');
            out.extend_from_slice(text.as_bytes());
        }
        out.push(b'\n');
    }
}

fn none_is_empty(text: &str) -> &str {
    if text == "NONE" { "" } else { text }
}

#[cfg(test)]
mod tests;
