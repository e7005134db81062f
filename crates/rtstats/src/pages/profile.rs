//! The agent's own page: figures of today as the API has them, the status with its code, and own queues.
//!
//! Who an agent is comes from the account and never from a form. An agent enables or disables queues that the
//! administrator has assigned, and changes nothing else of them.

use std::collections::BTreeSet;

use http::Method;
use maud::{Markup, html};
use serde_json::{Value, json};
use stats::{
    document::{Format, Page as Document},
    engine::{AgentNow, Status, Tie},
    event::{Base, GivenCode, Kind},
};

use super::{
    Asked, Form, Page, Shown, Stop,
    console::{Turn, hidden, unavailable},
    start, stop,
};
use crate::{
    accounts::Deed,
    board::Encoding,
    shard::CONSOLE,
    tenants::{Tenant, TenantId},
};

/// Figures of the day: the field of the document, what it is called, whether it is seconds.
const FIGURES: [(&str, &str, bool); 10] = [
    ("day-accepted-count", "Accepted", false),
    ("day-rejected-count", "Rejected", false),
    ("day-avg-processing-time", "Average processing", true),
    ("day-processing-time", "Processing", true),
    ("day-wrap-up-time", "Wrap-up", true),
    ("day-available-time", "Available", true),
    ("day-break-time", "On break", true),
    ("day-offline-time", "Work offline", true),
    ("day-login-time", "Logged in", true),
    ("thirty-min-accepted-count", "Accepted, last 30 min", false),
];

/// Whatever lies below `/agent`.
pub(super) async fn show(asked: &mut Asked<'_>, rest: &[&str]) -> Shown {
    let (tenant, agent) = asked.agent()?;
    match (asked.method(), rest) {
        (&Method::GET, []) => page(asked, tenant, &agent).await,
        (&Method::POST, ["status"]) => set_status(asked, tenant, &agent).await,
        (&Method::POST, ["queues"]) => set_queues(asked, tenant, &agent).await,
        (_, []) => Err(Stop::Method("GET, HEAD")),
        (_, ["status" | "queues"]) => Err(Stop::Method("POST")),
        _ => Err(Stop::NotFound),
    }
}

fn own(asked: &Asked<'_>, id: TenantId) -> Result<std::sync::Arc<Tenant>, Stop> {
    let directory = asked.directory();
    directory.tenants().find(|tenant| tenant.id == id).cloned().ok_or(Stop::NotFound)
}

/// The agent now, and the highest number seen of the pages' source.
async fn now(asked: &Asked<'_>, tenant: TenantId, agent: &str) -> Result<(AgentNow, u64), Stop> {
    let shards = &asked.pages.api.shards;
    let (now, seq) = shards
        .agent_now(tenant, agent.to_owned(), CONSOLE.to_owned())
        .await
        .map_err(unavailable)?;
    Ok((now.ok_or_else(|| stop::later("Your administrator has to make you an agent first."))?, seq))
}

/// The agent's document in the refresh that everybody is shown; the second is the instant it describes.
async fn figures(asked: &Asked<'_>, tenant: TenantId, agent: &str) -> Option<(Value, i64)> {
    let api = &asked.pages.api;
    let live = api.shards.live(tenant)?;
    let freeze = api.shards.clone().freeze(tenant);
    let refresh = live.board.refresh(api.refresh_every, freeze).await.ok()?;
    let document = refresh.document(Document::Agent(agent), Format::Json, &api.metrics).await?;
    let form = document.form(Encoding::Identity, &api.metrics).await;
    let read: Value = serde_json::from_slice(&form.bytes).ok()?;
    let instant: jiff::Timestamp = refresh.instant.to_str().ok()?.parse().ok()?;
    Some((read["agent"].clone(), instant.as_millisecond()))
}

async fn page(asked: &mut Asked<'_>, tenant: TenantId, agent: &str) -> Shown {
    let (now, _) = now(asked, tenant, agent).await?;
    let figures = figures(asked, tenant, agent).await;
    let zone = own(asked, tenant)?.zone.clone();
    let middle = html! {
        p.lead { "Agent " code { (agent) } " · " (in_words(&now)) }
        (status_form(asked, &now))
        (queues_form(asked, &now.ties))
        section aria-labelledby="today" {
            h2 #today { "Today" }
            @match &figures {
                Some((figures, instant)) => {
                    dl.figures {
                        @for (field, name, seconds) in FIGURES {
                            div { dt { (name) } dd { (figure(figures, field, seconds)) } }
                        }
                    }
                    p.hint { "As of " (start::local_instant(Some(*instant), &zone)) ". " a href="/agent" { "Look again" } }
                }
                None => p.empty { "There are no figures yet. Load the page again in a few seconds." },
            }
        }
    };
    Ok(Page::new(&now.name).style("manager.css").show(asked, middle))
}

fn figure(figures: &Value, field: &str, seconds: bool) -> String {
    match figures[field].as_i64() {
        None => "–".to_owned(),
        Some(value) if seconds => {
            let value = value.max(0);
            format!("{}:{:02}:{:02}", value / 3_600, value / 60 % 60, value % 60)
        }
        Some(value) => value.to_string(),
    }
}

/// The agent-status in the API's words; while calls decide it, what was chosen stands behind it.
fn in_words(now: &AgentNow) -> String {
    let chosen = Status::from(now.base);
    let code = code_in_words(now);
    if now.status == chosen {
        return format!("{}{code}", word(chosen));
    }
    format!("{}, afterwards {}{code}", word(now.status), word(chosen))
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Available => "available",
        Status::Offered => "offered",
        Status::Busy => "busy",
        Status::PostProcessing => "post-processing",
        Status::OnBreak => "on break",
        Status::WorkOffline => "work offline",
        Status::LoggedOut => "logged out",
    }
}

fn code_in_words(now: &AgentNow) -> String {
    let (Some(list), Some(item)) = now.code else { return String::new() };
    let code = now.codes.get(&list).and_then(|list| list.items.get(&item));
    code.map_or(String::new(), |code| format!(": {}", code.name))
}

/// The choices that there are: value, what it is called, and whether it is the present one.
fn choices(now: &AgentNow) -> Vec<(String, String, bool)> {
    let mut choices = Vec::new();
    for base in Base::ALL {
        let codes: Vec<_> = now
            .codes
            .iter()
            .flat_map(|(list, codes)| {
                codes.items.iter().map(move |(item, code)| (*list, *item, code))
            })
            .filter(|(.., code)| code.status == *base)
            .collect();
        let name = match base {
            Base::Available => "Available",
            Base::OnBreak => "On break",
            Base::WorkOffline => "Work offline",
            Base::LoggedOut => "Logged out",
        };
        let is_now = now.base == *base;
        let known = codes.iter().any(|(list, item, _)| now.code == (Some(*list), Some(*item)));
        choices.push((base.word().to_owned(), name.to_owned(), is_now && !known));
        for (list, item, code) in codes {
            let value = format!("{} {list} {item}", base.word());
            let chosen = is_now && now.code == (Some(list), Some(item));
            choices.push((value, format!("{name}: {}", code.name), chosen));
        }
    }
    choices
}

fn status_form(asked: &Asked<'_>, now: &AgentNow) -> Markup {
    html! {
        section aria-labelledby="status" {
            h2 #status { "Status" }
            form.statuses method="post" action="/agent/status" {
                (hidden(asked))
                @for (value, name, chosen) in choices(now) {
                    @let kind = value.split(' ').next().unwrap_or_default().to_owned();
                    button.(kind) name="status" value=(value) aria-pressed=(if chosen { "true" } else { "false" }) { (name) }
                }
            }
        }
    }
}

fn queues_form(asked: &Asked<'_>, ties: &[Tie]) -> Markup {
    html! {
        section aria-labelledby="queues" {
            h2 #queues { "My queues" }
            @if ties.is_empty() { p.empty { "You are assigned to no queue yet. Your administrator does that." } }
            @else {
                form.card method="post" action="/agent/queues" {
                    (hidden(asked))
                    @for tie in ties {
                        @let id = format!("queue-{}", tie.queue);
                        input type="hidden" name="shown" value={ (tie.queue) @if tie.enabled { "+" } @else { "-" } };
                        div.field.tick {
                            input id=(id) name="enabled" type="checkbox" value=(tie.queue) checked[tie.enabled];
                            label for=(id) { (tie.name) " " span.hint { (tie.queue) } }
                        }
                    }
                    p.hint { "You are offered work from the queues that are ticked." }
                    p.actions { button.primary { "Save my queues" } }
                }
            }
        }
    }
}

async fn set_status(asked: &mut Asked<'_>, tenant: TenantId, agent: &str) -> Shown {
    let form = asked.form().await?;
    let tenant = own(asked, tenant)?;
    let turn = match Turn::take(asked, tenant.id, &form).await {
        Ok(turn) => turn,
        Err(answer) => return Ok(answer),
    };
    let (now, seq) = now(asked, tenant.id, agent).await?;
    let wanted = form.text("status");
    let Some((_, name, _)) = choices(&now).into_iter().find(|(value, ..)| value == wanted) else {
        return Ok(asked.failed("/agent", "There is no such status any more. Choose another one."));
    };
    let mut words = wanted.split(' ');
    let status = words.next().and_then(Base::of_word).ok_or(Stop::NotFound)?;
    let list = words.next().and_then(|word| word.parse().ok());
    let item = words.next().and_then(|word| word.parse().ok());
    let code = GivenCode { list, item, short_code: None };
    let kinds = [Kind::AgentStatus { agent: agent.into(), status, code }];
    // Statuses are facts of the contact centre, as those that a PBX tells: the log has them, and not the audit trail.
    turn.submit(asked, &tenant, seq, &kinds, Vec::new()).await?;
    Ok(turn.done(asked, "/agent", format!("Your status is: {name}.")))
}

/// What a form enables and disables among the queues of the agent now; none if what it showed no longer holds.
fn changed(form: &Form, ties: &[Tie]) -> Option<Vec<(u32, bool)>> {
    let shown: BTreeSet<String> = form.all("shown").map(str::to_owned).collect();
    let now = |tie: &Tie| format!("{}{}", tie.queue, if tie.enabled { "+" } else { "-" });
    if shown != ties.iter().map(now).collect() {
        return None;
    }
    let enabled: BTreeSet<&str> = form.all("enabled").collect();
    let wanted = ties.iter().map(|tie| (tie, enabled.contains(&*tie.queue.to_string())));
    Some(
        wanted
            .filter(|(tie, wanted)| tie.enabled != *wanted)
            .map(|(tie, wanted)| (tie.queue, wanted))
            .collect(),
    )
}

async fn set_queues(asked: &mut Asked<'_>, tenant: TenantId, agent: &str) -> Shown {
    let form = asked.form().await?;
    let tenant = own(asked, tenant)?;
    let turn = match Turn::take(asked, tenant.id, &form).await {
        Ok(turn) => turn,
        Err(answer) => return Ok(answer),
    };
    let (now, seq) = now(asked, tenant.id, agent).await?;
    let Some(changed) = changed(&form, &now.ties) else {
        let told = "Your queues have been changed meanwhile, so nothing was saved. Below is how they are now.";
        return Ok(asked.failed("/agent", told));
    };
    if changed.is_empty() {
        return Ok(turn.done(asked, "/agent", "There was nothing to change."));
    }
    let kinds: Vec<Kind<'_>> = changed
        .iter()
        .map(|(queue, enabled)| {
            let (queue, enabled) = (*queue, *enabled);
            Kind::AssignmentSet { agent: agent.into(), queue, assigned: true, enabled }
        })
        .collect();
    let deed = |(queue, enabled): &(u32, bool)| {
        let object = format!("{agent} · {queue}");
        let deed = asked.caller().deed(asked.now_ms, Some(tenant.id), "assignment.set", &object);
        let told = |enabled: bool| Some(json!({ "assigned": true, "enabled": enabled }));
        Deed { before: told(!enabled), after: told(*enabled), ..deed }
    };
    let deeds: Vec<_> = changed.iter().map(deed).collect();
    turn.submit(asked, &tenant, seq, &kinds, deeds).await?;
    Ok(turn.done(asked, "/agent", "Your queues are saved."))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use stats::engine::{CodeList, ListedCode};

    use super::*;

    #[test]
    fn an_agent_changes_only_queues_that_are_assigned() {
        let tie = |queue, enabled| Tie { queue, name: "Q".into(), enabled };
        let ties = [tie(1, true), tie(2, false)];
        let form = |pairs: &[(&'static str, &str)]| {
            Form::of(pairs.iter().map(|(name, value)| (*name, (*value).to_owned())))
        };
        let sent = form(&[("shown", "1+"), ("shown", "2-"), ("enabled", "2"), ("enabled", "9")]);
        assert_eq!(changed(&sent, &ties), Some(vec![(1, false), (2, true)]));
        let stale = form(&[("shown", "1-"), ("shown", "2-"), ("enabled", "2")]);
        assert_eq!(changed(&stale, &ties), None);
    }

    #[test]
    fn the_status_is_told_with_what_comes_after_a_call() {
        let codes = |name: &str| {
            let item =
                ListedCode { short_code: "L".into(), name: name.into(), status: Base::OnBreak };
            let list = CodeList { name: "Breaks".into(), items: [(2, item)].into() };
            BTreeMap::from([(1, list)])
        };
        let mut now = AgentNow {
            name: "Ann".into(),
            status: Status::Busy,
            base: Base::OnBreak,
            code: (Some(1), Some(2)),
            ties: Vec::new(),
            codes: codes("Lunch"),
        };
        assert_eq!(in_words(&now), "busy, afterwards on break: Lunch");
        now.status = Status::OnBreak;
        assert_eq!(in_words(&now), "on break: Lunch");
        now =
            AgentNow { status: Status::Offered, base: Base::Available, code: (None, None), ..now };
        assert_eq!(in_words(&now), "offered, afterwards available");
        now.status = Status::Available;
        assert_eq!(in_words(&now), "available");
    }

    #[test]
    fn times_are_shown_as_on_a_clock() {
        let figures = json!({ "a": 3_725, "b": -1, "c": "" });
        assert_eq!(figure(&figures, "a", true), "1:02:05");
        assert_eq!(figure(&figures, "b", true), "0:00:00");
        assert_eq!(figure(&figures, "c", true), "–");
        assert_eq!(figure(&figures, "a", false), "3725");
    }
}
