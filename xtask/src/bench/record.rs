//! What a benchmark found, in `docs/benchmarks.md` or `docs/reliability.md`: between two marks, so that the prose around it
//! stays; and its pictures in `docs/images`.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};

/// One of them has the marks of a name.
const PAGES: [&str; 2] = ["docs/benchmarks.md", "docs/reliability.md"];
const PICTURES: &str = "docs/images";

/// The flags of `bench record`.
#[derive(clap::Args, Clone)]
pub struct Options {
    /// The benchmark's name in the marks.
    name: String,
}

/// A benchmark's table, and its pictures by name.
#[derive(Debug, Default)]
pub struct Report {
    pub table: String,
    pub plots: Vec<(String, String)>,
}

impl From<String> for Report {
    fn from(table: String) -> Report {
        Report { table, plots: Vec::new() }
    }
}

impl Report {
    /// Writes the table into the page and the pictures beside it.
    pub fn record(&self, name: &str, machine: &str, root: &Path) -> Result<()> {
        let mut text = format!("{}\n\nMeasured on {machine}.\n", self.table.trim_end());
        let pictures = root.join(PICTURES);
        std::fs::create_dir_all(&pictures)?;
        for (plot, svg) in &self.plots {
            let file = format!("bench-{plot}.svg");
            std::fs::write(pictures.join(&file), svg)?;
            text += &format!("\n![{plot}](images/{file})\n");
        }
        for page in PAGES {
            let path = root.join(page);
            let before =
                std::fs::read_to_string(&path).with_context(|| format!("cannot read {page}"))?;
            if let Some(after) = replaced(&before, name, &text) {
                return std::fs::write(&path, after)
                    .with_context(|| format!("cannot write {page}"));
            }
        }
        anyhow::bail!("no page has marks for `{name}`: {}", PAGES.join(", "))
    }
}

/// Records a table that another program printed.
pub fn run(options: &Options, machine: &str, root: &Path) -> Result<()> {
    let mut table = String::new();
    std::io::stdin().read_to_string(&mut table)?;
    anyhow::ensure!(table.contains('|'), "there is no table on standard input");
    print!("{table}");
    Report::from(table).record(&options.name, machine, root)
}

/// The page with another text between the marks of a name.
fn replaced(page: &str, name: &str, text: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- measured: {name} -->\n"), format!("<!-- end: {name} -->"));
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{text}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let page = "a\n<!-- measured: x -->\nold\n<!-- end: x -->\nb\n";
        let new = replaced(page, "x", "new\n").unwrap();
        assert_eq!(new, "a\n<!-- measured: x -->\nnew\n<!-- end: x -->\nb\n");
        assert_eq!(replaced(&new, "x", "old\n").unwrap(), page);
        assert_eq!(replaced(page, "y", "new\n"), None);
    }

    #[test]
    fn a_report_is_recorded_with_its_pictures() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("docs")).unwrap();
        let [other, page] = PAGES.map(|page| root.path().join(page));
        std::fs::write(&other, "<!-- measured: z -->\n<!-- end: z -->\n").unwrap();
        std::fs::write(&page, "<!-- measured: x -->\n<!-- end: x -->\n").unwrap();
        let report = Report {
            table: "| 1 |\n".to_owned(),
            plots: vec![("x".to_owned(), "<svg/>".to_owned())],
        };
        report.record("x", "a machine", root.path()).unwrap();
        let page = std::fs::read_to_string(page).unwrap();
        assert!(page.contains("| 1 |\n\nMeasured on a machine."), "{page}");
        assert!(page.contains("(images/bench-x.svg)"), "{page}");
        assert!(root.path().join("docs/images/bench-x.svg").exists());
        assert!(report.record("y", "a machine", root.path()).is_err());
    }
}
