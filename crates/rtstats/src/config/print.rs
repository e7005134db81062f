//! The settings written out: as TOML with the origin of each (`rtstats config`), and as the table of the documentation.

use std::fmt::{self, Write};

use super::{
    connections::{Section, quoted},
    form::Form,
    mistake::Origin,
    resolve::Effective,
    section::{CONNECTION_KEYS, Key, PAUSE_KEYS, QUEUE_KEYS, SLA_KEYS},
    settings::{SETTINGS, Setting},
};

/// TOML that reads back as the same settings, but for secrets, each line with where its value comes from.
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
            writeln!(out, "{line:width$}  # {}", on_one_line(origin))?;
        }
        self.sections.iter().try_for_each(|section| write_section(out, section))
    }
}

/// A connection as it was read, but for its secret.
fn write_section(out: &mut fmt::Formatter<'_>, section: &Section) -> fmt::Result {
    let path = section.path();
    writeln!(out, "\n[{path}]  # {}", on_one_line(&section.origin))?;
    let draft = &section.draft;
    write_keys(out, section, "", CONNECTION_KEYS, draft)?;
    for (name, queue) in &draft.mapping.queues {
        let inner = format!("queue.{}", quoted(name));
        writeln!(out, "\n[{path}.{inner}]")?;
        write_keys(out, section, &inner, QUEUE_KEYS, queue)?;
        if let Some(sla) = &queue.sla {
            let keys = SLA_KEYS.iter();
            let values: Vec<String> =
                keys.filter_map(|key| Some(format!("{} = {}", key.name, key.get(sla)?))).collect();
            let origin = section.origin_of(&format!("{inner}.sla"));
            writeln!(out, "sla = {{ {} }}  # {}", values.join(", "), on_one_line(&origin))?;
        }
    }
    if !draft.mapping.agents.is_empty() {
        writeln!(out, "\n[{path}.agent]")?;
    }
    for (member, agent) in &draft.mapping.agents {
        let member = quoted(member);
        let origin = on_one_line(&section.origin_of(&format!("agent.{member}")));
        writeln!(out, "{member} = {}  # {origin}", quoted(agent))?;
    }
    for (reason, pause) in &draft.mapping.pauses {
        let inner = format!("pause.{}", quoted(reason));
        writeln!(out, "\n[{path}.{inner}]")?;
        write_keys(out, section, &inner, PAUSE_KEYS, pause)?;
    }
    Ok(())
}

fn write_keys<T>(
    out: &mut fmt::Formatter<'_>,
    section: &Section,
    path: &str,
    keys: &[Key<T>],
    draft: &T,
) -> fmt::Result {
    let mut lines = Vec::new();
    for key in keys {
        let whole =
            if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
        let given = section.origins.get(&whole);
        let line = match key.get(draft) {
            Some(value) => format!("{} = {value}", key.name),
            None if key.is_secret() && given.is_some() => format!("# {} is not shown", key.name),
            None => continue,
        };
        lines.push((line, given.unwrap_or(&Origin::Default)));
    }
    let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0);
    lines
        .iter()
        .try_for_each(|(line, origin)| writeln!(out, "{line:width$}  # {}", on_one_line(origin)))
}

/// A path may hold anything, but a comment must stay on its line.
fn on_one_line(origin: &Origin) -> String {
    origin.to_string().replace(char::is_control, "\u{FFFD}")
}

/// The tables of a connection's keys in docs/configuration.md, in Markdown.
pub fn connection_tables() -> String {
    let mut tables = String::new();
    table_of(&mut tables, "[connect.asterisk.NAME]", CONNECTION_KEYS);
    table_of(&mut tables, "[connect.asterisk.NAME.queue.\"QUEUE\"]", QUEUE_KEYS);
    table_of(&mut tables, "sla = { … } of a queue", SLA_KEYS);
    table_of(&mut tables, "[connect.asterisk.NAME.pause.\"REASON\"]", PAUSE_KEYS);
    tables
}

fn table_of<T>(out: &mut String, head: &str, keys: &[Key<T>]) {
    // Writing to a string can't fail.
    let _ = write!(out, "\n| `{head}` | default | value | what it does |\n|---|---|---|---|\n");
    for Key { name, form, default, about, .. } in keys {
        let default = match *default {
            "" => "none".to_owned(),
            default => format!("`{default}`"),
        };
        let _ = writeln!(out, "| `{name}` | {default} | {} | {about} |", value(form));
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
