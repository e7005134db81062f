//! Legs, and the chains that tie them to their agent, their transaction and their phone line.
//!
//! A chain runs through the legs themselves, so that joining and leaving cost the same however many there are.

use serde::{Deserialize, Serialize};
use slab::Slab;

use crate::event::{Line, Media, Millis};

/// Where a leg stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the variants say it")]
pub enum Stage {
    Offered,
    Processing,
    PostProcessing,
}

/// One agent's work on one transaction.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Leg {
    /// Place of the agent.
    pub agent: u32,
    /// Place of the transaction.
    pub transaction: u32,
    /// Place of the queue, while there is one.
    pub queue: Option<u32>,
    /// Where it stands.
    pub stage: Stage,
    /// Medium of the queue as the leg began.
    pub media: Media,
    /// The phone line that it is on, if it is of the phone.
    pub line: Line,
    /// On hold.
    pub held: bool,
    /// On mute.
    pub muted: bool,
    /// When it entered processing.
    pub started: Millis,
    /// Number of its entry in the trail of leg starts.
    pub start_number: u64,
    links: [Link; 3],
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Link {
    before: u32,
    after: u32,
}

const NIL: u32 = u32::MAX;

/// A chain of legs, in the order in which they joined.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct List {
    first: u32,
    last: u32,
    /// Legs in the chain.
    pub len: u32,
}

impl Default for List {
    fn default() -> Self {
        List { first: NIL, last: NIL, len: 0 }
    }
}

impl List {
    /// The leg that joined last.
    pub fn last(&self) -> Option<u32> {
        (self.last != NIL).then_some(self.last)
    }
}

/// What a chain ties together.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the variants say it")]
pub enum Chain {
    Agent = 0,
    Transaction = 1,
    Line = 2,
}

/// All open legs of a tenant.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Legs {
    slab: Slab<Leg>,
}

impl Legs {
    /// A leg begins, in no chain yet and offered.
    pub fn insert(
        &mut self,
        agent: u32,
        transaction: u32,
        queue: Option<u32>,
        media: Media,
    ) -> u32 {
        let apart = Link { before: NIL, after: NIL };
        self.slab.insert(Leg {
            agent,
            transaction,
            queue,
            stage: Stage::Offered,
            media,
            line: Line::One,
            held: false,
            muted: false,
            started: 0,
            start_number: 0,
            links: [apart; 3],
        }) as u32
    }

    /// A leg that is in no chain any more ends.
    pub fn remove(&mut self, leg: u32) {
        self.slab.remove(leg as usize);
    }

    /// Joins a chain at its end.
    pub fn join(&mut self, list: &mut List, chain: Chain, leg: u32) {
        self[leg].links[chain as usize] = Link { before: list.last, after: NIL };
        match list.last {
            NIL => list.first = leg,
            last => self[last].links[chain as usize].after = leg,
        }
        list.last = leg;
        list.len += 1;
    }

    /// Leaves a chain that it is in.
    pub fn leave(&mut self, list: &mut List, chain: Chain, leg: u32) {
        let Link { before, after } = self[leg].links[chain as usize];
        match before {
            NIL => list.first = after,
            before => self[before].links[chain as usize].after = after,
        }
        match after {
            NIL => list.last = before,
            after => self[after].links[chain as usize].before = before,
        }
        list.len -= 1;
    }

    /// The legs of a chain.
    pub fn chained(&self, list: List, chain: Chain) -> impl Iterator<Item = u32> {
        let next = |leg: u32| (leg != NIL).then_some(leg);
        std::iter::successors(next(list.first), move |leg| {
            next(self[*leg].links[chain as usize].after)
        })
    }

    /// All legs, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Leg> {
        self.slab.iter_mut().map(|(_, leg)| leg)
    }

    /// Open legs.
    pub fn len(&self) -> usize {
        self.slab.len()
    }
}

impl std::ops::Index<u32> for Legs {
    type Output = Leg;
    fn index(&self, leg: u32) -> &Leg {
        &self.slab[leg as usize]
    }
}

impl std::ops::IndexMut<u32> for Legs {
    fn index_mut(&mut self, leg: u32) -> &mut Leg {
        &mut self.slab[leg as usize]
    }
}
