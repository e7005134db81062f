//! One agent: made, changed, removed, and given an account to sign in with.

use maud::{Markup, html};
use stats::{event::Kind, limit};

use super::{
    Turn, base, encoded, hidden, page,
    queues::{named, still_holds},
    roster::{Agent, Roster, Told},
    status,
};
use crate::{
    accounts::{Account, AccountError, Deed, Login, Role},
    api::answer::Answer,
    pages::{Asked, Choice, Form, Shown, Stop},
    tenants::Tenant,
};

/// Why a text is no agent id; none if it is one.
pub fn id_mistake(id: &str) -> Option<&'static str> {
    let chars = id.chars().count();
    if chars == 0 || chars > limit::ID_CHARS_MAX {
        return Some("An agent id has 1 to 128 characters.");
    }
    id.chars()
        .any(|c| c == '/' || c.is_control())
        .then_some("An agent id has no / and no control characters.")
}

/// A new agent.
pub async fn new(asked: &mut Asked<'_>, tenant: &Tenant, post: bool) -> Shown {
    if !post {
        let roster = super::roster(asked, tenant).await?;
        return Ok(new_page(asked, tenant, &roster, &Form::default()));
    }
    let mut form = asked.form().await?;
    let turn = match Turn::take(asked, tenant.id, &form).await {
        Ok(turn) => turn,
        Err(answer) => return Ok(answer),
    };
    let roster = super::roster(asked, tenant).await?;
    let id = form.text("agent").to_owned();
    if let Some(mistake) = id_mistake(&id) {
        form.wrong("agent", mistake);
    } else if let Some(taken) = roster.agents.get(&id) {
        form.wrong("agent", format!("“{}” has this id already. Take another one.", taken.name));
    }
    let (name, group) = (named(&mut form), group(&mut form, &roster));
    let (Some(name), Some(group), true) = (name, group, form.is_right()) else {
        return Ok(new_page(asked, tenant, &roster, &form));
    };
    let agent = Agent { name, group, queues: Default::default() };
    submit(asked, tenant, &turn, &roster, &id, &agent).await?;
    let path = format!("{}/agent/{}", base(tenant), encoded(&id));
    Ok(turn.done(asked, &path, format!("The agent “{}” is there. Assign queues next.", agent.name)))
}

fn new_page(asked: &Asked<'_>, tenant: &Tenant, roster: &Roster, form: &Form) -> Answer {
    let base = base(tenant);
    let middle = html! {
        (form.summary())
        form.card method="post" action={ (base) "/agents/new" } novalidate {
            (hidden(asked))
            (form.field("agent", "Agent id").required()
                .hint("By which the API and event senders name the agent, such as j.doe. It can't be changed later."))
            (fields(roster, form))
            p.actions { button.primary { "Make the agent" } a.button href={ (base) "/agents" } { "Cancel" } }
        }
    };
    let page =
        page(asked, tenant, "New agent", "/agents").below("Agents", format!("{base}/agents"));
    page.status(status(form)).show(asked, middle)
}

fn fields(roster: &Roster, form: &Form) -> Markup {
    let mut groups: Vec<Choice> = vec![(String::new(), "– none –".to_owned())];
    groups.extend(
        roster
            .groups
            .iter()
            .map(|(number, name)| (number.to_string(), format!("{name} ({number})"))),
    );
    // A sender may have named a group that is not configured: it stays what it is.
    let own = form.text("group");
    if !groups.iter().any(|(number, _)| number == own) {
        groups.push((own.to_owned(), own.to_owned()));
    }
    html! {
        (form.field("name", "Name").required())
        (form.field("group", "Group").choices(&groups))
    }
}

/// The group of a form; what is inside may be none.
fn group(form: &mut Form, roster: &Roster) -> Option<Option<u32>> {
    if form.text("group").is_empty() {
        return Some(None);
    }
    let group = form.number("group", 1, i64::from(limit::GROUP_ID_MAX))? as u32;
    let known = roster.groups.contains_key(&group);
    let kept = roster.agents.values().any(|agent| agent.group == Some(group));
    if !known && !kept {
        form.wrong("group", "There is no such group any more. Choose another one.");
        return None;
    }
    Some(Some(group))
}

async fn submit(
    asked: &Asked<'_>,
    tenant: &Tenant,
    turn: &Turn,
    roster: &Roster,
    id: &str,
    agent: &Agent,
) -> Result<(), Stop> {
    let before = roster.agents.get(id).map(Told::told);
    let deed = asked.caller().deed(asked.now_ms, Some(tenant.id), "agent.configured", id);
    let deed = Deed { before, after: Some(agent.told()), ..deed };
    turn.submit(asked, tenant, roster.seq, &[agent.configured(id)], vec![deed]).await
}

/// One agent, to be looked at and changed.
pub async fn edit(asked: &mut Asked<'_>, tenant: &Tenant, id: &str, post: bool) -> Shown {
    if !post {
        let roster = super::roster(asked, tenant).await?;
        let now = roster.agents.get(id).ok_or(Stop::NotFound)?;
        let group = now.group.map(|group| group.to_string()).unwrap_or_default();
        let form = Form::of([("name", now.name.clone()), ("group", group)]);
        return edit_page(asked, tenant, &roster, id, &form, &Form::default()).await;
    }
    let mut form = asked.form().await?;
    let turn = match Turn::take(asked, tenant.id, &form).await {
        Ok(turn) => turn,
        Err(answer) => return Ok(answer),
    };
    let roster = super::roster(asked, tenant).await?;
    let now = roster.agents.get(id).ok_or(Stop::NotFound)?;
    let words = format!("“{}”, group {}", now.name, roster.group_name(now.group));
    still_holds(&mut form, "name", now, &words);
    let (name, group) = (named(&mut form), group(&mut form, &roster));
    let (Some(name), Some(group), true) = (name, group, form.is_right()) else {
        return edit_page(asked, tenant, &roster, id, &form, &Form::default()).await;
    };
    let agent = Agent { name, group, ..now.clone() };
    submit(asked, tenant, &turn, &roster, id, &agent).await?;
    let path = format!("{}/agent/{}", base(tenant), encoded(id));
    Ok(turn.done(asked, &path, "The agent is changed."))
}

async fn edit_page(
    asked: &Asked<'_>,
    tenant: &Tenant,
    roster: &Roster,
    id: &str,
    form: &Form,
    account: &Form,
) -> Shown {
    let now = roster.agents.get(id).ok_or(Stop::NotFound)?;
    let accounts = asked.accounts().of_agent(tenant.id, id.to_owned()).await?;
    let base = base(tenant);
    let path = format!("{base}/agent/{}", encoded(id));
    let middle = html! {
        (form.summary())
        dl.facts { dt { "Agent id" } dd { code { (id) } } dt { "In the API" }
            dd { code { "/api/rtstats/stats/agent/" (id) } } }
        form.card method="post" action=(path) novalidate {
            (hidden(asked))
            input type="hidden" name="version" value=(now.version());
            (fields(roster, form))
            p.actions { button.primary { "Save" } a.button href={ (base) "/agents" } { "Cancel" } }
        }
        (queues(roster, now, &base, id))
        (accounts_of(asked, &accounts, account, &path))
        section aria-labelledby="remove" {
            h2 #remove { "Remove the agent" }
            p { "Assignments, account and the statistics of today go with the agent." }
            p { a.button.danger href={ (path) "/remove" } { "Remove…" } }
        }
    };
    let right = if form.is_right() { account } else { form };
    let page = page(asked, tenant, &now.name, "/agents").below("Agents", format!("{base}/agents"));
    Ok(page.status(status(right)).show(asked, middle))
}

fn queues(roster: &Roster, now: &Agent, base: &str, id: &str) -> Markup {
    let name = |queue: &u32| roster.queues.get(queue).map_or("", |queue| queue.name.as_str());
    html! {
        section aria-labelledby="queues" {
            h2 #queues { "Queues" }
            @if now.queues.is_empty() { p.empty { "This agent works for no queue yet." } }
            @else {
                ul.plain {
                    @for (queue, enabled) in &now.queues {
                        li { (name(queue)) " (" (queue) ") "
                            @if *enabled { span.mark.good { "enabled" } } @else { span.mark { "not enabled" } } }
                    }
                }
            }
            p { a.button href={ (base) "/assignments?agent=" (encoded(id)) } { "Assign queues" } }
        }
    }
}

fn accounts_of(asked: &Asked<'_>, accounts: &[Account], form: &Form, path: &str) -> Markup {
    html! {
        section aria-labelledby="account" {
            h2 #account { "Sign-in" }
            @if accounts.is_empty() {
                p { "With an account, the agent sees own figures, sets the status, and enables own queues." }
                (form.summary())
                form.card method="post" action={ (path) "/account" } novalidate {
                    (hidden(asked))
                    (form.field("login", "Login").required()
                        .hint("You get a one-time link, by which the agent sets the password."))
                    p.actions { button { "Make an account" } }
                }
            } @else {
                ul.plain {
                    @for account in accounts {
                        li { a href={ "/manager/accounts/" (account.id.0) } { (account.login) } " "
                            @if account.has_password() { span.mark.good { "in use" } } @else { span.mark { "invited" } } }
                    }
                }
            }
        }
    }
}

/// Gives an agent an account; its one-time link is shown once.
pub async fn account(asked: &mut Asked<'_>, tenant: &Tenant, id: &str) -> Shown {
    let mut form = asked.form().await?;
    let mut turn = match Turn::take(asked, tenant.id, &form).await {
        Ok(turn) => turn,
        Err(answer) => return Ok(answer),
    };
    let roster = super::roster(asked, tenant).await?;
    let now = roster.agents.get(id).ok_or(Stop::NotFound)?;
    if let Some(login) = form.parsed::<Login>("login") {
        let role = Role::Agent { tenant: tenant.id, agent: id.into() };
        match asked.accounts().add_account(login, role, asked.caller(), asked.now_ms).await {
            Ok((account, secret)) => {
                let link = asked.address_of(&format!("/invitation#{}", secret.reveal()));
                let told = format!("The one-time link of {}, good for 24 hours:", account.login);
                let path = format!("{}/agent/{}", base(tenant), encoded(id));
                turn.remember(&path);
                return Ok(asked.reveal(&path, told, link));
            }
            Err(AccountError::Exists(_)) => {
                form.wrong(
                    "login",
                    "There is an account with this login already. Take another one.",
                );
            }
            Err(error) => return Err(error.into()),
        }
    }
    let group = now.group.map(|group| group.to_string()).unwrap_or_default();
    let details = Form::of([("name", now.name.clone()), ("group", group)]);
    edit_page(asked, tenant, &roster, id, &details, &form).await
}

/// Says what is lost with an agent, and removes both agent and account.
pub async fn remove(asked: &mut Asked<'_>, tenant: &Tenant, id: &str, post: bool) -> Shown {
    let base = base(tenant);
    let accounts = asked.accounts().of_agent(tenant.id, id.to_owned()).await?;
    if post {
        let form = asked.form().await?;
        let turn = match Turn::take(asked, tenant.id, &form).await {
            Ok(turn) => turn,
            Err(answer) => return Ok(answer),
        };
        let roster = super::roster(asked, tenant).await?;
        let now = roster.agents.get(id).ok_or(Stop::NotFound)?;
        let deed = asked.caller().deed(asked.now_ms, Some(tenant.id), "agent.removed", id);
        let deed = Deed { before: Some(now.told()), ..deed };
        let kinds = [Kind::AgentRemoved { agent: id.into() }];
        // The account goes first, as with any such event.
        turn.submit(asked, tenant, roster.seq, &kinds, vec![deed]).await?;
        let told = format!("The agent “{}” is removed.", now.name);
        return Ok(turn.done(asked, &format!("{base}/agents"), told));
    }
    let roster = super::roster(asked, tenant).await?;
    let now = roster.agents.get(id).ok_or(Stop::NotFound)?;
    let path = format!("{base}/agent/{}", encoded(id));
    let middle = html! {
        div.notice.failed {
            h2 { "What is lost" }
            ul {
                li { "The agent id " strong { (id) } " answers 404 in the API." }
                li { "All figures of the agent, of today and of the last 30 minutes." }
                li { (now.queues.len()) " assignments to queues." }
                @if !accounts.is_empty() { li { "The account by which the agent signs in, at once." } }
                li { "Calls that the agent works now end in the statistics." }
            }
        }
        form.card method="post" action={ (path) "/remove" } {
            (hidden(asked))
            p.actions { button.danger { "Remove the agent “" (now.name) "”" } a.button href=(path) { "Keep the agent" } }
        }
    };
    let title = format!("Remove {}?", now.name);
    let page = page(asked, tenant, &title, "/agents").below("Agents", format!("{base}/agents"));
    Ok(page.below(&now.name, path).show(asked, middle))
}
