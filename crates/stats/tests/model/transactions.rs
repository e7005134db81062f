//! Visits and legs: what each event of a transaction does to them (SPEC §4).

use stats::event::{Kind, Line, Media, Millis};

use crate::slow::{Ending, Leg, Model, Sense, Visit};

impl Model {
    pub fn fold_transaction(&mut self, number: usize, at: Millis, kind: &Kind<'_>) -> Sense {
        match kind {
            Kind::TransactionQueued { transaction, queue } => {
                let queue = self.queue(*queue)?;
                if self.open_visit(transaction).is_ok() {
                    return Err(());
                }
                self.enter(at, transaction, queue);
                Ok(())
            }
            Kind::TransactionOffered { transaction, agent, line } => {
                let (agent, visit) = (self.agent(agent)?, self.open_visit(transaction)?);
                if self.open_leg(transaction, agent).is_ok() {
                    return Err(());
                }
                let queue = self.visits[visit].queue;
                let mut leg = self.new_leg(number, transaction, agent, Some(queue), *line);
                leg.offer = Some(visit);
                self.legs.push(leg);
                Ok(())
            }
            Kind::TransactionRejected { transaction, agent } => {
                let agent = self.agent(agent)?;
                self.end_offer(at, transaction, agent)?;
                self.agents[agent].rejections.push(at);
                Ok(())
            }
            Kind::TransactionWithdrawn { transaction, agent } => {
                let agent = self.agent(agent)?;
                self.end_offer(at, transaction, agent)
            }
            Kind::TransactionAccepted { transaction, agent, line } => {
                self.accept(number, at, transaction, agent, *line)
            }
            Kind::TransactionPlaced { transaction, agent, queue, media, line } => {
                let agent = self.agent(agent)?;
                let queue = queue.map(|queue| self.queue(queue)).transpose()?;
                if self.open_visit(transaction).is_ok() || self.open_leg(transaction, agent).is_ok()
                {
                    return Err(());
                }
                if let Some(queue) = queue {
                    let visit = self.enter(at, transaction, queue);
                    self.visits[visit].ended = Some((at, Ending::Accepted));
                }
                let mut leg = self.new_leg(number, transaction, agent, queue, *line);
                leg.media = media.unwrap_or(leg.media);
                leg.processing = Some((at, None));
                self.legs.push(leg);
                Ok(())
            }
            Kind::TransactionAbandoned { transaction } => {
                let visit = self.open_visit(transaction)?;
                self.end_visit(at, visit, Ending::Abandoned);
                Ok(())
            }
            Kind::TransactionDiverted { transaction } => {
                let visit = self.open_visit(transaction)?;
                self.end_visit(at, visit, Ending::Diverted);
                Ok(())
            }
            _ => self.fold_leg(at, kind),
        }
    }

    fn fold_leg(&mut self, at: Millis, kind: &Kind<'_>) -> Sense {
        match kind {
            Kind::TransactionHeld { transaction, agent } => {
                self.processing_leg(transaction, agent)?.held = true;
            }
            Kind::TransactionResumed { transaction, agent } => {
                self.processing_leg(transaction, agent)?.held = false;
            }
            Kind::TransactionMuted { transaction, agent } => {
                self.processing_leg(transaction, agent)?.muted = true;
            }
            Kind::TransactionUnmuted { transaction, agent } => {
                self.processing_leg(transaction, agent)?.muted = false;
            }
            Kind::TransactionReleased { transaction, agent } => {
                leave_processing(self.processing_leg(transaction, agent)?, at);
            }
            Kind::TransactionCompleted { transaction, agent } => {
                let agent = self.agent(agent)?;
                let leg = self.open_leg(transaction, agent)?;
                let leg = &mut self.legs[leg];
                if leg.offered() {
                    return Err(());
                }
                end_leg(leg, at);
            }
            other => unreachable!("{other:?} has an arm of its own"),
        }
        Ok(())
    }

    fn accept(
        &mut self,
        number: usize,
        at: Millis,
        transaction: &str,
        agent: &str,
        line: Option<Line>,
    ) -> Sense {
        let (agent, visit) = (self.agent(agent)?, self.open_visit(transaction)?);
        let leg = match self.open_leg(transaction, agent) {
            Ok(leg) if self.legs[leg].offer == Some(visit) => leg,
            Ok(_) => return Err(()),
            Err(()) => {
                let queue = Some(self.visits[visit].queue);
                let line = line.unwrap_or(Line::One);
                self.legs.push(self.new_leg(number, transaction, agent, queue, line));
                self.legs.len() - 1
            }
        };
        let leg = &mut self.legs[leg];
        leg.offer = None;
        leg.line = line.unwrap_or(leg.line);
        leg.processing = Some((at, None));
        leg.stage_event = number;
        self.end_visit(at, visit, Ending::Accepted);
        Ok(())
    }

    fn enter(&mut self, at: Millis, transaction: &str, queue: usize) -> usize {
        self.visits.push(Visit {
            transaction: transaction.to_string(),
            queue,
            entered: at,
            sla: self.queues[queue].sla,
            ended: None,
        });
        self.visits.len() - 1
    }

    /// Ends a visit and the offers of it that are left.
    pub fn end_visit(&mut self, at: Millis, visit: usize, ending: Ending) {
        self.visits[visit].ended = Some((at, ending));
        for leg in self.legs.iter_mut().filter(|leg| leg.offer == Some(visit)) {
            leg.ended = leg.ended.or(Some(at));
        }
    }

    fn end_offer(&mut self, at: Millis, transaction: &str, agent: usize) -> Sense {
        let leg = self.open_leg(transaction, agent)?;
        if !self.legs[leg].offered() {
            return Err(());
        }
        self.legs[leg].ended = Some(at);
        Ok(())
    }

    fn new_leg(
        &self,
        number: usize,
        transaction: &str,
        agent: usize,
        queue: Option<usize>,
        line: Line,
    ) -> Leg {
        Leg {
            transaction: transaction.to_string(),
            agent,
            queue,
            offer: None,
            media: queue.map_or(Media::Phone, |queue| self.queues[queue].media),
            line,
            held: false,
            muted: false,
            stage_event: number,
            processing: None,
            ended: None,
        }
    }

    fn processing_leg(&mut self, transaction: &str, agent: &str) -> Result<&mut Leg, ()> {
        let agent = self.agent(agent)?;
        let leg = self.open_leg(transaction, agent)?;
        Some(&mut self.legs[leg]).filter(|leg| leg.is_processing()).ok_or(())
    }
}

fn leave_processing(leg: &mut Leg, at: Millis) {
    if let Some((from, None)) = leg.processing {
        leg.processing = Some((from, Some(at)));
    }
    (leg.held, leg.muted) = (false, false);
}

pub fn end_leg(leg: &mut Leg, at: Millis) {
    leave_processing(leg, at);
    leg.ended = Some(at);
}
