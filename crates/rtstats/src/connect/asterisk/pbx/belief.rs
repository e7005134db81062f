//! What the server knows when a connector starts: its present state, told as events.

use stats::{
    event::{Kind, Line, Millis},
    parse,
};

use super::{
    Pbx, Timer,
    calls::{Leg, LegId, Offer, Visit},
};

impl Pbx {
    /// Takes in the present state, and when it was last moved: what happened since then was not heard.
    pub fn believe(&mut self, lines: &[parse::Line<'_>], counted: Option<Millis>) {
        for line in lines {
            self.told.learn(&line.event.kind);
            self.believe_call(line.event.time, &line.event.kind);
        }
        self.cut_at = counted;
    }

    fn believe_call(&mut self, at: Millis, kind: &Kind<'_>) {
        match kind {
            Kind::TransactionQueued { transaction, queue } => {
                let Some(caller) = self.caller_of(transaction) else { return };
                let Some(queue) = self.queue_named(*queue) else { return };
                let transaction = transaction.to_string();
                let (offers, leaving) = (Vec::new(), None);
                let visit = Visit { queue, transaction, has_rung: false, offers, leaving };
                self.calls.visits.insert(caller, visit);
            }
            Kind::TransactionOffered { transaction, agent, .. } => {
                if let Some(caller) = self.caller_of(transaction) {
                    let agent = agent.to_string();
                    self.calls.offer(&caller, Offer { agent, channel: None, answered: false });
                }
            }
            Kind::TransactionAccepted { transaction, agent, line } => {
                let Some(caller) = self.caller_of(transaction) else { return };
                let visit = self.calls.end_visit(&caller);
                let queue = visit.map(|visit| visit.queue);
                self.believe_leg(at, transaction, agent, queue, line.unwrap_or_default());
            }
            Kind::TransactionPlaced { transaction, agent, queue, line, .. } => {
                let queue = queue.and_then(|queue| self.queue_named(queue));
                self.believe_leg(at, transaction, agent, queue, *line);
            }
            Kind::TransactionHeld { transaction, agent } => {
                if let Some(leg) =
                    self.leg_of(transaction, agent).and_then(|id| self.calls.leg_mut(id))
                {
                    leg.held = true;
                }
            }
            Kind::TransactionReleased { transaction, agent } => {
                let Some(id) = self.leg_of(transaction, agent) else { return };
                let queue = self.calls.leg(id).and_then(|leg| leg.member.as_ref());
                let until = at + self.configured_wrap_up_ms(queue.map(|(queue, _)| queue.as_str()));
                if let Some(leg) = self.calls.leg_mut(id) {
                    leg.wrap_until = Some(until);
                }
                self.set_timer(until, Timer::WrapUp(id));
            }
            _ => {}
        }
    }

    fn believe_leg(
        &mut self,
        at: Millis,
        transaction: &str,
        agent: &str,
        queue: Option<String>,
        line: Line,
    ) {
        let Some(caller) = self.caller_of(transaction) else { return };
        let channel = transaction.strip_prefix(&format!("{}direct:", self.prefix));
        self.calls.begin(Leg {
            transaction: transaction.to_owned(),
            agent: agent.to_owned(),
            member: queue.map(|queue| (queue, String::new())),
            channel: channel.map(str::to_owned),
            began: at,
            caller,
            optimized: false,
            caller_optimized: false,
            line,
            held: false,
            wrap_until: None,
        });
    }

    fn configured_wrap_up_ms(&self, queue: Option<&str>) -> Millis {
        let own = queue.and_then(|queue| self.mapping.queues.get(queue));
        let seconds =
            own.and_then(|own| own.wrap_up_seconds).unwrap_or(self.mapping.wrap_up_seconds);
        Millis::from(seconds) * 1_000
    }

    fn leg_of(&self, transaction: &str, agent: &str) -> Option<LegId> {
        let mut legs = self.calls.of_agent(agent);
        legs.find(|(_, leg)| leg.transaction == transaction).map(|(id, _)| id)
    }

    /// The queue of a number: by the names, or where these were lost by what the server calls it.
    fn queue_named(&self, number: u32) -> Option<String> {
        let told = || self.told.queues.get(&number).map(|told| told.name.clone());
        self.names.queue_name(number).map(str::to_owned).or_else(told)
    }

    /// The caller's channel in a transaction of this PBX.
    fn caller_of(&self, transaction: &str) -> Option<String> {
        let own = transaction.strip_prefix(&self.prefix)?;
        let own = own.strip_prefix("direct:").unwrap_or(own);
        Some(own.split('#').next().unwrap_or(own).to_owned())
    }
}
