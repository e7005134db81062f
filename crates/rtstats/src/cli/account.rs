//! `rtstats account`: the accounts of the pages, from the server's own command line.

use std::{
    io::{self, BufRead as _, Write as _},
    path::Path,
};

use anyhow::bail;
use clap::Subcommand;

use super::{Folder, link::Pages, require_data_folder, warn_unconfirmed};
use crate::{
    accounts::{Login, Register, Role},
    clock,
    tenants::{TenantId, TenantName, Tenants, Token},
};

/// What operators do with accounts.
#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    /// Add an account and print its one-time link, with which its owner sets the password
    Add {
        /// What it signs in with
        login: Login,
        /// The tenant that it administers; without it, it administers the whole platform
        #[arg(long, value_name = "NAME")]
        tenant: Option<TenantName>,
        /// An agent's account instead: the agent's id in the statistics
        #[arg(long, value_name = "ID", requires = "tenant")]
        agent: Option<String>,
        #[command(flatten)]
        folder: Folder,
    },
    /// List the accounts: tenant, login, role, agent, whether a password is set
    List {
        #[command(flatten)]
        folder: Folder,
    },
    /// Remove an account; it is signed out at once
    Remove {
        /// Its login
        login: Login,
        /// Its tenant, unless it administers the platform
        #[arg(long, value_name = "NAME")]
        tenant: Option<TenantName>,
        #[command(flatten)]
        folder: Folder,
    },
    /// Print a new one-time link, with which the password is set anew, or set it here
    Password {
        /// Its login
        login: Login,
        /// Its tenant, unless it administers the platform
        #[arg(long, value_name = "NAME")]
        tenant: Option<TenantName>,
        /// Read the new password from the first line of standard input; its sessions end
        #[arg(long)]
        stdin: bool,
        #[command(flatten)]
        folder: Folder,
    },
    /// Print a new one-time link that sets up an administrator of the platform; good for 24 hours
    SetUpLink {
        #[command(flatten)]
        folder: Folder,
    },
}

/// Does it.
pub(super) fn run(command: AccountCommand) -> anyhow::Result<()> {
    let now_ms = clock::now();
    match command {
        AccountCommand::Add { login, tenant, agent, folder } => {
            let mut register = open(&folder)?;
            let role = match (id(&mut register, tenant.as_ref())?, agent) {
                (None, _) => Role::Platform,
                (Some(tenant), None) => Role::Tenant(tenant),
                (Some(tenant), Some(agent)) => Role::Agent { tenant, agent: agent.into() },
            };
            let (link, in_force) = register.add(&login, &role, now_ms)?;
            warn_unconfirmed(in_force);
            print_invitation(&login, &link)?;
        }
        AccountCommand::List { folder } => list(&folder)?,
        AccountCommand::Remove { login, tenant, folder } => {
            let mut register = open(&folder)?;
            let tenant = id(&mut register, tenant.as_ref())?;
            warn_unconfirmed(register.remove(tenant, &login, now_ms)?);
            eprintln!("removed {login}");
        }
        AccountCommand::Password { login, tenant, stdin, folder } => {
            let mut register = open(&folder)?;
            let tenant = id(&mut register, tenant.as_ref())?;
            if stdin {
                let password = first_line()?;
                warn_unconfirmed(register.set_password(tenant, &login, &password, now_ms)?);
                eprintln!("the password of {login} is set");
            } else {
                let (link, in_force) = register.new_link(tenant, &login, now_ms)?;
                warn_unconfirmed(in_force);
                print_invitation(&login, &link)?;
            }
        }
        AccountCommand::SetUpLink { folder } => {
            let (link, in_force) = open(&folder)?.new_set_up_link(now_ms)?;
            warn_unconfirmed(in_force);
            let about =
                "it sets up an administrator, once, within 24 hours; links made before are void";
            Pages::configured().print("set-up", &link, about)?;
        }
    }
    Ok(())
}

fn list(folder: &Folder) -> anyhow::Result<()> {
    let tenants = Tenants::open(&folder.data)?.list()?;
    let mut out = io::stdout().lock();
    for account in open(folder)?.list()? {
        let of = account.role.tenant();
        let name = tenants.iter().find(|tenant| Some(tenant.id) == of);
        let name = name.map_or("-", |tenant| tenant.name.as_str());
        let agent = match &account.role {
            Role::Agent { agent, .. } => agent,
            _ => "-",
        };
        let password = if account.has_password() { "password" } else { "no password yet" };
        writeln!(out, "{name}\t{}\t{}\t{agent}\t{password}", account.login, account.role.word())?;
    }
    Ok(())
}

fn open(folder: &Folder) -> anyhow::Result<Register> {
    require_data_folder(&folder.data)?;
    Ok(Register::open(Path::new(&folder.data))?)
}

fn id(register: &mut Register, tenant: Option<&TenantName>) -> anyhow::Result<Option<TenantId>> {
    Ok(tenant.map(|name| register.tenant(name)).transpose()?)
}

fn first_line() -> anyhow::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("no password came on standard input: give it as the first line");
    }
    Ok(password.to_owned())
}

fn print_invitation(login: &Login, link: &Token) -> io::Result<()> {
    let about = format!("the one-time link of {login}, good for 24 hours");
    Pages::configured().print("invitation", link, &about)
}
