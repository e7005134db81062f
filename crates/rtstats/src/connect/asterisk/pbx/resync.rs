//! A listing compared with what the server has been told: the differences are told, and nothing twice.
//!
//! After a gap the past is known only by what it left behind. Of a caller who is gone a member's last call tells that
//! it was answered, else it counts as abandoned; of a caller who is up the bridge tells with whom. What cannot be told
//! from that, such as a call that came and went within the gap, is counted as missed and not made up.

use std::collections::{BTreeSet, HashSet};

use stats::event::{Kind, Millis};

use super::{
    Pbx, Told,
    calls::{LegId, Offer},
    listing::{ListedCaller, Listing},
    members::{Member, MemberKey},
};

impl Pbx {
    pub(super) fn resync(&mut self, at: Millis, mut listing: Listing, out: &mut Vec<Told>) {
        let since = self.cut_at.take();
        let from = out.len();
        self.is_listing = true;
        // The PBX lists its queues in no order; their numbers shall have one.
        listing.queues.sort_by(|a, b| a.name.cmp(&b.name));
        for queue in &listing.queues {
            self.ensure_queue(at, &queue.name, Some(queue.service_level_seconds), out);
        }
        let members = std::mem::take(&mut listing.members);
        self.resync_members(at, members, listing.is_first, out);
        if listing.is_first {
            self.find_members_of_legs();
            self.resync_legs(at, since.unwrap_or(at), out);
        }
        self.resync_visits(at, since.unwrap_or(at), &listing.callers, out);
        if listing.is_first {
            self.resync_offers(at, out);
            self.find_unknown_calls(at, out);
            self.find_direct_calls(at, out);
            self.settle_everybody(at, out);
        }
        self.count_missed(&listing, since.is_some());
        self.is_listing = false;
        order(at, &mut out[from..]);
        self.figures.resyncs += 1;
        if !listing.is_first {
            self.figures.corrections += (out.len() - from) as u64;
        }
        self.is_compared |= listing.is_first;
    }

    fn resync_members(
        &mut self,
        at: Millis,
        members: Vec<Member>,
        is_first: bool,
        out: &mut Vec<Told>,
    ) {
        let listed: HashSet<MemberKey> =
            members.iter().map(|member| (member.queue.clone(), member.interface.clone())).collect();
        let gone: Vec<MemberKey> = self
            .members
            .keys()
            .filter(|key| !listed.contains(*key) && !self.touched_members.contains(*key))
            .cloned()
            .collect();
        let mut agents = BTreeSet::new();
        for key in gone {
            agents.extend(self.members.remove(&key).map(|member| member.agent));
        }
        for member in members {
            let key = (member.queue.clone(), member.interface.clone());
            if !self.touched_members.contains(&key) {
                let agent = member.agent.clone();
                // Of a membership that is as it was all has been told, when it became so.
                if self.take_member(member) || is_first {
                    agents.insert(agent);
                }
            }
        }
        for agent in agents {
            self.settle(at, &agent, out);
        }
    }

    /// Agents that the server holds assigned to our queues, though no listing names them any more, too.
    fn settle_everybody(&mut self, at: Millis, out: &mut Vec<Told>) {
        let numbers: BTreeSet<u32> = self.queues.values().map(|queue| queue.number).collect();
        let agents: Vec<String> = self
            .told
            .agents
            .iter()
            .filter(|(_, told)| told.assignments.keys().any(|number| numbers.contains(number)))
            .map(|(agent, _)| agent.clone())
            .collect();
        for agent in agents {
            self.settle(at, &agent, out);
        }
    }

    /// The server knows of a leg the queue and the agent, not the member's interface.
    fn find_members_of_legs(&mut self) {
        let mut found = Vec::new();
        for (id, leg) in self.calls.legs() {
            if let Some((queue, interface)) = &leg.member
                && interface.is_empty()
                && let Some(member) =
                    self.members.of_agent(&leg.agent).find(|member| member.queue == *queue)
            {
                found.push((id, queue.clone(), member.interface.clone()));
            }
        }
        for (id, queue, interface) in found {
            self.calls.set_member(id, &queue, &interface);
        }
    }

    /// Talks whose channels are gone ended in the gap.
    fn resync_legs(&mut self, at: Millis, since: Millis, out: &mut Vec<Told>) {
        let talks: Vec<LegId> = self
            .calls
            .legs()
            .filter(|(_, leg)| leg.wrap_until.is_none())
            .map(|(id, _)| id)
            .collect();
        for id in talks {
            let Some(leg) = self.calls.leg(id) else { continue };
            let is_up = |channel: &String| self.channels.get(channel).is_some();
            if leg.channel.as_ref().is_some_and(is_up) || (leg.optimized && is_up(&leg.caller)) {
                continue;
            }
            let caller = leg.caller.clone();
            match self.channel_of_talk(&leg.agent, &caller) {
                Some(channel) => self.calls.set_channel(id, &channel),
                None => {
                    let member = leg.member.as_ref();
                    let ended = member.and_then(|(queue, interface)| {
                        self.members.get(queue, interface).map(|member| member.last_call)
                    });
                    self.end_talk(within(ended.unwrap_or(0), since, at), id, out);
                }
            }
        }
    }

    /// A channel of an agent that is up and talks with a caller.
    fn channel_of_talk(&self, agent: &str, caller: &str) -> Option<String> {
        let with = self.channels.get(caller)?;
        let mut channels = self.channels.iter();
        let found = channels.find(|(id, channel)| {
            *id != caller
                && channel.up
                && self.members.agent_at(&channel.device) == Some(agent)
                && self.calls.on_channel(id).is_none()
                && (channel.linked == with.linked
                    || (!channel.bridge.is_empty() && channel.bridge == with.bridge))
        });
        found.map(|(id, _)| id.to_owned())
    }

    fn resync_visits(
        &mut self,
        at: Millis,
        since: Millis,
        listed: &[ListedCaller],
        out: &mut Vec<Told>,
    ) {
        let waiting: HashSet<(&str, &str)> =
            listed.iter().map(|listed| (&*listed.caller, &*listed.queue)).collect();
        let mut gone: Vec<String> = self
            .calls
            .visits
            .iter()
            .filter(|(caller, visit)| {
                !waiting.contains(&(caller.as_str(), visit.queue.as_str()))
                    && visit.leaving.is_none()
                    && !self.touched_callers.contains(*caller)
            })
            .map(|(caller, _)| caller.clone())
            .collect();
        gone.sort();
        let mut claimed = HashSet::new();
        for caller in gone {
            self.find_outcome(at, since, &caller, &mut claimed, out);
        }
        for listed in listed {
            if !self.touched_callers.contains(&listed.caller)
                && !self.calls.visits.contains_key(&listed.caller)
            {
                self.enter(at - listed.wait_ms, &listed.queue, &listed.caller, out);
            }
        }
    }

    /// What became of a visit in the gap.
    fn find_outcome(
        &mut self,
        at: Millis,
        since: Millis,
        caller: &str,
        claimed: &mut HashSet<MemberKey>,
        out: &mut Vec<Told>,
    ) {
        let Some(visit) = self.calls.visits.get(caller) else { return };
        let queue = visit.queue.clone();
        let of_queue = || self.members.iter().filter(|member| member.queue == queue);
        if self.channels.get(caller).is_some() {
            let talk = of_queue().find_map(|member| {
                let channel = self.channel_of_talk(&member.agent, caller)?;
                Some((member.agent.clone(), member.interface.clone(), channel))
            });
            return match talk {
                Some((agent, interface, channel)) => {
                    self.accept(at, caller, &agent, &interface, Some(channel), out);
                }
                None => self.end_visit(at, caller, false, out),
            };
        }
        let answered = of_queue().find(|member| {
            let key = (member.queue.clone(), member.interface.clone());
            let talks = self
                .calls
                .of_agent(&member.agent)
                .any(|(_, leg)| leg.member.as_ref().is_some_and(|(of, _)| *of == queue));
            member.last_call * 1_000 + 999 >= since && !talks && !claimed.contains(&key)
        });
        let Some(member) = answered.cloned() else {
            return self.end_visit(since, caller, true, out);
        };
        claimed.insert((member.queue.clone(), member.interface.clone()));
        self.accept(since, caller, &member.agent, &member.interface, None, out);
        let leg = self.calls.of_caller(caller).find(|(_, leg)| leg.agent == member.agent);
        if let Some((id, _)) = leg {
            self.end_talk(within(member.last_call, since, at), id, out);
        }
    }

    /// Offers whose phones don't ring any more have ended; phones that ring are offers.
    fn resync_offers(&mut self, at: Millis, out: &mut Vec<Told>) {
        let mut offers: Vec<(String, Offer)> = Vec::new();
        for (caller, visit) in &self.calls.visits {
            offers.extend(visit.offers.iter().map(|offer| (caller.clone(), offer.clone())));
        }
        offers.sort_by(|a, b| a.0.cmp(&b.0));
        for (caller, offer) in offers {
            let is_up = |channel: &String| self.channels.get(channel).is_some();
            if offer.channel.as_ref().is_some_and(is_up) {
                continue;
            }
            match self.rings(&offer.agent, &caller) {
                Some(channel) => self.calls.set_offer_channel(&caller, &offer.agent, &channel),
                None => {
                    let agent = offer.agent;
                    self.end_offer(at, &caller, false, |other| other.agent == agent, out);
                }
            }
        }
        let mut ringing = Vec::new();
        for (id, channel) in self.channels.iter() {
            if !channel.up
                && !channel.dials_in
                && self.calls.ringing_at(id).is_none()
                && let Some(agent) = self.members.agent_at(&channel.device)
                && let Some(caller) = self
                    .calls
                    .visits
                    .keys()
                    .find(|caller| self.channels.linked(caller) == channel.linked)
            {
                ringing.push((caller.clone(), agent.to_owned(), id.to_owned()));
            }
        }
        ringing.sort();
        for (caller, agent, channel) in ringing {
            self.offer(at, &caller, Offer { agent, channel: Some(channel), answered: false }, out);
        }
    }

    fn rings(&self, agent: &str, caller: &str) -> Option<String> {
        let linked = self.channels.linked(caller);
        let mut channels = self.channels.iter();
        let found = channels.find(|(id, channel)| {
            !channel.up
                && channel.linked == linked
                && self.calls.ringing_at(id).is_none()
                && self.members.agent_at(&channel.device) == Some(agent)
        });
        found.map(|(id, _)| id.to_owned())
    }

    /// Members that are in a call of their queue of which nothing is known: it was answered in the gap.
    fn find_unknown_calls(&mut self, at: Millis, out: &mut Vec<Told>) {
        let mut found = Vec::new();
        for member in self.members.iter().filter(|member| member.in_call) {
            let is_known = self.calls.of_agent(&member.agent).any(|(_, leg)| {
                leg.wrap_until.is_none()
                    && leg.member.as_ref().is_some_and(|(queue, _)| *queue == member.queue)
            });
            if is_known {
                continue;
            }
            let mut channels = self.channels.iter();
            let own = channels.find(|(id, channel)| {
                channel.up
                    && !channel.bridge.is_empty()
                    && self.calls.on_channel(id).is_none()
                    && self.members.agent_at(&channel.device) == Some(member.agent.as_str())
            });
            let Some((id, own)) = own else { continue };
            let mut channels = self.channels.iter();
            let caller =
                channels.find(|(other, channel)| *other != id && channel.bridge == own.bridge);
            if let Some((caller, _)) = caller {
                let key = (member.queue.clone(), member.interface.clone());
                found.push((key, member.agent.clone(), caller.to_owned(), id.to_owned()));
            }
        }
        for ((queue, interface), agent, caller, channel) in found {
            self.enter(at, &queue, &caller, out);
            self.accept(at, &caller, &agent, &interface, Some(channel), out);
        }
    }

    fn find_direct_calls(&mut self, at: Millis, out: &mut Vec<Told>) {
        let mut ids: Vec<String> = self.channels.iter().map(|(id, _)| id.to_owned()).collect();
        ids.sort();
        for id in ids {
            self.look_for_direct_call(at, &id, out);
        }
    }

    /// The PBX's own counts against ours since the last listing.
    fn count_missed(&mut self, listing: &Listing, after_gap: bool) {
        for listed in &listing.queues {
            let Some(queue) = self.queues.get_mut(&listed.name) else { continue };
            // Counts that went back were reset, by a restart or an operator.
            let grown = |before: Option<u64>, now: u64| match before {
                Some(before) if before <= now => now - before,
                Some(_) => now,
                None => 0,
            };
            if after_gap {
                let completed = grown(queue.completed, listed.completed);
                let abandoned = grown(queue.abandoned, listed.abandoned);
                self.figures.missed += completed.saturating_sub(queue.completed_told)
                    + abandoned.saturating_sub(queue.abandoned_told);
            }
            queue.completed = Some(listed.completed);
            queue.abandoned = Some(listed.abandoned);
            (queue.completed_told, queue.abandoned_told) = (0, 0);
        }
    }
}

/// An instant of the PBX in epoch seconds, as far as it lies in the gap.
fn within(seconds: i64, since: Millis, at: Millis) -> Millis {
    (seconds * 1_000).clamp(since.min(at), at)
}

/// What a listing tells lies back by different spans, and the server counts nothing before what it has counted: the
/// earliest first, and before all the directory that they need.
fn order(at: Millis, told: &mut [Told]) {
    let earliest = told.iter().map(|told| told.time).min().unwrap_or(at);
    for told in told.iter_mut() {
        let is_directory = matches!(
            told.kind,
            Kind::QueueConfigured { .. }
                | Kind::AgentConfigured { .. }
                | Kind::CodesConfigured { .. }
                | Kind::AssignmentSet { .. }
        );
        if is_directory {
            told.time = earliest;
        }
    }
    told.sort_by_key(|told| told.time);
}
