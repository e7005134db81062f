//! From sections to connections: what values must be there, and what they say together.

use std::{collections::BTreeMap, io, path::Path};

use super::{
    connections::{Section, quoted},
    form::{Form, Value},
    mistake::{Mistake, Origin},
    section::Draft,
};
use crate::connect::asterisk::{
    ami::{Secret, Target, Tls},
    settings::Connection,
};

/// Reads a file that holds a secret.
pub type ReadFile = dyn Fn(&Path) -> io::Result<String>;

/// The connections of all sections without mistakes; what is wrong with the others is told.
pub(super) fn connections(
    sections: &mut [Section],
    read_file: &ReadFile,
    mistakes: &mut Vec<Mistake>,
) -> Vec<Connection> {
    for section in sections.iter_mut() {
        one_secret(section, read_file, mistakes);
        tls_together(section, mistakes);
        numbers_once(section, mistakes);
    }
    names_apart(sections, mistakes);
    queues_apart(sections, mistakes);
    sections.iter_mut().filter_map(|section| connection(section, mistakes)).collect()
}

fn connection(section: &mut Section, mistakes: &mut Vec<Mistake>) -> Option<Connection> {
    let Draft { tenant, address, username, .. } = &section.draft;
    let missing = [
        ("tenant", tenant.is_none()),
        ("address", address.is_none()),
        ("username", username.is_none()),
    ];
    for (key, missing) in missing {
        // A value that was wrong has been told already.
        if missing && !section.origins.contains_key(key) {
            section.wrong(key, "required".to_owned(), mistakes);
        }
    }
    if section.faulty {
        return None;
    }
    let draft = section.draft.clone();
    let tls =
        draft.tls.then_some(Tls { ca_file: draft.tls_ca, server_name: draft.tls_server_name });
    Some(Connection {
        name: section.name.clone(),
        tenant: draft.tenant?,
        target: Target {
            address: draft.address?.to_string(),
            tls,
            username: draft.username?,
            secret: draft.secret?,
            allow_plain_login: draft.allow_plain_login,
        },
        mapping: draft.mapping,
    })
}

/// A secret from exactly one place. Of two sources the higher counts, also where one names a file and the other doesn't.
fn one_secret(section: &mut Section, read_file: &ReadFile, mistakes: &mut Vec<Mistake>) {
    let given = |key: &str| section.origins.get(key).map(rank);
    let file = match (given("secret"), given("secret_file")) {
        (None, None) => {
            let message = format!("required: give {}", section.secret_from);
            return section.wrong("secret", message, mistakes);
        }
        (Some(secret), Some(file)) if secret == file => {
            let message = "secret is given too: leave one of them out".to_owned();
            return section.wrong("secret_file", message, mistakes);
        }
        (secret, file) => file > secret,
    };
    let Some(path) = section.draft.secret_file.clone().filter(|_| file) else { return };
    match read_file(&path) {
        Ok(text) => match Secret::read(text.lines().next().unwrap_or_default(), &Form::Secret) {
            Some(secret) => section.draft.secret = Some(secret),
            None => {
                let message = format!("the first line of {} is no secret", path.display());
                section.wrong("secret_file", message, mistakes);
            }
        },
        Err(error) => {
            let message = format!("can't read {}: {error}", path.display());
            section.wrong("secret_file", message, mistakes);
        }
    }
}

/// Higher sources outrank lower ones.
fn rank(origin: &Origin) -> u8 {
    match origin {
        Origin::Default => 0,
        Origin::File { .. } => 1,
        Origin::Environment(_) => 2,
        Origin::Flag(_) => 3,
    }
}

fn tls_together(section: &mut Section, mistakes: &mut Vec<Mistake>) {
    if section.draft.tls {
        return;
    }
    for key in ["tls_ca", "tls_server_name"] {
        if section.origins.contains_key(key) {
            section.wrong(key, "has no effect without tls = true".to_owned(), mistakes);
        }
    }
}

/// No number stands for two queues, no item for two reasons.
fn numbers_once(section: &mut Section, mistakes: &mut Vec<Mistake>) {
    let (mut queues, mut items) = (BTreeMap::new(), BTreeMap::new());
    let mut twice = Vec::new();
    for (name, queue) in &section.draft.mapping.queues {
        if let Some(first) = queue.number.and_then(|number| queues.insert(number, name)) {
            twice.push((
                format!("queue.{}.number", quoted(name)),
                format!("queue {first:?} has it too"),
            ));
        }
    }
    for (reason, pause) in &section.draft.mapping.pauses {
        if let Some(first) = pause.item.and_then(|item| items.insert(item, reason)) {
            twice.push((
                format!("pause.{}.item", quoted(reason)),
                format!("pause {first:?} has it too"),
            ));
        }
    }
    for (path, message) in twice {
        section.wrong(&path, message, mistakes);
    }
}

/// No two names stand for the same variables.
fn names_apart(sections: &mut [Section], mistakes: &mut Vec<Mistake>) {
    let mut seen = BTreeMap::new();
    for section in sections {
        let folded = section.name.as_str().replace('-', "_").to_uppercase();
        if let Some(first) = seen.insert(folded, section.name.clone()) {
            let message = format!("too much like `{first}`: their variables would be the same");
            section.faulty = true;
            mistakes.push(Mistake { key: section.path(), origin: section.origin.clone(), message });
        }
    }
}

/// Connections of one tenant share its queue numbers: each must then name its queues and their numbers.
fn queues_apart(sections: &mut [Section], mistakes: &mut Vec<Mistake>) {
    let mut sharing: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, section) in sections.iter().enumerate() {
        if let Some(tenant) = &section.draft.tenant {
            sharing.entry(tenant.to_string()).or_default().push(index);
        }
    }
    for (tenant, indexes) in sharing.into_iter().filter(|(_, indexes)| indexes.len() > 1) {
        let mut numbers: BTreeMap<u32, String> = BTreeMap::new();
        for index in indexes {
            let section = &mut sections[index];
            let mapping = &section.draft.mapping;
            let unnumbered = mapping.queues.values().any(|queue| queue.number.is_none());
            let mut wrong = Vec::new();
            if !mapping.only_listed_queues || unnumbered {
                wrong.push(("only_listed_queues".to_owned(), format!(
                    "tenant {tenant} has several connections: set this and give every queue its number, so that no \
                     two queues get the same"
                )));
            }
            for (name, queue) in &mapping.queues {
                let Some(number) = queue.number else { continue };
                if let Some(first) = numbers.get(&number).filter(|first| **first != section.path())
                {
                    let path = format!("queue.{}.number", quoted(name));
                    wrong.push((path, format!("a queue of {first} has it too")));
                }
                numbers.insert(number, section.path());
            }
            for (path, message) in wrong {
                section.wrong(&path, message, mistakes);
            }
        }
    }
}
