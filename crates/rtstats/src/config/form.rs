//! What a setting's value looks like: how its text is read, what is expected of it, how it is written back.
//!
//! Every source gives text; the TOML file's typed values become text first (see `file`), so that a value means the
//! same wherever it is written.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use stats::engine::SlaTarget;

use crate::{
    connect::asterisk::{ami::Secret, mapping::AgentId, settings::HostPort},
    telemetry::{self, LogFormat},
    tenants::TenantName,
};

/// The form of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    /// A path of a file or folder; empty for none.
    Path,
    /// One IP address with a port.
    Address,
    /// One or more IP addresses with ports.
    Addresses,
    /// True or false.
    Switch,
    /// A whole number within bounds, both included.
    Whole(u64, u64),
    /// A number of seconds within bounds, both included; fractions are allowed.
    Seconds(f64, f64),
    /// One of some words.
    Word(&'static [&'static str]),
    /// Host names or IP addresses, possibly none.
    Names,
    /// Which log lines are written: a level, or levels by module.
    Directives,
    /// Text of at most so many characters, none of them a control character.
    Text(usize),
    /// Text that is never shown.
    Secret,
    /// A host name or IP address; empty for none.
    Host,
    /// A host, perhaps with a port.
    HostPort,
    /// A tenant's name.
    Tenant,
}

impl Form {
    /// What is expected, as the object of a sentence.
    pub fn expects(&self) -> String {
        match self {
            Form::Path => "a path".into(),
            Form::Address => "an IP address with a port, such as 127.0.0.1:8444".into(),
            Form::Addresses => {
                "one or more IP addresses with ports, such as 0.0.0.0:8443 or [::]:8443".into()
            }
            Form::Switch => "true or false".into(),
            Form::Whole(min, max) => format!("a whole number from {min} to {max}"),
            Form::Seconds(min, max) => format!("a number of seconds from {min} to {max}"),
            Form::Word(words) => words.join(" or "),
            Form::Names => "host names or IP addresses".into(),
            Form::Directives => {
                "a level (error, warn, info, debug, trace, off) or levels by module, such as \
                 info,rtstats::journal=debug"
                    .into()
            }
            Form::Text(max) => format!("text of 1 to {max} characters"),
            Form::Secret => "a secret of one line".into(),
            Form::Host => "a host name or IP address".into(),
            Form::HostPort => "HOST or HOST:PORT, such as pbx.example.com:5038".into(),
            Form::Tenant => "a tenant's name: 1 to 64 letters, digits, - and _".into(),
        }
    }

    /// The placeholder of the value in the help.
    pub fn value_name(&self) -> &'static str {
        match self {
            Form::Path => "PATH",
            Form::Address => "ADDR",
            Form::Addresses => "ADDR,…",
            Form::Switch => "BOOL",
            Form::Whole(..) => "N",
            Form::Seconds(..) => "SECONDS",
            Form::Word(_) => "WORD",
            Form::Names => "NAME,…",
            Form::Directives => "LEVEL",
            Form::Text(_) => "TEXT",
            Form::Secret => "SECRET",
            Form::Host => "HOST",
            Form::HostPort => "HOST[:PORT]",
            Form::Tenant => "NAME",
        }
    }

    /// Whether several values may be given, separated by commas.
    pub fn is_list(&self) -> bool {
        matches!(self, Form::Addresses | Form::Names)
    }
}

/// A type that a setting can have.
pub(super) trait Value: Sized {
    /// Reads the text of a setting of this form; `None` where it isn't what the form expects.
    fn read(text: &str, form: &Form) -> Option<Self>;

    /// Writes it as TOML, so that reading it gives the same value.
    fn write(&self) -> toml::Value;
}

impl Value for PathBuf {
    fn read(text: &str, _: &Form) -> Option<PathBuf> {
        (!text.contains('\0')).then(|| PathBuf::from(text))
    }

    fn write(&self) -> toml::Value {
        path(self)
    }
}

impl Value for Option<PathBuf> {
    fn read(text: &str, form: &Form) -> Option<Option<PathBuf>> {
        let path = PathBuf::read(text, form)?;
        Some(Some(path).filter(|path| !path.as_os_str().is_empty()))
    }

    fn write(&self) -> toml::Value {
        path(self.as_deref().unwrap_or(Path::new("")))
    }
}

/// Paths come from text alone, so nothing is lost.
fn path(path: &Path) -> toml::Value {
    toml::Value::String(path.to_string_lossy().into_owned())
}

impl Value for SocketAddr {
    fn read(text: &str, _: &Form) -> Option<SocketAddr> {
        text.trim().parse().ok()
    }

    fn write(&self) -> toml::Value {
        toml::Value::String(self.to_string())
    }
}

impl Value for Vec<SocketAddr> {
    fn read(text: &str, form: &Form) -> Option<Vec<SocketAddr>> {
        text.split(',').map(|part| SocketAddr::read(part, form)).collect()
    }

    fn write(&self) -> toml::Value {
        self.iter().map(Value::write).collect::<Vec<_>>().into()
    }
}

impl Value for Vec<String> {
    fn read(text: &str, _: &Form) -> Option<Vec<String>> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| is_host(part).then(|| part.to_owned())).collect()
    }

    fn write(&self) -> toml::Value {
        self.clone().into()
    }
}

fn is_host(name: &str) -> bool {
    rustls_pki_types::ServerName::try_from(name).is_ok()
}

impl Value for bool {
    fn read(text: &str, _: &Form) -> Option<bool> {
        text.parse().ok()
    }

    fn write(&self) -> toml::Value {
        (*self).into()
    }
}

macro_rules! whole_numbers {
    ($($type:ty)*) => {$(
        impl Value for $type {
            fn read(text: &str, form: &Form) -> Option<$type> {
                let Form::Whole(min, max) = form else { return None };
                // Digits alone: a sign is nobody's intention.
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                let number: u64 = text.parse().ok().filter(|_| digits)?;
                (*min..=*max).contains(&number).then(|| number.try_into().ok())?
            }

            fn write(&self) -> toml::Value {
                // The bounds of every setting lie far below: see the test of the table.
                #[allow(clippy::unnecessary_fallible_conversions, reason = "it is one of several types")]
                toml::Value::Integer(i64::try_from(*self).unwrap_or(i64::MAX))
            }
        }
    )*};
}

whole_numbers! { u8 u32 u64 usize i64 }

impl Value for Duration {
    fn read(text: &str, form: &Form) -> Option<Duration> {
        let Form::Seconds(min, max) = form else { return None };
        let decimal = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let seconds: f64 = text.parse().ok().filter(|_| decimal)?;
        (*min..=*max).contains(&seconds).then(|| Duration::try_from_secs_f64(seconds).ok())?
    }

    fn write(&self) -> toml::Value {
        if self.subsec_nanos() == 0 {
            // Bounded by the form, far below what the integer holds.
            return toml::Value::Integer(i64::try_from(self.as_secs()).unwrap_or(i64::MAX));
        }
        self.as_secs_f64().into()
    }
}

impl Value for LogFormat {
    fn read(text: &str, _: &Form) -> Option<LogFormat> {
        LogFormat::ALL.iter().find(|format| format.word() == text).copied()
    }

    fn write(&self) -> toml::Value {
        self.word().into()
    }
}

impl Value for SlaTarget {
    fn read(text: &str, _: &Form) -> Option<SlaTarget> {
        match text {
            "hours" => Some(SlaTarget::Hours),
            "percent" => Some(SlaTarget::Percent),
            _ => None,
        }
    }

    fn write(&self) -> toml::Value {
        match self {
            SlaTarget::Hours => "hours".into(),
            SlaTarget::Percent => "percent".into(),
        }
    }
}

impl Value for String {
    fn read(text: &str, form: &Form) -> Option<String> {
        match form {
            Form::Directives => telemetry::are_directives(text).then(|| text.to_owned()),
            Form::Host => is_host(text).then(|| text.to_owned()),
            Form::Text(max) => {
                let fits = (1..=*max).contains(&text.chars().count());
                (fits && !text.contains(char::is_control)).then(|| text.to_owned())
            }
            _ => Some(text.to_owned()),
        }
    }

    fn write(&self) -> toml::Value {
        self.as_str().into()
    }
}

impl Value for AgentId {
    fn read(text: &str, _: &Form) -> Option<AgentId> {
        match text {
            "name" => Some(AgentId::Name),
            "interface" => Some(AgentId::Interface),
            _ => None,
        }
    }

    fn write(&self) -> toml::Value {
        match self {
            AgentId::Name => "name".into(),
            AgentId::Interface => "interface".into(),
        }
    }
}

impl Value for TenantName {
    fn read(text: &str, _: &Form) -> Option<TenantName> {
        text.parse().ok()
    }

    fn write(&self) -> toml::Value {
        self.as_str().into()
    }
}

impl Value for HostPort {
    fn read(text: &str, _: &Form) -> Option<HostPort> {
        text.parse().ok()
    }

    fn write(&self) -> toml::Value {
        self.to_string().into()
    }
}

impl Value for Secret {
    /// A line feed would end the line of the protocol.
    fn read(text: &str, _: &Form) -> Option<Secret> {
        (!text.is_empty() && !text.contains(char::is_control)).then(|| Secret::new(text))
    }

    /// It is never written.
    fn write(&self) -> toml::Value {
        "".into()
    }
}

/// Values that may be missing; what is missing is written as the empty text.
macro_rules! optional {
    ($($type:ty)*) => {$(
        impl Value for Option<$type> {
            fn read(text: &str, form: &Form) -> Option<Option<$type>> {
                <$type>::read(text, form).map(Some)
            }

            fn write(&self) -> toml::Value {
                self.as_ref().map_or_else(|| "".into(), Value::write)
            }
        }
    )*};
}

optional! { u32 i64 String TenantName HostPort Secret }
