//! The keys of a `[connect.asterisk.NAME]` section and of the tables in it, each declared once.
//!
//! File, environment variables, flags of `rtstats connect asterisk`, print-out and docs come from these tables. A
//! [`Draft`] is a section as far as it has been read; [`super::judge`] makes a connection of it.

use std::path::PathBuf;

use stats::{event::Sla, limit};

use super::form::{Form, Value};
use crate::{
    connect::asterisk::{
        ami::Secret,
        mapping::{Mapping, PauseMapping, QueueMapping},
        settings::HostPort,
    },
    tenants::TenantName,
};

/// One key of a table that holds a `T`.
pub struct Key<T> {
    /// Its name in the table.
    pub name: &'static str,
    /// What its value looks like.
    pub form: Form,
    /// The text of the value that holds when none is given; empty for none.
    pub default: &'static str,
    /// What it does, in a sentence or two.
    pub about: &'static str,
    set: fn(&mut T, &str, &Form) -> bool,
    get: fn(&T) -> toml::Value,
}

impl<T> Key<T> {
    /// Puts a value into the draft; false, and nothing done, where the text isn't of the form.
    pub(super) fn set(&self, draft: &mut T, text: &str) -> bool {
        (self.set)(draft, text, &self.form)
    }

    /// The present value, if there is one; a secret is none.
    pub(super) fn get(&self, draft: &T) -> Option<toml::Value> {
        Some((self.get)(draft)).filter(|value| value.as_str() != Some(""))
    }

    /// Whether its value is never shown.
    pub(super) fn is_secret(&self) -> bool {
        self.form == Form::Secret
    }
}

/// A section that is being read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    pub(super) tenant: Option<TenantName>,
    pub(super) address: Option<HostPort>,
    pub(super) tls: bool,
    pub(super) tls_ca: Option<PathBuf>,
    pub(super) tls_server_name: Option<String>,
    pub(super) username: Option<String>,
    pub(super) secret: Option<Secret>,
    pub(super) secret_file: Option<PathBuf>,
    pub(super) allow_plain_login: bool,
    pub(super) mapping: Mapping,
}

macro_rules! key {
    ($name:literal = $default:literal, $form:expr, $($field:ident).+, $about:literal) => {
        Key {
            name: $name,
            form: $form,
            default: $default,
            about: $about,
            set: |draft, text, form| put(&mut draft.$($field).+, text, form),
            get: |draft| draft.$($field).+.write(),
        }
    };
}

fn put<T: Value>(place: &mut T, text: &str, form: &Form) -> bool {
    T::read(text, form).map(|value| *place = value).is_some()
}

const SECONDS_MAX: u64 = limit::SLA_SECONDS_MAX as u64;
const QUEUE_MAX: u64 = limit::QUEUE_ID_MAX as u64;
const CODE_MAX: u64 = i32::MAX as u64;
const WRAP_UP_MAX: u64 = 86_400;
const NAME: Form = Form::Text(limit::NAME_CHARS_MAX);

/// Keys of `[connect.asterisk.NAME]`, in the order of the documentation.
pub const CONNECTION_KEYS: &[Key<Draft>] = &[
    key!("tenant" = "", Form::Tenant, tenant, "The tenant whose contact centre it is. Required."),
    key!(
        "address" = "",
        Form::HostPort,
        address,
        "Where the manager interface listens; without a port 5038, with `tls` 5039. Required."
    ),
    key!(
        "tls" = "false",
        Form::Switch,
        tls,
        "Speak TLS with the PBX (`tlsenable` in manager.conf)."
    ),
    key!(
        "tls_ca" = "",
        Form::Path,
        tls_ca,
        "Trust the certificates of this PEM file, such as the PBX's own; without it those of the web."
    ),
    key!(
        "tls_server_name" = "",
        Form::Host,
        tls_server_name,
        "The name that the PBX's certificate holds, where it isn't the host of `address`."
    ),
    key!(
        "username" = "",
        NAME,
        username,
        "The user: the name of its section in manager.conf. Required."
    ),
    key!(
        "secret" = "",
        Form::Secret,
        secret,
        "The user's `secret` in manager.conf; it or `secret_file` is required."
    ),
    key!("secret_file" = "", Form::Path, secret_file, "A file whose first line is the secret."),
    key!(
        "allow_plain_login" = "false",
        Form::Switch,
        allow_plain_login,
        "Send the secret itself without TLS, where the PBX refuses login by challenge."
    ),
    key!(
        "agent_id" = "name",
        Form::Word(&["name", "interface"]),
        mapping.agent_id,
        "What makes a member's agent-id: its name, or its interface (`PJSIP/101` is agent 101)."
    ),
    key!(
        "wrap_up_seconds" = "0",
        Form::Whole(0, WRAP_UP_MAX),
        mapping.wrap_up_seconds,
        "Wrap-up time after a call, as `wrapuptime` in queues.conf, which the manager interface doesn't tell."
    ),
    key!(
        "only_listed_queues" = "false",
        Form::Switch,
        mapping.only_listed_queues,
        "Take the queues with a table of their own here, and no others of the PBX."
    ),
    key!(
        "direct_calls" = "true",
        Form::Switch,
        mapping.direct_calls,
        "Calls beside the queues keep their agent busy."
    ),
    key!(
        "code_list" = "1",
        Form::Whole(1, CODE_MAX),
        mapping.code_list,
        "Number of the status code list that holds the pause reasons."
    ),
    key!(
        "sla_percent" = "80",
        Form::Whole(0, 100),
        mapping.sla_percent,
        "The percentage of a queue's service level whose limit is the PBX's `servicelevel`."
    ),
];

/// Keys of `[connect.asterisk.NAME.queue."QUEUE"]`, where QUEUE is the name in queues.conf.
pub const QUEUE_KEYS: &[Key<QueueMapping>] = &[
    key!(
        "number" = "",
        Form::Whole(1, QUEUE_MAX),
        number,
        "The queue-id; without it a free number is assigned once and kept."
    ),
    key!("name" = "", NAME, name, "The queue-name; without it QUEUE."),
    key!(
        "wrap_up_seconds" = "",
        Form::Whole(0, WRAP_UP_MAX),
        wrap_up_seconds,
        "Wrap-up time of this queue, over the connection's."
    ),
];

/// Keys of a queue's `sla`.
pub const SLA_KEYS: &[Key<Sla>] = &[
    key!(
        "percent" = "",
        Form::Whole(0, 100),
        percent,
        "The share that is to be accepted within the limit. Required."
    ),
    key!(
        "within_seconds" = "",
        Form::Whole(0, SECONDS_MAX),
        within_seconds,
        "The limit. Required."
    ),
    key!(
        "evaluate_every_seconds" = "900",
        Form::Whole(1, SECONDS_MAX),
        evaluate_every_seconds,
        "Length of an evaluation period."
    ),
];

/// The words of a pause's status: on break first.
const PAUSE_WORDS: &[&str] = &["on-break", "work-offline"];

/// Keys of `[connect.asterisk.NAME.pause."REASON"]`, where REASON is the pause's reason in Asterisk.
pub const PAUSE_KEYS: &[Key<PauseMapping>] = &[
    key!(
        "item" = "",
        Form::Whole(1, CODE_MAX),
        item,
        "Number of the status code; without it a free one is assigned once and kept."
    ),
    key!("short_code" = "", NAME, short_code, "What the documents show; without it REASON."),
    Key {
        name: "status",
        form: Form::Word(PAUSE_WORDS),
        default: "on-break",
        about: "The agent's status in such a pause.",
        set: |pause, text, _| match PAUSE_WORDS.iter().position(|word| *word == text) {
            Some(index) => {
                pause.work_offline = index == 1;
                true
            }
            None => false,
        },
        get: |pause| PAUSE_WORDS[usize::from(pause.work_offline)].into(),
    },
];
