//! The engine's purity: `crates/stats` knows no world, and no result of it depends on a hash's order.

use std::collections::BTreeSet;

use super::manifest::dependencies;
use super::source::{code, find_word, is_word, line_of};
use super::{Tree, Violation};

const RULE: &str = "purity";
const SOURCES: &str = "crates/stats/src/";
const MANIFEST: &str = "crates/stats/Cargo.toml";

/// What the engine may not name: the world, the clock, chance, tasks and threads.
const FORBIDDEN: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time",
    "std::sync::atomic",
    "thread_local",
    "Mutex",
    "RwLock",
    "OnceLock",
    "LazyLock",
    "Instant",
    "SystemTime",
    "RandomState",
    "Timestamp::now",
    "Zoned::now",
    "stdin",
    "stdout",
    "stderr",
    "println",
    "eprintln",
    "print",
    "eprint",
    "async",
    "await",
];

/// What the engine may depend on. A further one is added here with care: none that touches the world.
const DEPENDENCIES: &[&str] = &[
    "crc32fast",
    "hashbrown",
    "itoa",
    "jiff",
    "memchr",
    "postcard",
    "serde",
    "serde_json",
    "slab",
    "strsim",
    "thiserror",
];

/// No file, clock, thread or task in the engine's code.
pub fn the_engine_touches_nothing(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.rust_below(SOURCES) {
        let code = code(text);
        for name in FORBIDDEN {
            for at in find_word(&code, name) {
                let message = format!("the engine may not name `{name}`");
                violations.push(Violation::new(path, line_of(&code, at), RULE, message));
            }
        }
        violations.extend(forbidden_in_groups(path, &code));
    }
    violations
}

/// `use std::{fs, io}` names `std::fs` too.
fn forbidden_in_groups(path: &str, code: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (at, open) in code.match_indices("std::{") {
        let group = &code[at + open.len()..];
        let group = &group[..group.find('}').unwrap_or(group.len())];
        for name in FORBIDDEN.iter().filter_map(|name| name.strip_prefix("std::")) {
            if !find_word(group, name).is_empty() {
                let message = format!("the engine may not name `std::{name}`");
                violations.push(Violation::new(path, line_of(code, at), RULE, message));
            }
        }
    }
    violations
}

/// The engine's dependencies are those declared above.
pub fn the_engine_depends_on_little(tree: &Tree) -> Vec<Violation> {
    let Some(manifest) = tree.text(MANIFEST) else {
        return vec![Violation::new(MANIFEST, 0, RULE, "the engine's manifest is gone")];
    };
    let found = dependencies(manifest).into_iter().filter(|entry| entry.table == "dependencies");
    let strange = found.filter(|entry| !DEPENDENCIES.contains(&entry.name.as_str()));
    strange
        .map(|entry| {
            let message = format!("the engine may not depend on `{}`", entry.name);
            Violation::new(MANIFEST, entry.line, RULE, message)
        })
        .collect()
}

/// Ways to walk a map.
const WALKS: &[&str] = &[
    "iter",
    "iter_mut",
    "into_iter",
    "keys",
    "into_keys",
    "values",
    "values_mut",
    "into_values",
    "drain",
];

/// A hash map of the engine is walked only where a comment says why its order doesn't show: `// order: …`, on
/// the line or the one before.
pub fn no_hash_order_leaks(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.rust_below(SOURCES) {
        let code = code(text);
        let raw: Vec<&str> = text.lines().collect();
        let maps = hash_maps(&code);
        for (index, line) in code.lines().enumerate() {
            let said = [index.wrapping_sub(1), index]
                .iter()
                .any(|at| raw.get(*at).is_some_and(|line| line.contains("// order:")));
            if said {
                continue;
            }
            for map in maps.iter().filter(|map| walks(line, map)) {
                let message =
                    format!("walks the hash map `{map}`; `// order: …` says why that can't show");
                violations.push(Violation::new(path, index + 1, RULE, message));
            }
        }
    }
    violations
}

/// Names that the file declares as a hash map or set: fields, parameters, `let`s. A name that another struct of
/// the file gives to something else is left out: the text alone can't tell which is meant.
fn hash_maps(code: &str) -> BTreeSet<String> {
    let mut maps = BTreeSet::new();
    let mut others = BTreeSet::new();
    for line in code.lines().map(str::trim) {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        let line = line.strip_prefix("let ").unwrap_or(line);
        let line = line.strip_prefix("mut ").unwrap_or(line);
        let name: String = line.chars().take_while(|&c| is_word(c)).collect();
        let kind = line[name.len()..].trim_start();
        let Some(kind) = kind.strip_prefix(':').or_else(|| kind.strip_prefix('=')) else {
            continue;
        };
        let hashed = ["HashMap", "HashSet", "HashTable"];
        if hashed.iter().any(|hash| !find_word(kind, hash).is_empty()) {
            maps.insert(name);
        } else if kind.trim_start().starts_with(char::is_uppercase) && kind.ends_with(',') {
            others.insert(name);
        }
    }
    maps.difference(&others).filter(|name| !name.is_empty()).cloned().collect()
}

fn walks(line: &str, map: &str) -> bool {
    find_word(line, map).into_iter().any(|at| {
        let after = &line[at + map.len()..];
        let called = after.strip_prefix('.').is_some_and(|rest| {
            let method: String = rest.chars().take_while(|&c| is_word(c)).collect();
            WALKS.contains(&method.as_str()) && rest[method.len()..].starts_with('(')
        });
        let before = line[..at].trim_end_matches(|c| is_word(c) || matches!(c, '.' | '&' | ' '));
        let looped = line.trim_start().starts_with("for ")
            && line[before.len()..at].split(' ').any(|word| word == "in")
            && after.trim_start().starts_with('{');
        called || looped
    })
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        let tree = Tree::of(&[("crates/stats/src/a.rs", text), ("crates/rtstats/src/a.rs", text)]);
        let mut found = the_engine_touches_nothing(&tree);
        found.extend(no_hash_order_leaks(&tree));
        let expect: Vec<_> =
            expect.iter().map(|line| format!("crates/stats/src/a.rs:{line}")).collect();
        assert_eq!(places(&found), expect);
    }

    #[test]
    fn the_world_is_found_in_the_engine_and_nowhere_else() {
        check("let a = 1;\nstd::fs::read(p)", &["2"]);
        check("use std::{\n fmt, fs};", &["1"]);
        check("use std::fmt;\n// std::fs\nlet a = \"Instant\";", &[]);
        check("async fn f() {}", &["1"]);
        check("let instant = now;", &[]);
    }

    #[test]
    fn a_walk_over_a_hash_map_is_found() {
        check("struct A {\n by_id: HashMap<u32, u32>,\n}\nfor a in &self.by_id {", &["4"]);
        check("let mut seen = HashSet::new();\nseen.drain().count()", &["2"]);
        check("let seen: HashSet<u32> = HashSet::new();\nseen.iter()", &["2"]);
    }

    #[test]
    fn a_look_up_and_an_explained_walk_are_fine() {
        check("by_id: HashMap<u32, u32>,\nself.by_id.get(&a)", &[]);
        check("by_id: HashMap<u32, u32>,\n// order: sorted below\nself.by_id.keys()", &[]);
        check("a: HashMap<u32, u32>,\n}\nstruct B {\na: Slots<u32>,\n}\nself.a.iter()", &[]);
        check("by_id: BTreeMap<u32, u32>,\nself.by_id.keys()", &[]);
        check("by_id: HashMap<u32, u32>,\nself.list.iter().map(|a| self.by_id[a])", &[]);
    }

    #[test]
    fn a_strange_dependency_is_found() {
        let manifest = "[dependencies]\nserde.workspace = true\ntokio.workspace = true\n\
                        [dev-dependencies]\nproptest.workspace = true\n";
        let found = the_engine_depends_on_little(&Tree::of(&[(MANIFEST, manifest)]));
        assert_eq!(places(&found), ["crates/stats/Cargo.toml:3"]);
    }
}
