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
    channels::Channel,
    listing::{ListedCaller, Listing},
    members::{Member, MemberKey, device},
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
        let mut claimed = HashSet::new();
        if listing.is_first {
            self.find_members_of_legs();
        }
        if listing.has_channels {
            self.resync_legs(at, since.unwrap_or(at), &mut claimed, out);
        }
        self.resync_visits(at, since.unwrap_or(at), &listing.callers, &mut claimed, out);
        if listing.has_channels {
            self.resync_offers(at, out);
            self.find_unknown_calls(at, since.unwrap_or(at), out);
            self.find_direct_calls(at, out);
        }
        if listing.is_first {
            self.settle_everybody(at, out);
        }
        self.count_missed(&listing, since.is_some());
        self.members.count_from_here();
        self.is_listing = false;
        order(at, &mut out[from..]);
        self.figures.resyncs += 1;
        self.figures.corrections += (out.len() - from) as u64;
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
        let (mut agents, mut overs) = (BTreeSet::new(), Vec::new());
        for key in gone {
            agents.extend(self.members.remove(&key).map(|member| member.agent));
        }
        for member in members {
            let key = (member.queue.clone(), member.interface.clone());
            if !self.touched_members.contains(&key) {
                let agent = member.agent.clone();
                let over = if is_first { None } else { self.counted_talk(&member) };
                // Of a membership that is as it was all has been told, when it became so.
                if self.take_member(member) || is_first {
                    agents.insert(agent);
                }
                overs.extend(over);
            }
        }
        for leg in overs {
            self.end_talk(at, leg, out);
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
    fn resync_legs(
        &mut self,
        at: Millis,
        since: Millis,
        claimed: &mut HashSet<MemberKey>,
        out: &mut Vec<Told>,
    ) {
        let talks: Vec<LegId> = self
            .calls
            .legs()
            .filter(|(_, leg)| leg.wrap_until.is_none())
            .map(|(id, _)| id)
            .collect();
        for id in talks {
            let Some(leg) = self.calls.leg(id) else { continue };
            let is_up = |channel: &String| self.channels.get(channel).is_some();
            if let Some(ended) = self.ended_in_gap(leg.member.as_ref(), since, claimed) {
                claimed.extend(leg.member.clone());
                self.end_talk(ended.clamp(since.min(at), at), id, out);
                continue;
            }
            if leg.channel.as_ref().is_some_and(is_up) || (leg.optimized && is_up(&leg.caller)) {
                continue;
            }
            let caller = leg.caller.clone();
            match self.channel_of_talk(&leg.agent, &caller) {
                Some(channel) => self.calls.set_channel(id, &channel),
                None => {
                    let key = leg.member.as_ref();
                    let member =
                        key.and_then(|(queue, interface)| self.members.get(queue, interface));
                    // A member that is in a call though one was counted is in the next one.
                    let is_over = self.counted_in_gap(key, since, claimed).is_some();
                    if member.is_some_and(|member| member.in_call) && is_up(&caller) && !is_over {
                        // Its channels stepped aside, or go by names that nobody told.
                        continue;
                    }
                    let ended = member.map_or(since, |member| self.last_call(member));
                    claimed.extend(key.cloned());
                    self.end_talk(ended.clamp(since.min(at), at), id, out);
                }
            }
        }
    }

    /// When a channel began: its id begins with that, in the PBX's epoch seconds.
    fn began(&self, channel: &str) -> Option<Millis> {
        let own = channel.rsplit('-').next().unwrap_or(channel);
        let seconds: i64 = own.split('.').next()?.parse().ok()?;
        Some(seconds.saturating_mul(1_000).saturating_add(self.skew_ms))
    }

    /// When the queue's part in a member's talk ended in the gap. The agent's channel may be up for longer, as in a transfer
    /// that others finish.
    fn ended_in_gap(
        &self,
        key: Option<&MemberKey>,
        since: Millis,
        claimed: &HashSet<MemberKey>,
    ) -> Option<Millis> {
        let member = key.and_then(|(queue, interface)| self.members.get(queue, interface))?;
        self.counted_in_gap(key, since, claimed).filter(|_| !member.in_call)
    }

    /// When a member's last call ended, if the queue has counted one in the gap that no talk of ours has claimed.
    fn counted_in_gap(
        &self,
        key: Option<&MemberKey>,
        since: Millis,
        claimed: &HashSet<MemberKey>,
    ) -> Option<Millis> {
        let key = key?;
        let member = self.members.get(&key.0, &key.1)?;
        let ended = self.last_call(member);
        let is_counted = match self.members.unheard(member) {
            Some(calls) => calls > 0,
            None => ended.saturating_add(999) >= since && !claimed.contains(key),
        };
        is_counted.then_some(ended)
    }

    /// When a membership's last call ended, by the server's clock.
    fn last_call(&self, member: &Member) -> Millis {
        member.last_call.saturating_mul(1_000).saturating_add(self.skew_ms)
    }

    /// A channel of an agent that is up and talks with a caller.
    fn channel_of_talk(&self, agent: &str, caller: &str) -> Option<String> {
        let with = self.channels.get(caller)?;
        self.channel_of(agent, |id, channel| {
            id != caller
                && channel.up
                && self.calls.on_channel(id).is_none()
                && (channel.linked == with.linked
                    || (!channel.bridge.is_empty() && channel.bridge == with.bridge))
        })
    }

    /// A channel of an agent: of those that a queue dials before the phones behind them, and always the same one.
    fn channel_of(&self, agent: &str, is: impl Fn(&str, &Channel) -> bool) -> Option<String> {
        let dialed: HashSet<&str> =
            self.members.of_agent(agent).filter_map(|member| device(&member.interface)).collect();
        let of_agent = self.channels.iter().filter(|(id, channel)| {
            self.members.agent_at(&channel.device) == Some(agent) && is(id, channel)
        });
        let best = of_agent.min_by_key(|(id, own)| (!dialed.contains(own.device.as_str()), *id));
        best.map(|(id, _)| id.to_owned())
    }

    fn resync_visits(
        &mut self,
        at: Millis,
        since: Millis,
        listed: &[ListedCaller],
        claimed: &mut HashSet<MemberKey>,
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
        for caller in gone {
            self.count_visit(&caller);
            match listed.iter().find(|listed| listed.caller == caller) {
                // In another queue by now: there the wait began as the one here ended.
                Some(elsewhere) => {
                    self.end_visit(at - elsewhere.wait_ms, &caller, false, false, out);
                }
                None => self.find_outcome(at, since, &caller, claimed, out),
            }
        }
        for listed in listed {
            if !self.touched_callers.contains(&listed.caller)
                && !self.calls.visits.contains_key(&listed.caller)
            {
                self.enter(at - listed.wait_ms, &listed.queue, &listed.caller, out);
            }
        }
    }

    /// The channels of a listing have made no visits yet; a caller whose visit is known has: the next is a further one.
    fn count_visit(&mut self, caller: &str) {
        let Some(visit) = self.calls.visits.get(caller) else { return };
        let number = visit.transaction.rsplit_once('#').and_then(|(_, number)| number.parse().ok());
        if let Some(channel) = self.channels.get_mut(caller) {
            channel.visits = channel.visits.max(number.unwrap_or(1));
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
                None => self.end_visit(at, caller, false, true, out),
            };
        }
        let answered = of_queue().find(|member| {
            let key = (member.queue.clone(), member.interface.clone());
            let talks = self
                .calls
                .of_agent(&member.agent)
                .any(|(_, leg)| leg.member.as_ref().is_some_and(|(of, _)| *of == queue));
            let is_counted = match self.members.unheard(member) {
                Some(calls) => calls > 0,
                None => {
                    self.last_call(member).saturating_add(999) >= since && !claimed.contains(&key)
                }
            };
            is_counted && !talks
        });
        let Some(member) = answered.cloned() else {
            return self.end_visit(since, caller, true, true, out);
        };
        claimed.insert((member.queue.clone(), member.interface.clone()));
        self.accept(since, caller, &member.agent, &member.interface, None, out);
        let leg = self.calls.of_caller(caller).find(|(_, leg)| leg.agent == member.agent);
        if let Some((id, _)) = leg {
            self.end_talk(self.last_call(&member).clamp(since.min(at), at), id, out);
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
            if offer.answered {
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
        let mut ringing = BTreeSet::new();
        for (id, channel) in self.channels.iter() {
            // One that is up has just been answered: the queue tells in a moment that the two talk.
            if !channel.dials_in
                && self.calls.ringing_at(id).is_none()
                && self.calls.on_channel(id).is_none()
                && let Some(agent) = self.members.agent_at(&channel.device)
                && let Some(caller) = self
                    .calls
                    .visits
                    .keys()
                    .find(|caller| self.channels.linked(caller) == channel.linked)
            {
                ringing.insert((caller.clone(), agent.to_owned()));
            }
        }
        for (caller, agent) in ringing {
            let is_offered = self
                .calls
                .visits
                .get(&caller)
                .is_some_and(|visit| visit.offers.iter().any(|offer| offer.agent == agent));
            if !is_offered {
                let channel = self.rings(&agent, &caller);
                let answered = channel
                    .as_ref()
                    .is_some_and(|id| self.channels.get(id).is_some_and(|channel| channel.up));
                self.offer(at, &caller, Offer { agent, channel, answered }, out);
            }
        }
    }

    fn rings(&self, agent: &str, caller: &str) -> Option<String> {
        let linked = self.channels.linked(caller);
        self.channel_of(agent, |id, channel| {
            channel.linked == linked
                && !channel.dials_in
                && self.calls.ringing_at(id).is_none()
                && self.calls.on_channel(id).is_none()
        })
    }

    /// Members that are in a call of their queue of which nothing is known: it was answered in the gap.
    fn find_unknown_calls(&mut self, at: Millis, since: Millis, out: &mut Vec<Told>) {
        let mut found = Vec::new();
        for member in self.members.iter().filter(|member| member.in_call) {
            let is_known = self.calls.of_agent(&member.agent).any(|(_, leg)| {
                leg.wrap_until.is_none()
                    && leg.member.as_ref().is_some_and(|(queue, _)| *queue == member.queue)
            });
            if is_known {
                continue;
            }
            let own = self.channel_of(&member.agent, |id, channel| {
                channel.up && self.calls.on_channel(id).is_none()
            });
            let Some(id) = own else { continue };
            let Some(own) = self.channels.get(&id) else { continue };
            let others = self.channels.iter().filter(|(other, channel)| {
                *other != id && !own.bridge.is_empty() && channel.bridge == own.bridge
            });
            let bridged = others.map(|(other, _)| other).min();
            // Just answered, and in no bridge yet: the call's first channel is the caller's.
            let first = Some(own.linked.as_str()).filter(|first| *first != id);
            let first = first.filter(|first| self.channels.get(first).is_some());
            if let Some(caller) = bridged.or(first) {
                let key = (member.queue.clone(), member.interface.clone());
                found.push((key, member.agent.clone(), caller.to_owned(), id));
            }
        }
        for ((queue, interface), agent, caller, channel) in found {
            // The caller's channel is as old as the call, the agent's began to ring before it was answered: the wait was
            // not longer than the one, and not shorter by more than it rang.
            // Who waited elsewhere before did so until this listing, as far as anybody was told.
            let has_waited = self.channels.get(&caller).is_some_and(|channel| channel.visits > 0);
            let earliest = if has_waited { at } else { since.min(at) };
            let entered = self.began(&caller).unwrap_or(at).clamp(earliest, at);
            let answered = self.began(&channel).unwrap_or(at).clamp(entered, at);
            self.enter(entered, &queue, &caller, out);
            self.accept(answered, &caller, &agent, &interface, Some(channel), out);
        }
    }

    fn find_direct_calls(&mut self, at: Millis, out: &mut Vec<Told>) {
        let mut ids: Vec<String> = self.channels.iter().map(|(id, _)| id.to_owned()).collect();
        ids.sort();
        for id in ids {
            self.look_for_direct_call(at, &id, out);
        }
    }

    /// The PBX's own counts against ours since the last gap. Without a gap there is nothing to miss, unless the PBX may not
    /// tell us: that is said when it lasts, since of a call that was picked up by another phone it counts the end at once.
    fn count_missed(&mut self, listing: &Listing, after_gap: bool) {
        let mut is_behind = false;
        for listed in &listing.queues {
            let talks = self.calls.talks_of(&listed.name);
            let Some(queue) = self.queues.get_mut(&listed.name) else { continue };
            // Counts that went back were reset, by a restart or an operator.
            let grown = |before: Option<u64>, now: u64| match before {
                Some(before) if before <= now => now - before,
                Some(_) => now,
                None => 0,
            };
            let completed = grown(queue.completed, listed.completed);
            let abandoned = grown(queue.abandoned, listed.abandoned);
            let unheard = completed.saturating_sub(queue.completed_told);
            let unheard = unheard.saturating_add(abandoned.saturating_sub(queue.abandoned_told));
            is_behind |= unheard > talks;
            if after_gap || queue.completed.is_none() {
                self.figures.missed = self.figures.missed.saturating_add(unheard);
                queue.completed = Some(listed.completed);
                queue.abandoned = Some(listed.abandoned);
                (queue.completed_told, queue.abandoned_told) = (0, 0);
            }
        }
        if is_behind && self.was_behind && !after_gap {
            let line = "the PBX counts calls of which it told nothing: give the manager.conf user `read = agent,call`";
            self.refused(line.to_owned());
        }
        self.was_behind = is_behind && !after_gap;
    }
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
