//! A PBX of our own: it has agents and queues, many calls at a time, and answers what a connector asks.
//!
//! What it tells and what it lists agree, so a connector that sets anything right after a comparison is at fault, or this
//! is.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::stories::{Kind, Part, Story};

/// The PBX's clock is not the server's: so far ahead.
const CLOCK_AHEAD: Duration = Duration::from_secs(90);

/// How big it is.
#[derive(Clone, Copy)]
pub struct Size {
    pub people: usize,
    pub queues: usize,
    /// Stories told at the same time.
    pub calls: usize,
}

/// One story under way.
struct Telling {
    story: usize,
    burst: usize,
    people: Vec<usize>,
    queues: Vec<usize>,
    number: u64,
}

struct Caller {
    queue: String,
    channel: String,
    since: Instant,
}

pub struct Pbx {
    stories: Vec<Story>,
    size: Size,
    tellings: Vec<Telling>,
    is_busy: Vec<bool>,
    /// Memberships by queue and interface: their fields as a listing has them.
    members: BTreeMap<(String, String), String>,
    of_queue: Vec<Vec<usize>>,
    callers: HashMap<String, Caller>,
    /// Messages told, answers to actions included.
    pub told: u64,
    numbers: u64,
    random: u64,
}

impl Pbx {
    pub fn new(stories: Vec<Story>, size: Size) -> Pbx {
        let mut of_queue = vec![Vec::new(); size.queues];
        let mut members = BTreeMap::new();
        for person in 0..size.people {
            for queue in [person % size.queues, (person * 13 + 7) % size.queues] {
                let (interface, state, name) = names(person, kind(person, size.queues));
                let fields = format!(
                    "Name: {name}\r\nLocation: {interface}\r\nStateInterface: {state}\r\nMembership: dynamic\r\n\
                     Penalty: 0\r\nCallsTaken: 0\r\nLastCall: 0\r\nLastPause: 0\r\nLoginTime: 1795577785\r\n\
                     InCall: 0\r\nStatus: 1\r\nPaused: 0\r\nPausedReason: \r\nWrapuptime: 0\r\n"
                );
                if members.insert((queue_name(queue), interface), fields).is_none() {
                    of_queue[queue].push(person);
                }
            }
        }
        let mut pbx = Pbx {
            stories,
            size,
            tellings: Vec::new(),
            is_busy: vec![false; size.people],
            members,
            of_queue,
            callers: HashMap::new(),
            told: 0,
            numbers: 0,
            random: 0x9e37_79b9_7f4a_7c15,
        };
        for _ in 0..size.calls {
            let telling = pbx.begin();
            pbx.tellings.push(telling);
        }
        pbx
    }

    /// The next that happens, `ago` before now: all messages of one moment. Tells how many they are.
    pub fn burst(&mut self, ago: Duration, out: &mut String) -> u64 {
        let at = self.below(self.tellings.len());
        let stamp = SystemTime::now() + CLOCK_AHEAD - ago;
        let stamp = stamp.duration_since(UNIX_EPOCH).unwrap_or_default();
        let stamp = format!("{}.{:06}", stamp.as_secs(), stamp.subsec_micros());
        let telling = &self.tellings[at];
        let story = &self.stories[telling.story];
        let burst = &story.bursts[telling.burst];
        let mut changes: Vec<(String, usize, usize)> = Vec::new();
        for template in burst {
            let begin = out.len();
            render(&template.parts, telling, &stamp, out);
            if template.name.starts_with("Queue") {
                changes.push((template.name.clone(), begin, out.len()));
            }
        }
        let (count, is_over) = (burst.len() as u64, telling.burst + 1 == story.bursts.len());
        for (name, begin, end) in changes {
            self.note(&name, &out[begin..end]);
        }
        self.tellings[at].burst += 1;
        if is_over {
            for person in std::mem::take(&mut self.tellings[at].people) {
                self.is_busy[person] = false;
            }
            self.tellings[at] = self.begin();
        }
        self.told += count;
        count
    }

    /// A story whose people are free begins.
    fn begin(&mut self) -> Telling {
        loop {
            let story = self.below(self.stories.len());
            let queues: Vec<usize> =
                (0..self.stories[story].queues).map(|_| self.below(self.size.queues)).collect();
            let mut people: Vec<usize> = Vec::new();
            for wanted in &self.stories[story].people {
                let members = &self.of_queue[queues[wanted.queue]];
                let found = members.iter().find(|person| {
                    !self.is_busy[**person]
                        && !people.contains(person)
                        && kind(**person, self.size.queues) == wanted.kind
                });
                people.extend(found);
            }
            let all = people.len() == self.stories[story].people.len();
            if all {
                people.iter().for_each(|person| self.is_busy[*person] = true);
                self.numbers += 1;
                return Telling { story, burst: 0, people, queues, number: self.numbers };
            }
        }
    }

    fn below(&mut self, end: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as usize % end
    }

    /// What a listing tells from now on.
    fn note(&mut self, name: &str, message: &str) {
        let field = |key: &str| {
            let mut lines = message.split("\r\n").filter_map(|line| line.split_once(": "));
            lines.find(|(known, _)| *known == key).map_or("", |(_, value)| value).to_owned()
        };
        match name {
            "QueueCallerJoin" => {
                let (queue, channel) = (field("Queue"), field("Channel"));
                let caller = Caller { queue, channel, since: Instant::now() };
                self.callers.insert(field("Uniqueid"), caller);
            }
            "QueueCallerLeave" => drop(self.callers.remove(&field("Uniqueid"))),
            "QueueMemberRemoved" => {
                self.members.remove(&(field("Queue"), field("Interface")));
            }
            _ if name.starts_with("QueueMember") => {
                let from = message.find("\r\nMemberName: ").map_or(0, |at| at + 2);
                let fields = message[from..].trim_end();
                let fields = fields.replacen("MemberName: ", "Name: ", 1);
                let fields = fields.replacen("\r\nInterface: ", "\r\nLocation: ", 1) + "\r\n";
                self.members.insert((field("Queue"), field("Interface")), fields);
            }
            _ => {}
        }
    }

    /// Answers an action.
    pub fn answer(&mut self, action: &str, id: &str) -> String {
        let head = |word: &str| format!("Response: {word}\r\nActionID: {id}\r\n");
        let mut text = match action {
            "Challenge" => head("Success") + "Challenge: 1234\r\n\r\n",
            "Login" => head("Success") + "Message: Authentication accepted\r\n\r\n",
            "QueueStatus" => head("Success") + "EventList: start\r\n\r\n",
            "CoreShowChannels" => {
                head("Success")
                    + &format!(
                        "EventList: start\r\n\r\nEvent: CoreShowChannelsComplete\r\nActionID: {id}\r\n\
                         EventList: Complete\r\nListItems: 0\r\n\r\n"
                    )
            }
            "Ping" => head("Success") + "Ping: Pong\r\n\r\n",
            _ => head("Error") + "Message: Invalid/unknown command\r\n\r\n",
        };
        if action == "QueueStatus" {
            self.list(id, &mut text);
        }
        self.told += memchr::memmem::find_iter(text.as_bytes(), b"\r\n\r\n").count() as u64;
        text
    }

    fn list(&self, id: &str, out: &mut String) {
        // Writing to a string can't fail.
        for queue in 0..self.size.queues {
            let _ = write!(
                out,
                "Event: QueueParams\r\nQueue: {}\r\nMax: 0\r\nStrategy: rrmemory\r\nCalls: 0\r\nCompleted: 0\r\n\
                 Abandoned: 0\r\nServiceLevel: 20\r\nActionID: {id}\r\n\r\n",
                queue_name(queue)
            );
        }
        for ((queue, _), fields) in &self.members {
            let _ = write!(
                out,
                "Event: QueueMember\r\nQueue: {queue}\r\n{fields}ActionID: {id}\r\n\r\n"
            );
        }
        for (caller, Caller { queue, channel, since }) in &self.callers {
            let _ = write!(
                out,
                "Event: QueueEntry\r\nQueue: {queue}\r\nPosition: 1\r\nChannel: {channel}\r\nUniqueid: {caller}\r\n\
                 Wait: {}\r\nActionID: {id}\r\n\r\n",
                since.elapsed().as_secs()
            );
        }
        let _ = write!(
            out,
            "Event: QueueStatusComplete\r\nActionID: {id}\r\nEventList: Complete\r\nListItems: 0\r\n\r\n"
        );
    }
}

fn render(parts: &[Part], telling: &Telling, stamp: &str, out: &mut String) {
    for part in parts {
        // Writing to a string can't fail.
        let _ = match part {
            Part::Text(text) => out.write_str(text),
            Part::Stamp => out.write_str(stamp),
            Part::Person(person) => write!(out, "{:05}", telling.people[*person]),
            Part::Queue(queue) => out.write_str(&queue_name(telling.queues[*queue])),
            Part::Channel(channel) => write!(out, "{}.{channel}", 1_000_000_000 + telling.number),
        };
    }
}

fn queue_name(queue: usize) -> String {
    format!("queue{queue:04}")
}

/// Every fifth member of a queue has a phone, one a device of its own.
fn kind(person: usize, queues: usize) -> Kind {
    match person / queues % 10 {
        0 | 5 => Kind::Phone,
        7 => Kind::Custom,
        _ => Kind::Local,
    }
}

/// Interface, what the queue watches, and name, as the recordings have them.
fn names(person: usize, kind: Kind) -> (String, String, String) {
    match kind {
        Kind::Local => {
            let interface = format!("Local/agent{person:05}@agents/n");
            (interface.clone(), interface, format!("Agent {person:05}"))
        }
        Kind::Phone => {
            let interface = format!("PJSIP/phone{person:05}");
            (interface.clone(), interface, format!("Phone {person:05}"))
        }
        Kind::Custom => {
            let (interface, state) =
                (format!("Local/dev{person:05}@agents/n"), format!("Custom:dev{person:05}"));
            (interface, state, format!("Dev {person:05}"))
        }
    }
}
