//! The sections `[connect.asterisk.NAME]` of the TOML file, and the variables that stand above them.
//!
//! Reading keeps every value with its origin; what values say together is judged in [`super::judge`].

use std::{collections::BTreeMap, ffi::OsString};

use stats::{
    event::Sla,
    limit::{self, EVALUATE_EVERY_SECONDS},
};
use toml::de::{DeTable, DeValue};

use super::{
    environment::PREFIX,
    file::{kind, text_of},
    mistake::{Mistake, Origin, suggestion},
    section::{CONNECTION_KEYS, Draft, Key, PAUSE_KEYS, QUEUE_KEYS, SLA_KEYS},
};
use crate::connect::asterisk::settings::ConnectionName;

/// The table that holds all of it.
pub(super) const TABLE: &str = "connect";

/// What every variable of a section begins with.
pub(super) const VARIABLE_PREFIX: &str = "RTSTATS_CONNECT_";

/// The tables within a section.
const INNER: &[&str] = &["queue", "agent", "pause"];

/// One section, as far as it could be read.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub(super) name: ConnectionName,
    /// Where it begins.
    pub(super) origin: Origin,
    pub(super) draft: Draft,
    /// Of every value that was given, by its path within the section.
    pub(super) origins: BTreeMap<String, Origin>,
    /// Something in it is wrong: no connection comes of it.
    pub(super) faulty: bool,
    /// How a secret can be given, should there be none.
    pub(super) secret_from: String,
}

impl Section {
    /// A section without any value.
    pub(super) fn new(name: ConnectionName, origin: Origin) -> Section {
        let (draft, origins) = (Draft::default(), BTreeMap::new());
        let secret = CONNECTION_KEYS.iter().find(|key| key.is_secret());
        let variable = secret.map(|key| section_variable(&name, key)).unwrap_or_default();
        let secret_from = format!("it, secret_file or {variable}");
        Section { name, origin, draft, origins, faulty: false, secret_from }
    }

    /// Its name in the file.
    pub(super) fn path(&self) -> String {
        format!("{TABLE}.asterisk.{}", self.name)
    }

    /// Where a value of it came from, or the section itself.
    pub(super) fn origin_of(&self, path: &str) -> Origin {
        self.origins.get(path).unwrap_or(&self.origin).clone()
    }

    /// Notes a mistake at a path within the section.
    pub(super) fn wrong(&mut self, path: &str, message: String, mistakes: &mut Vec<Mistake>) {
        self.faulty = true;
        let (key, origin) = (format!("{}.{path}", self.path()), self.origin_of(path));
        mistakes.push(Mistake { key, origin, message });
    }

    /// Takes a value of a variable or a flag.
    pub(super) fn put(
        &mut self,
        key: &Key<Draft>,
        text: &str,
        origin: Origin,
        mistakes: &mut Vec<Mistake>,
    ) {
        self.origins.insert(key.name.to_owned(), origin);
        if !key.set(&mut self.draft, text) {
            self.wrong(key.name, unexpected(key, text), mistakes);
        }
    }
}

/// What is wrong with a value. A secret with a slip is still a secret.
fn unexpected<T>(key: &Key<T>, text: &str) -> String {
    match key.is_secret() {
        true => format!("expected {}", key.form.expects()),
        false => format!("expected {}, found {text:?}", key.form.expects()),
    }
}

/// What stands below `[connect]`.
pub(super) fn read(
    value: &DeValue<'_>,
    origin: Origin,
    at: &dyn Fn(usize) -> Origin,
    sections: &mut Vec<Section>,
    mistakes: &mut Vec<Mistake>,
) {
    for (path, origin, value) in tables(value, TABLE, origin, at, mistakes) {
        if path != "connect.asterisk" {
            let message = "no such connector; did you mean connect.asterisk?".to_owned();
            mistakes.push(Mistake { key: path, origin, message });
            continue;
        }
        for (path, origin, value) in tables(value, &path, origin, at, mistakes) {
            let name = path.rsplit('.').next().unwrap_or_default();
            let (name, table) = match (name.parse(), value.as_table()) {
                (Ok(name), Some(table)) => (name, table),
                (Err(message), _) => {
                    mistakes.push(Mistake { key: path, origin, message });
                    continue;
                }
                (Ok(_), None) => {
                    mistakes.push(Mistake { key: path, origin, message: no_table() });
                    continue;
                }
            };
            let section = Section::new(name, origin);
            let mut reader = Reader { section, at, mistakes };
            reader.connection(table);
            sections.push(reader.section);
        }
    }
}

/// What a table holds, with path and origin; anything else than a table is a mistake.
fn tables<'a, 'b>(
    value: &'b DeValue<'a>,
    path: &str,
    origin: Origin,
    at: &dyn Fn(usize) -> Origin,
    mistakes: &mut Vec<Mistake>,
) -> Vec<(String, Origin, &'b DeValue<'a>)> {
    let Some(table) = value.as_table() else {
        mistakes.push(Mistake { key: path.to_owned(), origin, message: no_table() });
        return Vec::new();
    };
    let each = table.iter().map(|(key, value)| {
        (format!("{path}.{}", key.get_ref()), at(key.span().start), value.get_ref())
    });
    each.collect()
}

fn no_table() -> String {
    "expected tables, as in [connect.asterisk.NAME]".to_owned()
}

/// Reads one section.
struct Reader<'a> {
    section: Section,
    at: &'a dyn Fn(usize) -> Origin,
    mistakes: &'a mut Vec<Mistake>,
}

impl Reader<'_> {
    fn connection(&mut self, table: &DeTable<'_>) {
        let mut draft = std::mem::take(&mut self.section.draft);
        let inner = self.fill(CONNECTION_KEYS, INNER, "", table, &mut draft);
        for (path, value) in inner {
            let Some(table) = value.as_table() else {
                let message = format!("expected tables, as in [{}.{path}.…]", self.section.path());
                self.wrong(&path, message);
                continue;
            };
            for (key, value) in table {
                let name: &str = key.get_ref();
                let whole = format!("{path}.{}", quoted(name));
                self.section.origins.insert(whole.clone(), (self.at)(key.span().start));
                match path.as_str() {
                    "queue" => self.queue(&whole, name, value.get_ref(), &mut draft),
                    "pause" => self.pause(&whole, name, value.get_ref(), &mut draft),
                    _ => self.agent(&whole, name, value.get_ref(), &mut draft),
                }
            }
        }
        self.section.draft = draft;
    }

    fn queue(&mut self, path: &str, name: &str, value: &DeValue<'_>, draft: &mut Draft) {
        let Some(table) = value.as_table() else {
            return self.wrong(path, "expected a table, as in { number = 101 }".to_owned());
        };
        let mut queue = draft.mapping.queues.remove(name).unwrap_or_default();
        for (path, value) in self.fill(QUEUE_KEYS, &["sla"], path, table, &mut queue) {
            let Some(table) = value.as_table() else {
                let message = "expected a table, as in { percent = 80, within_seconds = 20 }";
                self.wrong(&path, message.to_owned());
                continue;
            };
            let evaluate_every_seconds = EVALUATE_EVERY_SECONDS;
            let mut sla = Sla { percent: 0, within_seconds: 0, evaluate_every_seconds };
            self.fill(SLA_KEYS, &[], &path, table, &mut sla);
            for key in SLA_KEYS.iter().filter(|key| key.default.is_empty()) {
                let whole = format!("{path}.{}", key.name);
                if !self.section.origins.contains_key(&whole) {
                    self.wrong(&path, format!("{} must be given in it", key.name));
                }
            }
            queue.sla = Some(sla);
        }
        draft.mapping.queues.insert(name.to_owned(), queue);
    }

    fn pause(&mut self, path: &str, name: &str, value: &DeValue<'_>, draft: &mut Draft) {
        let Some(table) = value.as_table() else {
            return self.wrong(path, "expected a table, as in { item = 1 }".to_owned());
        };
        let mut pause = draft.mapping.pauses.remove(name).unwrap_or_default();
        self.fill(PAUSE_KEYS, &[], path, table, &mut pause);
        draft.mapping.pauses.insert(name.to_owned(), pause);
    }

    fn agent(&mut self, path: &str, member: &str, value: &DeValue<'_>, draft: &mut Draft) {
        let is_id = |id: &&str| {
            (1..=limit::ID_CHARS_MAX).contains(&id.chars().count())
                && !id.contains(|c: char| c == '/' || c.is_control())
        };
        match value.as_str().filter(is_id) {
            Some(id) => drop(draft.mapping.agents.insert(member.to_owned(), id.to_owned())),
            None => {
                let found = value
                    .as_str()
                    .map_or_else(|| kind(value).to_owned(), |text| format!("{text:?}"));
                let max = limit::ID_CHARS_MAX;
                self.wrong(path, format!(
                    "expected an agent-id of 1 to {max} characters without / and control characters, found {found}"
                ));
            }
        }
    }

    /// Reads the declared keys of a table; those of tables within it are handed back with their paths.
    fn fill<'b, T>(
        &mut self,
        keys: &[Key<T>],
        tables: &[&str],
        path: &str,
        table: &'b DeTable<'_>,
        draft: &mut T,
    ) -> Vec<(String, &'b DeValue<'b>)> {
        let mut inner = Vec::new();
        for (key, value) in table {
            let name: &str = key.get_ref();
            let whole = match path {
                "" => name.to_owned(),
                path => format!("{path}.{name}"),
            };
            self.section.origins.insert(whole.clone(), (self.at)(key.span().start));
            let value = value.get_ref();
            if tables.contains(&name) {
                inner.push((whole, value));
                continue;
            }
            let Some(key) = keys.iter().find(|key| key.name == name) else {
                let known = keys.iter().map(|key| key.name).chain(tables.iter().copied());
                let message = match suggestion(name, known.clone().map(str::to_owned)) {
                    Some(like) => format!("no such setting; did you mean {like}?"),
                    None => format!(
                        "no such setting; there are {}",
                        known.collect::<Vec<_>>().join(", ")
                    ),
                };
                self.wrong(&whole, message);
                continue;
            };
            match text_of(value, &key.form) {
                Some(text) if key.set(draft, &text) => {}
                Some(text) => self.wrong(&whole, unexpected(key, &text)),
                None => {
                    let (expects, found) = (key.form.expects(), kind(value));
                    self.wrong(&whole, format!("expected {expects}, found {found}"));
                }
            }
        }
        inner
    }

    fn wrong(&mut self, path: &str, message: String) {
        self.section.wrong(path, message, self.mistakes);
    }
}

/// A key of TOML as text in quotes.
pub(super) fn quoted(key: &str) -> String {
    // JSON's escapes are TOML's too, but for the one control character that JSON lets stand.
    serde_json::Value::from(key).to_string().replace('\u{7f}', "\\u007f")
}

/// Takes the variables of the sections that the file has.
pub(super) fn read_environment(
    variables: &[(OsString, OsString)],
    sections: &mut [Section],
    mistakes: &mut Vec<Mistake>,
) {
    for (variable, value) in variables {
        let Some(variable) = variable.to_str().filter(|name| is_variable(name)) else { continue };
        let origin = Origin::Environment(variable.to_owned());
        let found = sections.iter_mut().find_map(|section| {
            let key = CONNECTION_KEYS
                .iter()
                .find(|key| section_variable(&section.name, key) == variable)?;
            Some((section, key))
        });
        let Some((section, key)) = found else {
            let known = sections.iter().flat_map(|section| {
                CONNECTION_KEYS.iter().map(|key| section_variable(&section.name, key))
            });
            let message = match suggestion(variable, known) {
                Some(like) => format!("no such setting; did you mean {like}?"),
                None => "no such setting: variables stand for keys of a [connect.asterisk.NAME] of the file"
                    .to_owned(),
            };
            mistakes.push(Mistake { key: variable.to_owned(), origin, message });
            continue;
        };
        match value.to_str() {
            Some(text) => section.put(key, text, origin, mistakes),
            None => {
                let message =
                    format!("expected {}, found bytes that aren't UTF-8", key.form.expects());
                section.origins.insert(key.name.to_owned(), origin);
                section.wrong(key.name, message, mistakes);
            }
        }
    }
}

/// Whether a variable is one of ours here.
pub(super) fn is_variable(name: &str) -> bool {
    name.starts_with(VARIABLE_PREFIX)
}

/// The variable of a key: `secret` of `main` is `RTSTATS_CONNECT_ASTERISK_MAIN_SECRET`.
pub(super) fn section_variable<T>(name: &ConnectionName, key: &Key<T>) -> String {
    let name = name.as_str().replace('-', "_");
    format!("{PREFIX}CONNECT_ASTERISK_{name}_{}", key.name).to_uppercase()
}
