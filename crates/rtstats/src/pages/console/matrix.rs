//! Who works for which queue: one queue's agents, one agent's queues, or both across in a grid, a page at a time.
//!
//! A form holds what it showed, field by field. So only what somebody changed is changed, and what another one changed
//! meanwhile is noticed.

use std::collections::BTreeSet;

use maud::{Markup, html};
use serde_json::json;
use stats::event::Kind;

use super::{
    Turn, base, encoded, finds, hidden, page,
    roster::{Agent, Queue, Roster},
    search_field,
};
use crate::{
    accounts::Deed,
    pages::{Asked, Form, Shown, Stop},
    tenants::Tenant,
};

/// Agents and queues of one page of the grid.
const GRID_AGENTS: usize = 25;
const GRID_QUEUES: usize = 8;

/// Agents, or queues, of one page of a list.
const LIST_LEN: usize = 50;

/// How an agent stands to a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tie {
    None,
    Assigned,
    Enabled,
}

impl Tie {
    fn of(roster: &Roster, agent: &str, queue: u32) -> Tie {
        match roster.agents.get(agent).and_then(|agent| agent.queues.get(&queue)) {
            None => Tie::None,
            Some(false) => Tie::Assigned,
            Some(true) => Tie::Enabled,
        }
    }

    fn letter(self) -> char {
        match self {
            Tie::None => 'n',
            Tie::Assigned => 'a',
            Tie::Enabled => 'e',
        }
    }

    fn told(self) -> serde_json::Value {
        json!({ "assigned": self != Tie::None, "enabled": self == Tie::Enabled })
    }
}

/// What a page of the matrix shows.
struct View<'r> {
    agents: Vec<(&'r str, &'r Agent)>,
    queues: Vec<(u32, &'r Queue)>,
    /// How many there are of what is paged downwards, and of the queues across.
    len: usize,
    across: usize,
    by: By,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Queue,
    Agent,
    Both,
}

/// The page, or what its form says.
pub async fn show(asked: &mut Asked<'_>, tenant: &Tenant, post: bool) -> Shown {
    if post {
        return save(asked, tenant).await;
    }
    let roster = super::roster(asked, tenant).await?;
    let base = base(tenant);
    let path = format!("{base}/assignments");
    if roster.queues.is_empty() || roster.agents.is_empty() {
        let middle = html! {
            p.empty {
                "Assignments need queues and agents. "
                @if roster.queues.is_empty() { a href={ (base) "/queues/new" } { "Make a queue" } " first." }
                @else { a href={ (base) "/agents/new" } { "Make an agent" } " first." }
            }
        };
        return Ok(page(asked, tenant, "Assignments", "/assignments").show(asked, middle));
    }
    let view = view(asked, &roster)?;
    let title = match (view.by, view.queues.first(), view.agents.first()) {
        (By::Queue, Some((_, queue)), _) => format!("Agents of {}", queue.name),
        (By::Agent, _, Some((_, agent))) => format!("Queues of {}", agent.name),
        _ => "Assignments".to_owned(),
    };
    let middle = html! {
        p.lead { "Assigned agents belong to a queue. Enabled ones take its work now; agents may enable themselves." }
        (filters(asked, &path, &view))
        @if view.agents.is_empty() || view.queues.is_empty() { p.empty { "Nothing fits the search." } }
        @else { (table(asked, &roster, &view)) }
    };
    let mut page = page(asked, tenant, &title, "/assignments");
    if view.by != By::Both {
        page = page.below("Assignments", path);
    }
    Ok(page.show(asked, middle))
}

fn text(asked: &Asked<'_>, name: &str) -> String {
    asked.query(name).unwrap_or_default()
}

fn number(asked: &Asked<'_>, name: &str) -> usize {
    asked.query(name).and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, 1_000_000)
}

fn view<'r>(asked: &Asked<'_>, roster: &'r Roster) -> Result<View<'r>, Stop> {
    let search = text(asked, "search");
    let queue_search = text(asked, "queues");
    let agents = || {
        let agents = roster.agents.iter().map(|(id, agent)| (id.as_str(), agent));
        agents.filter(|(id, agent)| finds(&search, &[id, &agent.name])).collect::<Vec<_>>()
    };
    let queues = |search: &str| {
        let queues = roster.queues.iter().map(|(number, queue)| (*number, queue));
        queues
            .filter(|(number, queue)| finds(search, &[&number.to_string(), &queue.name]))
            .collect::<Vec<_>>()
    };
    let at = number(asked, "page") - 1;
    if let Some(queue) = asked.query("queue") {
        let (number, queue) = super::queues::of(roster, &queue)?;
        let all = agents();
        let agents = all.iter().skip(at * LIST_LEN).take(LIST_LEN).copied().collect();
        return Ok(View {
            agents,
            queues: vec![(number, queue)],
            len: all.len(),
            across: 1,
            by: By::Queue,
        });
    }
    if let Some(id) = asked.query("agent") {
        let (id, agent) = roster.agents.get_key_value(&id).ok_or(Stop::NotFound)?;
        let all = queues(&search);
        let queues = all.iter().skip(at * LIST_LEN).take(LIST_LEN).copied().collect();
        return Ok(View {
            agents: vec![(id, agent)],
            queues,
            len: all.len(),
            across: 1,
            by: By::Agent,
        });
    }
    let (all, across) = (agents(), queues(&queue_search));
    let right = number(asked, "across") - 1;
    Ok(View {
        agents: all.iter().skip(at * GRID_AGENTS).take(GRID_AGENTS).copied().collect(),
        queues: across.iter().skip(right * GRID_QUEUES).take(GRID_QUEUES).copied().collect(),
        len: all.len(),
        across: across.len(),
        by: By::Both,
    })
}

fn filters(asked: &Asked<'_>, path: &str, view: &View<'_>) -> Markup {
    let search = text(asked, "search");
    let label = if view.by == By::Agent { "Queues" } else { "Agents" };
    html! {
        form.filter method="get" action=(path) {
            @match view.by {
                By::Queue => @if let Some((queue, _)) = view.queues.first() {
                    input type="hidden" name="queue" value=(queue);
                },
                By::Agent => @if let Some((agent, _)) = view.agents.first() {
                    input type="hidden" name="agent" value=(agent);
                },
                By::Both => {},
            }
            (search_field(&search, label))
            @if view.by == By::Both {
                label for="queues" { "Queues" }
                input #queues name="queues" type="search" value=(text(asked, "queues")) autocomplete="off" spellcheck="false";
            }
            button { "Filter" }
        }
    }
}

/// The address of this page with other page numbers.
fn address(asked: &Asked<'_>, change: (&str, usize)) -> String {
    let keep = ["queue", "agent", "search", "queues", "page", "across"];
    let pairs = keep.iter().filter_map(|name| {
        if *name == change.0 {
            return Some(format!("{name}={}", change.1));
        }
        asked
            .query(name)
            .filter(|value| !value.is_empty())
            .map(|value| format!("{name}={}", encoded(&value)))
    });
    format!("{}?{}", asked.path(), pairs.collect::<Vec<_>>().join("&"))
}

fn table(asked: &Asked<'_>, roster: &Roster, view: &View<'_>) -> Markup {
    let cells = view
        .agents
        .iter()
        .flat_map(|(id, _)| view.queues.iter().map(move |(queue, _)| (*id, *queue)));
    let was: String = cells.map(|(agent, queue)| Tie::of(roster, agent, queue).letter()).collect();
    let action = asked.head.uri.path_and_query().map_or(asked.path(), |own| own.as_str());
    html! {
        form method="post" action=(action) data-matrix="" {
            (hidden(asked))
            @for (id, _) in &view.agents { input type="hidden" name="agent" value=(id); }
            @for (queue, _) in &view.queues { input type="hidden" name="queue" value=(queue); }
            input type="hidden" name="was" value=(was);
            @if view.by == By::Both { (across(asked, view)) }
            div.table.matrix tabindex="0" role="region" aria-label="Assignments" {
                table {
                    thead { (head(asked, view)) }
                    tbody {
                        @if view.by == By::Agent {
                            @for (column, (number, queue)) in view.queues.iter().enumerate() {
                                tr {
                                    th scope="row" { (queue.name) " " span.hint { (number) } }
                                    (cell(roster, view, 0, column))
                                }
                            }
                        } @else {
                            @for (row, (id, agent)) in view.agents.iter().enumerate() {
                                tr {
                                    th scope="row" { (agent.name) " " span.hint { (id) } }
                                    @for column in 0..view.queues.len() { (cell(roster, view, row, column)) }
                                }
                            }
                        }
                    }
                }
            }
            p.actions.stays { button.primary { "Save the assignments" } span.hint data-changed="" role="status" {} }
            p.hint { "An agent is enabled only where also assigned. "
                span.keys hidden data-keys="" { "Arrow keys move between fields, the space bar ticks." } }
        }
        (pages(asked, view))
    }
}

fn head(asked: &Asked<'_>, view: &View<'_>) -> Markup {
    html! {
        tr {
            th scope="col" { @if view.by == By::Agent { "Queue" } @else { "Agent" } }
            @if view.by == By::Both {
                @for (number, queue) in &view.queues {
                    th.queue scope="col" {
                        a href={ (asked.path()) "?queue=" (number) } { (queue.name) } " " span.hint { (number) }
                    }
                }
            } @else { th.queue scope="col" { "Assigned · enabled" } }
        }
    }
}

fn cell(roster: &Roster, view: &View<'_>, row: usize, column: usize) -> Markup {
    let ((id, agent), (number, queue)) = (view.agents[row], view.queues[column]);
    let tie = Tie::of(roster, id, number);
    let place = format!("{row}-{column}");
    let (assigned, enabled) = (format!("a-{place}"), format!("e-{place}"));
    html! {
        td.tie data-row=(row) data-column=(column) {
            div {
                input id=(assigned) name="a" type="checkbox" value=(place) checked[tie != Tie::None];
                label for=(assigned) { span.unseen { (agent.name) ", " (queue.name) ": " } "assigned" }
            }
            div {
                input id=(enabled) name="e" type="checkbox" value=(place) checked[tie == Tie::Enabled];
                label for=(enabled) { span.unseen { (agent.name) ", " (queue.name) ": " } "enabled" }
            }
        }
    }
}

fn across(asked: &Asked<'_>, view: &View<'_>) -> Markup {
    let (at, last) = (number(asked, "across"), view.across.div_ceil(GRID_QUEUES).max(1));
    html! {
        @if last > 1 {
            nav.paging aria-label="Pages of queues" {
                @if at > 1 { a.button href=(address(asked, ("across", (at - 1).min(last)))) { "← Queues" } }
                span { "Queues, page " (at) " of " (last) }
                @if at < last { a.button href=(address(asked, ("across", at + 1))) { "Queues →" } }
            }
        }
    }
}

fn pages(asked: &Asked<'_>, view: &View<'_>) -> Markup {
    let each = if view.by == By::Both { GRID_AGENTS } else { LIST_LEN };
    let (at, last) = (number(asked, "page"), view.len.div_ceil(each).max(1));
    html! {
        @if last > 1 {
            nav.paging aria-label="Pages" {
                @if at > 1 { a.button rel="prev" href=(address(asked, ("page", (at - 1).min(last)))) { "Previous" } }
                span { "Page " (at) " of " (last) }
                @if at < last { a.button rel="next" href=(address(asked, ("page", at + 1))) { "Next" } }
            }
        }
    }
}

/// One field that somebody changed.
struct Changed<'f> {
    agent: &'f str,
    queue: u32,
    was: Tie,
    wanted: Tie,
}

/// What a form changes of what it showed; none if it is not of our making.
fn changed(form: &Form) -> Option<Vec<Changed<'_>>> {
    let agents: Vec<&str> = form.all("agent").collect();
    let queues: Vec<u32> =
        form.all("queue").map(|queue| queue.parse().ok()).collect::<Option<_>>()?;
    let ticked = |name| form.all(name).collect::<BTreeSet<&str>>();
    let (assigned, enabled) = (ticked("a"), ticked("e"));
    let was: Vec<char> = form.text("was").chars().collect();
    if was.len() != agents.len() * queues.len() {
        return None;
    }
    let mut changed = Vec::new();
    for (row, agent) in agents.iter().enumerate() {
        for (column, queue) in queues.iter().enumerate() {
            let was = match was[row * queues.len() + column] {
                'n' => Tie::None,
                'a' => Tie::Assigned,
                'e' => Tie::Enabled,
                _ => return None,
            };
            let place = format!("{row}-{column}");
            let wanted = match (assigned.contains(&*place), enabled.contains(&*place)) {
                (false, _) => Tie::None,
                (true, false) => Tie::Assigned,
                (true, true) => Tie::Enabled,
            };
            if wanted != was {
                changed.push(Changed { agent, queue: *queue, was, wanted });
            }
        }
    }
    Some(changed)
}

async fn save(asked: &mut Asked<'_>, tenant: &Tenant) -> Shown {
    let form = asked.form().await?;
    let path = asked.head.uri.path_and_query().map_or(asked.path(), |own| own.as_str());
    let turn = match Turn::take(asked, tenant.id, &form).await {
        Ok(turn) => turn,
        Err(answer) => return Ok(answer),
    };
    let roster = super::roster(asked, tenant).await?;
    let garbled = || {
        let why = "The form is garbled. Load the page again.".to_owned();
        Stop::Bad(http::StatusCode::BAD_REQUEST, why)
    };
    let changed = changed(&form).ok_or_else(garbled)?;
    let (mut kinds, mut deeds) = (Vec::new(), Vec::new());
    for Changed { agent, queue, was, wanted } in changed {
        let now = Tie::of(&roster, agent, queue);
        let there = roster.agents.contains_key(agent) && roster.queues.contains_key(&queue);
        if !there || (now != was && now != wanted) {
            let what = format!(
                "Nothing was saved: {agent} and the queue {queue} have been changed by somebody else meanwhile. What \
                 stands here is how it is now."
            );
            return Ok(asked.failed(path, what));
        }
        if now == wanted {
            continue;
        }
        kinds.push(Kind::AssignmentSet {
            agent: agent.into(),
            queue,
            assigned: wanted != Tie::None,
            enabled: wanted == Tie::Enabled,
        });
        let object = format!("{agent} · {queue}");
        let deed = asked.caller().deed(asked.now_ms, Some(tenant.id), "assignment.set", &object);
        deeds.push(Deed { before: Some(now.told()), after: Some(wanted.told()), ..deed });
    }
    let told = match kinds.len() {
        0 => "There was nothing to change.".to_owned(),
        1 => "One assignment is changed.".to_owned(),
        len => format!("{len} assignments are changed."),
    };
    if !kinds.is_empty() {
        turn.submit(asked, tenant, roster.seq, &kinds, deeds).await?;
    }
    Ok(turn.done(asked, path, told))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(was: &str, ticked: &[(&'static str, &str)]) -> Form {
        let shown =
            [("agent", "ann"), ("agent", "bob"), ("queue", "101"), ("queue", "102"), ("was", was)];
        let pairs = shown.iter().chain(ticked);
        Form::of(pairs.map(|(name, value)| (*name, (*value).to_owned())))
    }

    #[test]
    fn only_what_was_changed_is_told() {
        let form =
            form("neae", &[("a", "0-0"), ("a", "0-1"), ("e", "0-1"), ("e", "1-0"), ("a", "1-1")]);
        let told: Vec<_> = changed(&form)
            .unwrap()
            .into_iter()
            .map(|one| (one.agent.to_owned(), one.queue, one.was.letter(), one.wanted.letter()))
            .collect();
        let expected = [
            ("ann".to_owned(), 101, 'n', 'a'),
            // Enabled without assigned is not assigned.
            ("bob".to_owned(), 101, 'a', 'n'),
            ("bob".to_owned(), 102, 'e', 'a'),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_form_that_is_not_ours_is_refused() {
        assert!(changed(&form("nnn", &[])).is_none());
        assert!(changed(&form("nnnx", &[])).is_none());
        assert!(changed(&form("nnnn", &[])).is_some_and(|changed| changed.is_empty()));
    }
}
