//! Channels: who hangs up, who holds, and the calls of agents beside the queues.

use stats::{
    event::{Kind, Media, Millis},
    limit,
};

use super::{
    Pbx, Told,
    calls::{Leg, LegId, Offer},
    channels::device_of,
    text,
};
use crate::connect::asterisk::ami::Message;

/// `AST_STATE_RING`: the device dials in. `AST_STATE_UP`: the call is answered.
const STATE_DIALS_IN: &str = "4";
const STATE_UP: &str = "6";

impl Pbx {
    /// `Newchannel`, `Newstate`, `Rename`: a channel as it is now.
    pub(super) fn channel_is(&mut self, at: Millis, message: &Message, out: &mut Vec<Told>) {
        let id = text(message, "Uniqueid");
        if id.is_empty() {
            return;
        }
        let name = match text(message, "Newname") {
            "" => text(message, "Channel"),
            newname => newname,
        };
        self.note_channel(message, name);
        self.look_for_direct_call(at, id, out);
    }

    /// Notes what a message tells of its channel.
    pub(super) fn note_channel(&mut self, message: &Message, name: &str) {
        let (state, linked) = (text(message, "ChannelState"), text(message, "Linkedid"));
        let channel = self.channels.entry(text(message, "Uniqueid"));
        if !name.is_empty() {
            channel.device.clear();
            channel.device.push_str(device_of(name));
        }
        if !linked.is_empty() && channel.linked != linked {
            channel.linked.clear();
            channel.linked.push_str(linked);
        }
        channel.up |= state == STATE_UP;
        channel.dials_in |= state == STATE_DIALS_IN;
    }

    /// A call of an agent's device that no queue brought keeps the agent busy, from when the agent dials or answers.
    pub(super) fn look_for_direct_call(&mut self, at: Millis, id: &str, out: &mut Vec<Told>) {
        let Some(channel) = self.channels.get(id) else { return };
        let is_call = (channel.up || channel.dials_in) && !channel.is_login;
        if !is_call || channel.is_dialed_by_queue || !self.mapping.direct_calls {
            return;
        }
        let Some(agent) = self.members.agent_at(&channel.device).map(str::to_owned) else { return };
        let is_known = self.calls.on_channel(id).is_some() || self.calls.ringing_at(id).is_some();
        if is_known || self.is_of_a_queue(&agent, &channel.linked) {
            return;
        }
        let name = self.members.of_agent(&agent).next().map(|member| member.name.clone());
        let Some(name) = name else { return };
        self.ensure_agent(at, &agent, &name, out);
        let line = self.calls.free_line(&agent);
        let mut transaction = format!("{}direct:{id}", self.prefix);
        while transaction.chars().count() > limit::ID_CHARS_MAX {
            transaction.remove(self.prefix.len() + "direct:".len());
        }
        let kind = Kind::TransactionPlaced {
            transaction: transaction.clone().into(),
            agent: agent.clone().into(),
            queue: None,
            media: Some(Media::Phone),
            line,
        };
        self.tell(at, kind, out);
        self.calls.begin(Leg {
            transaction,
            agent,
            member: None,
            began: at,
            caller: id.to_owned(),
            channel: Some(id.to_owned()),
            optimized: false,
            caller_optimized: false,
            line,
            held: false,
            wrap_until: None,
        });
    }

    /// Whether a call of an agent with this link came through a queue, or is being offered by one.
    fn is_of_a_queue(&self, agent: &str, linked: &str) -> bool {
        let talks = self.calls.of_agent(agent).any(|(_, leg)| {
            leg.wrap_until.is_none()
                && (leg.member.is_some() || leg.caller == linked)
                && self.channels.linked(&leg.caller) == linked
        });
        talks || self.calls.offered_to(agent).any(|caller| self.channels.linked(caller) == linked)
    }

    /// `HangupRequest`: somebody hangs up. What the queue lets go by itself has none before.
    pub(super) fn hangup_is_asked(&mut self, at: Millis, message: &Message, out: &mut Vec<Told>) {
        let id = text(message, "Uniqueid");
        if let Some(channel) = self.channels.get_mut(id) {
            channel.hangup_requested = true;
            self.caller_hangs_up(at, id, false, out);
        }
    }

    /// `Hangup`: a channel is gone, and with it what ran on it.
    pub(super) fn hangs_up(&mut self, at: Millis, message: &Message, out: &mut Vec<Told>) {
        let id = text(message, "Uniqueid");
        self.caller_hangs_up(at, id, true, out);
        if let Some(caller) = self.calls.ringing_at(id).map(str::to_owned) {
            let is = |offer: &Offer| offer.channel.as_deref() == Some(id);
            self.end_offer(at, &caller, false, is, out);
        }
        if let Some(leg) = self.calls.on_channel(id)
            && self.calls.leg(leg).is_some_and(|leg| !leg.optimized)
        {
            self.end_talk(at, leg, out);
        }
        // The caller of an optimized call may be all that is left of it, unless the caller's channel is what stepped aside.
        let of_caller = self.calls.of_caller(id).filter(|(_, leg)| !leg.caller_optimized);
        let of_caller: Vec<LegId> = of_caller.map(|(id, _)| id).collect();
        for leg in of_caller {
            self.end_talk(at, leg, out);
        }
        self.channels.remove(id);
    }

    /// `Hold`, `Unhold`: of the agent's own channel, or of the phone behind a `Local/` member.
    pub(super) fn holds(&mut self, at: Millis, message: &Message, held: bool, out: &mut Vec<Told>) {
        let Some(id) = self.leg_of_channel(text(message, "Uniqueid")) else { return };
        let Some(leg) = self.calls.leg_mut(id) else { return };
        if leg.held == held || leg.wrap_until.is_some() {
            return;
        }
        leg.held = held;
        let (transaction, agent) = (leg.transaction.clone().into(), leg.agent.clone().into());
        let kind = match held {
            true => Kind::TransactionHeld { transaction, agent },
            false => Kind::TransactionResumed { transaction, agent },
        };
        self.tell(at, kind, out);
    }

    fn leg_of_channel(&self, channel: &str) -> Option<LegId> {
        if let Some(id) = self.calls.on_channel(channel) {
            return Some(id);
        }
        let linked = &self.channels.get(channel)?.linked;
        let agent = self.members.agent_at(&self.channels.get(channel)?.device)?;
        let mut legs = self.calls.of_agent(agent);
        legs.find(|(_, leg)| self.channels.linked(&leg.caller) == linked).map(|(id, _)| id)
    }

    /// `LocalOptimizationEnd`: a `Local/` pair without `/n` steps aside; its hang-up ends no call.
    pub(super) fn is_optimized(&mut self, message: &Message) {
        for key in ["LocalOneUniqueid", "LocalTwoUniqueid"] {
            if let Some(id) = self.calls.on_channel(text(message, key))
                && let Some(leg) = self.calls.leg_mut(id)
            {
                leg.optimized = true;
            }
            let of_caller = self.calls.of_caller(text(message, key));
            let of_caller: Vec<LegId> = of_caller.map(|(id, _)| id).collect();
            for id in of_caller {
                if let Some(leg) = self.calls.leg_mut(id) {
                    leg.caller_optimized = true;
                }
            }
        }
    }

    /// `AgentLogin`: the channel on which an agent of the pool waits is no call.
    pub(super) fn logs_in_by_phone(&mut self, at: Millis, message: &Message, out: &mut Vec<Told>) {
        let id = text(message, "Uniqueid");
        self.channels.entry(id).is_login = true;
        if let Some(leg) = self.calls.on_channel(id)
            && self.calls.leg(leg).is_some_and(|leg| leg.member.is_none())
        {
            self.end_leg(at, leg, out);
        }
    }
}
