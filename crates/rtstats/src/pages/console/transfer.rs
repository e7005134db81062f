//! All agents out as a CSV file, and in from one: first a dry run that writes nothing, then the import.
//!
//! What a file changes is one batch, or several where it is much: then a failure in between leaves the rest undone, and
//! the same file again does the rest.

use std::ops::Range;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use maud::{Markup, PreEscaped, html};
use serde_json::json;
use stats::event::Kind;

use super::{
    Turn, base,
    change::{Deeds, aside},
    hidden,
    import::{self, PROBLEMS_MAX, Problem},
    page,
    plan::Plan,
    roster::Roster,
    status,
};
use crate::{
    accounts::Deed,
    pages::{Asked, FILE_BYTES_MAX, Form, Shown, Stop, answer},
    tenants::Tenant,
};

/// Bytes of events that are one batch: some 1 500 agents with twenty queues each. Larger ones would keep the tenant's
/// senders waiting.
const PART_BYTES_MAX: usize = 4 * 1_024 * 1_024;

const _: () = assert!(PART_BYTES_MAX <= stats::limit::BATCH_BYTES_MAX, "a part is a batch");

/// The file of all agents.
pub async fn export(asked: &mut Asked<'_>, tenant: &Tenant) -> Shown {
    let roster = super::roster(asked, tenant).await?;
    let body = aside(move || import::written(&roster)).await?;
    let mut answer = answer::whole(StatusCode::OK, "text/csv; charset=utf-8", body.into());
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let name = format!("attachment; filename=\"agents-{}.csv\"", tenant.name);
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(answer)
}

/// A file as it came.
enum Came {
    Bytes(Bytes),
    /// From the dry run's page, in Base64: browsers change line ends in other values, and HTML knows not all characters.
    Kept(String),
}

impl Came {
    fn of(form: &Form) -> Option<Came> {
        if let Some(upload) = form.upload("file") {
            return Some(Came::Bytes(upload.bytes.clone()));
        }
        if form.is_checked("kept") {
            return Some(Came::Kept(form.text("kept").to_owned()));
        }
        form.is_checked("csv").then(|| Came::Bytes(form.secret("csv").to_owned().into()))
    }

    fn bytes(self) -> Result<Bytes, Vec<Problem>> {
        let bytes = match self {
            Came::Bytes(bytes) => Ok(bytes),
            Came::Kept(text) => BASE64_STANDARD.decode(text).map(Bytes::from),
        };
        let what = match bytes {
            Ok(bytes) if bytes.len() <= FILE_BYTES_MAX => return Ok(bytes),
            Ok(_) => {
                let mib = FILE_BYTES_MAX >> 20;
                format!("The file is larger than {mib} MiB. Split it in several files.")
            }
            Err(_) => "The file did not come whole from the dry run. Choose it again.".to_owned(),
        };
        Err(vec![Problem { line: 1, what }])
    }
}

/// A file that has no problems.
struct Checked {
    plan: Plan,
    /// What it was checked against.
    before: Roster,
    parts: Vec<Range<usize>>,
    version: String,
    /// For the dry run's page: the file in Base64.
    kept: String,
}

impl Checked {
    fn of(came: Came, before: Roster) -> Result<Checked, Vec<Problem>> {
        let file = came.bytes()?;
        let plan = import::plan(&file, &before)?;
        let (parts, version) = (plan.parts(PART_BYTES_MAX), plan.version());
        Ok(Checked { plan, before, parts, version, kept: BASE64_STANDARD.encode(&file) })
    }
}

/// The page, its dry run, and the import.
pub async fn import(asked: &mut Asked<'_>, tenant: &Tenant, post: bool) -> Shown {
    if !post {
        return Ok(first(asked, tenant, &Form::default(), &[]));
    }
    let mut form = asked.upload_form().await?;
    let confirmed = form.text("way") == "apply";
    let Some(came) = Came::of(&form) else {
        form.wrong("file", "Choose a CSV file.");
        return Ok(first(asked, tenant, &form, &[]));
    };
    let turn = match Turn::take(asked, tenant.id, &form).await {
        Ok(turn) => turn,
        Err(answer) => return Ok(answer),
    };
    let roster = super::roster(asked, tenant).await?;
    let seq = roster.seq;
    // Its own, since an import may take long and pages share theirs.
    let before = Roster::clone(&roster);
    drop(roster);
    let checked = match aside(move || Checked::of(came, before)).await? {
        Ok(checked) => checked,
        Err(problems) => {
            let len = match problems.len() {
                1 => "a problem".to_owned(),
                PROBLEMS_MAX => format!("{PROBLEMS_MAX} problems or more"),
                len => format!("{len} problems"),
            };
            form.wrong("file", format!("The file has {len}. Nothing was changed. Put right what is told below, and choose it again."));
            return Ok(first(asked, tenant, &form, &problems));
        }
    };
    if !confirmed || form.text("version") != checked.version {
        return Ok(second(asked, tenant, &checked, confirmed));
    }
    write(asked, tenant, &turn, seq, &checked).await?;
    let plan = &checked.plan;
    let told = format!(
        "The file is imported: {} new agents, {} changed, {} assignments set, {} dropped.",
        plan.new, plan.changed, plan.set, plan.dropped
    );
    Ok(turn.done(asked, &format!("{}/agents", base(tenant)), told))
}

/// Writes part after part; `seq` is the highest number seen of our source.
async fn write(
    asked: &Asked<'_>,
    tenant: &Tenant,
    turn: &Turn,
    mut seq: u64,
    checked: &Checked,
) -> Result<(), Stop> {
    let mut kinds = checked.plan.kinds();
    let parts = checked.parts.len();
    let mut roster = checked.before.clone();
    for (done, part) in checked.parts.iter().enumerate() {
        let kinds: Vec<Kind<'_>> = kinds.by_ref().take(part.len()).collect();
        let mut deeds = Vec::new();
        for (agent, before, after) in roster.apply(&kinds) {
            let deed = asked.caller().deed(asked.now_ms, Some(tenant.id), "agent.imported", &agent);
            deeds.push(Deed { before, after, ..deed });
        }
        deeds.push(deed(asked, tenant, &checked.plan, done + 1, parts));
        let written = turn.submit(asked, tenant, seq, &kinds, Deeds::Together(deeds)).await;
        written.map_err(|stop| in_between(stop, done, parts))?;
        seq += part.len() as u64;
    }
    Ok(())
}

fn deed(asked: &Asked<'_>, tenant: &Tenant, plan: &Plan, part: usize, parts: usize) -> Deed {
    let deed = asked.caller().deed(asked.now_ms, Some(tenant.id), "agents.imported", "CSV");
    let after = json!({
        "new": plan.new, "changed": plan.changed, "assignments_set": plan.set, "assignments_dropped": plan.dropped,
        "part": part, "parts": parts,
    });
    Deed { after: Some(after), ..deed }
}

/// A failure of one part, told with what was written before.
fn in_between(stop: Stop, done: usize, parts: usize) -> Stop {
    let (status, why) = match stop {
        stop if done == 0 => return stop,
        Stop::Bad(status, why) => (status, why),
        Stop::Fault(cause) => {
            tracing::error!(%cause, "an import ended in between");
            (StatusCode::INTERNAL_SERVER_ERROR, "The server's log says why.".to_owned())
        }
        stop => return stop,
    };
    let why = format!(
        "The import ended in between: {done} of {parts} parts are written, and this one failed: {why} Once that is put \
         right, import the same file again: it does what is left."
    );
    Stop::Bad(status, why)
}

fn first(
    asked: &Asked<'_>,
    tenant: &Tenant,
    form: &Form,
    problems: &[Problem],
) -> crate::api::answer::Answer {
    let base = base(tenant);
    let middle = html! {
        p.lead { "Makes and changes many agents at once. First comes a dry run: it lists every problem, and writes nothing." }
        (form.summary())
        @if !problems.is_empty() { (table(problems)) }
        form.card method="post" action={ (base) "/agents/import" } enctype="multipart/form-data" novalidate {
            (hidden(asked))
            (form.field("file", "CSV file").kind("file").required()
                .hint("UTF-8, with a first line of column names."))
            p.actions { button.primary { "Check the file" } a.button href={ (base) "/agents" } { "Cancel" } }
        }
        section aria-labelledby="columns" {
            h2 #columns { "Columns" }
            dl.facts {
                dt { code { "agent-id" } } dd { "The agent, who is made or changed." }
                dt { code { "agent-name" } } dd { "The name." }
                dt { code { "group-id" } } dd { "Optional: the number of a group, or empty for none. Without the column, groups stay." }
                dt { code { "queues" } }
                dd { "Optional: numbers of queues with spaces between them, such as " code { "101 102:disabled" }
                    ". The agent has exactly these then. Without the column, assignments stay." }
            }
            p { "Agents who are not in the file stay as they are. "
                a href={ (base) "/agents/export" } { "The export" } " has the same columns." }
        }
    };
    let page =
        page(asked, tenant, "Import agents", "/agents").below("Agents", format!("{base}/agents"));
    page.status(status(form)).show(asked, middle)
}

fn table(problems: &[Problem]) -> Markup {
    html! {
        div.table tabindex="0" role="region" aria-label="Problems" {
            table {
                thead { tr { th.number scope="col" { "Line" } th scope="col" { "Problem" } } }
                tbody { @for problem in problems {
                    tr { td.number { (problem.line) } td { (problem.what) } }
                } }
            }
        }
        @if problems.len() == PROBLEMS_MAX { p.hint { "These are the first " (PROBLEMS_MAX) "." } }
    }
}

fn second(
    asked: &Asked<'_>,
    tenant: &Tenant,
    checked: &Checked,
    confirmed: bool,
) -> crate::api::answer::Answer {
    let (base, plan, parts) = (base(tenant), &checked.plan, checked.parts.len());
    let middle = html! {
        @if confirmed {
            p.notice.failed role="alert" { "Something has been changed since the dry run. Nothing was written now: look again." }
        }
        @if plan.is_empty() {
            p.empty { "Everything is as the file says already: there is nothing to import." }
            p { a.button href={ (base) "/agents" } { "Agents" } }
        } @else {
            p.lead { "The file has no problems. Nothing is written yet." }
            dl.figures {
                div { dt { "New agents" } dd { (plan.new) } }
                div { dt { "Changed" } dd { (plan.changed) } }
                div { dt { "As they are" } dd { (plan.same) } }
                div { dt { "Assignments set" } dd { (plan.set) } }
                div { dt { "Assignments dropped" } dd { (plan.dropped) } }
            }
            form.card method="post" action={ (base) "/agents/import" } enctype="multipart/form-data" {
                (hidden(asked))
                input type="hidden" name="way" value="apply";
                input type="hidden" name="version" value=(checked.version);
                input type="hidden" name="kept" value=(PreEscaped(&checked.kept));
                @if parts == 1 {
                    p { "All of it is written at once, or nothing." }
                } @else {
                    p { "It is written in " (parts) " parts, each of them whole or not at all. If that ends in between, import the \
                        same file again: it does what is left." }
                }
                p.actions { button.primary { "Import" } a.button href={ (base) "/agents/import" } { "Cancel" } }
            }
        }
    };
    let title = "Dry run of the import";
    let page = page(asked, tenant, title, "/agents").below("Agents", format!("{base}/agents"));
    page.show(asked, middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_in_between_says_what_is_written() {
        let bad = || Stop::Bad(StatusCode::SERVICE_UNAVAILABLE, "The disk is full.".to_owned());
        let Stop::Bad(_, why) = in_between(bad(), 0, 3) else { panic!("a refusal stays one") };
        assert_eq!(why, "The disk is full.");
        let Stop::Bad(status, why) = in_between(bad(), 2, 3) else { panic!("a refusal stays one") };
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        for told in ["2 of 3 parts are written", "The disk is full.", "import the same file again"]
        {
            assert!(why.contains(told), "{told} in {why}");
        }
    }

    #[test]
    fn a_file_comes_back_from_the_dry_run_as_it_was() {
        let file = "agent-id,agent-name\nann,\"A\r\n\n\r\0 ä\"\n";
        let roster = Roster::default();
        let checked = Checked::of(Came::Bytes(file.into()), roster).unwrap_or_else(|_| panic!());
        assert_eq!(Came::Kept(checked.kept).bytes(), Ok(file.into()));
        let torn = Came::Kept("a".to_owned()).bytes().unwrap_err();
        assert!(torn[0].what.starts_with("The file did not come whole"));
        let large = Came::Bytes(vec![b' '; FILE_BYTES_MAX + 1].into()).bytes().unwrap_err();
        assert!(large[0].what.starts_with("The file is larger than 24 MiB"));
    }
}
