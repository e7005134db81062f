//! Queues: the list with the numbers that the API uses, and making, changing and removing one.

use maud::{Markup, html};
use stats::{
    event::{Kind, Media, Sla},
    limit,
};

use super::{
    Turn, base, encoded, finds, hidden, page,
    roster::{Queue, Roster, Told},
    search_field, status,
};
use crate::{
    accounts::Deed,
    pages::{Asked, Choice, Form, Paging, Shown, Stop},
    tenants::Tenant,
};

/// All queues of a tenant, or those that a search finds.
pub async fn list(asked: &mut Asked<'_>, tenant: &Tenant) -> Shown {
    let roster = super::roster(asked, tenant).await?;
    let search = asked.query("search").unwrap_or_default();
    let found: Vec<(&u32, &Queue)> = roster
        .queues
        .iter()
        .filter(|(number, queue)| finds(&search, &[&number.to_string(), &queue.name]))
        .collect();
    let paging = Paging::of(asked).keeping("search", &encoded(&search));
    let (skip, len_max) = (paging.skip() as usize, paging.len_max() as usize);
    let shown = found.iter().skip(skip).take(len_max);
    let base = base(tenant);
    let middle = html! {
        p.lead { "What customers call, write or chat to. The number is the queue id of the API." }
        p.actions { a.button.primary href={ (base) "/queues/new" } { "New queue" } }
        @if roster.queues.is_empty() {
            p.empty { "There are no queues yet. Make the first one: it needs a number, a name and a medium. \
                Then assign agents to it." }
        } @else {
            form.filter method="get" action={ (base) "/queues" } {
                (search_field(&search, "Number or name"))
                button { "Search" }
            }
            @if found.is_empty() { p.empty { "No queue has “" (search) "” in its number or name." } }
            @else {
                div.table tabindex="0" role="region" aria-label="Queues" {
                    table {
                        thead { tr {
                            th.number scope="col" { "Queue id" } th scope="col" { "Name" } th scope="col" { "Medium" }
                            th scope="col" { "Service level" } th.number scope="col" { "Assigned" }
                            th.number scope="col" { "Enabled" } th scope="col" { span.unseen { "Actions" } }
                        } }
                        tbody { @for (number, queue) in shown { (row(&base, &roster, **number, queue)) } }
                    }
                }
                (paging.with_len(found.len() as u64))
            }
        }
    };
    Ok(page(asked, tenant, "Queues", "/queues").show(asked, middle))
}

fn row(base: &str, roster: &Roster, number: u32, queue: &Queue) -> Markup {
    let (assigned, enabled) = roster.assigned.get(&number).copied().unwrap_or_default();
    html! {
        tr {
            td.number { (number) }
            th scope="row" { a href={ (base) "/queue/" (number) } { (queue.name) } }
            td { (media_name(queue.media)) }
            td { a href={ (base) "/queue/" (number) "/sla" } { (sla_in_words(queue.sla)) span.unseen { ", service level of " (queue.name) } } }
            td.number { (assigned) }
            td.number { (enabled) }
            td.act { a href={ (base) "/assignments?queue=" (number) } aria-label={ "Agents of " (queue.name) } { "Agents" } }
        }
    }
}

/// A service level as people say it.
pub fn sla_in_words(sla: Option<Sla>) -> String {
    sla.map_or("none".to_owned(), |sla| {
        format!("{} % within {}", sla.percent, span(sla.within_seconds))
    })
}

/// Seconds in the largest unit that fits whole.
pub fn span(seconds: u32) -> String {
    let (number, unit) = super::sla::in_unit(seconds);
    format!("{number} {}", unit.short)
}

/// What a medium is called.
pub fn media_name(media: Media) -> &'static str {
    match media {
        Media::Phone => "Phone",
        Media::Chat => "Chat",
        Media::Email => "Email",
        Media::Voicemail => "Voicemail",
    }
}

/// A new queue.
pub async fn new(asked: &mut Asked<'_>, tenant: &Tenant, post: bool) -> Shown {
    if !post {
        let roster = super::roster(asked, tenant).await?;
        let form = Form::of([
            ("queue", roster.next_queue().to_string()),
            ("media", Media::Phone.word().to_owned()),
        ]);
        return Ok(new_page(asked, tenant, &form));
    }
    let mut form = asked.form().await?;
    let turn = match Turn::take(asked, tenant.id, &form).await {
        Ok(turn) => turn,
        Err(answer) => return Ok(answer),
    };
    let roster = super::roster(asked, tenant).await?;
    let number =
        form.number("queue", 1, i64::from(limit::QUEUE_ID_MAX)).map(|number| number as u32);
    if let Some(taken) = number.and_then(|number| roster.queues.get(&number)) {
        form.wrong(
            "queue",
            format!("The queue “{}” has this number already. Take another one.", taken.name),
        );
    }
    let (name, media) = (named(&mut form), medium(&mut form));
    let (Some(number), Some(name), Some(media), true) = (number, name, media, form.is_right())
    else {
        return Ok(new_page(asked, tenant, &form));
    };
    let queue = Queue { name, media, sla: None };
    submit(asked, tenant, &turn, &roster, number, &queue).await?;
    let path = format!("{}/queue/{number}", base(tenant));
    let told = format!(
        "The queue “{}” is there, with the queue id {number}. Its agents are assigned next.",
        queue.name
    );
    Ok(turn.done(asked, &path, told))
}

fn new_page(asked: &Asked<'_>, tenant: &Tenant, form: &Form) -> crate::api::answer::Answer {
    let base = base(tenant);
    let middle = html! {
        (form.summary())
        form.card method="post" action={ (base) "/queues/new" } novalidate {
            (hidden(asked))
            (form.field("queue", "Queue id").kind("number").required()
                .hint("The number by which the API and event senders name the queue. It can't be changed later."))
            (fields(form))
            p.actions { button.primary { "Make the queue" } a.button href={ (base) "/queues" } { "Cancel" } }
        }
    };
    let page =
        page(asked, tenant, "New queue", "/queues").below("Queues", format!("{base}/queues"));
    page.status(status(form)).show(asked, middle)
}

fn fields(form: &Form) -> Markup {
    let media: Vec<Choice> = Media::ALL
        .iter()
        .map(|media| (media.word().to_owned(), media_name(*media).to_owned()))
        .collect();
    html! {
        (form.field("name", "Name").required())
        (form.field("media", "Medium").choices(&media).required())
    }
}

/// A name that people read.
pub fn named(form: &mut Form) -> Option<String> {
    let name = form.required("name", "Give a name.")?;
    if name.chars().count() > limit::NAME_CHARS_MAX {
        form.wrong("name", format!("A name has at most {} characters.", limit::NAME_CHARS_MAX));
        return None;
    }
    Some(name)
}

fn medium(form: &mut Form) -> Option<Media> {
    let media = Media::of_word(form.text("media"));
    if media.is_none() {
        form.wrong("media", "Choose one of the media.");
    }
    media
}

/// Tells the queue as it is from now on.
pub async fn submit(
    asked: &Asked<'_>,
    tenant: &Tenant,
    turn: &Turn,
    roster: &Roster,
    number: u32,
    queue: &Queue,
) -> Result<(), Stop> {
    let before = roster.queues.get(&number).map(Told::told);
    let deed =
        asked.caller().deed(asked.now_ms, Some(tenant.id), "queue.configured", &number.to_string());
    let deed = Deed { before, after: Some(queue.told()), ..deed };
    turn.submit(asked, tenant, roster.seq, &[queue.configured(number)], vec![deed]).await
}

/// The queue of a number in a path.
pub fn of<'r>(roster: &'r Roster, number: &str) -> Result<(u32, &'r Queue), Stop> {
    let number: u32 = number.parse().map_err(|_| Stop::NotFound)?;
    Ok((number, roster.queues.get(&number).ok_or(Stop::NotFound)?))
}

/// Whether what a form shows still holds; notes what it is now otherwise.
pub fn still_holds(form: &mut Form, field: &'static str, now: &impl Told, words: &str) -> bool {
    let holds = form.text("version") == now.version();
    if !holds {
        form.wrong(
            field,
            format!("Somebody has changed this meanwhile: it is now {words}. What you entered stands below; send it \
                     again if it shall replace that."),
        );
    }
    holds
}

/// The tabs of a queue's page.
pub fn tabs(base: &str, number: u32, here: &str) -> Markup {
    let path = format!("{base}/queue/{number}");
    let agents = format!("{base}/assignments?queue={number}");
    html! {
        nav.tabs aria-label="Parts of the queue" {
            ul {
                @for (path, name) in [(path.clone(), "Queue"), (format!("{path}/sla"), "SLA"), (agents, "Agents")] {
                    li { a href=(path) aria-current=[(name == here).then_some("page")] { (name) } }
                }
            }
        }
    }
}

/// One queue, to be looked at and changed.
pub async fn edit(asked: &mut Asked<'_>, tenant: &Tenant, number: &str, post: bool) -> Shown {
    if !post {
        let roster = super::roster(asked, tenant).await?;
        let (number, queue) = of(&roster, number)?;
        let form =
            Form::of([("name", queue.name.clone()), ("media", queue.media.word().to_owned())]);
        return Ok(edit_page(asked, tenant, number, queue, &form));
    }
    let mut form = asked.form().await?;
    let turn = match Turn::take(asked, tenant.id, &form).await {
        Ok(turn) => turn,
        Err(answer) => return Ok(answer),
    };
    let roster = super::roster(asked, tenant).await?;
    let (number, now) = of(&roster, number)?;
    let words = format!("“{}”, {}", now.name, media_name(now.media));
    still_holds(&mut form, "name", now, &words);
    let (name, media) = (named(&mut form), medium(&mut form));
    let (Some(name), Some(media), true) = (name, media, form.is_right()) else {
        return Ok(edit_page(asked, tenant, number, now, &form));
    };
    let queue = Queue { name, media, sla: now.sla };
    submit(asked, tenant, &turn, &roster, number, &queue).await?;
    Ok(turn.done(asked, &format!("{}/queue/{number}", base(tenant)), "The queue is changed."))
}

fn edit_page(
    asked: &Asked<'_>,
    tenant: &Tenant,
    number: u32,
    now: &Queue,
    form: &Form,
) -> crate::api::answer::Answer {
    let base = base(tenant);
    let path = format!("{base}/queue/{number}");
    let middle = html! {
        (tabs(&base, number, "Queue"))
        (form.summary())
        dl.facts { dt { "Queue id" } dd { code { (number) } } dt { "In the API" }
            dd { code { "/api/rtstats/stats/queue/" (number) } } }
        form.card method="post" action=(path) novalidate {
            (hidden(asked))
            input type="hidden" name="version" value=(now.version());
            (fields(form))
            p.actions { button.primary { "Save" } a.button href={ (base) "/queues" } { "Cancel" } }
        }
        section aria-labelledby="remove" {
            h2 #remove { "Remove the queue" }
            p { "Its assignments and its statistics of today go with it." }
            p { a.button.danger href={ (path) "/remove" } { "Remove…" } }
        }
    };
    let page = page(asked, tenant, &now.name, "/queues").below("Queues", format!("{base}/queues"));
    page.status(status(form)).show(asked, middle)
}

/// Says what is lost with a queue, and removes it.
pub async fn remove(asked: &mut Asked<'_>, tenant: &Tenant, number: &str, post: bool) -> Shown {
    let base = base(tenant);
    if post {
        let form = asked.form().await?;
        let turn = match Turn::take(asked, tenant.id, &form).await {
            Ok(turn) => turn,
            Err(answer) => return Ok(answer),
        };
        let roster = super::roster(asked, tenant).await?;
        let (number, queue) = of(&roster, number)?;
        let deed = asked.caller().deed(
            asked.now_ms,
            Some(tenant.id),
            "queue.removed",
            &number.to_string(),
        );
        let deed = Deed { before: Some(queue.told()), ..deed };
        let kinds = [Kind::QueueRemoved { queue: number }];
        turn.submit(asked, tenant, roster.seq, &kinds, vec![deed]).await?;
        let told = format!("The queue “{}” ({number}) is removed.", queue.name);
        return Ok(turn.done(asked, &format!("{base}/queues"), told));
    }
    let roster = super::roster(asked, tenant).await?;
    let (number, queue) = of(&roster, number)?;
    let (assigned, _) = roster.assigned.get(&number).copied().unwrap_or_default();
    let path = format!("{base}/queue/{number}");
    let middle = html! {
        div.notice.failed {
            h2 { "What is lost" }
            ul {
                li { "The queue id " strong { (number) } " answers 404 in the API." }
                li { "All figures of the queue, of today and of the last 30 minutes." }
                li { (assigned) " assignments of agents." }
                li { "Whoever waits in it now is no longer counted anywhere; calls that agents work already go on." }
            }
            p { "Made again, it begins at nothing." }
        }
        form.card method="post" action={ (path) "/remove" } {
            (hidden(asked))
            p.actions { button.danger { "Remove the queue “" (queue.name) "”" } a.button href=(path) { "Keep it" } }
        }
    };
    let title = format!("Remove {}?", queue.name);
    let page = page(asked, tenant, &title, "/queues").below("Queues", format!("{base}/queues"));
    Ok(page.below(&queue.name, path).show(asked, middle))
}
