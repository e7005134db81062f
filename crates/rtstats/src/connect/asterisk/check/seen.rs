//! What a PBX tells when it is asked and listened to.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use stats::event::Millis;
use tokio::time::{self, Instant};

use crate::{
    clock,
    connect::asterisk::{
        ami::{Action, ActionId, AmiError, Message, Session},
        pbx::DeviceState,
    },
};

/// How long events are listened to.
pub(super) const LISTEN: Duration = Duration::from_secs(5);

/// How long a busy PBX may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// All that was seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Version of the manager interface.
    pub ami_version: String,
    /// Version of Asterisk, if the user may ask.
    pub version: Option<String>,
    /// When Asterisk was started, by its own local time.
    pub started: Option<String>,
    /// The PBX's clock less ours.
    pub clock_ahead_ms: Option<Millis>,
    /// The actions that the user may run.
    pub commands: BTreeSet<String>,
    /// Names of the events that came, by class: `agent`, `call`, `system`.
    pub events: BTreeMap<String, BTreeSet<String>>,
    /// Whether events carry the time at which they happened; none if no event came.
    pub timestamps: Option<bool>,
    /// Why the queues can't be listed.
    pub queues_refused: Option<String>,
    /// The state at first, and at the end of listening.
    pub first: Listed,
    pub last: Listed,
}

/// One listing of the PBX's state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Listed {
    pub queues: BTreeMap<String, Queue>,
    /// By queue and interface.
    pub members: BTreeMap<(String, String), Member>,
    /// Those that wait in queues.
    pub callers: BTreeSet<String>,
    pub channels: BTreeSet<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Queue {
    pub strategy: String,
    pub waiting: String,
    pub service_level_seconds: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub name: String,
    pub state_interface: String,
    pub membership: String,
    pub penalty: String,
    /// The reason, if paused.
    pub paused: Option<String>,
    pub device: DeviceState,
    /// The device state as Asterisk calls it.
    pub device_words: &'static str,
    pub wrap_up_seconds: u32,
}

/// What is asked, and by which id its answers are known.
struct Asked {
    queues: ActionId,
    channels: ActionId,
    ping: ActionId,
    ping_sent: Millis,
    awaited: BTreeSet<ActionId>,
}

impl Seen {
    /// Asks, listens for so long, and asks again.
    pub(super) async fn gather(session: &mut Session, listen: Duration) -> Result<Seen, AmiError> {
        let mut seen = Seen { ami_version: session.banner().version.clone(), ..Seen::default() };
        let own = ["ListCommands", "CoreSettings", "CoreStatus"];
        let own = own.map(|name| session.send(&Action::new(name)));
        let heard_enough = Instant::now() + listen;
        seen.first = seen.list(session, &own).await?;
        let mut batch = Vec::new();
        while Instant::now() < heard_enough {
            // Time is up: what has come is enough.
            let Ok(arrived) = time::timeout_at(heard_enough, session.next_batch(&mut batch)).await
            else {
                break;
            };
            arrived?;
            batch.drain(..).for_each(|message| seen.take_event(&message));
        }
        seen.last = seen.list(session, &[]).await?;
        Ok(seen)
    }

    /// Lists the state; waits for the answers to `own` too.
    async fn list(&mut self, session: &mut Session, own: &[ActionId]) -> Result<Listed, AmiError> {
        let mut asked = ask(session);
        asked.awaited.extend(own);
        let mut listed = Listed::default();
        let mut batch = Vec::new();
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        while !asked.awaited.is_empty() && Instant::now() < deadline {
            let Ok(arrived) = time::timeout_at(deadline, session.next_batch(&mut batch)).await
            else {
                break;
            };
            arrived?;
            for message in batch.drain(..) {
                self.take(&message, &mut asked, &mut listed);
            }
        }
        Ok(listed)
    }

    /// Answers to `ListCommands`, `CoreSettings` and `CoreStatus`.
    fn take_answer(&mut self, message: &Message) {
        let text = |key| message.get(key).map(str::to_owned);
        if let Some(version) = text("AsteriskVersion") {
            self.version = Some(version);
        } else if let (Some(date), Some(time)) = (text("CoreStartupDate"), text("CoreStartupTime"))
        {
            self.started = Some(format!("{date} {time}"));
        } else if message.get("ListCommands").is_some() {
            // Every line is a command and what it is good for.
            self.commands = message.fields().map(|(key, _)| key.to_owned()).collect();
        }
    }

    fn take(&mut self, message: &Message, asked: &mut Asked, listed: &mut Listed) {
        let Some(id) = message.action_id() else { return self.take_event(message) };
        if id == asked.ping {
            let now = clock::now();
            self.clock_ahead_ms =
                message.timestamp().map(|theirs| theirs - (asked.ping_sent + now) / 2);
        } else if id == asked.queues && message.is_refusal() {
            self.queues_refused = Some(message.get("Message").unwrap_or_default().to_owned());
        } else if id != asked.queues && id != asked.channels && message.is_response() {
            self.take_answer(message);
        }
        let is_list = id == asked.queues || id == asked.channels;
        if message.is_refusal() || message.ends_list() || (message.is_response() && !is_list) {
            asked.awaited.remove(&id);
        }
        listed.take(message);
    }

    /// An event that nobody asked for: it shows a right of the user.
    fn take_event(&mut self, message: &Message) {
        let (Some(name), Some(privilege)) = (message.name(), message.get("Privilege")) else {
            return;
        };
        for class in privilege.split(',').filter(|class| *class != "all") {
            self.events.entry(class.to_owned()).or_default().insert(name.to_owned());
        }
        // The greeting after a login is written by another way, always without a time.
        if name != "FullyBooted" {
            self.timestamps = Some(message.timestamp().is_some());
        }
    }

    /// Whether something moved that events of a class tell, while none of that class came.
    pub(super) fn is_deaf_to(&self, class: &str) -> bool {
        let moved = match class {
            "agent" => {
                self.first.callers != self.last.callers || self.first.pauses() != self.last.pauses()
            }
            "call" => {
                let agent = self.events.get("agent");
                self.first.channels != self.last.channels
                    || agent.is_some_and(|names| names.contains("AgentCalled"))
            }
            _ => false,
        };
        moved && !self.events.contains_key(class)
    }
}

fn ask(session: &mut Session) -> Asked {
    let names = ["QueueStatus", "CoreShowChannels", "Ping"];
    let [queues, channels, ping] = names.map(|name| session.send(&Action::new(name)));
    let awaited = BTreeSet::from([queues, channels, ping]);
    Asked { queues, channels, ping, ping_sent: clock::now(), awaited }
}

impl Listed {
    /// One entry of a list.
    fn take(&mut self, message: &Message) {
        let text = |key| message.get(key).unwrap_or_default().to_owned();
        let number = |key| message.get(key).and_then(|text| text.parse().ok()).unwrap_or(0);
        match message.name() {
            Some("QueueParams") => {
                let queue = Queue {
                    strategy: text("Strategy"),
                    waiting: text("Calls"),
                    service_level_seconds: number("ServiceLevel"),
                };
                self.queues.insert(text("Queue"), queue);
            }
            Some("QueueMember") => {
                let status = message.get("Status").unwrap_or_default();
                let member = Member {
                    name: text("Name"),
                    state_interface: text("StateInterface"),
                    membership: text("Membership"),
                    penalty: text("Penalty"),
                    paused: (message.get("Paused") == Some("1")).then(|| text("PausedReason")),
                    device: DeviceState::from_status(status),
                    device_words: device_words(status),
                    wrap_up_seconds: number("Wrapuptime"),
                };
                self.members.insert((text("Queue"), text("Location")), member);
            }
            Some("QueueEntry") => drop(self.callers.insert(text("Uniqueid"))),
            Some("CoreShowChannel") => drop(self.channels.insert(text("Uniqueid"))),
            _ => {}
        }
    }

    fn pauses(&self) -> impl PartialEq {
        let pauses = self.members.iter().map(|(key, member)| (key.clone(), member.paused.clone()));
        pauses.collect::<Vec<_>>()
    }
}

/// Asterisk's `AST_DEVICE_…` in words.
fn device_words(status: &str) -> &'static str {
    match status {
        "1" => "not in use",
        "2" => "in use",
        "3" => "busy",
        "4" => "invalid",
        "5" => "unavailable",
        "6" => "ringing",
        "7" => "ringing, in use",
        "8" => "on hold",
        _ => "unknown",
    }
}
