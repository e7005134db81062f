//! `cargo xtask tidy`: the house rules, held by a machine.
//!
//! A rule is a function from the [`Tree`] to violations; it reads nothing else, so that each has a test in
//! which it fails. A rule that gets in the way is changed here, in the open, not worked around.

mod floors;
mod form;
mod licenses;
mod manifest;
mod prose;
mod purity;
mod source;
mod spdx;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The text files of the project, by path from its root, with `/` between the parts.
#[derive(Debug, Default)]
pub struct Tree {
    files: BTreeMap<String, String>,
    /// Files that hold no text.
    pictures: BTreeSet<String>,
    /// What each lock file brings.
    packages: licenses::Packages,
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    path: String,
    /// From 1; 0 stands for the file as a whole.
    line: usize,
    rule: &'static str,
    message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { path, line, rule, message } = self;
        match line {
            0 => write!(f, "{path}: [{rule}] {message}"),
            line => write!(f, "{path}:{line}: [{rule}] {message}"),
        }
    }
}

/// A rule of the house.
type Rule = fn(&Tree) -> Vec<Violation>;

const RULES: &[Rule] = &[
    floors::modules_name_only_lower_floors,
    floors::the_map_shows_every_floor,
    floors::the_binary_is_short,
    purity::the_engine_touches_nothing,
    purity::the_engine_depends_on_little,
    purity::no_hash_order_leaks,
    form::files_are_short,
    form::files_open_with_their_purpose,
    form::nothing_is_left_for_later,
    form::no_code_sleeps_in_comments,
    form::names_say_something,
    form::unsafe_code_is_named,
    manifest::manifests_share_the_tables,
    manifest::the_license_is_whole,
    manifest::the_locked_packages_are_allowed,
    licenses::the_licenses_are_allowed,
    prose::the_documents_are_there,
    prose::names_in_prose_exist,
    prose::limits_in_prose_exist,
    prose::tests_in_prose_exist,
    prose::links_lead_somewhere,
    prose::no_paths_of_one_machine,
];

/// Checks the tree at `root`; fails if a rule is broken.
pub fn run(root: &Path) -> Result<()> {
    let tree = Tree::read(root)?;
    for warning in form::long_files(&tree) {
        println!("{warning}");
    }
    let mut violations: Vec<_> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    violations.sort();
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => {
            println!("tidy: {} rules hold in {} files", RULES.len(), tree.files.len());
            Ok(())
        }
        count => bail!("{count} violations of the house rules"),
    }
}

/// Folders that hold nothing of ours, by name.
const SKIPPED: &[&str] = &[".git", "target", "corpus", "artifacts", "node_modules"];

impl Tree {
    /// Reads every text file below `root`, of files that are not UTF-8 only the path, and what the lock files bring.
    fn read(root: &Path) -> Result<Tree> {
        let mut tree = Tree::default();
        tree.read_folder(root, "")?;
        tree.packages = licenses::locked(&tree, root)?;
        Ok(tree)
    }

    fn read_folder(&mut self, root: &Path, folder: &str) -> Result<()> {
        let place = root.join(folder);
        let listed = std::fs::read_dir(&place);
        for entry in listed.with_context(|| format!("cannot list {}", place.display()))? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let kind = entry.file_type()?;
            if kind.is_dir() {
                if !SKIPPED.contains(&name.as_str()) {
                    self.read_folder(root, &path)?;
                }
            } else if kind.is_file() && name != ".git" {
                match String::from_utf8(std::fs::read(entry.path())?) {
                    Ok(text) => drop(self.files.insert(path, text)),
                    Err(_) => drop(self.pictures.insert(path)),
                }
            }
        }
        Ok(())
    }

    /// Every file, in the order of paths.
    fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The files whose path ends so.
    fn ending<'t>(&'t self, end: &'t str) -> impl Iterator<Item = (&'t str, &'t str)> {
        self.files().filter(move |(path, _)| path.ends_with(end))
    }

    /// The Rust files below a folder.
    fn rust_below<'t>(&'t self, folder: &'t str) -> impl Iterator<Item = (&'t str, &'t str)> {
        self.ending(".rs").filter(move |(path, _)| path.starts_with(folder))
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether there is a file or a folder at this path.
    fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.files.contains_key(path) || self.pictures.contains(path) || {
            let folder = format!("{path}/");
            let after = self.files.range(folder.clone()..).next();
            after.is_some_and(|(first, _)| first.starts_with(&folder))
        }
    }

    #[cfg(test)]
    fn of(files: &[(&str, &str)]) -> Tree {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        Tree { files: files.collect(), ..Tree::default() }
    }
}

impl Violation {
    fn new(path: &str, line: usize, rule: &'static str, message: impl Into<String>) -> Violation {
        Violation { path: path.to_owned(), line, rule, message: message.into() }
    }
}

/// `path:line` of each violation, for tests.
#[cfg(test)]
fn places(violations: &[Violation]) -> Vec<String> {
    violations.iter().map(|found| format!("{}:{}", found.path, found.line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_shows_place_and_rule() {
        let found = Violation::new("a.rs", 3, "floors", "too high");
        assert_eq!(found.to_string(), "a.rs:3: [floors] too high");
        assert_eq!(Violation::new("a.rs", 0, "form", "long").to_string(), "a.rs: [form] long");
    }

    #[test]
    fn a_folder_is_there_if_a_file_is_in_it() {
        let tree = Tree::of(&[("crates/stats/src/lib.rs", ""), ("docs-old/a.md", "")]);
        assert!(tree.has("crates/stats") && tree.has("crates/") && tree.has("docs-old/a.md"));
        assert!(!tree.has("crates/st") && !tree.has("docs"));
    }
}
