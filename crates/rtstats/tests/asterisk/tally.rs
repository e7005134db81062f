//! What the driver saw happen, queue by queue: the truth beside Asterisk's view and ours.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use crate::ami::Packet;

/// One queue's counts since Asterisk started.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct QueueTally {
    pub joined: i64,
    pub connected: i64,
    pub completed: i64,
    /// Connected to a member who had a call of the queue already.
    pub overlapping: i64,
    /// Asterisk's abandons: who gave up, whose time was over, who left an emptied queue, who was redirected.
    pub abandoned: i64,
    /// Who left by key: in nobody's count.
    pub by_key: i64,
    /// Of Asterisk's abandons those whose caller hung up.
    pub hung_up: i64,
    /// Of Asterisk's abandons those with whom the dialplan, or AMI, went on.
    pub moved_on: i64,
}

/// All queues.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    pub queues: BTreeMap<String, QueueTally>,
    /// Names of members by the channel that rings for them.
    offers: BTreeMap<String, String>,
    /// Queue and member by the channel of a call under way, and since when.
    calls: BTreeMap<String, ((String, String), Instant)>,
    /// Queues of Asterisk's abandons by the caller's id, until it shows what they were.
    unclear: BTreeMap<String, String>,
    /// When a member last joined or left a queue.
    moved: BTreeMap<String, Instant>,
    /// When Asterisk last lost all that it had counted.
    restarted: Option<Instant>,
    /// How often each event came.
    pub kinds: BTreeMap<String, u64>,
}

impl Tally {
    pub fn take(&mut self, packet: &Packet) {
        let event = packet.get("Event");
        *self.kinds.entry(event.to_owned()).or_default() += 1;
        match event {
            "AgentCalled" => {
                let (channel, member) = (packet.get("DestChannel"), packet.get("MemberName"));
                self.offers.insert(channel.to_owned(), member.to_owned());
            }
            "AgentConnect" => drop(self.offers.remove(packet.get("DestChannel"))),
            "QueueMemberAdded" | "QueueMemberRemoved" => {
                self.moved.insert(packet.get("MemberName").to_owned(), Instant::now());
            }
            "Hangup" => drop(self.offers.remove(packet.get("Channel"))),
            _ => {}
        }
        let call = (packet.get("Queue").to_owned(), packet.get("MemberName").to_owned());
        let overlaps = self.calls.values().any(|known| known.0 == call);
        match event {
            "AgentConnect" => {
                let channel = packet.get("DestChannel").to_owned();
                self.calls.insert(channel, (call, Instant::now()));
            }
            "AgentComplete" => {
                self.end(packet.get("DestChannel"));
                self.calls.remove(packet.get("DestChannel"));
            }
            "Hangup" => self.end(packet.get("Channel")),
            _ => {}
        }
        self.take_end(packet);
        let counts = |queue: &mut QueueTally| match event {
            "QueueCallerJoin" => queue.joined += 1,
            "AgentConnect" => {
                queue.connected += 1;
                queue.overlapping += i64::from(overlaps);
            }
            "AgentComplete" => queue.completed += 1,
            "QueueCallerAbandon" => queue.abandoned += 1,
            "UserEvent" if packet.get("Why") == "KEY" => queue.by_key += 1,
            _ => {}
        };
        if !packet.get("Queue").is_empty() {
            counts(self.queues.entry(packet.get("Queue").to_owned()).or_default());
        }
    }

    /// Whether a caller whom Asterisk calls abandoned hung up: whoever didn't comes by another place of the dialplan.
    fn take_end(&mut self, packet: &Packet) {
        let caller = packet.get("Uniqueid");
        match packet.get("Event") {
            "QueueCallerAbandon" => {
                self.unclear.insert(caller.to_owned(), packet.get("Queue").to_owned());
            }
            event @ ("Hangup" | "UserEvent" | "Newexten") => {
                let Some(queue) = self.unclear.remove(caller) else { return };
                let queue = self.queues.entry(queue).or_default();
                let hung_up = event == "Hangup";
                queue.hung_up += i64::from(hung_up);
                queue.moved_on += i64::from(!hung_up);
            }
            _ => {}
        }
    }

    /// A call ends whose member left the queue meanwhile: Asterisk notes the end nowhere.
    fn end(&mut self, channel: &str) {
        let Some(((_, member), since)) = self.calls.get(channel) else { return };
        if let Some(moved) = self.moved.get_mut(member)
            && *moved > *since
        {
            *moved = Instant::now();
        }
    }

    /// Calls of a queue that were connected and whose end the queue has not told yet.
    pub fn open(&self, queue: &str) -> i64 {
        self.calls.values().filter(|((of, _), _)| of == queue).count() as i64
    }

    /// Of an Asterisk that has just started again.
    pub fn restarted() -> Tally {
        Tally { restarted: Some(Instant::now()), ..Tally::default() }
    }

    /// Whether Asterisk forgot a member's last call so short a time ago: a member left the
    /// queue of that call, or joined it again, or it restarted.
    pub fn forgot_within(&self, member: &str, time: Duration) -> bool {
        let forgot = [self.moved.get(member).copied(), self.restarted];
        forgot.into_iter().flatten().any(|at| at.elapsed() < time)
    }

    /// Members for whom a queue's call rings.
    pub fn offered(&self) -> BTreeSet<&str> {
        self.offers.values().map(String::as_str).collect()
    }
}
