//! Accounts, as administrators see them.

use http::StatusCode;
use maud::{Markup, html};
use stats::limit::ID_CHARS_MAX;

use super::{Asked, Choice, Form, Page, Paging, Shown, Stop};
use crate::{
    accounts::{Account, AccountError, AccountId, Login, Role},
    tenants::TenantId,
};

const LIST: &str = "/manager/accounts";

/// All accounts that an administrator may see.
pub(super) async fn list(asked: &mut Asked<'_>) -> Shown {
    let own = asked.administrator()?.role.tenant();
    let paging = Paging::of(asked);
    let (accounts, len) = asked.accounts().list(own, paging.skip(), paging.len_max()).await?;
    let paging = paging.with_len(len);
    let middle = html! {
        p.actions { a.button.primary href={ (LIST) "/new" } { "New account" } }
        div.table tabindex="0" role="region" aria-label="Accounts" {
            table {
                thead {
                    tr {
                        th scope="col" { "Login" } th scope="col" { "Role" } th scope="col" { "Tenant" }
                        th scope="col" { "Agent" } th scope="col" { "State" } th scope="col" { "Since" }
                    }
                }
                tbody {
                    @for account in &accounts {
                        tr {
                            th scope="row" { a href={ (LIST) "/" (account.id.0) } { (account.login) } }
                            td { (account.role.word()) }
                            td { (tenant(asked, &account.role)) }
                            td { (agent(&account.role)) }
                            td { (state(account, asked.now_ms)) }
                            td { (asked.instant(Some(account.created_ms))) }
                        }
                    }
                }
            }
        }
        (paging)
    };
    Ok(Page::new("Accounts").show(asked, middle))
}

fn tenant(asked: &Asked<'_>, role: &Role) -> String {
    let name = role.tenant().and_then(|tenant| asked.tenant_name(tenant));
    name.map_or("–".to_owned(), |name| name.to_string())
}

fn agent(role: &Role) -> &str {
    match role {
        Role::Agent { agent, .. } => agent,
        _ => "–",
    }
}

fn state(account: &Account, now_ms: i64) -> Markup {
    let link = account.link_until_ms().filter(|until_ms| *until_ms > now_ms).is_some();
    html! {
        @match (account.has_password(), link) {
            (true, false) => span.mark.good { "In use" },
            (true, true) => span.mark { "In use, new link" },
            (false, true) => span.mark { "Invited" },
            (false, false) => span.mark.bad { "Link expired" },
        }
    }
}

/// The form of a new account.
pub(super) fn show_new(asked: &mut Asked<'_>) -> Shown {
    new_page(asked, &Form::default(), StatusCode::OK)
}

fn new_page(asked: &Asked<'_>, form: &Form, status: StatusCode) -> Shown {
    let session = asked.administrator()?;
    let platform = session.role == Role::Platform;
    let choice = |value: &str, shown: &str| (value.to_owned(), shown.to_owned());
    let mut roles = vec![
        choice("agent", "Agent: own figures, own status"),
        choice("tenant", "Administrator of a tenant"),
    ];
    if platform {
        roles.push(choice("platform", "Administrator of the platform"));
    }
    let names = asked.tenants().into_iter().map(|tenant| tenant.name.to_string());
    let mut tenants: Vec<Choice> = names.map(|name| (name.clone(), name)).collect();
    if platform {
        tenants.insert(0, choice("", "– (platform)"));
    }
    let middle = html! {
        p.lead { "The account gets a one-time link, with which its owner sets the password." }
        (form.summary())
        form.card method="post" action={ (LIST) "/new" } novalidate {
            (asked.csrf())
            (form.field("role", "Role").choices(&roles).required())
            (form.field("tenant", "Tenant").choices(&tenants))
            (form.field("login", "Login").hint("Unique in the tenant, such as j.doe.").required())
            (form.field("agent", "Agent").hint("For agents: the agent's id in the statistics. Empty means the login."))
            p.actions { button.primary { "Add the account" } a.button href=(LIST) { "Cancel" } }
        }
    };
    let page = Page::new("New account").narrow().below("Accounts", LIST).status(status);
    Ok(page.show(asked, middle))
}

/// Adds an account and shows its link once.
pub(super) async fn add(asked: &mut Asked<'_>) -> Shown {
    asked.administrator()?;
    let mut form = asked.form().await?;
    let login = form.parsed::<Login>("login");
    let role = wanted(asked, &mut form)?;
    let (Some(login), Some(role)) = (login, role) else {
        return new_page(asked, &form, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let (caller, now_ms) = (asked.caller(), asked.now_ms);
    match asked.accounts().add_account(login, role, caller, now_ms).await {
        Ok((account, secret)) => {
            let link = asked.address_of(&format!("/invitation#{}", secret.reveal()));
            let told = format!("The one-time link of {}, good for 24 hours:", account.login);
            Ok(asked.reveal(&format!("{LIST}/{}", account.id.0), told, link))
        }
        Err(AccountError::Exists(_)) => {
            form.wrong("login", "There is an account with this login already. Take another one.");
            new_page(asked, &form, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(error) => Err(error.into()),
    }
}

/// The role that the form asks for, as far as the administrator may give it.
fn wanted(asked: &Asked<'_>, form: &mut Form) -> Result<Option<Role>, Stop> {
    let session = asked.administrator()?;
    let own = asked.tenants();
    let named = own.iter().find(|tenant| tenant.name.as_str() == form.text("tenant"));
    let named = named.map(|tenant| tenant.id);
    Ok(match (form.text("role"), named) {
        ("platform", _) if session.role == Role::Platform => Some(Role::Platform),
        ("platform", _) => {
            return Err(Stop::Forbidden("Only administrators of the platform add such accounts."));
        }
        (_, None) => {
            form.wrong("tenant", "Choose the account's tenant.");
            None
        }
        ("tenant", Some(tenant)) => Some(Role::Tenant(tenant)),
        ("agent", Some(tenant)) => agent_role(form, tenant),
        _ => {
            form.wrong("role", "Choose a role.");
            None
        }
    })
}

fn agent_role(form: &mut Form, tenant: TenantId) -> Option<Role> {
    let agent = match form.text("agent") {
        "" => form.text("login"),
        agent => agent,
    };
    let odd = |c: char| c == '/' || c.is_control();
    if agent.is_empty() || agent.chars().count() > ID_CHARS_MAX || agent.chars().any(odd) {
        form.wrong(
            "agent",
            "An agent's id has 1 to 128 characters, no / and no control characters.",
        );
        return None;
    }
    Some(Role::Agent { tenant, agent: agent.into() })
}

/// The account of a number, if the administrator may change it. To others there is none.
async fn administered(asked: &Asked<'_>, id: &str) -> Result<Account, Stop> {
    let session = asked.administrator()?;
    let id = AccountId(id.parse().map_err(|_| Stop::NotFound)?);
    let account = asked.accounts().account(id).await?;
    let may = |role: &Role| match role.tenant() {
        Some(tenant) => session.role.administers(tenant),
        None => session.role == Role::Platform,
    };
    account.filter(|account| may(&account.role)).ok_or(Stop::NotFound)
}

/// One account.
pub(super) async fn show(asked: &mut Asked<'_>, id: &str) -> Shown {
    let account = administered(asked, id).await?;
    let path = format!("{LIST}/{}", account.id.0);
    let sessions = asked.accounts().sessions_of(account.id).len();
    let middle = html! {
        dl.facts {
            dt { "Role" } dd { (account.role.word()) }
            dt { "Tenant" } dd { (tenant(asked, &account.role)) }
            dt { "Agent" } dd { (agent(&account.role)) }
            dt { "State" } dd { (state(&account, asked.now_ms)) }
            dt { "Since" } dd { (asked.instant(Some(account.created_ms))) }
            dt { "Sessions" } dd { (sessions) }
        }
        section.card aria-labelledby="link" {
            h2 #link { "New one-time link" }
            p { "With it the owner sets a new password. The present one holds until then." }
            form method="post" action={ (path) "/link" } {
                (asked.csrf())
                p.actions { button { "Make a new link" } }
            }
        }
        section.card aria-labelledby="remove" {
            h2 #remove { "Remove the account" }
            p { "Its sessions end at once. What it did stays in the audit trail." }
            form method="post" action={ (path) "/remove" } {
                (asked.csrf())
                (Form::default().field("sure", "Yes, remove this account for good").tick().required())
                p.actions { button.danger { "Remove" } }
            }
        }
    };
    let page = Page::new(account.login.as_str()).narrow().below("Accounts", LIST);
    Ok(page.show(asked, middle))
}

/// Makes a new link and shows it once.
pub(super) async fn link(asked: &mut Asked<'_>, id: &str) -> Shown {
    let account = administered(asked, id).await?;
    asked.form().await?;
    let (caller, now_ms) = (asked.caller(), asked.now_ms);
    let path = format!("{LIST}/{}", account.id.0);
    let told = format!("The one-time link of {}, good for 24 hours:", account.login);
    let secret = asked.accounts().new_link(account, caller, now_ms).await?;
    let link = asked.address_of(&format!("/invitation#{}", secret.reveal()));
    Ok(asked.reveal(&path, told, link))
}

/// Removes an account.
pub(super) async fn remove(asked: &mut Asked<'_>, id: &str) -> Shown {
    let account = administered(asked, id).await?;
    let form = asked.form().await?;
    let path = format!("{LIST}/{}", account.id.0);
    if !form.is_checked("sure") {
        return Ok(asked.failed(&path, "Nothing was removed: tick the box to be sure."));
    }
    let (caller, now_ms) = (asked.caller(), asked.now_ms);
    let login = account.login.clone();
    match asked.accounts().remove_account(account, caller, now_ms).await {
        Ok(()) => Ok(asked.done(LIST, format!("The account {login} is removed."))),
        Err(error @ AccountError::Last(_)) => Ok(asked.failed(&path, error.to_string())),
        Err(error) => Err(error.into()),
    }
}
