//! One PBX as its manager interface tells it, and the events that follow.
//!
//! Pure: messages go in, in the order of the stream and with the instants at which they happened, and events come out.
//! [`Pbx`] holds two pictures, the PBX's own (queues, members, channels) and what the server has been told
//! (`Directory`, `Calls`). A message changes the first; what then differs is told. So a message that comes twice, or
//! late, or behind a listing that had it already, tells nothing twice, and a listing after a gap is just one more
//! source of differences.
//!
//! What each message means: docs/asterisk.md.

mod agents;
mod belief;
mod calls;
mod channels;
mod direct;
mod listing;
mod members;
mod queueing;
mod resync;
#[cfg(test)]
mod tests;
mod told;

use std::collections::{BTreeMap, HashMap, HashSet};

use stats::event::{Kind, Millis};

pub use listing::Ask;
pub use members::DeviceState;

use calls::{Calls, LegId};
use channels::Channels;
use listing::Listing;
use members::{MemberKey, Members};
use told::Directory;

use super::{
    ami::{ActionId, Message},
    mapping::Mapping,
};
use crate::connect::{names::Names, status::Figures};

/// An event that is to be told, still without its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// When it happened, by the server's clock.
    pub time: Millis,
    /// When that was certain: with the message that said so, or once a wait was over. None of what a listing told: when
    /// that could have been known is anybody's guess.
    pub certain: Option<Millis>,
    /// What happened.
    pub kind: Kind<'static>,
}

/// Messages that wait for the first comparison at most: beyond that the PBX has no queues to list.
const HELD_MAX: usize = 10_000;

/// A PBX, and what the server knows of it.
pub struct Pbx {
    mapping: Mapping,
    names: Names,
    /// Begins the transactions of this PBX.
    prefix: String,
    told: Directory,
    queues: BTreeMap<String, PbxQueue>,
    /// The numbers of all these queues.
    numbers: HashSet<u32>,
    members: Members,
    channels: Channels,
    calls: Calls,
    listing: Listing,
    /// What is asked of the PBX next.
    asks: Vec<Ask>,
    asked: HashMap<ActionId, Ask>,
    /// Callers and memberships that messages have told of since the listing under way was asked for: they know better.
    touched_callers: HashSet<String>,
    touched_members: HashSet<MemberKey>,
    timers: BTreeMap<(Millis, u64), Timer>,
    timer_numbers: u64,
    /// When the line was cut, or this PBX was last heard of; none while the line holds and all was compared.
    cut_at: Option<Millis>,
    /// All was listed and compared in this session.
    is_compared: bool,
    /// At the last listing the PBX had counted more calls than it told of.
    was_behind: bool,
    /// What the PBX refused, to be told once a session.
    refusal: Option<String>,
    refusals: HashSet<String>,
    /// What came before that, to be taken in after it: half a picture is none.
    held: Vec<(Millis, Message)>,
    /// How far the server's clock is ahead of the PBX's.
    skew_ms: Millis,
    figures: Figures,
    /// The instant of the message or timer at hand.
    now: Millis,
    /// What is told now follows from a listing.
    is_listing: bool,
}

/// What is known of one queue.
#[derive(Debug, Default)]
struct PbxQueue {
    number: u32,
    /// We have made it known before a listing told its service level.
    awaits_sla: bool,
    /// The PBX's own counts at the first listing after the last gap.
    completed: Option<u64>,
    abandoned: Option<u64>,
    /// What we have told since then.
    completed_told: u64,
    abandoned_told: u64,
}

/// What is to happen at an instant.
#[derive(Debug)]
enum Timer {
    /// Wrap-up ends.
    WrapUp(LegId),
    /// A visit left the queue, and nothing told why.
    Leaving(String),
    /// The next listing.
    List,
}

impl Pbx {
    /// A PBX of which nothing is known yet, by the name of its connection.
    pub fn new(name: &str, mapping: Mapping, mut names: Names) -> Pbx {
        for (queue, own) in &mapping.queues {
            if let Some(number) = own.number {
                names.set_queue(queue, number);
            }
        }
        for (reason, own) in &mapping.pauses {
            if let Some(item) = own.item {
                names.set_code(reason, item);
            }
        }
        Pbx {
            mapping,
            names,
            prefix: format!("{name}:"),
            told: Directory::default(),
            queues: BTreeMap::new(),
            numbers: HashSet::new(),
            members: Members::default(),
            channels: Channels::default(),
            calls: Calls::default(),
            listing: Listing::default(),
            asks: Vec::new(),
            asked: HashMap::new(),
            touched_callers: HashSet::new(),
            touched_members: HashSet::new(),
            timers: BTreeMap::new(),
            timer_numbers: 0,
            cut_at: None,
            is_compared: false,
            was_behind: false,
            refusal: None,
            refusals: HashSet::new(),
            held: Vec::new(),
            skew_ms: 0,
            figures: Figures::default(),
            now: 0,
            is_listing: false,
        }
    }

    /// A session begins: what is up is listed and compared first.
    pub fn connected(&mut self, now: Millis) {
        self.cut_at.get_or_insert(now);
        self.is_compared = false;
        self.held.clear();
        self.refusals.clear();
        self.now = now;
        self.asked.clear();
        self.asks.clear();
        self.channels.clear();
        self.ask_for_all();
    }

    /// The session is cut: what happens from now on is not heard.
    pub fn disconnected(&mut self, now: Millis) {
        self.cut_at.get_or_insert(now);
        self.asked.clear();
        self.asks.clear();
    }

    /// What the PBX is to be asked now, in this order; [`asked`](Pbx::asked) tells under which id.
    pub fn asks(&mut self) -> Vec<Ask> {
        std::mem::take(&mut self.asks)
    }

    /// An ask has been sent.
    pub fn asked(&mut self, ask: Ask, id: ActionId) {
        self.asked.insert(id, ask);
    }

    /// Takes in one message of the stream, which happened at `at`; what was due before is done before.
    pub fn message(&mut self, at: Millis, message: &Message, out: &mut Vec<Told>) {
        self.wake(at, out);
        self.now = at;
        if let Some(id) = message.action_id()
            && let Some(ask) = self.asked.get(&id).cloned()
        {
            return self.answer(at, id, &ask, message, out);
        }
        let Some(name) = message.name() else { return };
        if let Some(stamp) = message.timestamp() {
            self.skew_ms = at - stamp;
        }
        let is_held = !self.is_compared && name != "FullyBooted" && self.held.len() < HELD_MAX;
        if is_held {
            return self.held.push((at, message.clone()));
        }
        match name {
            "QueueCallerJoin" => self.joins(at, message, out),
            "QueueCallerLeave" => self.leaves(at, message, out),
            "QueueCallerAbandon" => self.gives_up(at, message, out),
            "AgentCalled" => self.is_called(at, message, out),
            "AgentRingNoAnswer" => self.rings_out(at, message, out),
            "AgentConnect" => self.connects(at, message, out),
            "AgentComplete" => self.completes(at, message, out),
            "DialEnd" => self.dial_ends(at, message, out),
            "VarSet" => self.variable(at, message, out),
            "QueueMemberAdded"
            | "QueueMemberStatus"
            | "QueueMemberPause"
            | "QueueMemberPenalty"
            | "QueueMemberRinginuse" => self.member_is(at, message, out),
            "QueueMemberRemoved" => self.member_goes(at, message, out),
            "Newchannel" | "Newstate" | "Rename" => self.channel_is(at, message, out),
            "HangupRequest" | "SoftHangupRequest" => self.hangup_is_asked(at, message, out),
            "Hangup" => self.hangs_up(at, message, out),
            "Hold" => self.holds(at, message, true, out),
            "Unhold" => self.holds(at, message, false, out),
            "LocalOptimizationEnd" => self.is_optimized(message),
            "AgentLogin" => self.logs_in_by_phone(at, message, out),
            "FullyBooted" | "Reload" => self.ask_for_all(),
            _ => {}
        }
    }

    /// When it is to be woken next.
    pub fn due(&self) -> Option<Millis> {
        self.timers.first_key_value().map(|((at, _), _)| *at)
    }

    /// Does what is due.
    pub fn wake(&mut self, now: Millis, out: &mut Vec<Told>) {
        while let Some(entry) = self.timers.first_entry()
            && entry.key().0 <= now
        {
            let ((at, _), timer) = entry.remove_entry();
            self.now = at;
            match timer {
                Timer::WrapUp(leg) => self.wrap_up_ends(at, leg, out),
                Timer::Leaving(caller) => self.left_for_good(&caller, out),
                Timer::List => self.ask_for_queues(),
            }
        }
    }

    /// What the PBX has refused since this was last asked, in a line for the operator.
    pub fn take_refusal(&mut self) -> Option<String> {
        self.refusal.take()
    }

    fn refused(&mut self, line: String) {
        if self.refusals.insert(line.clone()) {
            self.refusal = Some(line);
        }
    }

    /// The names, which its owner keeps.
    pub fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    /// What it holds.
    pub fn figures(&self) -> Figures {
        Figures {
            queues: self.queues.len() as u64,
            members: self.members.len() as u64,
            visits: self.calls.visits.len() as u64,
            legs: self.calls.legs_len() as u64,
            ..self.figures
        }
    }

    fn tell(&mut self, time: Millis, kind: Kind<'static>, out: &mut Vec<Told>) {
        self.told.learn(&kind);
        let certain = (!self.is_listing).then_some(self.now);
        out.push(Told { time, certain, kind });
    }

    fn set_timer(&mut self, at: Millis, timer: Timer) -> u64 {
        self.timer_numbers += 1;
        self.timers.insert((at, self.timer_numbers), timer);
        self.timer_numbers
    }

    /// Whether the mapping leaves a queue in.
    fn serves(&self, queue: &str) -> bool {
        !queue.is_empty()
            && (!self.mapping.only_listed_queues || self.mapping.queues.contains_key(queue))
    }
}

/// A field's text, empty where it is missing; Asterisk writes `<unknown>` for what it doesn't know.
fn text<'a>(message: &'a Message, key: &str) -> &'a str {
    message.get(key).filter(|value| *value != "<unknown>").unwrap_or("")
}
