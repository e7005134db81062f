//! Queues, agents, their assignments and base statuses, as far as a log shows them.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use serde::{Deserialize, Serialize};
use stats::{
    event::{Base, CodeItem, GivenCode, Kind, Media, Millis, Text},
    limit,
};

use super::{Account, History, LogKind, LogLine};
use crate::connect::{asterisk::mapping::AgentId, names::agent_id};

/// Reasons that get an item in the status code list. Each new one tells the list again, so free text beyond this
/// many goes without an item.
const REASONS_LISTED_MAX: usize = 1_000;

/// What the log has shown of the directory.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Directory {
    queues: HashMap<String, Queue>,
    agents: Vec<Agent>,
    /// Which agent a text in the agent column is.
    columns: HashMap<String, usize>,
    /// Queues of interfaces of which nobody said which member they are, and whether they were added paused.
    loose: BTreeMap<String, BTreeMap<String, bool>>,
    /// Reasons whose items were told.
    reasons: BTreeSet<String>,
}

/// A queue that was told.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Queue {
    /// Its number.
    pub number: u32,
    /// Wrap-up time of its calls.
    pub wrap_up_ms: Millis,
    /// Since when the server knows it.
    pub since: Millis,
}

/// An agent that was told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Agent {
    id: String,
    /// Since when the server knows it.
    pub since: Millis,
    /// By AGENTLOGIN and AGENTLOGOFF, for agents of which there was one.
    pool_login: Option<bool>,
    memberships: BTreeMap<u32, Membership>,
    /// When it was removed from queues of which it is no member now.
    removed: BTreeMap<u32, Millis>,
    /// Paused in all queues, those to come included.
    paused_everywhere: bool,
    reason: String,
    told: Status,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Membership {
    paused: bool,
    told_enabled: bool,
}

/// A base status with the reason, if it has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Status {
    base: Base,
    reason: String,
}

impl Directory {
    /// The agent of a text that came up before.
    pub fn known(&self, column: &str) -> Option<usize> {
        self.columns.get(column).copied()
    }

    /// An agent by its number here.
    pub fn agent(&self, agent: usize) -> &Agent {
        &self.agents[agent]
    }

    /// How many queues and agents there are.
    pub fn sizes(&self) -> (usize, usize) {
        (self.queues.len(), self.agents.len())
    }
}

impl History {
    /// The queue of this name, told when it first comes up.
    pub(super) fn queue(&mut self, name: &str, at: Millis) -> Queue {
        if let Some(queue) = self.known.directory.queues.get(name) {
            return *queue;
        }
        let number = self.names.queue(name);
        let settings = self.mapping.queues.get(name).cloned().unwrap_or_default();
        let seconds = settings.wrap_up_seconds.unwrap_or(self.mapping.wrap_up_seconds);
        let queue = Queue { number, wrap_up_ms: Millis::from(seconds) * 1_000, since: at };
        self.known.directory.queues.insert(name.to_owned(), queue);
        let shown = settings.name.unwrap_or_else(|| name.to_owned());
        let (name, media) = (clipped(&shown).to_owned().into(), Media::Phone);
        self.tell(at, Kind::QueueConfigured { queue: number, name, media, sla: settings.sla });
        queue
    }

    /// The agent's id as an event's text.
    pub(super) fn agent_text(&self, agent: usize) -> Text<'static> {
        Cow::Owned(self.known.directory.agents[agent].id.clone())
    }

    /// The agent that a member's name stands for, told when it first comes up.
    fn agent(&mut self, column: &str, at: Millis) -> usize {
        if let Some(agent) = self.known.directory.known(column) {
            return agent;
        }
        let configured = self.mapping.agents.get(column).map(String::as_str);
        let id = agent_id_of(configured.or(self.names.known_agent(column)), column);
        self.names.set_agent(column, &id);
        let directory = &mut self.known.directory;
        let known = directory.agents.iter().position(|agent| agent.id == id);
        let agent = known.unwrap_or(directory.agents.len());
        directory.columns.insert(column.to_owned(), agent);
        if known.is_none() {
            let told = Status { base: Base::LoggedOut, reason: String::new() };
            directory.agents.push(Agent {
                id: id.clone(),
                since: at,
                pool_login: None,
                memberships: BTreeMap::new(),
                removed: BTreeMap::new(),
                paused_everywhere: false,
                reason: String::new(),
                told,
            });
            let name = if is_interface(column) { id.clone() } else { clipped(column).to_owned() };
            self.tell(
                at,
                Kind::AgentConfigured { agent: id.into(), name: name.into(), group: None },
            );
        }
        for (queue, paused) in self.known.directory.loose.remove(column).unwrap_or_default() {
            self.join(agent, &queue, paused, at);
        }
        agent
    }

    /// The agent of a text that may be an interface: none where nobody said whose it is.
    fn agent_of_any(&mut self, column: &str, at: Millis) -> Option<usize> {
        let is_settled = !is_interface(column)
            || self.mapping.agent_id == AgentId::Interface
            || self.known.directory.columns.contains_key(column)
            || self.mapping.agents.contains_key(column)
            || self.names.known_agent(column).is_some()
            || self.is_an_agents_id(&agent_id(column));
        is_settled.then(|| self.agent(column, at))
    }

    fn is_an_agents_id(&self, id: &str) -> bool {
        self.known.directory.agents.iter().any(|agent| agent.id == id)
    }

    /// The agent of an offer that began then. It is assigned to the queue, unless it was removed since.
    pub(super) fn member(&mut self, column: &str, queue: &str, at: Millis) -> usize {
        let agent = self.agent(column, at);
        let number = self.queue(queue, at).number;
        let about = &self.known.directory.agents[agent];
        let was_removed = about.removed.get(&number).is_some_and(|removed| at <= *removed);
        if !about.memberships.contains_key(&number) && !was_removed {
            let paused = about.paused_everywhere;
            self.join(agent, queue, paused, at);
        }
        agent
    }

    /// The same for a line that tells the end of something.
    pub(super) fn member_unless_removed(&mut self, column: &str, queue: &str, at: Millis) {
        let agent = self.agent(column, at);
        let number = self.queue(queue, at).number;
        if !self.known.directory.agents[agent].removed.contains_key(&number) {
            self.member(column, queue, at);
        }
    }

    fn join(&mut self, agent: usize, queue: &str, paused: bool, at: Millis) {
        let queue = self.queue(queue, at).number;
        let about = &mut self.known.directory.agents[agent];
        about.removed.remove(&queue);
        match about.memberships.get_mut(&queue) {
            Some(membership) => membership.paused = paused,
            None => {
                about.memberships.insert(queue, Membership { paused, told_enabled: true });
                let (agent, assigned, enabled) = (about.id.clone().into(), true, true);
                self.tell(at, Kind::AssignmentSet { agent, queue, assigned, enabled });
            }
        }
        self.settle(agent, at);
    }

    /// A line about an agent: membership, login, pause.
    pub(super) fn staff(&mut self, line: &LogLine<'_>, kind: LogKind, account: &mut Account) {
        let at = line.time;
        let names_member = !matches!(
            kind,
            LogKind::AddMember | LogKind::RemoveMember | LogKind::PauseAll | LogKind::UnpauseAll
        );
        let agent = match self.agent_of_any(line.agent, at) {
            Some(agent) => agent,
            None if names_member => self.agent(line.agent, at),
            None => {
                self.keep_loose(line, kind, account);
                return;
            }
        };
        match kind {
            LogKind::AddMember => {
                let everywhere = self.known.directory.agents[agent].paused_everywhere;
                self.join(agent, line.queue, is_paused(line) || everywhere, at);
            }
            LogKind::RemoveMember => self.remove(agent, line.queue, at),
            LogKind::Pause | LogKind::Unpause => {
                self.member(line.agent, line.queue, at);
                let queue = self.queue(line.queue, at).number;
                let about = &mut self.known.directory.agents[agent];
                let paused = kind == LogKind::Pause;
                if let Some(membership) = about.memberships.get_mut(&queue) {
                    membership.paused = paused;
                }
                about.pause(paused, false, line.reason());
            }
            LogKind::PauseAll | LogKind::UnpauseAll => {
                let about = &mut self.known.directory.agents[agent];
                let paused = kind == LogKind::PauseAll;
                about.memberships.values_mut().for_each(|membership| membership.paused = paused);
                about.pause(paused, paused, line.reason());
            }
            LogKind::AgentLogin | LogKind::AgentCallbackLogin => {
                self.known.directory.agents[agent].pool_login = Some(true);
            }
            _ => self.known.directory.agents[agent].pool_login = Some(false),
        }
        self.settle(agent, at);
    }

    /// An interface that may be anybody's: its queues wait until a line has it in a member's place.
    fn keep_loose(&mut self, line: &LogLine<'_>, kind: LogKind, account: &mut Account) {
        account.see_loose(line.agent);
        let queues = self.known.directory.loose.entry(line.agent.to_owned()).or_default();
        match kind {
            LogKind::AddMember => drop(queues.insert(line.queue.to_owned(), is_paused(line))),
            LogKind::RemoveMember => drop(queues.remove(line.queue)),
            _ => {}
        }
        if queues.is_empty() {
            self.known.directory.loose.remove(line.agent);
        }
    }

    fn remove(&mut self, agent: usize, queue: &str, at: Millis) {
        let queue = self.queue(queue, at).number;
        let about = &mut self.known.directory.agents[agent];
        about.removed.insert(queue, at);
        if about.memberships.remove(&queue).is_some() {
            let (agent, assigned, enabled) = (about.id.clone().into(), false, true);
            self.tell(at, Kind::AssignmentSet { agent, queue, assigned, enabled });
        }
    }

    /// Tells what has changed of an agent's status: paused in all of its queues it is on break, in some only those
    /// assignments are disabled.
    fn settle(&mut self, agent: usize, at: Millis) {
        let about = &mut self.known.directory.agents[agent];
        let is_in = about.pool_login.unwrap_or(!about.memberships.is_empty());
        let everywhere = if about.memberships.is_empty() {
            about.paused_everywhere
        } else {
            about.memberships.values().all(|membership| membership.paused)
        };
        let id: Text<'static> = Cow::Owned(about.id.clone());
        for (queue, membership) in &mut about.memberships {
            let enabled = everywhere || !membership.paused;
            if membership.told_enabled != enabled {
                membership.told_enabled = enabled;
                let (agent, queue, assigned) = (id.clone(), *queue, true);
                let kind = Kind::AssignmentSet { agent, queue, assigned, enabled };
                self.out.push(super::Told { time: at, certain: None, kind });
            }
        }
        let reason = if is_in && everywhere { about.reason.clone() } else { String::new() };
        let base = match (is_in, everywhere) {
            (false, _) => Base::LoggedOut,
            (true, false) => Base::Available,
            (true, true) => match self.mapping.pauses.get(&reason) {
                Some(settings) if settings.work_offline => Base::WorkOffline,
                _ => Base::OnBreak,
            },
        };
        let status = Status { base, reason };
        if about.told != status {
            about.told = status.clone();
            let code = self.code(&status.reason, at);
            self.tell(at, Kind::AgentStatus { agent: id, status: base, code });
        }
    }

    /// The code of a reason; a new one tells the list first.
    fn code(&mut self, reason: &str, at: Millis) -> GivenCode<'static> {
        if reason.is_empty() {
            return GivenCode::default();
        }
        let list = self.mapping.code_list;
        if !self.known.directory.reasons.contains(reason) {
            if self.known.directory.reasons.len() >= REASONS_LISTED_MAX {
                let short_code = Some(Cow::Owned(clipped(reason).to_owned()));
                return GivenCode { list: Some(list), item: None, short_code };
            }
            self.names.code(reason);
            let items = self.items();
            self.known.directory.reasons =
                self.names.codes().map(|(text, _)| text.to_owned()).collect();
            let name = Cow::Borrowed("Pause reasons");
            self.tell(at, Kind::CodesConfigured { list, name, items });
        }
        GivenCode { list: Some(list), item: Some(self.names.code(reason)), short_code: None }
    }

    fn items(&self) -> Vec<CodeItem<'static>> {
        let item = |(reason, item): (&str, i64)| {
            let settings = self.mapping.pauses.get(reason);
            let short_code = settings.and_then(|settings| settings.short_code.as_deref());
            let status = match settings {
                Some(settings) if settings.work_offline => Base::WorkOffline,
                _ => Base::OnBreak,
            };
            CodeItem {
                item,
                short_code: clipped(short_code.unwrap_or(reason)).to_owned().into(),
                name: clipped(reason).to_owned().into(),
                status,
            }
        };
        let mut items: Vec<_> = self.names.codes().map(item).collect();
        items.sort_by_key(|item| item.item);
        items.truncate(limit::CODE_ITEMS_MAX);
        items
    }
}

impl Agent {
    fn pause(&mut self, paused: bool, everywhere: bool, reason: &str) {
        if paused {
            self.reason = reason.to_owned();
            self.paused_everywhere |= everywhere;
        } else {
            self.paused_everywhere = false;
        }
    }
}

/// The id that is configured or known, made one that events can carry, else the one in the column.
fn agent_id_of(known: Option<&str>, column: &str) -> String {
    match known {
        // A configured id is no interface: of a slash only the character is wrong in it.
        Some(known) => agent_id(&known.replace('/', "-")),
        None => agent_id(column),
    }
}

/// Whether a text has the form of an interface, such as `PJSIP/101`.
fn is_interface(column: &str) -> bool {
    column.split_once('/').is_some_and(|(technology, _)| {
        !technology.is_empty() && technology.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn is_paused(line: &LogLine<'_>) -> bool {
    line.field(0) == "PAUSED"
}

/// As much of a text as a name holds.
fn clipped(text: &str) -> &str {
    text.char_indices().nth(limit::NAME_CHARS_MAX).map_or(text, |(end, _)| &text[..end])
}
