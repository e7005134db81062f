//! Queues, memberships and agents: what follows from them for numbers, assignments and base statuses.

use std::collections::BTreeMap;

use stats::{
    event::{Base, CodeItem, Kind, Media, Millis, Sla},
    limit,
};

use super::{
    Pbx, Told,
    calls::{Leg, LegId},
    members::{DeviceState, Member, MemberKey},
    text,
    told::{Code, ToldQueue},
};
use crate::connect::{
    asterisk::{
        ami::Message,
        mapping::{AgentId, PauseMapping},
    },
    names,
};

/// Reasons that get an item of their own in the status code list. Where reasons are free text, as in "back at 14:35",
/// later ones are shown by their text alone.
const REASONS_MAX: usize = 1_000;

impl Pbx {
    /// The number of a queue; the server is told of it if it doesn't know it yet, or otherwise than configured.
    pub(super) fn ensure_queue(
        &mut self,
        at: Millis,
        queue: &str,
        service_level_seconds: Option<u32>,
        out: &mut Vec<Told>,
    ) -> u32 {
        let known = self.queues.get(queue).map(|known| known.number);
        if let (Some(number), None) = (known, service_level_seconds) {
            return number;
        }
        let number = self.number_of(queue);
        let told = self.told.queues.get(&number).cloned();
        let known = self.queues.entry(queue.to_owned()).or_default();
        known.number = number;
        self.numbers.insert(number);
        let is_new = told.is_none() || known.awaits_sla;
        known.awaits_sla = is_new && service_level_seconds.is_none();
        let own = self.mapping.queues.get(queue).cloned().unwrap_or_default();
        let of_pbx = service_level_seconds.filter(|seconds| *seconds > 0).map(|seconds| Sla {
            percent: self.mapping.sla_percent,
            within_seconds: seconds.min(limit::SLA_SECONDS_MAX),
            evaluate_every_seconds: limit::EVALUATE_EVERY_SECONDS,
        });
        let wanted = match &told {
            // What an administrator has changed since stays, unless the configuration names it.
            Some(told) => ToldQueue {
                name: own.name.unwrap_or_else(|| told.name.clone()),
                media: told.media,
                sla: own.sla.or(told.sla).or(of_pbx.filter(|_| is_new)),
            },
            None => ToldQueue {
                name: own.name.unwrap_or_else(|| shown(queue)),
                media: Media::Phone,
                sla: own.sla.or(of_pbx),
            },
        };
        if told.as_ref() != Some(&wanted) {
            let ToldQueue { name, media, sla } = wanted;
            self.tell(
                at,
                Kind::QueueConfigured { queue: number, name: name.into(), media, sla },
                out,
            );
        }
        number
    }

    /// Configured, assigned before, the number of the queue that has this name already, or the next free one.
    fn number_of(&mut self, queue: &str) -> u32 {
        if let Some(number) = self.names.known_queue(queue) {
            return number;
        }
        let like = self.told.queues.iter().find(|(_, told)| told.name == queue);
        if let Some((number, _)) = like {
            self.names.set_queue(queue, *number);
            return *number;
        }
        // The server's numbers above all of ours may be another connector's.
        let number = self.names.free_queue(|number| self.told.queues.contains_key(&number));
        self.names.set_queue(queue, number);
        number
    }

    /// The id of the agent that a member stands for.
    pub(super) fn agent_of(&mut self, queue: &str, interface: &str, name: &str) -> String {
        if let Some(member) = self.members.get(queue, interface)
            && (member.name == name || name.is_empty())
        {
            return member.agent.clone();
        }
        let name = if name.is_empty() { interface } else { name };
        let configured = self.mapping.agents.get(name).or(self.mapping.agents.get(interface));
        let agent = match (configured, self.mapping.agent_id) {
            (Some(agent), _) => agent.clone(),
            (None, AgentId::Name) => names::agent_id(name),
            (None, AgentId::Interface) => names::agent_id(interface),
        };
        self.names.set_agent(name, &agent);
        if name != interface {
            self.names.set_agent(interface, &agent);
        }
        agent
    }

    /// The server must know an agent before it hears of the agent's calls.
    pub(super) fn ensure_agent(
        &mut self,
        at: Millis,
        agent: &str,
        name: &str,
        out: &mut Vec<Told>,
    ) {
        let told = self.told.agents.get(agent);
        // A name that was an interface gives way to a person's name; any other is the administrator's.
        let is_named = told.is_some_and(|told| {
            told.name == name
                || !(told.name == agent || told.name.contains('/'))
                || name.contains('/')
        });
        if !is_named {
            let group = told.and_then(|told| told.group);
            let kind = Kind::AgentConfigured {
                agent: agent.to_owned().into(),
                name: shown(name).into(),
                group,
            };
            self.tell(at, kind, out);
        }
    }

    /// A member event: the whole membership as it is now.
    pub(super) fn member_is(&mut self, at: Millis, message: &Message, out: &mut Vec<Told>) {
        let Some(member) = self.read_member(message, text(message, "Interface"), "MemberName")
        else {
            return;
        };
        self.touched_members.insert((member.queue.clone(), member.interface.clone()));
        self.put_member(at, member, out);
    }

    /// A membership from an event, or from a listing, where two fields are named otherwise.
    pub(super) fn read_member(
        &mut self,
        message: &Message,
        interface: &str,
        name_key: &str,
    ) -> Option<Member> {
        let queue = text(message, "Queue");
        if !self.serves(queue) || interface.is_empty() {
            return None;
        }
        let number = |key| text(message, key).parse().unwrap_or(0);
        let name = text(message, name_key);
        Some(Member {
            queue: queue.to_owned(),
            interface: interface.to_owned(),
            state_interface: text(message, "StateInterface").to_owned(),
            name: if name.is_empty() { interface } else { name }.to_owned(),
            agent: self.agent_of(queue, interface, name),
            paused: (text(message, "Paused") == "1")
                .then(|| text(message, "PausedReason").to_owned()),
            paused_order: 0,
            device: DeviceState::from_status(text(message, "Status")),
            wrap_up_seconds: text(message, "Wrapuptime").parse().unwrap_or(0),
            in_call: text(message, "InCall") == "1",
            calls_taken: text(message, "CallsTaken").parse().unwrap_or(0),
            last_call: number("LastCall"),
        })
    }

    pub(super) fn put_member(&mut self, at: Millis, member: Member, out: &mut Vec<Told>) {
        let (agent, queue) = (member.agent.clone(), member.queue.clone());
        let over = self.counted_talk(&member);
        if self.take_member(member) {
            self.ensure_queue(at, &queue, None, out);
            self.settle(at, &agent, out);
        }
        if let Some(leg) = over {
            self.end_talk(at, leg, out);
        }
    }

    /// The talk that a membership's new state ends: its agent has hung up, and the queue has counted the call.
    ///
    /// Mostly `AgentComplete` or the channel's end say so in the same moment. But of an agent who hangs up while an attended
    /// transfer is being set up the queue awaits a transfer that never comes, and the channel stays up for as long as the party
    /// that was to be asked. Neither sign is enough alone: the queue counts a call whose device stepped aside or was picked
    /// up elsewhere, too, and it calls nobody whose device is still in use.
    pub(super) fn counted_talk(&self, member: &Member) -> Option<LegId> {
        let known = self.members.get(&member.queue, &member.interface)?;
        let is_idle = !member.in_call && member.device == DeviceState::NotInUse;
        if !is_idle || member.calls_taken <= known.calls_taken {
            return None;
        }
        let has_hung_up = |leg: &Leg| {
            let channel = leg.channel.as_ref().and_then(|id| self.channels.get(id));
            channel.is_some_and(|channel| channel.hangup_requested)
        };
        let key: MemberKey = (member.queue.clone(), member.interface.clone());
        let mut legs = self.calls.of_agent(&member.agent);
        let talk = legs.find(|(_, leg)| {
            leg.wrap_until.is_none()
                && !leg.optimized
                && leg.member.as_ref() == Some(&key)
                && has_hung_up(leg)
        });
        talk.map(|(id, _)| id)
    }

    /// Notes a membership without telling what follows; true if anything changed.
    pub(super) fn take_member(&mut self, member: Member) -> bool {
        if let Some(hint) = member.state_interface.strip_prefix("hint:")
            && self.members.get(&member.queue, &member.interface).is_none()
        {
            self.ask_for_hint(hint, &member.agent);
        }
        self.members.put(member)
    }

    /// A membership ends.
    pub(super) fn member_goes(&mut self, at: Millis, message: &Message, out: &mut Vec<Told>) {
        let key = (text(message, "Queue").to_owned(), text(message, "Interface").to_owned());
        self.remove_member(at, &key, out);
        self.touched_members.insert(key);
    }

    pub(super) fn remove_member(&mut self, at: Millis, key: &MemberKey, out: &mut Vec<Told>) {
        if let Some(member) = self.members.remove(key) {
            self.settle(at, &member.agent, out);
        }
    }

    /// Compares an agent's memberships with what the server knows, and tells the differences.
    ///
    /// Paused in all queues is a break, paused in some is an assignment that is not enabled. Whoever no call could
    /// reach is logged out, but never in the middle of a call.
    pub(super) fn settle(&mut self, at: Millis, agent: &str, out: &mut Vec<Told>) {
        let first = self.members.of_agent(agent).next();
        if let Some(name) = first.map(|member| member.name.clone()) {
            self.ensure_agent(at, agent, &name, out);
        }
        let unknown = |queue: &&String| !self.queues.contains_key(*queue);
        let queues = self.members.of_agent(agent).map(|member| &member.queue);
        let unknown: Vec<String> = queues.filter(unknown).cloned().collect();
        for queue in unknown {
            self.ensure_queue(at, &queue, None, out);
        }
        let all_paused = self.members.of_agent(agent).all(|member| member.paused.is_some());
        let mut wanted = BTreeMap::new();
        for member in self.members.of_agent(agent) {
            let Some(queue) = self.queues.get(&member.queue) else { continue };
            // By two devices in one queue, one that can be called is enough.
            *wanted.entry(queue.number).or_insert(false) |= all_paused || member.paused.is_none();
        }
        self.settle_assignments(at, agent, &wanted, out);
        let reachable = self.members.of_agent(agent).any(|member| member.device.is_reachable());
        if !reachable && self.calls.is_busy(agent) {
            return;
        }
        let latest = self.members.of_agent(agent).max_by_key(|member| member.paused_order);
        let reason = match (all_paused, reachable) {
            (true, true) => latest.and_then(|member| member.paused.clone()),
            _ => None,
        };
        let (base, code) = match (reachable, reason) {
            (false, _) => (Base::LoggedOut, Code::default()),
            (true, None) => (Base::Available, Code::default()),
            (true, Some(reason)) => self.code_of(at, &reason, out),
        };
        self.settle_status(at, agent, base, &code, out);
    }

    fn settle_assignments(
        &mut self,
        at: Millis,
        agent: &str,
        wanted: &BTreeMap<u32, bool>,
        out: &mut Vec<Told>,
    ) {
        let Some(told) = self.told.agents.get(agent) else { return };
        let mut changes: Vec<(u32, Option<bool>)> = Vec::new();
        for number in told.assignments.keys() {
            if !wanted.contains_key(number) && self.numbers.contains(number) {
                changes.push((*number, None));
            }
        }
        for (number, enabled) in wanted {
            if told.assignments.get(number) != Some(enabled) {
                changes.push((*number, Some(*enabled)));
            }
        }
        for (queue, enabled) in changes {
            let agent = agent.to_owned().into();
            let (assigned, enabled) = (enabled.is_some(), enabled.unwrap_or(true));
            self.tell(at, Kind::AssignmentSet { agent, queue, assigned, enabled }, out);
        }
    }

    fn settle_status(
        &mut self,
        at: Millis,
        agent: &str,
        base: Base,
        code: &Code,
        out: &mut Vec<Told>,
    ) {
        let Some(told) = self.told.agents.get(agent) else { return };
        // Nobody need be told that somebody never seen is logged out.
        let same = told.base.unwrap_or(Base::LoggedOut) == base && told.code == *code;
        if !same {
            let agent = agent.to_owned().into();
            self.tell(at, Kind::AgentStatus { agent, status: base, code: code.given() }, out);
        }
    }

    /// The status and code that a pause's reason stands for; the list of codes is told first if it lacks it.
    fn code_of(&mut self, at: Millis, reason: &str, out: &mut Vec<Told>) -> (Base, Code) {
        let own = self.mapping.pauses.get(reason).cloned();
        let base = base_of(own.as_ref());
        if reason.is_empty() && own.is_none() {
            return (base, Code::default());
        }
        let short_code = short_code(reason, own.as_ref());
        let is_listed = self.names.known_code(reason).is_some();
        if !is_listed && self.names.codes().len() >= REASONS_MAX {
            return (base, Code { short_code: Some(short_code), ..Code::default() });
        }
        let item = self.names.code(reason);
        let told = self.told.codes.get(&self.mapping.code_list);
        // A list of as many with this one in it: the others were told when they were needed.
        let is_told = told.is_some_and(|told| {
            told.len() == self.names.codes().len() && told.get(&item) == Some(&short_code)
        });
        if !is_told {
            self.tell_codes(at, out);
        }
        let list = Some(self.mapping.code_list);
        (base, Code { list, item: Some(item), short_code: Some(short_code) })
    }

    fn tell_codes(&mut self, at: Millis, out: &mut Vec<Told>) {
        let mut items: Vec<CodeItem<'static>> = self
            .names
            .codes()
            .map(|(reason, item)| {
                let own = self.mapping.pauses.get(reason);
                CodeItem {
                    item,
                    short_code: short_code(reason, own).into(),
                    name: shown(reason).into(),
                    status: base_of(own),
                }
            })
            .collect();
        items.sort_by_key(|item| item.item);
        let list = self.mapping.code_list;
        let name = "Pause reasons".into();
        self.tell(at, Kind::CodesConfigured { list, name, items }, out);
    }
}

fn base_of(own: Option<&PauseMapping>) -> Base {
    match own {
        Some(PauseMapping { work_offline: true, .. }) => Base::WorkOffline,
        _ => Base::OnBreak,
    }
}

fn short_code(reason: &str, own: Option<&PauseMapping>) -> String {
    own.and_then(|own| own.short_code.clone()).unwrap_or_else(|| shown(reason))
}

/// A name as it may be shown: no longer than names may be.
fn shown(name: &str) -> String {
    name.chars().take(limit::NAME_CHARS_MAX).collect()
}
