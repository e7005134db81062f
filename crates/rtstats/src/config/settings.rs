//! The table of settings. Adding a line here is all that a new setting needs, besides the code that uses it (and
//! `UPDATE_DOCS=1 cargo test -p rtstats the_docs_hold` for its documentation).

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use stats::{engine::SlaTarget, limit};

use super::form::{Form, Value};
use crate::{
    connect::asterisk::settings::Connection, ingest::budget::LARGEST_BATCH_BYTES,
    telemetry::LogFormat, tls,
};

/// One setting, as the table declares it.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name in the TOML file; a dot separates the section.
    pub key: &'static str,
    /// What its value looks like.
    pub form: Form,
    /// The text of the value that holds when no source gives one.
    pub default: &'static str,
    /// What it does, in a sentence or two.
    pub about: &'static str,
    set: fn(&mut Config, &str, &Form) -> bool,
    get: fn(&Config) -> toml::Value,
}

impl Setting {
    /// The environment variable: `limits.connections_max` is `RTSTATS_LIMITS_CONNECTIONS_MAX`.
    pub fn variable(&self) -> String {
        format!("{}{}", super::environment::PREFIX, self.key.replace('.', "_").to_uppercase())
    }

    /// The flag without its dashes: `limits.connections_max` is `limits-connections-max`.
    pub fn flag(&self) -> String {
        self.key.replace(['.', '_'], "-")
    }

    /// The section of the TOML file, if not at its top.
    pub fn section(&self) -> Option<&'static str> {
        self.key.split_once('.').map(|(section, _)| section)
    }

    /// The key within its section.
    pub fn name(&self) -> &'static str {
        self.key.rsplit_once('.').map_or(self.key, |(_, name)| name)
    }

    /// Puts a value into the configuration; false, and nothing done, where the text isn't of the form.
    pub(super) fn set(&self, config: &mut Config, text: &str) -> bool {
        (self.set)(config, text, &self.form)
    }

    /// The present value.
    pub(super) fn get(&self, config: &Config) -> toml::Value {
        (self.get)(config)
    }
}

/// Declares the table, and the structs that hold the values.
macro_rules! settings {
    (
        $config:ident {
            $($key:literal $field:ident: $type:ty = $default:literal, $form:expr, $about:literal;)*
        }
        $section:ident: $limits:ident {
            $($lkey:literal $lfield:ident: $ltype:ty = $ldefault:literal, $lform:expr, $labout:literal;)*
        }
    ) => {
        /// The effective settings of a server.
        #[derive(Debug, Clone, PartialEq)]
        pub struct $config {
            $(#[doc = $about] pub $field: $type,)*
            /// What one client, and all together, may take.
            pub $section: $limits,
            /// Connections to Asterisk, by the file's sections.
            pub asterisk: Vec<Connection>,
        }

        /// What one client, and all together, may take.
        #[derive(Debug, Clone, PartialEq)]
        pub struct $limits { $(#[doc = $labout] pub $lfield: $ltype,)* }

        impl $config {
            /// Every setting at its default.
            pub(super) fn defaults() -> $config {
                $config {
                    $($field: declared($key, $default, &$form),)*
                    $section: $limits { $($lfield: declared($lkey, $ldefault, &$lform),)* },
                    asterisk: Vec::new(),
                }
            }
        }

        /// All settings, in the order of the documentation.
        pub const SETTINGS: &[Setting] = &[
            $(Setting {
                key: $key,
                form: $form,
                default: $default,
                about: $about,
                set: |config, text, form| put(&mut config.$field, text, form),
                get: |config| config.$field.write(),
            },)*
            $(Setting {
                key: $lkey,
                form: $lform,
                default: $ldefault,
                about: $labout,
                set: |config, text, form| put(&mut config.$section.$lfield, text, form),
                get: |config| config.$section.$lfield.write(),
            },)*
        ];
    };
}

const BATCH_BYTES_MAX: u64 = limit::BATCH_BYTES_MAX as u64;
const IN_FLIGHT_BYTES_MIN: u64 = LARGEST_BATCH_BYTES as u64;
const TERABYTE: u64 = 1 << 40;

settings! {
    Config {
        "data" data: PathBuf = "", Form::Path,
            "The data folder: journal, tenants, snapshots and the self-signed certificate. Required.";
        "listen" listen: Vec<SocketAddr> = "0.0.0.0:8443", Form::Addresses,
            "Where the statistics API and ingest are served.";
        "behind_proxy" behind_proxy: bool = "false", Form::Switch,
            "Serve plain HTTP, for a proxy on the same host or pod that terminates TLS; `tls.…` has no effect.";
        "workers" workers: usize = "0", Form::Whole(0, 1_024),
            "Threads that serve connections; 0 means one per core.";
        "refresh_seconds" refresh: Duration = "10", Form::Seconds(0.1, 3_600.0),
            "How often the documents are refreshed: an answer is never older.";
        "sla_target" sla_target: SlaTarget = "hours", Form::Word(&["hours", "percent"]),
            "What the field sla-target shows: the time limit in whole hours, or the percentage to be reached.";
        "retention_days" retention_days: u32 = "7", Form::Whole(1, 3_650),
            "How long events are kept in the journal.";
        "snapshot_every_events" snapshot_every_events: u64 = "1000000", Form::Whole(1, 1_000_000_000_000),
            "A tenant's state is snapshotted after so many events, so that a start replays little.";
        "snapshot_every_seconds" snapshot_every: Duration = "300", Form::Seconds(1.0, 86_400.0),
            "A tenant with new events is snapshotted at least this often.";
        "audit_retention_days" audit_retention_days: u32 = "400", Form::Whole(1, 36_500),
            "How long the audit trail keeps who did what in the pages.";
        "stop_grace_seconds" stop_grace: Duration = "10", Form::Seconds(0.0, 3_600.0),
            "How long a stop waits for requests under way.";
        "admin.listen" admin_listen: SocketAddr = "127.0.0.1:8444", Form::Address,
            "Where `/healthz`, `/readyz` and `/metrics` are served, in plain HTTP and without credentials.";
        "tls.certificate" tls_certificate: Option<PathBuf> = "", Form::Path,
            "The certificate chain (PEM, the server's own first); without it a self-signed one is made.";
        "tls.key" tls_key: Option<PathBuf> = "", Form::Path,
            "The private key (PEM, not encrypted) of `tls.certificate`.";
        "tls.host_names" tls_host_names: Vec<String> = "", Form::Names,
            "Further names in the self-signed certificate, besides localhost, loopback and the host's name.";
        "log.format" log_format: LogFormat = "text", Form::Word(&["text", "json"]),
            "Log lines for people, or one JSON object a line.";
        "log.level" log_level: String = "info", Form::Directives,
            "Which log lines are written: a level, or levels by module.";
    }
    limits: Limits {
        "limits.connections_max" connections_max: usize = "50000", Form::Whole(1, 10_000_000),
            "Open connections; further ones are told so (503) or closed, within a second. Fewer where the system allows too few \
             open files; the log says so.";
        "limits.handshake_timeout_seconds" handshake_timeout: Duration = "10", Form::Seconds(0.1, 3_600.0),
            "Time for a TLS handshake.";
        "limits.header_timeout_seconds" header_timeout: Duration = "10", Form::Seconds(0.1, 3_600.0),
            "Time from the first byte of a request's head to its last.";
        "limits.body_timeout_seconds" body_timeout: Duration = "30", Form::Seconds(0.1, 3_600.0),
            "Time for a request's body to arrive.";
        "limits.write_timeout_seconds" write_timeout: Duration = "30", Form::Seconds(0.1, 3_600.0),
            "Time without any progress of an answer.";
        "limits.idle_timeout_seconds" idle_timeout: Duration = "75", Form::Seconds(0.1, 86_400.0),
            "Time that a connection may stay open between requests.";
        "limits.header_bytes_max" header_bytes_max: usize = "16384", Form::Whole(8_192, 1_048_576),
            "Size of a request's head.";
        "limits.streams_max" streams_max: u32 = "100", Form::Whole(1, 10_000),
            "Requests under way on one HTTP/2 connection.";
        "limits.ingest_queue_bytes_max" ingest_queue_bytes_max: usize = "67108864",
            Form::Whole(BATCH_BYTES_MAX, TERABYTE),
            "Events waiting for the journal; beyond it ingest answers 503.";
        "limits.ingest_in_flight_bytes_max" ingest_in_flight_bytes_max: usize = "201326592",
            Form::Whole(IN_FLIGHT_BYTES_MIN, TERABYTE),
            "Bodies of all ingest requests under way, as they came, unpacked and read; beyond it ingest answers 503, and \
             to one tenant beyond half of it (but 96 MiB at least).";
        "limits.tenant_requests_per_second_max" tenant_requests_per_second_max: u32 = "0",
            Form::Whole(0, 10_000_000),
            "Requests per second of one tenant; beyond it 429. 0 means no limit.";
        "limits.live_streams_per_login_max" live_streams_per_login_max: usize = "5000",
            Form::Whole(1, 10_000_000),
            "Open live streams of one token or one session; beyond it 429.";
        "limits.live_streams_per_tenant_max" live_streams_per_tenant_max: usize = "10000",
            Form::Whole(1, 10_000_000),
            "Open live streams of one tenant; beyond it 429. A part of `limits.connections_max`, so that others have room.";
    }
}

/// Reads a default of the table.
fn declared<T: Value>(key: &str, text: &str, form: &Form) -> T {
    // A slip in the table is ours, and every start of every test meets it.
    T::read(text, form).unwrap_or_else(|| panic!("{key}: the default isn't of the form"))
}

fn put<T: Value>(place: &mut T, text: &str, form: &Form) -> bool {
    T::read(text, form).map(|value| *place = value).is_some()
}

impl Config {
    /// Every setting at its default, with a data folder.
    pub fn with_data(data: impl Into<PathBuf>) -> Config {
        Config { data: data.into(), ..Config::defaults() }
    }

    /// Where the certificate comes from.
    pub fn certificate_source(&self) -> tls::Source {
        match (&self.tls_certificate, &self.tls_key) {
            (Some(certificate), Some(key)) => {
                tls::Source::Files { certificate: certificate.clone(), key: key.clone() }
            }
            // Checked by `resolve`: one without the other is a mistake.
            _ => tls::Source::Own {
                folder: self.data.join(Path::new("tls")),
                host_names: self.tls_host_names.clone(),
            },
        }
    }
}
