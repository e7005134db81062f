//! The settings written out: as TOML with the origin of each (`rtstats config`), and as the table of the documentation.

use std::fmt::{self, Write};

use super::{
    form::Form,
    resolve::Effective,
    settings::{SETTINGS, Setting},
};

/// TOML that reads back as the same settings, each line with where its value comes from.
impl fmt::Display for Effective {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = SETTINGS
            .iter()
            .map(|setting| format!("{} = {}", setting.name(), setting.get(&self.config)))
            .collect();
        let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
        let mut section = None;
        for ((setting, line), origin) in SETTINGS.iter().zip(&lines).zip(&self.origins) {
            if let Some(begins) = setting.section().filter(|begins| section != Some(*begins)) {
                section = Some(begins);
                writeln!(out, "\n[{begins}]")?;
            }
            // A path may hold anything, but a comment must stay on its line.
            let origin = origin.to_string().replace(char::is_control, "\u{FFFD}");
            writeln!(out, "{line:width$}  # {origin}")?;
        }
        Ok(())
    }
}

/// The table of docs/configuration.md, in Markdown.
pub fn settings_table() -> String {
    let mut table = String::from(
        "| setting | variable, flag | default | value | what it does |\n|---|---|---|---|---|\n",
    );
    for setting in SETTINGS {
        let Setting { key, about, .. } = setting;
        let (default, value) = (default(setting), value(&setting.form));
        // Writing to a string can't fail.
        let _ = writeln!(
            table,
            "| `{key}` | `{}` `--{}` | {default} | {value} | {about} |",
            setting.variable(),
            setting.flag()
        );
    }
    table
}

fn default(setting: &Setting) -> String {
    match setting.default {
        "" => "none".to_owned(),
        default => format!("`{default}`"),
    }
}

fn value(form: &Form) -> String {
    match form {
        Form::Path => "path".to_owned(),
        Form::Address => "`IP:PORT`".to_owned(),
        Form::Addresses => "list of `IP:PORT`".to_owned(),
        Form::Switch => "`true` or `false`".to_owned(),
        Form::Whole(min, max) => format!("{min} to {max}"),
        Form::Seconds(min, max) => format!("{min} to {max}, fractions allowed"),
        Form::Word(words) => {
            words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ")
        }
        Form::Names => "list of names or IP addresses".to_owned(),
        Form::Directives => "level, or `module=level,…`".to_owned(),
        Form::Text(_) | Form::Secret => "text".to_owned(),
        Form::Host => "host".to_owned(),
        Form::HostPort => "`HOST` or `HOST:PORT`".to_owned(),
        Form::Tenant => "name".to_owned(),
    }
}
