//! Groups of agents: listed, made, renamed, removed.

use maud::html;
use stats::{event::Kind, limit};

use super::{
    Turn, base, hidden, page,
    queues::{named, still_holds},
    roster::{Agent, Roster, Told},
    status,
};
use crate::{
    accounts::Deed,
    pages::{Asked, Form, Shown, Stop},
    tenants::Tenant,
};

/// All groups.
pub async fn list(asked: &mut Asked<'_>, tenant: &Tenant) -> Shown {
    let roster = super::roster(asked, tenant).await?;
    let base = base(tenant);
    let middle = html! {
        p.lead { "Groups put agents together. The number is the group id of the API." }
        p.actions { a.button.primary href={ (base) "/groups/new" } { "New group" } }
        @if roster.groups.is_empty() {
            p.empty { "There are no groups yet. They are optional: an agent without one has the group id 0." }
        } @else {
            div.table tabindex="0" role="region" aria-label="Groups" {
                table {
                    thead { tr {
                        th.number scope="col" { "Group id" } th scope="col" { "Name" } th.number scope="col" { "Agents" }
                        th scope="col" { span.unseen { "Actions" } }
                    } }
                    tbody {
                        @for (number, name) in &roster.groups {
                            tr {
                                td.number { (number) }
                                th scope="row" { a href={ (base) "/group/" (number) } { (name) } }
                                td.number { (agents(&roster, *number)) }
                                td.act { a href={ (base) "/agents?group=" (number) } aria-label={ "Agents of " (name) }
                                    { "Agents" } }
                            }
                        }
                    }
                }
            }
        }
    };
    Ok(page(asked, tenant, "Groups", "/groups").show(asked, middle))
}

fn agents(roster: &Roster, group: u32) -> usize {
    roster.agents.values().filter(|agent| agent.group == Some(group)).count()
}

/// A new group, or one that there is.
pub async fn edit(
    asked: &mut Asked<'_>,
    tenant: &Tenant,
    number: Option<&str>,
    post: bool,
) -> Shown {
    let of = |roster: &Roster| match number {
        None => Ok::<_, Stop>(None),
        Some(number) => {
            let number: u32 = number.parse().map_err(|_| Stop::NotFound)?;
            let name = roster.groups.get(&number).ok_or(Stop::NotFound)?;
            Ok(Some((number, name.clone())))
        }
    };
    if !post {
        let roster = super::roster(asked, tenant).await?;
        let now = of(&roster)?;
        let form = match &now {
            None => Form::of([("group", roster.next_group().to_string())]),
            Some((_, name)) => Form::of([("name", name.clone())]),
        };
        return Ok(show(asked, tenant, now.as_ref(), &form));
    }
    let mut form = asked.form().await?;
    let turn = match Turn::take(asked, tenant.id, &form).await {
        Ok(turn) => turn,
        Err(answer) => return Ok(answer),
    };
    let roster = super::roster(asked, tenant).await?;
    let now = of(&roster)?;
    let number = match &now {
        Some((number, name)) => {
            still_holds(&mut form, "name", name, &format!("“{name}”"));
            Some(*number)
        }
        None => {
            let number =
                form.number("group", 1, i64::from(limit::GROUP_ID_MAX)).map(|number| number as u32);
            if let Some(taken) = number.and_then(|number| roster.groups.get(&number)) {
                form.wrong(
                    "group",
                    format!("The group “{taken}” has this number already. Take another one."),
                );
            }
            number
        }
    };
    let name = named(&mut form);
    let (Some(number), Some(name), true) = (number, name, form.is_right()) else {
        return Ok(show(asked, tenant, now.as_ref(), &form));
    };
    let deed =
        asked.caller().deed(asked.now_ms, Some(tenant.id), "group.configured", &number.to_string());
    let deed = Deed { before: now.map(|(_, name)| name.told()), after: Some(name.told()), ..deed };
    let kinds = [Kind::GroupConfigured { group: number, name: name.as_str().into() }];
    turn.submit(asked, tenant, roster.seq, &kinds, vec![deed]).await?;
    Ok(turn.done(
        asked,
        &format!("{}/groups", base(tenant)),
        format!("The group “{name}” is saved."),
    ))
}

fn show(
    asked: &Asked<'_>,
    tenant: &Tenant,
    now: Option<&(u32, String)>,
    form: &Form,
) -> crate::api::answer::Answer {
    let base = base(tenant);
    let path = match now {
        None => format!("{base}/groups/new"),
        Some((number, _)) => format!("{base}/group/{number}"),
    };
    let middle = html! {
        (form.summary())
        form.card method="post" action=(path) novalidate {
            (hidden(asked))
            @match now {
                None => (form.field("group", "Group id").kind("number").required()
                    .hint("By which the API and event senders name the group. It can't be changed later.")),
                Some((_, name)) => input type="hidden" name="version" value=(name.version());,
            }
            (form.field("name", "Name").required())
            p.actions { button.primary { "Save" } a.button href={ (base) "/groups" } { "Cancel" } }
        }
        @if now.is_some() {
            section aria-labelledby="remove" {
                h2 #remove { "Remove the group" }
                p { "Its agents stay, without a group." }
                p { a.button.danger href={ (path) "/remove" } { "Remove…" } }
            }
        }
    };
    let title = now.map_or("New group", |(_, name)| name);
    let page = page(asked, tenant, title, "/groups").below("Groups", format!("{base}/groups"));
    page.status(status(form)).show(asked, middle)
}

/// Says what is lost with a group, and removes it.
pub async fn remove(asked: &mut Asked<'_>, tenant: &Tenant, number: &str, post: bool) -> Shown {
    let number: u32 = number.parse().map_err(|_| Stop::NotFound)?;
    let base = base(tenant);
    let turn = if post {
        let form = asked.form().await?;
        match Turn::take(asked, tenant.id, &form).await {
            Ok(turn) => Some(turn),
            Err(answer) => return Ok(answer),
        }
    } else {
        None
    };
    let roster = super::roster(asked, tenant).await?;
    let name = roster.groups.get(&number).ok_or(Stop::NotFound)?;
    if let Some(turn) = turn {
        let deed = asked.caller().deed(
            asked.now_ms,
            Some(tenant.id),
            "group.removed",
            &number.to_string(),
        );
        let deed = Deed { before: Some(name.told()), ..deed };
        let members = members(&roster, number);
        let mut kinds: Vec<Kind<'_>> =
            members.iter().map(|(id, _, after)| after.configured(id)).collect();
        kinds.push(Kind::GroupRemoved { group: number });
        let left = |(id, before, after): &(&String, &Agent, Agent)| {
            let deed = asked.caller().deed(asked.now_ms, Some(tenant.id), "agent.configured", id);
            Deed { before: Some(before.told()), after: Some(after.told()), ..deed }
        };
        let deeds: Vec<_> = members.iter().map(left).chain([deed]).collect();
        turn.submit(asked, tenant, roster.seq, &kinds, deeds).await?;
        return Ok(turn.done(
            asked,
            &format!("{base}/groups"),
            format!("The group “{name}” is removed."),
        ));
    }
    let path = format!("{base}/group/{number}");
    let middle = html! {
        div.notice.failed {
            h2 { "What is lost" }
            ul {
                li { "The group's name and number." }
                li { (agents(&roster, number)) " agents are in it; they stay, without a group." }
            }
        }
        form.card method="post" action={ (path) "/remove" } {
            (hidden(asked))
            p.actions { button.danger { "Remove the group “" (name) "”" } a.button href=(path) { "Keep it" } }
        }
    };
    let title = format!("Remove {name}?");
    let page = page(asked, tenant, &title, "/groups").below("Groups", format!("{base}/groups"));
    Ok(page.show(asked, middle))
}

/// Who is in a group, and how they are without it: the event of its removal leaves them its number, which the next
/// group may get.
fn members(roster: &Roster, group: u32) -> Vec<(&String, &Agent, Agent)> {
    let members = roster.agents.iter().filter(|(_, agent)| agent.group == Some(group));
    members.map(|(id, agent)| (id, agent, Agent { group: None, ..agent.clone() })).collect()
}
