//! What is asked of the PBX, and its answers.

use stats::event::Millis;

use super::{Pbx, Timer, Told, members::Member, text};
use crate::connect::asterisk::ami::{Action, ActionId, Message};

/// How often the queues are listed and compared, though every change is told: a reload of the configuration tells
/// nothing.
const LIST_EVERY_MS: Millis = 30_000;

/// How long an answer is waited for: then it is asked again.
const ANSWER_MS_MAX: Millis = 60_000;

/// The longest wait that is believed: nobody waits for longer than a week.
const WAIT_SECONDS_MAX: Millis = 604_800;

/// Entries of one listing: far more than a PBX holds.
const LISTED_MAX: usize = 500_000;

/// How soon again if the PBX can't answer yet: app_queue loads while the manager interface answers already.
const LIST_AGAIN_MS: Millis = 1_000;

/// What the PBX is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Queues with members and callers.
    Queues,
    /// All channels. Whatever happened before the queues were listed has been told when this answer has come.
    Channels,
    /// An answer, which comes behind all that happened before the queues were listed.
    Answer,
    /// The device behind a hint, for an agent.
    Hint {
        /// The extension.
        exten: String,
        /// Its context.
        context: String,
        /// Whose.
        agent: String,
    },
}

impl Ask {
    /// The action that asks it.
    pub fn action(&self) -> Action {
        match self {
            Ask::Queues => Action::new("QueueStatus"),
            Ask::Channels => Action::new("CoreShowChannels"),
            Ask::Answer => Action::new("Ping"),
            Ask::Hint { exten, context, .. } => Action::new("ExtensionState")
                .with("Exten", exten.as_str())
                .with("Context", context.as_str()),
        }
    }
}

/// A listing under way.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub queues: Vec<ListedQueue>,
    pub members: Vec<Member>,
    pub callers: Vec<ListedCaller>,
    /// The list of queues has come whole.
    pub is_whole: bool,
    /// All is asked for, channels too.
    pub is_first: bool,
    /// The list of channels has come.
    pub has_channels: bool,
}

#[derive(Debug)]
pub(super) struct ListedQueue {
    pub name: String,
    pub service_level_seconds: u32,
    pub completed: u64,
    pub abandoned: u64,
}

#[derive(Debug)]
pub(super) struct ListedCaller {
    pub queue: String,
    pub caller: String,
    pub wait_ms: Millis,
}

impl Pbx {
    /// Queues and channels: at the beginning of a session, and when the PBX says that it has begun anew.
    pub(super) fn ask_for_all(&mut self) {
        self.begin_listing(true);
        self.asks.extend([Ask::Queues, Ask::Channels]);
    }

    /// Queues alone.
    pub(super) fn ask_for_queues(&mut self) {
        if !self.is_compared {
            // The first listing of this session was not to be had.
            return self.ask_for_all();
        }
        self.begin_listing(false);
        self.asks.extend([Ask::Queues, Ask::Answer]);
    }

    fn begin_listing(&mut self, is_first: bool) {
        self.listing = Listing { is_first, ..Listing::default() };
        self.touched_callers.clear();
        self.touched_members.clear();
        self.timers.retain(|_, timer| !matches!(timer, Timer::List));
        self.set_timer(self.now + ANSWER_MS_MAX, Timer::List);
        // Answers to a listing that was overtaken are not waited for.
        self.asked.retain(|_, ask| matches!(ask, Ask::Hint { .. }));
    }

    /// The device behind a hint such as `101@ext-local` is the agent's.
    pub(super) fn ask_for_hint(&mut self, hint: &str, agent: &str) {
        let (exten, context) = hint.split_once('@').unwrap_or((hint, "default"));
        let (exten, context) = (exten.to_owned(), context.to_owned());
        self.asks.push(Ask::Hint { exten, context, agent: agent.to_owned() });
    }

    /// A message that answers an ask.
    pub(super) fn answer(
        &mut self,
        at: Millis,
        id: ActionId,
        ask: &Ask,
        message: &Message,
        out: &mut Vec<Told>,
    ) {
        match ask {
            Ask::Queues => self.queues_listed(at, id, message),
            Ask::Channels => {
                if message.name() == Some("CoreShowChannel") {
                    self.channel_listed(message);
                } else if message.ends_list() || message.is_refusal() {
                    self.asked.remove(&id);
                    self.listing.has_channels = message.ends_list();
                    if message.is_refusal() {
                        let line = "the PBX doesn't list its channels: give the manager.conf user `write = reporting`";
                        self.refused(line.to_owned());
                    }
                    self.compare(at, out);
                }
            }
            Ask::Answer => {
                self.asked.remove(&id);
                self.compare(at, out);
            }
            Ask::Hint { agent, .. } => {
                self.asked.remove(&id);
                for device in text(message, "Hint").split(['&', ',']) {
                    if device.contains('/') {
                        self.members.seat(device, agent);
                    }
                }
            }
        }
    }

    fn queues_listed(&mut self, at: Millis, id: ActionId, message: &Message) {
        let number = |key| text(message, key).parse().unwrap_or(0);
        let queue = text(message, "Queue");
        let listing = &self.listing;
        let listed = listing.queues.len() + listing.members.len() + listing.callers.len();
        if listed > LISTED_MAX && !message.ends_list() {
            return;
        }
        match message.name() {
            Some("QueueParams") if self.serves(queue) => self.listing.queues.push(ListedQueue {
                name: queue.to_owned(),
                service_level_seconds: text(message, "ServiceLevel").parse().unwrap_or(0),
                completed: number("Completed"),
                abandoned: number("Abandoned"),
            }),
            Some("QueueMember") => {
                if let Some(member) = self.read_member(message, text(message, "Location"), "Name") {
                    self.listing.members.push(member);
                }
            }
            Some("QueueEntry") if self.serves(queue) => self.listing.callers.push(ListedCaller {
                queue: queue.to_owned(),
                caller: text(message, "Uniqueid").to_owned(),
                wait_ms: text(message, "Wait").parse().unwrap_or(0).clamp(0, WAIT_SECONDS_MAX)
                    * 1_000,
            }),
            Some("QueueStatusComplete") => {
                self.asked.remove(&id);
                self.listing.is_whole = true;
            }
            _ if message.is_refusal() => {
                self.asked.remove(&id);
                let why = text(message, "Message").chars().take(200).collect::<String>();
                self.refused(format!("the PBX doesn't list its queues: {why}; asking again"));
                self.timers.retain(|_, timer| !matches!(timer, Timer::List));
                self.set_timer(at + LIST_AGAIN_MS, Timer::List);
            }
            _ => {}
        }
    }

    fn channel_listed(&mut self, message: &Message) {
        self.note_channel(message, text(message, "Channel"));
        let is_login = text(message, "Application") == "AgentLogin";
        let is_dialed_by_queue = text(message, "Application") == "AppQueue";
        let channel = self.channels.entry(text(message, "Uniqueid"));
        text(message, "BridgeId").clone_into(&mut channel.bridge);
        channel.is_login |= is_login;
        channel.is_dialed_by_queue |= is_dialed_by_queue;
    }

    fn compare(&mut self, at: Millis, out: &mut Vec<Told>) {
        if !self.listing.is_whole {
            return;
        }
        let listing = std::mem::take(&mut self.listing);
        self.resync(at, listing, out);
        self.timers.retain(|_, timer| !matches!(timer, Timer::List));
        self.set_timer(at + LIST_EVERY_MS, Timer::List);
        for (happened, message) in std::mem::take(&mut self.held) {
            self.message(happened, &message, out);
        }
    }
}
