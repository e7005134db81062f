//! The form of a Rust file: its length, its opening words, and what may not stay in it.

use super::source::{code, find_word, is_word, line_comments, line_of};
use super::{Tree, Violation};

const RULE: &str = "form";

/// The end of a file.
const LINES_MAX: usize = 600;

/// Beyond this a file wants splitting.
const LINES_GOOD: usize = 400;

/// Names that say nothing about what a file holds.
const EMPTY_NAMES: &[&str] = &["utils", "util", "common", "manager", "helper", "helpers", "misc"];

/// A file of more than 600 lines is split.
pub fn files_are_short(tree: &Tree) -> Vec<Violation> {
    longer_than(tree, LINES_MAX, &format!("the end is {LINES_MAX}"))
}

/// Warnings, not violations: files that want splitting.
pub fn long_files(tree: &Tree) -> Vec<Violation> {
    let mut found = longer_than(tree, LINES_GOOD, &format!("{LINES_GOOD} read well"));
    for warning in &mut found {
        warning.rule = "warning";
    }
    found
}

fn longer_than(tree: &Tree, limit: usize, said: &str) -> Vec<Violation> {
    let lengths = tree.ending(".rs").map(|(path, text)| (path, text.lines().count()));
    let long = lengths.filter(|(_, lines)| *lines > limit);
    long.map(|(path, lines)| Violation::new(path, 0, RULE, format!("{lines} lines; {said}")))
        .collect()
}

/// Every Rust file opens with `//!`: what it is, what it is not, what it keeps.
pub fn files_open_with_their_purpose(tree: &Tree) -> Vec<Violation> {
    let dumb = tree.ending(".rs").filter(|(_, text)| {
        let first = text.lines().next().unwrap_or_default();
        first.strip_prefix("//!").is_none_or(|said| said.trim().len() <= 3)
    });
    let message = "opens with no `//!` that says what the file is for";
    dumb.map(|(path, _)| Violation::new(path, 1, RULE, message)).collect()
}

/// What is left for later is done or dropped, not marked.
pub fn nothing_is_left_for_later(tree: &Tree) -> Vec<Violation> {
    // Put together, so that this file does not break its own rule.
    let marks = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"], ["HA", "CK"]].map(|part| part.concat());
    let macros = ["todo!", "unimplemented!", "dbg!"];
    let mut violations = Vec::new();
    for (path, text) in tree.ending(".rs") {
        for mark in &marks {
            for at in find_word(text, mark) {
                let message = format!("`{mark}`: do it or drop it");
                violations.push(Violation::new(path, line_of(text, at), RULE, message));
            }
        }
        let code = code(text);
        for name in macros {
            for (at, _) in code.match_indices(name) {
                if !code[..at].ends_with(is_word) {
                    let message = format!("`{name}` stays in no commit");
                    violations.push(Violation::new(path, line_of(&code, at), RULE, message));
                }
            }
        }
    }
    violations
}

/// Where unsafe code may stand; each says why beside its `allow`.
const UNSAFE: &[&str] = &["crates/rtstats/src/arenas.rs", "crates/rtstats/src/journal/stepped/"];

/// Unsafe code stands in named places alone.
pub fn unsafe_code_is_named(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.ending(".rs") {
        if UNSAFE.iter().any(|place| path.starts_with(place)) {
            continue;
        }
        let code = code(text);
        for at in find_word(&code, "unsafe").into_iter().chain(find_word(&code, "unsafe_code")) {
            let message = "unsafe code: do without it, or name the place in tidy";
            violations.push(Violation::new(path, line_of(&code, at), RULE, message));
        }
    }
    violations
}

/// Code is in version control, not in comments.
pub fn no_code_sleeps_in_comments(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.ending(".rs") {
        for (line, comment) in line_comments(text) {
            if looks_like_code(&comment) {
                violations.push(Violation::new(path, line, RULE, "commented-out code: delete it"));
            }
        }
    }
    violations
}

/// A guess that errs on the side of prose: code ends in `;`, `{` or `}` and has a call, an assignment or a path
/// outside of backquotes.
fn looks_like_code(comment: &str) -> bool {
    if comment.contains('`') || !comment.ends_with([';', '{', '}']) {
        return false;
    }
    let call = comment.char_indices().any(|(at, c)| c == '(' && comment[..at].ends_with(is_word));
    call || matches!(comment, "}" | "};" | "});")
        || [" = ", "::", "->", "=>", "return "].iter().any(|sign| comment.contains(sign))
}

/// A file's name says what it holds.
pub fn names_say_something(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, _) in tree.ending(".rs") {
        for part in path.split('/') {
            let name = part.strip_suffix(".rs").unwrap_or(part);
            if EMPTY_NAMES.contains(&name) {
                violations.push(Violation::new(path, 0, RULE, format!("`{name}` says nothing")));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn a_long_file_is_warned_of_and_then_refused() {
        let (good, long, end) = ("\n".repeat(400), "\n".repeat(401), "\n".repeat(601));
        let tree = Tree::of(&[("good.rs", &good), ("long.rs", &long), ("end.rs", &end)]);
        assert_eq!(places(&files_are_short(&tree)), ["end.rs:0"]);
        assert_eq!(places(&long_files(&tree)), ["end.rs:0", "long.rs:0"]);
    }

    #[test]
    fn a_file_without_a_purpose_is_found() {
        let tree = Tree::of(&[
            ("good.rs", "//! Reads events.\n"),
            ("empty.rs", "//!\n"),
            ("late.rs", "use a;\n//! Late.\n"),
        ]);
        assert_eq!(places(&files_open_with_their_purpose(&tree)), ["empty.rs:1", "late.rs:1"]);
    }

    #[test]
    fn marks_and_macros_are_found() {
        let mark = ["TO", "DO"].concat();
        let marked = format!("a\n// {mark}: later\n");
        let tree = Tree::of(&[
            ("mark.rs", &marked),
            ("macro.rs", "\ndbg!(x);\n"),
            ("good.rs", "// `dbg!` is not allowed\nlet a = my_dbg!();\n"),
        ]);
        assert_eq!(places(&nothing_is_left_for_later(&tree)), ["macro.rs:2", "mark.rs:2"]);
    }

    #[test]
    fn unsafe_code_outside_of_named_places_is_found() {
        let tree = Tree::of(&[
            ("crates/rtstats/src/journal/stepped/disk.rs", "unsafe { f() }"),
            ("words.rs", "// unsafe in words\nlet a = \"unsafe\";\n"),
            ("allowed.rs", "//! A.\n#![allow(unsafe_code, reason = \"fast\")]\n"),
            ("block.rs", "//! B.\nfn f() {\n    unsafe { g() }\n}\n"),
        ]);
        assert_eq!(places(&unsafe_code_is_named(&tree)), ["allowed.rs:2", "block.rs:3"]);
    }

    #[test]
    fn sleeping_code_is_told_from_prose() {
        for asleep in ["let a = 3;", "self.run(now);", "if a.is_empty() {", "}", "return 3;"] {
            assert!(looks_like_code(asleep), "{asleep}");
        }
        for prose in [
            "as it stands in the log (SPEC §3);",
            "it calls `run(now)`;",
            "the first wins; the rest are duplicates",
        ] {
            assert!(!looks_like_code(prose), "{prose}");
        }
        let tree = Tree::of(&[("a.rs", "//! A.\n/// let a = b();\n// let a = b();\n")]);
        assert_eq!(places(&no_code_sleeps_in_comments(&tree)), ["a.rs:3"]);
    }

    #[test]
    fn empty_names_are_found() {
        let tree = Tree::of(&[("a/utils.rs", ""), ("a/helper/b.rs", ""), ("a/window.rs", "")]);
        assert_eq!(places(&names_say_something(&tree)), ["a/helper/b.rs:0", "a/utils.rs:0"]);
    }
}
