//! Random logs of small worlds, in which everything collides: few agents, queues and transactions, times that meet
//! the edges of windows, days and limits. A seed gives the same log for ever.

use std::fmt;

use stats::{
    engine::SlaTarget,
    event::{
        Base, CodeItem, Event, ExplicitLine, GivenCode, Kind, Line, Media, Millis, Origin, Sla,
        Text,
    },
};

use crate::{
    dice::Dice,
    slow::{Leg, Model, Visit},
};

/// One step of a case.
#[derive(Clone, Debug)]
pub enum Step {
    Apply(Event<'static>),
    /// Documents are read at this instant, which may be ahead of events to come.
    Read(Millis),
    /// The engine is written to bytes and read back.
    Restore,
}

/// A random case.
#[derive(Clone)]
pub struct Case {
    pub zone: &'static str,
    pub target: SlaTarget,
    pub steps: Vec<Step>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "zone {}, sla-target {:?}", self.zone, self.target)?;
        for (number, step) in self.steps.iter().enumerate() {
            match step {
                Step::Apply(event) => {
                    let mut line = Vec::new();
                    event.write_line(&mut line);
                    write!(f, "{number:4}  {}", String::from_utf8_lossy(&line))?;
                }
                Step::Read(now) => writeln!(f, "{number:4}  read at {now}")?,
                Step::Restore => writeln!(f, "{number:4}  restore")?,
            }
        }
        Ok(())
    }
}

/// A zone and an instant in seconds since the epoch: where its clocks change, or the midnight before.
const ZONES: &[(&str, i64)] = &[
    ("UTC", 1_700_006_400),
    ("Asia/Kolkata", 1_700_073_000),
    ("Europe/Berlin", 1_711_839_600),       // 2024-03-31: 23 h
    ("Europe/Berlin", 1_729_980_000),       // 2024-10-27: 25 h
    ("Australia/Lord_Howe", 1_728_135_000), // 2024-10-06: 23.5 h
    ("Australia/Lord_Howe", 1_712_408_400), // 2024-04-07: 24.5 h
    ("America/Sao_Paulo", 1_541_300_400),   // 2018-11-04: no midnight
    ("America/Sao_Paulo", 1_518_919_200),   // 2018-02-17: its last hour twice
    ("America/St_Johns", 1_289_097_060),    // 2010-11-07: the date before comes back
    ("America/St_Johns", 1_268_537_460),    // 2010-03-14: 23 h, by a change a minute after midnight
    ("Pacific/Apia", 1_325_239_200),        // 2011-12-30 doesn't exist
    ("Antarctica/Casey", 1_267_714_800),    // 2010-03-05: begins, stops for an hour, begins again
];

/// What a case is made of.
struct World {
    dice: Dice,
    agents: u64,
    queues: u64,
    transactions: u64,
    /// Mean pace of the log.
    gaps_ms: &'static [i64],
    clock: Millis,
    latest_read: Millis,
    seqs: [u64; 2],
    /// Time goes on by gaps alone, so that the windows stay full.
    steady: bool,
    /// Days without an event, among 10 000 gaps.
    silences: u64,
    /// What has happened so far, so that most events can make sense.
    model: Model,
    events: usize,
}

/// Gaps between events of a slow, a usual, a busy and a hectic contact center, and of one that meets its windows' edges.
const PACES: &[&[i64]] = &[
    &[0, 1, 250, 999, 1_000, 1_001, 5_000, 20_000, 60_000],
    &[0, 0, 1_000, 4_999, 5_000, 5_001, 20_000, 45_000, 300_000, 600_000],
    &[0, 50, 100, 200, 400, 1_000],
    &[0, 1, 2, 3, 10, 500],
    &[0, 60_000, 599_999, 900_000, 1_799_999, 1_800_000, 1_800_001, 3_600_000],
];

/// A case of about `len` events.
pub fn case(seed: u64, len: usize) -> Case {
    let mut dice = Dice::new(seed);
    let (zone, oddity) = dice.one(ZONES);
    let before_ms = dice.one(&[600, 3_600, 7_200, 20_000, 86_400, 200_000]) * 1_000;
    let clock = oddity * 1_000 - before_ms;
    let mut world = World {
        agents: 1 + dice.below(5),
        queues: 1 + dice.below(3),
        transactions: dice.one(&[1, 3, 6, 12, 40]),
        gaps_ms: dice.one(PACES),
        clock,
        latest_read: clock,
        seqs: [0; 2],
        steady: dice.percent(30),
        silences: dice.one(&[0, 1, 20]),
        model: Model::default(),
        events: 0,
        dice,
    };
    let target = world.dice.one(&[SlaTarget::Hours, SlaTarget::Percent]);
    let mut steps = Vec::with_capacity(len + len / 16);
    world.found(&mut steps);
    while steps.len() < len {
        world.pass_time();
        match world.dice.below(100) {
            0..4 => steps.push(world.read()),
            4 => steps.push(Step::Restore),
            _ => {
                let kind = world.kind();
                steps.push(world.event(kind));
            }
        }
    }
    steps.push(Step::Read(world.clock));
    Case { zone, target, steps }
}

impl World {
    /// The directory and a first status each, so that most of what follows makes sense.
    fn found(&mut self, steps: &mut Vec<Step>) {
        for queue in 1..=self.queues {
            let kind = self.queue_configured(queue as u32);
            steps.push(self.event(kind));
        }
        for agent in 0..self.agents {
            let kind = self.agent_configured(agent);
            steps.push(self.event(kind));
            for queue in 1..=self.queues {
                let kind = Kind::AssignmentSet {
                    agent: agent_id(agent),
                    queue: queue as u32,
                    assigned: true,
                    enabled: self.dice.percent(80),
                };
                steps.push(self.event(kind));
            }
            if self.dice.percent(80) {
                let kind = Kind::AgentStatus {
                    agent: agent_id(agent),
                    status: Base::Available,
                    code: GivenCode::default(),
                };
                steps.push(self.event(kind));
            }
        }
    }

    fn pass_time(&mut self) {
        if self.steady {
            self.clock += self.dice.one(self.gaps_ms);
            return;
        }
        let day_ms = 86_400_000;
        if self.dice.below(10_000) < self.silences {
            self.clock += self.dice.one(&[0, 1, 3, 9]) * day_ms;
            self.clock += self.dice.below(day_ms as u64) as i64;
        }
        self.clock += match self.dice.below(2_000) {
            // Onto the hour: where days begin and periods of service levels end.
            0..12 => 3_600_000 - self.clock.rem_euclid(3_600_000),
            12..16 => 3_599_999 - self.clock.rem_euclid(3_600_000),
            16..24 => 900_000 - self.clock.rem_euclid(900_000),
            24..36 => 60_000 - self.clock.rem_euclid(60_000),
            36..44 => 1_800_000,
            44..800 => 0,
            _ => self.dice.one(self.gaps_ms),
        };
    }

    fn read(&mut self) -> Step {
        let ahead_ms = match self.dice.below(100) {
            0..70 => 0,
            _ if self.steady => 0,
            70..80 => self.dice.one(self.gaps_ms),
            80..84 => 1_800_000,
            84..86 => self.dice.one(&[3_600_000, 10_800_000, 86_400_000, 300_000_000]),
            86..92 => 60_000 - self.clock.rem_euclid(60_000),
            _ => -self.dice.one(self.gaps_ms),
        };
        let now = self.clock + ahead_ms;
        self.latest_read = self.latest_read.max(now);
        // Often time then catches up at once, and less often late events follow.
        if self.dice.percent(60) {
            self.clock = self.clock.max(now);
        }
        Step::Read(now)
    }

    fn event(&mut self, kind: Kind<'static>) -> Step {
        let time = match self.dice.below(100) {
            0..4 => self.clock - self.dice.one(self.gaps_ms),
            4 => self.clock - 7_200_000,
            5 => self.latest_read,
            _ => self.clock,
        };
        let origin = self.dice.percent(30).then(|| {
            let source = self.dice.below(2);
            let seq = &mut self.seqs[source as usize];
            let repeated = self.dice.percent(10);
            if !repeated {
                *seq += 1 + self.dice.below(20) / 19;
            }
            let back = if repeated { self.dice.below(3) } else { 0 };
            let seq = seq.saturating_sub(back).max(1);
            Origin { source: ["pbx", "crm"][source as usize].into(), seq }
        });
        let event = Event { time, origin, kind };
        self.model.apply(self.events, &event);
        self.events += 1;
        Step::Apply(event)
    }

    fn kind(&mut self) -> Kind<'static> {
        match self.dice.below(1_000) {
            0..50 => self.directory(),
            50..150 => self.agent_status(),
            150..180 => Kind::LineStatus {
                agent: self.agent(),
                line: Line::Two,
                status: self.dice.one(&[
                    ExplicitLine::Monitoring,
                    ExplicitLine::Error,
                    ExplicitLine::Clear,
                    ExplicitLine::Clear,
                ]),
            },
            180..200 => Kind::LineStatus {
                agent: self.agent(),
                line: Line::One,
                status: self.dice.one(&[
                    ExplicitLine::Monitoring,
                    ExplicitLine::Clear,
                    ExplicitLine::Clear,
                ]),
            },
            200..380 => {
                Kind::TransactionQueued { transaction: self.transaction(), queue: self.queue() }
            }
            380..390 => Kind::TransactionAbandoned { transaction: self.visitor().0 },
            390..398 => Kind::TransactionDiverted { transaction: self.visitor().0 },
            _ => self.pair_kind(),
        }
    }

    fn pair_kind(&mut self) -> Kind<'static> {
        match self.dice.below(100) {
            0..22 => {
                let (transaction, agent) = self.visitor();
                Kind::TransactionOffered { transaction, agent, line: self.line() }
            }
            22..32 => {
                let (transaction, agent) = self.pair_with(Leg::offered);
                Kind::TransactionRejected { transaction, agent }
            }
            32..38 => {
                let (transaction, agent) = self.pair_with(Leg::offered);
                Kind::TransactionWithdrawn { transaction, agent }
            }
            38..55 => {
                let offered = self.dice.percent(60);
                let (transaction, agent) =
                    if offered { self.pair_with(Leg::offered) } else { self.visitor() };
                let line = self.dice.percent(40).then(|| self.line());
                Kind::TransactionAccepted { transaction, agent, line }
            }
            55..61 => {
                let (transaction, agent) = self.any_pair();
                let queue = self.dice.percent(60).then(|| self.queue());
                let media = (queue.is_none() || self.dice.percent(30)).then(|| self.media());
                Kind::TransactionPlaced { transaction, agent, queue, media, line: self.line() }
            }
            _ => self.leg_kind(),
        }
    }

    fn leg_kind(&mut self) -> Kind<'static> {
        let (transaction, agent) = self.pair_with(Leg::is_processing);
        match self.dice.below(100) {
            0..15 => Kind::TransactionHeld { transaction, agent },
            15..25 => Kind::TransactionResumed { transaction, agent },
            25..38 => Kind::TransactionMuted { transaction, agent },
            38..48 => Kind::TransactionUnmuted { transaction, agent },
            48..72 => Kind::TransactionReleased { transaction, agent },
            72..82 => Kind::TransactionCompleted { transaction, agent },
            _ => {
                let (transaction, agent) = self.pair_with(Leg::is_post_processing);
                Kind::TransactionCompleted { transaction, agent }
            }
        }
    }

    fn directory(&mut self) -> Kind<'static> {
        match self.dice.below(100) {
            0..25 => {
                let queue = self.queue();
                self.queue_configured(queue)
            }
            25..30 => Kind::QueueRemoved { queue: self.queue() },
            30..57 => {
                let agent = self.dice.below(self.agents);
                self.agent_configured(agent)
            }
            57..61 => Kind::AgentRemoved { agent: self.agent() },
            61..90 => Kind::AssignmentSet {
                agent: self.agent(),
                queue: self.queue(),
                assigned: self.dice.percent(75),
                enabled: self.dice.percent(70),
            },
            90..95 => self.codes_configured(),
            95..98 => Kind::GroupConfigured {
                group: 1 + self.dice.below(3) as u32,
                name: format!("group {}", self.dice.below(9)).into(),
            },
            _ => Kind::GroupRemoved { group: 1 + self.dice.below(3) as u32 },
        }
    }

    fn queue_configured(&mut self, queue: u32) -> Kind<'static> {
        let sla = self.dice.percent(75).then(|| Sla {
            percent: self.dice.below(101) as u8,
            within_seconds: self.dice.one(&[0, 1, 5, 6, 20, 60, 1_800, 7_200, 100_000]),
            evaluate_every_seconds: self.dice.one(&[1, 60, 900, 1_000, 7_200, 90_000]),
        });
        let name = format!("queue {}", self.dice.below(9)).into();
        Kind::QueueConfigured { queue, name, media: self.media(), sla }
    }

    fn agent_configured(&mut self, agent: u64) -> Kind<'static> {
        Kind::AgentConfigured {
            agent: agent_id(agent),
            name: format!("Agent {}", self.dice.below(9)).into(),
            group: self.dice.percent(50).then(|| 1 + self.dice.below(3) as u32),
        }
    }

    fn codes_configured(&mut self) -> Kind<'static> {
        let items = (0..self.dice.below(3)).map(|item| CodeItem {
            item: item as i64,
            short_code: format!("c{}", self.dice.below(3)).into(),
            name: "lunch".into(),
            status: self.dice.one(&[Base::OnBreak, Base::WorkOffline]),
        });
        let items = items.collect();
        Kind::CodesConfigured { list: self.dice.below(2) as i64, name: "codes".into(), items }
    }

    fn agent_status(&mut self) -> Kind<'static> {
        let statuses =
            [Base::Available, Base::Available, Base::OnBreak, Base::WorkOffline, Base::LoggedOut];
        let code = GivenCode {
            list: self.dice.percent(40).then(|| self.dice.below(2) as i64),
            item: self.dice.percent(40).then(|| self.dice.below(3) as i64),
            short_code: self.dice.percent(15).then(|| self.dice.one(&["", "x", "c1"]).into()),
        };
        Kind::AgentStatus { agent: self.agent(), status: self.dice.one(&statuses), code }
    }

    /// Transaction and agent of a leg in this stage, mostly and if there is one.
    fn pair_with(&mut self, stage: fn(&Leg) -> bool) -> (Text<'static>, Text<'static>) {
        let legs: Vec<&Leg> = self.model.legs.iter().filter(|leg| stage(leg)).collect();
        if legs.is_empty() || self.dice.percent(15) {
            return self.any_pair();
        }
        let leg = self.dice.one(&legs);
        let agent = self.model.agents[leg.agent].id.clone();
        (leg.transaction.clone().into(), agent.into())
    }

    /// A transaction in a queue, mostly and if there is one, and an agent.
    fn visitor(&mut self) -> (Text<'static>, Text<'static>) {
        let open = |visit: &&Visit| visit.ended.is_none();
        let visits: Vec<&Visit> = self.model.visits.iter().filter(open).collect();
        if visits.is_empty() || self.dice.percent(15) {
            return self.any_pair();
        }
        let transaction = self.dice.one(&visits).transaction.clone();
        (transaction.into(), agent_id(self.dice.below(self.agents)))
    }

    fn any_pair(&mut self) -> (Text<'static>, Text<'static>) {
        (self.transaction(), agent_id(self.dice.below(self.agents)))
    }

    fn agent(&mut self) -> Text<'static> {
        // Now and then one that was never configured.
        let known = self.agents + u64::from(self.dice.percent(2));
        agent_id(self.dice.below(known))
    }

    fn queue(&mut self) -> u32 {
        let known = self.queues + u64::from(self.dice.percent(3));
        1 + self.dice.below(known) as u32
    }

    fn transaction(&mut self) -> Text<'static> {
        format!("t{}", self.dice.below(self.transactions)).into()
    }

    fn line(&mut self) -> Line {
        self.dice.one(&[Line::One, Line::One, Line::Two])
    }

    fn media(&mut self) -> Media {
        self.dice.one(&[Media::Phone, Media::Phone, Media::Chat, Media::Email, Media::Voicemail])
    }
}

fn agent_id(number: u64) -> Text<'static> {
    format!("a{number}").into()
}
