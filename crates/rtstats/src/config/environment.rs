//! Settings from the environment: `RTSTATS_` and the key in capitals, sections joined by `_`.

use std::ffi::{OsStr, OsString};

use super::{
    connections,
    mistake::{Mistake, Origin, suggestion},
    resolve::Found,
    settings::SETTINGS,
};

/// What every variable of ours begins with.
pub(super) const PREFIX: &str = "RTSTATS_";

/// Names the TOML file.
pub(super) const CONFIG_VARIABLE: &str = "RTSTATS_CONFIG";

/// Variables of other commands, `rtstats simulate` and `rtstats connect`: they may be set where a server starts too.
const OTHERS: &[&str] = &["RTSTATS_ACTION_TOKEN", "RTSTATS_AMI_SECRET"];

/// Reads all variables that begin with our prefix; unknown ones are mistakes.
pub(super) fn read(
    variables: &[(OsString, OsString)],
    found: &mut Vec<Found>,
    mistakes: &mut Vec<Mistake>,
) {
    for (name, value) in variables {
        let name = name.to_string_lossy();
        let others = name == CONFIG_VARIABLE
            || OTHERS.contains(&&*name)
            || connections::is_variable(&name)
            || is_service_link(&name);
        if others || !name.starts_with(PREFIX) {
            continue;
        }
        let origin = Origin::Environment(name.clone().into_owned());
        let Some(setting) = SETTINGS.iter().find(|setting| setting.variable() == name) else {
            let like = suggestion(&name, SETTINGS.iter().map(|setting| setting.variable()));
            let message = like.map_or_else(
                || "no such setting; `rtstats config` lists all".to_owned(),
                |like| format!("no such setting; did you mean {like}?"),
            );
            mistakes.push(Mistake { key: name.into_owned(), origin, message });
            continue;
        };
        match value.to_str() {
            Some(text) => found.push(Found { setting, text: text.to_owned(), origin }),
            None => mistakes.push(Mistake {
                key: setting.key.to_owned(),
                origin,
                message: format!(
                    "expected {}, found bytes that aren't UTF-8",
                    setting.form.expects()
                ),
            }),
        }
    }
}

/// The file named by the environment. An empty name is none.
pub(super) fn config_file(variables: &[(OsString, OsString)]) -> Option<&OsStr> {
    let named = variables.iter().find(|(name, _)| name == CONFIG_VARIABLE);
    named.map(|(_, value)| value.as_os_str()).filter(|value| !value.is_empty())
}

/// Kubernetes tells every container of every service in its namespace; of one called `rtstats` by variables such as
/// `RTSTATS_SERVICE_HOST` and `RTSTATS_PORT_8443_TCP_ADDR`, which are none of our settings.
fn is_service_link(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX) else { return false };
    rest == "SERVICE_HOST"
        || rest == "SERVICE_PORT"
        || rest.starts_with("SERVICE_PORT_")
        || rest == "PORT"
        || rest
            .strip_prefix("PORT_")
            .is_some_and(|port| port.starts_with(|first: char| first.is_ascii_digit()))
}
