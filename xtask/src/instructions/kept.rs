//! The kept figures, and what is more or less than they allow.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use toml::Table;

use super::Figures;

const FILE: &str = "crates/rtstats/benches/instructions/kept.toml";

/// What instructions may differ by where nobody says otherwise.
pub const TOLERANCE_PERCENT: u64 = 5;

const HEAD: &str = "\
# Instructions and allocations of the hot paths, as `cargo xtask instructions --record` counted them.
# More instructions than these and the tolerance, or any more allocations, fail the checks.
";

/// Figures that are right.
pub struct Kept {
    pub tolerance_percent: u64,
    /// The compiler and valgrind by which they were counted.
    pub tools: String,
    pub figures: Vec<Figures>,
}

/// What a comparison found.
pub struct Verdict {
    pub table: String,
    /// A line for each case that takes too much.
    pub wrong: Vec<String>,
    /// Cases that take less than is kept by more than the tolerance.
    pub lower: Vec<String>,
}

impl Kept {
    /// Reads the tracked file.
    pub fn read(root: &Path) -> Result<Kept> {
        let text = std::fs::read_to_string(root.join(FILE));
        let text = text.with_context(|| format!("cannot read {FILE}"))?;
        Kept::parse(&text).with_context(|| format!("{FILE} is not as --record writes it"))
    }

    fn parse(text: &str) -> Result<Kept> {
        let table: Table = text.parse()?;
        let tolerance_percent = table.get("tolerance_percent").and_then(toml::Value::as_integer);
        let tolerance_percent = tolerance_percent.and_then(|percent| u64::try_from(percent).ok());
        let tolerance_percent = tolerance_percent.filter(|percent| *percent < 100);
        let tools = table.get("tools").and_then(toml::Value::as_str);
        let cases = table.iter().filter_map(|(name, value)| Some((name, value.as_table()?)));
        let figures = cases.map(|(name, case)| {
            figures(name, case).with_context(|| format!("the case {name} lacks a figure"))
        });
        Ok(Kept {
            tolerance_percent: tolerance_percent
                .context("there is no tolerance_percent below 100")?,
            tools: tools.context("there are no tools")?.to_owned(),
            figures: figures.collect::<Result<_>>()?,
        })
    }

    /// Writes the tracked file.
    pub fn write(&self, root: &Path) -> Result<()> {
        std::fs::write(root.join(FILE), self.text()).with_context(|| format!("cannot write {FILE}"))
    }

    fn text(&self) -> String {
        let Kept { tolerance_percent, tools, figures } = self;
        let mut text =
            format!("{HEAD}tolerance_percent = {tolerance_percent}\ntools = \"{tools}\"\n");
        for Figures { name, unit, units, instructions, allocations } in figures {
            // Writing to a string can't fail.
            let _ = write!(
                text,
                "\n[{name}]\nunit = \"{unit}\"\nunits = {units}\ninstructions = {instructions}\nallocations = {allocations}\n"
            );
        }
        text
    }

    /// The figures for docs/benchmarks.md.
    pub fn table(&self) -> String {
        let mut table =
            "| path | per | instructions | allocations |\n|---|---|---:|---:|\n".to_owned();
        for figures in &self.figures {
            let (instructions, allocations) = figures.shown();
            let _ = writeln!(
                table,
                "| {} | {} | {instructions} | {allocations} |",
                figures.name, figures.unit
            );
        }
        table
    }

    /// Compares; `all` says that no kept case may be missing.
    pub fn judge(&self, counted: &[Figures], all: bool) -> Verdict {
        let mut verdict = Verdict { table: String::new(), wrong: Vec::new(), lower: Vec::new() };
        verdict.table += "| path | per | instructions | kept | | allocations | kept |\n|---|---|---:|---:|---:|---:|---:|\n";
        for now in counted {
            let Some(kept) = self.figures.iter().find(|kept| kept.name == now.name) else {
                verdict.wrong.push(format!("{}: there is no kept figure", now.name));
                continue;
            };
            self.compare(now, kept, &mut verdict);
        }
        let gone = |kept: &&Figures| counted.iter().all(|now| now.name != kept.name);
        let gone = self.figures.iter().filter(|_| all).filter(gone);
        verdict
            .wrong
            .extend(gone.map(|kept| format!("{}: there is no such case any more", kept.name)));
        verdict
    }

    fn compare(&self, now: &Figures, kept: &Figures, verdict: &mut Verdict) {
        let percent = 100.0 * (now.instructions as f64 / kept.instructions as f64 - 1.0);
        let (instructions, allocations) = now.shown();
        let (instructions_kept, allocations_kept) = kept.shown();
        let _ = writeln!(
            verdict.table,
            "| {} | {} | {instructions} | {instructions_kept} | {percent:+.1} % | {allocations} | {allocations_kept} |",
            now.name, now.unit,
        );
        let name = &now.name;
        if (now.units, &now.unit) != (kept.units, &kept.unit) {
            verdict.wrong.push(format!("{name}: it measures something else than what is kept"));
            return;
        }
        let tolerance = self.tolerance_percent;
        let (hundredfold, kept_all) = (now.instructions * 100, kept.instructions);
        if hundredfold > kept_all * (100 + tolerance) {
            let all = format!("{} instructions instead of {}", now.instructions, kept.instructions);
            verdict
                .wrong
                .push(format!("{name}: {all}, {percent:+.1} % where {tolerance} % are allowed"));
        }
        if now.allocations > kept.allocations {
            let all = format!("{} allocations instead of {}", now.allocations, kept.allocations);
            verdict.wrong.push(format!("{name}: {all} in {} units", now.units));
        }
        if hundredfold < kept_all * (100 - tolerance) || now.allocations < kept.allocations {
            verdict.lower.push(name.clone());
        }
    }
}

impl Figures {
    /// Both figures per unit.
    fn shown(&self) -> (String, String) {
        let per_unit = |figure: u64| figure as f64 / self.units as f64;
        let allocations = format!("{:.2}", per_unit(self.allocations));
        let allocations = allocations.trim_end_matches('0').trim_end_matches('.').to_owned();
        (crate::bench::grouped(per_unit(self.instructions)), allocations)
    }
}

fn figures(name: &str, case: &Table) -> Option<Figures> {
    let number = |key: &str| u64::try_from(case.get(key)?.as_integer()?).ok();
    Some(Figures {
        name: name.to_owned(),
        unit: case.get("unit")?.as_str()?.to_owned(),
        units: number("units")?,
        instructions: number("instructions")?,
        allocations: number("allocations")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(instructions: u64, allocations: u64) -> Figures {
        let (name, unit) = ("parse".to_owned(), "event".to_owned());
        Figures { name, unit, units: 10, instructions, allocations }
    }

    fn kept() -> Kept {
        let tools = "rustc 1.0.0, valgrind-3".to_owned();
        Kept { tolerance_percent: 3, tools, figures: vec![counted(1_000, 20)] }
    }

    #[test]
    fn what_is_written_is_read() {
        let read = Kept::parse(&kept().text()).unwrap();
        assert_eq!((read.tolerance_percent, read.tools), (3, kept().tools));
        assert_eq!(read.figures, kept().figures);
        assert!(Kept::parse("tolerance_percent = 3\ntools = \"a\"\n[parse]\nunits = 1\n").is_err());
    }

    #[test]
    fn instructions_have_a_tolerance_and_allocations_none() {
        for (instructions, allocations, wrong, lower) in [
            (1_000, 20, 0, 0),
            (1_030, 20, 0, 0),
            (1_031, 20, 1, 0),
            (970, 20, 0, 0),
            (969, 20, 0, 1),
            (1_000, 21, 1, 0),
            (1_000, 19, 0, 1),
            (1_031, 21, 2, 0),
        ] {
            let verdict = kept().judge(&[counted(instructions, allocations)], true);
            let found = (verdict.wrong.len(), verdict.lower.len());
            assert_eq!(found, (wrong, lower), "{instructions}, {allocations}: {}", verdict.table);
        }
    }

    #[test]
    fn cases_come_and_go_only_by_recording() {
        let other = Figures { name: "other".to_owned(), ..counted(1, 1) };
        assert_eq!(kept().judge(&[counted(1_000, 20), other], true).wrong.len(), 1);
        assert_eq!(kept().judge(&[], true).wrong.len(), 1);
        assert_eq!(kept().judge(&[], false).wrong.len(), 0);
        let more = Figures { units: 11, ..counted(1_000, 20) };
        assert_eq!(kept().judge(&[more], true).wrong.len(), 1);
    }

    #[test]
    fn figures_are_shown_for_each_unit() {
        assert_eq!(counted(123_450, 20).shown(), ("12 345".to_owned(), "2".to_owned()));
        assert_eq!(counted(10, 0).shown(), ("1".to_owned(), "0".to_owned()));
        assert_eq!(counted(10, 1).shown().1, "0.1");
    }
}
