//! Mistakes in the configuration, for the person who made them: which key, from where, what was expected.

use std::{fmt, path::PathBuf};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// A line of the TOML file, counted from 1.
    File {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A flag, without its dashes.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => write!(out, "default"),
            Origin::File { path, line } => write!(out, "{}:{line}", path.display()),
            Origin::Environment(variable) => write!(out, "environment {variable}"),
            Origin::Flag(flag) => write!(out, "flag --{flag}"),
        }
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The key, or what stands in its place.
    pub key: String,
    /// Where it was found.
    pub origin: Origin,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mistake { key, origin, message } = self;
        match origin {
            Origin::Default => write!(out, "{key}: {message}"),
            _ => write!(out, "{key} ({origin}): {message}"),
        }
    }
}

/// All mistakes of all sources; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(out, "a mistake in the configuration:")?,
            many => write!(out, "{many} mistakes in the configuration:")?,
        }
        self.0.iter().try_for_each(|mistake| write!(out, "\n  {mistake}"))
    }
}

impl std::error::Error for Mistakes {}

/// The candidate nearest to `word`, if it may be meant.
pub(super) fn suggestion(word: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    /// One slip in so many letters is a slip of the fingers; more is another word.
    const LETTERS_PER_SLIP: usize = 5;
    let slips_max = (word.chars().count() / LETTERS_PER_SLIP).clamp(1, 3);
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(word, &candidate), candidate))
        .filter(|(slips, _)| *slips <= slips_max)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}
