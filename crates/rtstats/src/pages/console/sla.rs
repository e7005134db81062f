//! A queue's service level: percent, time limit, and how often it is evaluated.

use maud::html;
use stats::{event::Sla, limit};

use super::{
    Turn, base, hidden, page,
    queues::{self, sla_in_words},
    roster::{Queue, Told},
    status,
};
use crate::{
    pages::{Asked, Choice, Form, Shown},
    tenants::Tenant,
};

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    word: &'static str,
    /// What stands behind a number.
    pub short: &'static str,
    seconds: u32,
}

/// Largest first.
const UNITS: [Unit; 3] = [
    Unit { word: "hours", short: "h", seconds: 3_600 },
    Unit { word: "minutes", short: "min", seconds: 60 },
    Unit { word: "seconds", short: "s", seconds: 1 },
];

/// Seconds as a number of the largest unit that fits whole.
pub fn in_unit(seconds: u32) -> (u32, Unit) {
    let fits = |unit: &&Unit| seconds >= unit.seconds && seconds.is_multiple_of(unit.seconds);
    let unit = UNITS.iter().find(fits).copied().unwrap_or(UNITS[2]);
    (seconds / unit.seconds, unit)
}

/// The SLA tab.
pub async fn edit(asked: &mut Asked<'_>, tenant: &Tenant, number: &str, post: bool) -> Shown {
    if !post {
        let roster = super::roster(asked, tenant).await?;
        let (number, queue) = queues::of(&roster, number)?;
        return Ok(tab(asked, tenant, number, queue, &shown(queue.sla)));
    }
    let mut form = asked.form().await?;
    let turn = match Turn::take(asked, tenant.id, &form).await {
        Ok(turn) => turn,
        Err(answer) => return Ok(answer),
    };
    let roster = super::roster(asked, tenant).await?;
    let (number, now) = queues::of(&roster, number)?;
    queues::still_holds(&mut form, "percent", now, &sla_in_words(now.sla));
    let without = form.text("way") == "none";
    let sla = if without { None } else { wanted(&mut form) };
    if !form.is_right() {
        return Ok(tab(asked, tenant, number, now, &form));
    }
    let queue = Queue { sla, ..now.clone() };
    queues::submit(asked, tenant, &turn, &roster, number, &queue).await?;
    let told = match sla {
        Some(_) => format!("The service level is {} from now on.", sla_in_words(sla)),
        None => "The queue has no service level any more.".to_owned(),
    };
    Ok(turn.done(asked, &format!("{}/queue/{number}/sla", base(tenant)), told))
}

/// A form of what there is, or of what is common.
fn shown(sla: Option<Sla>) -> Form {
    let evaluate_every_seconds = limit::EVALUATE_EVERY_SECONDS;
    let sla = sla.unwrap_or(Sla { percent: 80, within_seconds: 20, evaluate_every_seconds });
    let (within, within_unit) = in_unit(sla.within_seconds);
    let (every, every_unit) = in_unit(sla.evaluate_every_seconds);
    Form::of([
        ("percent", sla.percent.to_string()),
        ("within", within.to_string()),
        ("within-unit", within_unit.word.to_owned()),
        ("every", every.to_string()),
        ("every-unit", every_unit.word.to_owned()),
    ])
}

fn wanted(form: &mut Form) -> Option<Sla> {
    let percent = form.number("percent", 0, 100);
    let within = seconds(form, "within", "within-unit", 0);
    let every = seconds(form, "every", "every-unit", 1);
    Some(Sla { percent: percent? as u8, within_seconds: within?, evaluate_every_seconds: every? })
}

fn seconds(form: &mut Form, number: &'static str, unit: &'static str, least: i64) -> Option<u32> {
    let word = form.text(unit).to_owned();
    let Some(own) = UNITS.iter().find(|known| known.word == word) else {
        form.wrong(unit, "Choose a unit.");
        return None;
    };
    let most = limit::SLA_SECONDS_MAX / own.seconds;
    form.number(number, least, i64::from(most)).map(|number| number as u32 * own.seconds)
}

fn tab(
    asked: &Asked<'_>,
    tenant: &Tenant,
    number: u32,
    now: &Queue,
    form: &Form,
) -> crate::api::answer::Answer {
    let base = base(tenant);
    let path = format!("{base}/queue/{number}/sla");
    let units: Vec<Choice> =
        UNITS.iter().rev().map(|unit| (unit.word.to_owned(), unit.word.to_owned())).collect();
    let middle = html! {
        (queues::tabs(&base, number, "SLA"))
        (form.summary())
        p.lead {
            @match now.sla {
                Some(_) => { "At present: " strong { (sla_in_words(now.sla)) } "." },
                None => "This queue has no service level yet. A common one is 80 % within 20 seconds.",
            }
        }
        form.card method="post" action=(path) novalidate {
            (hidden(asked))
            input type="hidden" name="version" value=(now.version());
            (form.field("percent", "Percent").kind("number").required()
                .hint("The share of customers that is to be accepted within the limit."))
            div.pair {
                (form.field("within", "Time limit").kind("number").required())
                (form.field("within-unit", "Unit of the limit").choices(&units))
            }
            div.pair {
                (form.field("every", "Evaluate every").kind("number").required())
                (form.field("every-unit", "Unit of the period").choices(&units))
            }
            p.hint { "Customers who wait already keep the limit with which they came." }
            p.actions {
                button.primary name="way" value="set" { "Save" }
                @if now.sla.is_some() { button name="way" value="none" { "No service level" } }
            }
        }
    };
    let page = page(asked, tenant, &now.name, "/queues").below("Queues", format!("{base}/queues"));
    page.status(status(form)).show(asked, middle)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_is_shown_in_the_largest_unit_that_fits() {
        let shown = |seconds| {
            let (number, unit) = in_unit(seconds);
            (number, unit.word)
        };
        assert_eq!(shown(20), (20, "seconds"));
        assert_eq!(shown(900), (15, "minutes"));
        assert_eq!(shown(7_200), (2, "hours"));
        assert_eq!(shown(90), (90, "seconds"));
        assert_eq!(shown(0), (0, "seconds"));
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(
            percent in 0_u8..=100,
            within_seconds in 0..=limit::SLA_SECONDS_MAX,
            evaluate_every_seconds in 1..=limit::SLA_SECONDS_MAX,
        ) {
            let sla = Sla { percent, within_seconds, evaluate_every_seconds };
            prop_assert_eq!(wanted(&mut shown(Some(sla))), Some(sla));
        }
    }
}
