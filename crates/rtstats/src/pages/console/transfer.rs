//! All agents out as a CSV file, and in from one: first a dry run that writes nothing, then the import as one batch.

use http::{HeaderValue, StatusCode, header};
use maud::{Markup, html};
use serde_json::json;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    Turn, base, hidden,
    import::{self, Plan, Problem},
    page, status,
};
use crate::{
    accounts::Deed,
    pages::{Asked, Form, Shown, answer},
    tenants::Tenant,
};

/// Problems shown at most; a file with more is the wrong file.
const PROBLEMS_MAX: usize = 1_000;

/// The file of all agents.
pub async fn export(asked: &mut Asked<'_>, tenant: &Tenant) -> Shown {
    let roster = super::roster(asked, tenant).await?;
    let body = import::written(&roster);
    let mut answer = answer::whole(StatusCode::OK, "text/csv; charset=utf-8", body.into());
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let name = format!("attachment; filename=\"agents-{}.csv\"", tenant.name);
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(answer)
}

/// The page, its dry run, and the import.
pub async fn import(asked: &mut Asked<'_>, tenant: &Tenant, post: bool) -> Shown {
    if !post {
        return Ok(first(asked, tenant, &Form::default(), &[]));
    }
    let mut form = asked.upload_form().await?;
    let confirmed = form.text("way") == "apply";
    let file = match form.upload("file") {
        Some(upload) => Some(upload.bytes.clone()),
        None if form.is_checked("csv") => Some(form.secret("csv").to_owned().into()),
        None => None,
    };
    let Some(file) = file else {
        form.wrong("file", "Choose a CSV file.");
        return Ok(first(asked, tenant, &form, &[]));
    };
    let turn = match Turn::take(asked, tenant.id, &form).await {
        Ok(turn) => turn,
        Err(answer) => return Ok(answer),
    };
    let roster = super::roster(asked, tenant).await?;
    let (seq, read) = (roster.seq, file.clone());
    let plan = tokio::task::spawn_blocking(move || import::plan(&read, &roster)).await;
    let plan =
        plan.map_err(|_| crate::pages::Stop::Fault("reading a CSV file was cut off".to_owned()))?;
    let plan = match plan {
        Ok(plan) => plan,
        Err(problems) => {
            let len = problems.len();
            form.wrong("file", format!("The file has {len} problems. Nothing was changed. Put them right and choose it again."));
            return Ok(first(asked, tenant, &form, &problems));
        }
    };
    let version = version(&plan);
    if !confirmed || form.text("version") != version {
        return Ok(second(asked, tenant, &plan, &file, &version, confirmed));
    }
    let deed = asked.caller().deed(asked.now_ms, Some(tenant.id), "agents.imported", "CSV");
    let after = json!({
        "new": plan.new, "changed": plan.changed, "assignments_set": plan.set, "assignments_dropped": plan.dropped,
    });
    let deed = Deed { after: Some(after), ..deed };
    turn.submit(asked, tenant, seq, &plan.kinds(), vec![deed]).await?;
    let told = format!(
        "The file is imported: {} new agents, {} changed, {} assignments set, {} dropped.",
        plan.new, plan.changed, plan.set, plan.dropped
    );
    Ok(turn.done(asked, &format!("{}/agents", base(tenant)), told))
}

/// Changes with all that is told: what was looked at is what is written.
fn version(plan: &Plan) -> String {
    format!("{:016x}", xxh3_64(format!("{:?}", plan.kinds()).as_bytes()))
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
                tbody { @for problem in problems.iter().take(PROBLEMS_MAX) {
                    tr { td.number { (problem.line) } td { (problem.what) } }
                } }
            }
        }
        @if problems.len() > PROBLEMS_MAX { p.hint { "These are the first " (PROBLEMS_MAX) "." } }
    }
}

fn second(
    asked: &Asked<'_>,
    tenant: &Tenant,
    plan: &Plan,
    file: &[u8],
    version: &str,
    confirmed: bool,
) -> crate::api::answer::Answer {
    let base = base(tenant);
    let middle = html! {
        @if confirmed {
            p.notice.failed role="alert" { "Something has been changed since the dry run. Nothing was written: look again." }
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
                input type="hidden" name="version" value=(version);
                input type="hidden" name="csv" value=(String::from_utf8_lossy(file));
                p { "All of it is written at once, or nothing." }
                p.actions { button.primary { "Import" } a.button href={ (base) "/agents/import" } { "Cancel" } }
            }
        }
    };
    let title = "Dry run of the import";
    let page = page(asked, tenant, title, "/agents").below("Agents", format!("{base}/agents"));
    page.show(asked, middle)
}
