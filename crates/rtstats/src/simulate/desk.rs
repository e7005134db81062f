//! The five kinds of queue, and how long their work takes.
//!
//! Handling times are log-normal, as Brown et al. found them in a call center (Statistical Analysis of a Telephone
//! Call Center, Journal of the American Statistical Association 100, 2005); patience is Weibull with a shape below
//! 1, so that many give up early (the same paper; Gans, Koole, Mandelbaum: Telephone Call Centers, 2003).

use stats::event::{Media, Sla};

use super::{
    curve::{ANY_TIME, Curve, OFFICE_HOURS},
    dice::{Patience, Spread},
};

/// A kind of queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants say it")]
pub enum Desk {
    Sales,
    Support,
    Chat,
    Email,
    Voicemail,
}

/// Mean lengths of time in seconds, from which both the draws and the volume of arrivals follow.
struct Means {
    answer: f64,
    talk: f64,
    wrap_up: f64,
}

/// How the people of a desk behave.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    /// From offer to acceptance.
    pub answer: Spread,
    /// An offer that isn't answered by then goes elsewhere.
    pub ring_ms: i64,
    /// In processing, without holds.
    pub talk: Spread,
    /// In post-processing.
    pub wrap_up: Spread,
    /// Share of legs that end without post-processing.
    pub no_wrap_up: f64,
    /// How long customers wait; mail waits for ever.
    pub patience: Option<Patience>,
}

impl Desk {
    /// In the order of their queues.
    pub const ALL: [Desk; 5] =
        [Desk::Sales, Desk::Support, Desk::Chat, Desk::Email, Desk::Voicemail];

    /// Name of its queue.
    pub fn name(self) -> &'static str {
        match self {
            Desk::Sales => "Sales",
            Desk::Support => "Support",
            Desk::Chat => "Web chat",
            Desk::Email => "Email",
            Desk::Voicemail => "Voicemail",
        }
    }

    /// Its medium.
    pub fn media(self) -> Media {
        match self {
            Desk::Sales | Desk::Support => Media::Phone,
            Desk::Chat => Media::Chat,
            Desk::Email => Media::Email,
            Desk::Voicemail => Media::Voicemail,
        }
    }

    /// Its service level agreement.
    pub fn sla(self) -> Sla {
        let (percent, within_seconds, evaluate_every_seconds) = match self {
            Desk::Sales => (80, 20, 900),
            Desk::Support => (75, 60, 900),
            Desk::Chat => (80, 45, 1_800),
            Desk::Email => (90, 4 * 3_600, 3_600),
            Desk::Voicemail => (85, 2 * 3_600, 3_600),
        };
        Sla { percent, within_seconds, evaluate_every_seconds }
    }

    /// How many agents an offer rings at once.
    pub fn rings_at_once(self) -> usize {
        if self == Desk::Sales { 3 } else { 1 }
    }

    /// When its transactions arrive.
    pub fn curve(self) -> &'static Curve {
        match self {
            Desk::Sales | Desk::Support | Desk::Chat => &OFFICE_HOURS,
            Desk::Email | Desk::Voicemail => &ANY_TIME,
        }
    }

    /// Whether an agent works several of its transactions at a time.
    pub fn is_shared(self) -> bool {
        matches!(self, Desk::Chat | Desk::Email)
    }

    /// Seconds of one agent that a transaction takes; of chats an agent works nearly two at a time.
    pub fn agent_seconds(self) -> f64 {
        let means = self.means();
        let at_once = match self {
            Desk::Chat => 1.9,
            // Nobody gives up on mail: it needs time to spare, or its backlog never goes.
            Desk::Email | Desk::Voicemail => 0.85,
            Desk::Sales | Desk::Support => 1.0,
        };
        (means.answer + means.talk + means.wrap_up) / at_once
    }

    fn means(self) -> Means {
        let (answer, talk, wrap_up) = match self {
            Desk::Sales => (5.0, 150.0, 24.0),
            Desk::Support => (5.0, 175.0, 28.0),
            Desk::Chat => (5.0, 170.0, 14.0),
            Desk::Email => (8.0, 120.0, 10.0),
            Desk::Voicemail => (6.0, 70.0, 16.0),
        };
        Means { answer, talk, wrap_up }
    }

    /// How its people behave.
    pub fn habits(self) -> Habits {
        let means = self.means();
        let talk_variation = match self {
            Desk::Sales | Desk::Email => 0.7,
            Desk::Support => 0.75,
            Desk::Chat | Desk::Voicemail => 0.6,
        };
        Habits {
            answer: Spread::new(means.answer, 0.5),
            ring_ms: if self.media() == Media::Phone { 20_000 } else { 45_000 },
            talk: Spread::new(means.talk, talk_variation),
            wrap_up: Spread::new(means.wrap_up, 0.8),
            no_wrap_up: if self.media() == Media::Phone { 0.08 } else { 0.2 },
            patience: match self {
                Desk::Sales => Some(Patience::new(420.0, 0.9)),
                Desk::Support => Some(Patience::new(540.0, 0.9)),
                Desk::Chat => Some(Patience::new(480.0, 0.95)),
                Desk::Email | Desk::Voicemail => None,
            },
        }
    }
}
