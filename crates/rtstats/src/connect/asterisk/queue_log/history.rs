//! What the lines of a queue_log mean: each line's events, from what was known before it.
//!
//! Pure and forward: a line's events follow from the lines before it alone, never from later ones or from a clock.
//! So a log read in pieces gives what it gives in one, as long as `Known` is kept between them.

mod calls;
mod directory;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use stats::event::{Kind, Millis};

use super::{account::Account, kind::LogKind, line::LogLine};
use crate::connect::{
    asterisk::{mapping::Mapping, pbx::Told},
    names::Names,
};
use calls::Calls;
use directory::Directory;

/// What the lines so far have told: kept between one import and the next.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Known {
    directory: Directory,
    calls: Calls,
}

/// One PBX's log as it goes on.
pub struct History {
    /// The PBX's name: it heads the ids of transactions.
    pbx: String,
    mapping: Mapping,
    names: Names,
    known: Known,
    out: Vec<Told>,
}

impl History {
    /// Goes on from what is known. The mapping's numbers win over those of `names`.
    pub fn new(pbx: String, mapping: Mapping, mut names: Names, known: Known) -> History {
        for (queue, settings) in &mapping.queues {
            if let Some(number) = settings.number {
                names.set_queue(queue, number);
            }
        }
        for (reason, settings) in &mapping.pauses {
            if let Some(item) = settings.item {
                names.set_code(reason, item);
            }
        }
        History { pbx, mapping, names, known, out: Vec::new() }
    }

    /// Takes the next line; its events wait in `told`.
    pub fn take(&mut self, line: &LogLine<'_>, account: &mut Account) {
        let Some(kind) = line.kind else {
            account.see_unknown(line.word);
            return;
        };
        *account.kinds.entry(kind.word()).or_default() += 1;
        let is_left_out = self.mapping.only_listed_queues
            && !line.queue.is_empty()
            && !self.mapping.queues.contains_key(line.queue);
        if is_left_out {
            account.unlisted += 1;
            return;
        }
        self.known.calls.forget_before(line.time);
        match kind {
            LogKind::EnterQueue => self.enter(line, line.time),
            LogKind::RingNoAnswer | LogKind::RingCanceled => self.rang(line, kind, account),
            LogKind::Connect => self.connect(line, account),
            LogKind::CompleteAgent
            | LogKind::CompleteCaller
            | LogKind::Transfer
            | LogKind::BlindTransfer
            | LogKind::AttendedTransfer => self.release(line, account),
            LogKind::Abandon => self.leave(line, 2, account),
            LogKind::ExitEmpty | LogKind::ExitWithTimeout => self.leave(line, 2, account),
            LogKind::ExitWithKey => self.leave(line, 3, account),
            // The agent hung up on the caller during the announcement: the queue lets go of both.
            LogKind::AgentDump => self.leave(line, usize::MAX, account),
            LogKind::QueueStart => self.restart(line.time),
            LogKind::AddMember
            | LogKind::RemoveMember
            | LogKind::Pause
            | LogKind::Unpause
            | LogKind::PauseAll
            | LogKind::UnpauseAll
            | LogKind::AgentLogin
            | LogKind::AgentLogoff
            | LogKind::AgentCallbackLogin
            | LogKind::AgentCallbackLogoff => self.staff(line, kind, account),
            LogKind::CallerId
            | LogKind::ConfigReload
            | LogKind::Did
            | LogKind::Info
            | LogKind::Penalty
            | LogKind::RingInUse
            | LogKind::SysCompat => {}
        }
    }

    /// The events of the lines since this was last asked, in no order but of one time as they came.
    pub fn told(&mut self) -> impl Iterator<Item = Told> {
        self.out.drain(..)
    }

    /// Numbers and ids.
    pub fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    /// What is to be kept for the next import.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// How many queues and agents the log has shown.
    pub fn sizes(&self) -> (usize, usize) {
        self.known.directory.sizes()
    }

    fn tell(&mut self, time: Millis, kind: Kind<'static>) {
        self.out.push(Told { time, certain: None, kind });
    }
}
