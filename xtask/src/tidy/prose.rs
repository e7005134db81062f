//! The documents: what they name exists, where they link is something, and no machine's paths are in them.

use std::collections::BTreeSet;

use super::source::{code, find_word, is_word};
use super::{Tree, Violation};

const RULE: &str = "prose";

/// What a reader must find.
const DOCUMENTS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "docs/accounts.md",
    "docs/api.md",
    "docs/benchmarks.md",
    "docs/configuration.md",
    "docs/events.md",
    "docs/operations.md",
];

/// The documents that a reader expects are there.
pub fn the_documents_are_there(tree: &Tree) -> Vec<Violation> {
    let missing = DOCUMENTS.iter().filter(|path| tree.text(path).is_none());
    missing.map(|path| Violation::new(path, 0, RULE, "is missing")).collect()
}

/// Every path, module and type that ARCHITECTURE.md sets as code is in the tree.
pub fn names_in_prose_exist(tree: &Tree) -> Vec<Violation> {
    let path = "ARCHITECTURE.md";
    let Some(text) = tree.text(path) else { return Vec::new() };
    let words = words_of_the_tree(tree);
    let mut violations = Vec::new();
    for (line, span) in code_spans(text) {
        if !names_something(&span) {
            continue;
        }
        let there = if is_path(&span) {
            path_exists(tree, &span)
        } else {
            let parts = span.trim_end_matches("()").trim_end_matches('!').split("::");
            parts.into_iter().all(|part| words.contains(part) || is_module(tree, part))
        };
        if !there {
            let message = format!("`{span}` is not in the tree");
            violations.push(Violation::new(path, line, RULE, message));
        }
    }
    violations.extend(paths_in_drawings(tree, path, text));
    violations
}

/// In drawings (fenced blocks), words that begin like a path of the tree must be one.
fn paths_in_drawings(tree: &Tree, path: &str, text: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (line, text) in fenced_lines(text) {
        for word in text.split(|c: char| !is_word(c) && !matches!(c, '/' | '.' | '-')) {
            let word = word.trim_end_matches('.');
            let ours = ["crates/", "xtask/", "docs/", "bench/", "fuzz/", ".ci/"];
            if ours.iter().any(|start| word.starts_with(start)) && !tree.has(word) {
                let message = format!("`{word}` is not in the tree");
                violations.push(Violation::new(path, line, RULE, message));
            }
        }
    }
    violations
}

/// Whether a code span is one name: a path, a module, a type, a function. Commands, values and texts are not.
fn names_something(span: &str) -> bool {
    let sober = span.trim_end_matches("()").trim_end_matches('!');
    sober.starts_with(|c: char| c.is_alphabetic() || c == '.')
        && sober.chars().all(|c| is_word(c) || matches!(c, ':' | '/' | '.' | '-'))
        && (is_path(span) || !sober.contains(['/', '.', '-']))
}

fn is_path(span: &str) -> bool {
    let ends = [".rs", ".md", ".toml", "/"];
    let starts = ["crates/", "xtask/", "docs/", "bench/", "fuzz/", ".ci/"];
    ends.iter().any(|end| span.ends_with(end)) || starts.iter().any(|start| span.starts_with(start))
}

/// As written from the root, or as the end of a path (`journal/sqlite.rs`).
fn path_exists(tree: &Tree, path: &str) -> bool {
    let end = format!("/{path}");
    tree.has(path) || tree.files().any(|(file, _)| file.ends_with(&end) || file.contains(&end))
}

fn is_module(tree: &Tree, name: &str) -> bool {
    path_exists(tree, &format!("{name}.rs")) || path_exists(tree, &format!("{name}/"))
}

/// Every word of the code, the texts in it and the manifests.
fn words_of_the_tree(tree: &Tree) -> BTreeSet<&str> {
    let sources = tree.files().filter(|(path, _)| {
        (path.ends_with(".rs") && !path.starts_with("xtask/src/tidy")) || path.ends_with(".toml")
    });
    sources.flat_map(|(_, text)| text.split(|c: char| !is_word(c) && c != '-')).collect()
}

/// A limit that a document names is a constant of the code.
pub fn limits_in_prose_exist(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.ending(".md").filter(|(path, _)| *path != "CHANGELOG.md") {
        for (line, span) in code_spans(text) {
            let name = span.rsplit("::").next().unwrap_or(&span);
            let limit = name.contains('_')
                && !name.starts_with("RTSTATS_")
                && ["_MAX", "_MIN", "_MS", "_SECONDS"].iter().any(|unit| name.ends_with(unit))
                && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
            if limit && !is_constant(tree, name) {
                let message = format!("the limit `{name}` is no constant of the code");
                violations.push(Violation::new(path, line, RULE, message));
            }
        }
    }
    violations
}

fn is_constant(tree: &Tree, name: &str) -> bool {
    tree.ending(".rs").any(|(_, text)| !find_word(&code(text), &format!("const {name}")).is_empty())
}

/// A test that a document names, whole or by its beginning (`a_full_disk_…`), is a function where its modules say.
pub fn tests_in_prose_exist(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.ending(".md").filter(|(path, _)| *path != "CHANGELOG.md") {
        for (line, span) in code_spans(text).iter().filter(|(_, span)| names_a_test(span)) {
            if !is_test(tree, span) {
                let message = format!("there is no test `{span}`");
                violations.push(Violation::new(path, *line, RULE, message));
            }
        }
    }
    violations
}

/// Names of tests are claims, of more words than anything else has; metrics come near.
fn names_a_test(span: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_:…".contains(c);
    let name = span.rsplit("::").next().unwrap_or(span);
    let is_metric = name.starts_with("rtstats_") || name.starts_with("process_");
    span.chars().all(word) && name.matches('_').count() >= 3 && !is_metric
}

fn is_test(tree: &Tree, span: &str) -> bool {
    let (modules, name) = span.rsplit_once("::").unwrap_or(("", span));
    let modules = modules.split("::").filter(|module| !["", "tests"].contains(module));
    let places: Vec<_> = modules.map(|name| [format!("/{name}.rs"), format!("/{name}/")]).collect();
    let (head, whole) = match name.strip_suffix('…') {
        Some(head) => (format!("fn {head}"), false),
        None => (format!("fn {name}"), true),
    };
    tree.ending(".rs").any(|(path, text)| {
        places.iter().all(|[file, folder]| path.ends_with(file) || path.contains(folder))
            && match whole {
                true => !find_word(text, &head).is_empty(),
                false => text.contains(&head),
            }
    })
}

/// Relative links of documents lead to a file, and to a heading where they name one.
pub fn links_lead_somewhere(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.ending(".md") {
        for (line, target) in links(text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let place = if file.is_empty() { Some(path.to_owned()) } else { resolve(path, file) };
            let there = place.is_some_and(|place| {
                tree.has(&place)
                    && (anchor.is_empty()
                        || tree.text(&place).is_none_or(|text| has_heading(text, anchor)))
            });
            if !there {
                let message = format!("the link to `{target}` leads nowhere");
                violations.push(Violation::new(path, line, RULE, message));
            }
        }
    }
    violations
}

/// The path that a link means, from the folder of the file that it is in.
fn resolve(from: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Whether a heading has this anchor, as the usual renderers make it.
fn has_heading(text: &str, anchor: &str) -> bool {
    let fenced: BTreeSet<usize> = fenced_lines(text).into_iter().map(|(line, _)| line).collect();
    let lines = text.lines().enumerate().filter(|(index, _)| !fenced.contains(&(index + 1)));
    let headings = lines.filter(|(_, line)| line.starts_with('#'));
    headings.into_iter().any(|(_, line)| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let slug: String = title
            .chars()
            .filter(|&c| is_word(c) || matches!(c, ' ' | '-'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        slug == anchor
    })
}

/// No file names a folder of the machine that it was written on.
pub fn no_paths_of_one_machine(tree: &Tree) -> Vec<Violation> {
    // Put together, so that this file does not break its own rule.
    let folders = ["work", "home", "root", "Users"].map(|name| format!("/{name}/"));
    let mut violations = Vec::new();
    for (path, text) in tree.files().filter(|(path, _)| *path != "Cargo.lock") {
        for (index, line) in text.lines().enumerate() {
            for folder in &folders {
                let alone = line.match_indices(folder.as_str()).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    !before.is_some_and(|c| is_word(c) || matches!(c, '.' | '-' | '}' | '~' | '/'))
                });
                if alone {
                    let message = format!("`{folder}` is a path of one machine");
                    violations.push(Violation::new(path, index + 1, RULE, message));
                }
            }
        }
    }
    violations
}

/// Spans set as code outside of fenced blocks, with their lines.
fn code_spans(text: &str) -> Vec<(usize, String)> {
    let fenced: BTreeSet<usize> = fenced_lines(text).into_iter().map(|(line, _)| line).collect();
    let mut spans = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if !fenced.contains(&(index + 1)) {
            let inside = line.split('`').skip(1).step_by(2);
            spans.extend(inside.map(|span| (index + 1, span.to_owned())));
        }
    }
    spans
}

/// The lines inside fenced blocks, the fences with them.
fn fenced_lines(text: &str) -> Vec<(usize, &str)> {
    let mut open = false;
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let fence = line.trim_start().starts_with("```");
        if open || fence {
            lines.push((index + 1, line));
        }
        open ^= fence;
    }
    lines
}

/// The targets of `[text](target)`, outside of code.
fn links(text: &str) -> Vec<(usize, String)> {
    let fenced: BTreeSet<usize> = fenced_lines(text).into_iter().map(|(line, _)| line).collect();
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if fenced.contains(&(index + 1)) {
            continue;
        }
        let bare: String = line.split('`').step_by(2).collect::<Vec<_>>().join("code");
        for (at, open) in bare.match_indices("](") {
            let rest = &bare[at + open.len()..];
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            found.push((index + 1, target.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn a_missing_document_is_found() {
        let tree = Tree::of(&[("README.md", "")]);
        let found = places(&the_documents_are_there(&tree));
        assert!(found.contains(&"LICENSE:0".to_owned()) && !found.contains(&"README.md:0".into()));
    }

    #[track_caller]
    fn check_names(text: &str, expect: &[&str]) {
        let tree = Tree::of(&[
            ("ARCHITECTURE.md", text),
            ("crates/a/src/journal/sqlite.rs", "struct Batch;\nfn append() {}"),
        ]);
        assert_eq!(places(&names_in_prose_exist(&tree)), expect);
    }

    #[test]
    fn names_that_exist_are_fine() {
        check_names("`Batch`, `journal::append()`, `journal/sqlite.rs`, `crates/a`", &[]);
        check_names("`cargo xtask ci`, `/metrics`, `a = 3`, `text/html`", &[]);
        check_names("```\ncrates/a   the engine\n```", &[]);
    }

    #[test]
    fn names_long_gone_are_found() {
        check_names("a\n`Board`", &["ARCHITECTURE.md:2"]);
        check_names("`journal::prune`", &["ARCHITECTURE.md:1"]);
        check_names("`journal/nats.rs`", &["ARCHITECTURE.md:1"]);
        check_names("```\ncrates/b  gone\n```", &["ARCHITECTURE.md:2"]);
    }

    #[test]
    fn a_limit_that_is_no_constant_is_found() {
        let tree = Tree::of(&[
            ("docs/a.md", "`WAIT_MS_MAX`\n`limit::LINES_MAX` and `RTSTATS_WAIT_MS`"),
            ("a.rs", "const LINES_MAX: u32 = 3; // const WAIT_MS_MAX"),
        ]);
        assert_eq!(places(&limits_in_prose_exist(&tree)), ["docs/a.md:1"]);
    }

    #[test]
    fn a_test_that_is_not_there_is_found() {
        let check = |text: &str, expect: &[&str]| {
            let test = "fn all_that_was_sent_is_kept() {}";
            let tree = Tree::of(&[("docs/a.md", text), ("a/tests/e2e/crash.rs", test)]);
            assert_eq!(places(&tests_in_prose_exist(&tree)), expect);
        };
        check("`all_that_was_sent_is_kept`, `all_that_was_…`, `rtstats_sent_bytes_total`", &[]);
        check("`crash::all_that_was_sent_is_kept`, `crash::tests::all_that_was_…`", &[]);
        check("`all_that_was_sent_is`", &["docs/a.md:1"]);
        check("\n`faults::all_that_was_sent_is_kept`", &["docs/a.md:2"]);
        check("`all_that_is_sent_…`", &["docs/a.md:1"]);
    }

    #[test]
    fn links_are_followed() {
        let good = "[a](b.md) [c](../README.md#first-steps) [d](https://example.com/x) `[e](f)`";
        let wrong = "[a](c.md)\n\n[b](../README.md#second)\n[c](../../x)";
        let tree = Tree::of(&[
            ("README.md", "# T\n## First steps\n```\n# second\n```\n"),
            ("docs/b.md", good),
            ("docs/w.md", wrong),
        ]);
        let found = places(&links_lead_somewhere(&tree));
        assert_eq!(found, ["docs/w.md:1", "docs/w.md:3", "docs/w.md:4"]);
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        let folder = ["", "home", "me"].join("/");
        let wrong = format!("a\ncd {folder}/x\n");
        let fine = format!("https://example.com{folder}/x");
        let tree = Tree::of(&[("docs/a.md", &wrong), ("docs/b.md", &fine)]);
        assert_eq!(places(&no_paths_of_one_machine(&tree)), ["docs/a.md:2"]);
    }
}
