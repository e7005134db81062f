//! The floors of `crates/rtstats`: a module names only modules of lower floors.
//!
//! `crates/rtstats/src/lib.rs` declares them: a module stands on the floor of the last `// Floor N` comment
//! before it. What may be named on the same floor is declared here.

use std::collections::BTreeMap;

use super::source::{code, is_word, line_comments, line_of};
use super::{Tree, Violation};

const RULE: &str = "floors";
const LIBRARY: &str = "crates/rtstats/src/lib.rs";
const MAP: &str = "ARCHITECTURE.md";
const SOURCES: &str = "crates/rtstats/src/";

/// Which modules may name which of their own floor. No two may name each other, even through a third.
const SAME_FLOOR: &[(&str, &[&str])] = &[
    ("telemetry", &["clock"]),
    ("journal", &["database", "tenants"]),
    ("accounts", &["database", "tenants"]),
    ("tenants", &["database"]),
    ("shard", &["board"]),
    ("live", &["board", "shard"]),
    ("ingest", &["api"]),
    ("simulate", &["post"]),
    ("connect", &["ingest", "api", "post", "replay"]),
    ("admin", &["api", "connect", "server"]),
    ("wallboard", &["api"]),
    ("openapi", &["api", "ingest"]),
    ("pages", &["api", "connect", "ingest", "openapi", "wallboard"]),
    ("routes", &["api", "ingest", "openapi", "pages"]),
    ("server", &["api", "routes", "tls"]),
    ("app", &["config"]),
    ("demo", &["app", "config"]),
    ("cli", &["app", "config", "demo"]),
];

const BINARY: &str = "crates/rtstats/src/main.rs";

/// The longest that the binary's own file may be.
const MAIN_LINES_MAX: usize = 150;

/// Every `crate::x` of a module names a lower floor, or is declared above.
pub fn modules_name_only_lower_floors(tree: &Tree) -> Vec<Violation> {
    let Some(library) = tree.text(LIBRARY) else {
        return vec![Violation::new(LIBRARY, 0, RULE, "the file that declares the floors is gone")];
    };
    let (floors, mut violations) = declared(library);
    for (path, text) in tree.rust_below(SOURCES) {
        if path == LIBRARY {
            continue;
        }
        let module = module_of(path);
        let Some(&own) = floors.get(module) else {
            if module != "main" && !is_of_the_binary(tree, module) {
                violations.push(Violation::new(path, 0, RULE, "lib.rs gives it no floor"));
            }
            continue;
        };
        let code = code(text);
        for (at, named) in named_modules(&code, path, &floors) {
            let Some(&floor) = floors.get(named.as_str()) else { continue };
            if named == module || floor < own || (floor == own && may_name(module, &named)) {
                continue;
            }
            let message = if floor == own {
                format!("`{module}` names `{named}` of its own floor {own}, which is not declared")
            } else {
                format!("`{module}` (floor {own}) names `{named}` of the higher floor {floor}")
            };
            violations.push(Violation::new(path, line_of(&code, at), RULE, message));
        }
    }
    violations
}

/// Every module of lib.rs stands in the table of ARCHITECTURE.md, on its floor.
pub fn the_map_shows_every_floor(tree: &Tree) -> Vec<Violation> {
    let (Some(library), Some(map)) = (tree.text(LIBRARY), tree.text(MAP)) else {
        return Vec::new(); // Other rules miss them.
    };
    let (floors, _) = declared(library);
    let missing = floors.iter().filter(|(name, floor)| {
        let row = format!("| {floor} | ");
        let rows = map.lines().filter_map(|line| line.strip_prefix(&row));
        let mut names = rows.flat_map(|rest| {
            rest.split('|').next().unwrap_or_default().split('`').skip(1).step_by(2)
        });
        !names.any(|shown| shown == name.as_str())
    });
    let violations = missing.map(|(name, floor)| {
        let message = format!("the table of floors lacks `{name}` on floor {floor}");
        Violation::new(MAP, 0, RULE, message)
    });
    violations.collect()
}

/// The floors that lib.rs declares, and what is wrong with the declaration.
fn declared(library: &str) -> (BTreeMap<String, u32>, Vec<Violation>) {
    let comments: BTreeMap<usize, String> = line_comments(library).into_iter().collect();
    let mut floors = BTreeMap::new();
    let mut violations = Vec::new();
    let mut floor = None;
    for (index, line) in code(library).lines().enumerate() {
        if let Some(comment) = comments.get(&(index + 1))
            && let Some(rest) = comment.strip_prefix("Floor ")
        {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            floor = digits.parse().ok();
        }
        let line = line.trim();
        let line = line.strip_prefix("pub ").unwrap_or(line);
        let Some(name) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) else {
            continue;
        };
        match floor {
            Some(floor) => drop(floors.insert(name.to_owned(), floor)),
            None => violations.push(Violation::new(
                LIBRARY,
                index + 1,
                RULE,
                format!("`{name}` stands below no `// Floor N` comment"),
            )),
        }
    }
    (floors, violations)
}

/// Whether `main.rs` has the module for itself: the library can't name it.
fn is_of_the_binary(tree: &Tree, module: &str) -> bool {
    let main = code(tree.text(BINARY).unwrap_or_default());
    main.lines().any(|line| line.trim().strip_prefix("mod ") == Some(&format!("{module};")))
}

fn may_name(module: &str, named: &str) -> bool {
    SAME_FLOOR.iter().any(|(who, whom)| *who == module && whom.contains(&named))
}

/// `journal` of `crates/rtstats/src/journal/sqlite.rs`.
fn module_of(path: &str) -> &str {
    let inside = path.strip_prefix(SOURCES).unwrap_or(path);
    let first = inside.split('/').next().unwrap_or(inside);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// How many modules deep a file is: 1 for `src/journal.rs`, 2 for `src/journal/sqlite.rs`.
fn depth_of(path: &str) -> usize {
    let inside = path.strip_prefix(SOURCES).unwrap_or(path);
    inside.trim_end_matches("/mod.rs").split('/').count()
}

/// The top-level modules that a file names, and where: by `crate::`, or by climbing with `super::`.
fn named_modules(code: &str, path: &str, floors: &BTreeMap<String, u32>) -> Vec<(usize, String)> {
    let mut named = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if !code[..at].ends_with(is_word) {
            for (offset, name) in heads(&code[at + "crate::".len()..]) {
                named.push((at + "crate::".len() + offset, name));
            }
        }
    }
    let climb = "super::".repeat(depth_of(path));
    for (at, _) in code.match_indices(&climb) {
        for (offset, name) in heads(&code[at + climb.len()..]) {
            // In a module inside the file one `super` less leads out: only names that are floors count.
            if floors.contains_key(&name) && name != module_of(path) {
                named.push((at + climb.len() + offset, name));
            }
        }
    }
    named
}

/// The first parts of the path, or of each path of the group, that `rest` begins with.
fn heads(rest: &str) -> Vec<(usize, String)> {
    let name_at = |at: usize| -> (usize, String) {
        (at, rest[at..].chars().take_while(|&c| is_word(c)).collect())
    };
    if !rest.starts_with('{') {
        return vec![name_at(0)];
    }
    let mut heads = Vec::new();
    let mut depth = 0;
    let mut expects_name = false;
    for (at, c) in rest.char_indices() {
        match c {
            '{' => {
                depth += 1;
                expects_name = depth == 1;
            }
            '}' => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            ',' => expects_name = depth == 1,
            c if expects_name && is_word(c) => {
                heads.push(name_at(at));
                expects_name = false;
            }
            _ => {}
        }
    }
    heads
}

/// `main.rs` only starts what the library holds.
pub fn the_binary_is_short(tree: &Tree) -> Vec<Violation> {
    let path = BINARY;
    let lines = tree.text(path).map_or(0, |text| text.lines().count());
    if lines <= MAIN_LINES_MAX {
        return Vec::new();
    }
    let message = format!("{lines} lines; the binary's own file has at most {MAIN_LINES_MAX}");
    vec![Violation::new(path, 0, RULE, message)]
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    const DECLARED: &str = "// Floor 1: low.\npub mod clock;\n// Floor 2: order.\npub mod journal;\n\
                            pub mod tenants;\n// Floor 5: high.\nmod app;\n";

    #[track_caller]
    fn check(path: &str, text: &str, expect: &[&str]) {
        let tree = Tree::of(&[(LIBRARY, DECLARED), (path, text)]);
        assert_eq!(places(&modules_name_only_lower_floors(&tree)), expect);
    }

    #[test]
    fn a_lower_floor_may_be_named() {
        check("crates/rtstats/src/app.rs", "use crate::{clock, journal::Batch};", &[]);
    }

    #[test]
    fn a_higher_floor_may_not() {
        let path = "crates/rtstats/src/journal/sqlite.rs";
        check(path, "//! x\nuse crate::app;\n", &["crates/rtstats/src/journal/sqlite.rs:2"]);
        check(path, "fn f() {\n crate::app::g()\n}", &["crates/rtstats/src/journal/sqlite.rs:2"]);
        check(path, "use super::super::app;", &["crates/rtstats/src/journal/sqlite.rs:1"]);
    }

    #[test]
    fn groups_over_several_lines_are_seen() {
        let text = "use crate::{\n    clock::{now, later},\n    app::App,\n};";
        check("crates/rtstats/src/journal.rs", text, &["crates/rtstats/src/journal.rs:3"]);
    }

    #[test]
    fn the_same_floor_must_be_declared() {
        check("crates/rtstats/src/journal.rs", "use crate::tenants::TenantId;", &[]);
        let wrong = ["crates/rtstats/src/tenants.rs:1"];
        check("crates/rtstats/src/tenants.rs", "use crate::journal::Batch;", &wrong);
    }

    #[test]
    fn words_in_comments_and_texts_count_for_nothing() {
        check("crates/rtstats/src/clock.rs", "// crate::app\nconst A: &str = \"crate::app\";", &[]);
    }

    #[test]
    fn every_module_has_a_floor() {
        check("crates/rtstats/src/board.rs", "", &["crates/rtstats/src/board.rs:0"]);
        let files = [(LIBRARY, DECLARED), (BINARY, "mod own;"), ("crates/rtstats/src/own.rs", "")];
        assert!(modules_name_only_lower_floors(&Tree::of(&files)).is_empty());
        let (floors, wrong) = declared("mod clock;\n// Floor 2.\nmod journal;");
        assert_eq!(floors.get("journal"), Some(&2));
        assert_eq!(places(&wrong), ["crates/rtstats/src/lib.rs:1"]);
    }

    #[test]
    fn a_module_missing_from_the_map_is_found() {
        let library = "// Floor 1.\npub mod clock;\n// Floor 4.\npub mod routes;\npub mod tls;";
        let check = |map: &str, lacking: usize| {
            let tree = Tree::of(&[(LIBRARY, library), (MAP, map)]);
            assert_eq!(the_map_shows_every_floor(&tree).len(), lacking, "{map}");
        };
        check("| 1 | `clock` | `now` | |\n| 4 | `tls`, `routes` | | |", 0);
        check("| 1 | `clock` | | |\n| 4 | `tls` | `routes` | |", 1);
        check("| 1 | `clock`, `routes` | | |\n`tls`", 2);
    }

    #[test]
    fn the_same_floor_declarations_have_no_circle() {
        fn reaches(from: &str, to: &str) -> bool {
            let whom = SAME_FLOOR.iter().filter(|(who, _)| *who == from);
            whom.flat_map(|(_, whom)| *whom).any(|next| *next == to || reaches(next, to))
        }
        assert!(reaches("cli", "config"));
        for (who, _) in SAME_FLOOR {
            assert!(!reaches(who, who), "{who} names itself through others");
        }
    }

    #[test]
    fn a_long_binary_is_found() {
        let long = "\n".repeat(MAIN_LINES_MAX + 1);
        let tree = Tree::of(&[("crates/rtstats/src/main.rs", &long)]);
        assert_eq!(the_binary_is_short(&tree).len(), 1);
        let tree = Tree::of(&[("crates/rtstats/src/main.rs", "fn main() {}\n")]);
        assert_eq!(the_binary_is_short(&tree), []);
    }
}
