//! The licenses of what we depend on, as `deny.toml` allows them: what cargo-deny checks of them by what packages say of
//! themselves. It does not read the text of licenses; cargo-deny does.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use toml::Table;

use super::{Tree, Violation, spdx};

const RULE: &str = "license";
const DENY: &str = "deny.toml";

/// The locked packages by the lock file's path.
pub type Packages = BTreeMap<String, Vec<Package>>;

/// A package as it describes itself.
#[derive(Debug, Clone)]
pub struct Package {
    name: String,
    version: String,
    license: Option<String>,
}

impl Package {
    /// Whether `name` or `name@version` means it.
    fn is(&self, named: &str) -> bool {
        match named.split_once('@') {
            Some((name, version)) => name == self.name && version == self.version,
            None => named == self.name,
        }
    }
}

/// What `deny.toml` says of licenses.
struct Allowed {
    everywhere: Vec<String>,
    /// Packages, each with what it alone may have.
    exceptions: Vec<(String, Vec<String>)>,
    /// Packages whose own word is not taken, each with what counts.
    clarified: Vec<(String, String)>,
}

/// The packages of each lock file for the targets of `deny.toml`, read from what cargo has downloaded already.
pub fn locked(tree: &Tree, root: &Path) -> Result<Packages> {
    let deny = deny(tree)?;
    let targets = deny.get("graph").map(|graph| texts(graph, "targets")).unwrap_or_default();
    let read = |(path, _): (&str, &str)| Ok((path.to_owned(), described(root, path, &targets)?));
    tree.ending("Cargo.lock").map(read).collect()
}

fn described(root: &Path, lock: &str, targets: &[String]) -> Result<Vec<Package>> {
    let manifest = Path::new(lock).with_extension("toml");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version=1", "--locked", "--offline", "--manifest-path"]);
    command.arg(&manifest).current_dir(root);
    for target in targets {
        command.arg("--filter-platform").arg(target);
    }
    let output = command.output().context("cannot start cargo")?;
    let manifest = manifest.display();
    ensure!(
        output.status.success(),
        "{}\ncannot read the licenses that {lock} brings. Where packages are missing, `cargo fetch --locked --manifest-path \
         {manifest}` gets them; where the lock file is behind, `cargo update --workspace --manifest-path {manifest}` mends it",
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    let told: Value =
        serde_json::from_slice(&output.stdout).context("cargo metadata told no JSON")?;
    let packages = told["packages"].as_array().context("cargo metadata told no packages")?;
    packages.iter().map(package).collect()
}

fn package(told: &Value) -> Result<Package> {
    let text = |field: &str| told[field].as_str().map(str::to_owned);
    let (name, version) = text("name").zip(text("version")).context("a package without a name")?;
    Ok(Package { name, version, license: text("license") })
}

/// Every locked package's license satisfies `deny.toml`.
pub fn the_licenses_are_allowed(tree: &Tree) -> Vec<Violation> {
    let allowed = match deny(tree).and_then(|deny| Allowed::read(&deny)) {
        Ok(allowed) => allowed,
        Err(error) => return vec![Violation::new(DENY, 0, RULE, format!("{error:#}"))],
    };
    let mut violations = Vec::new();
    for (lock, packages) in &tree.packages {
        for package in packages {
            if let Some(wrong) = allowed.wrong_with(package) {
                let message = format!("{} {}: {wrong}", package.name, package.version);
                violations.push(Violation::new(lock, 0, RULE, message));
            }
        }
    }
    violations
}

fn deny(tree: &Tree) -> Result<Table> {
    tree.text(DENY).context("there is no deny.toml")?.parse().context("cannot read deny.toml")
}

impl Allowed {
    fn read(deny: &Table) -> Result<Allowed> {
        let licenses = deny.get("licenses").context("has no table [licenses]")?;
        let everywhere = texts(licenses, "allow");
        ensure!(!everywhere.is_empty(), "allows no license");
        let entries = |field: &str| {
            let entries = licenses.get(field).and_then(toml::Value::as_array).into_iter().flatten();
            entries.map(|entry| Ok((named(entry)?, entry))).collect::<Result<Vec<_>>>()
        };
        let exceptions = entries("exceptions")?.into_iter();
        let clarified = entries("clarify")?.into_iter().map(|(name, entry)| {
            let expression = entry.get("expression").and_then(toml::Value::as_str);
            let expression =
                expression.with_context(|| format!("clarifies nothing of `{name}`"))?;
            Ok((name, expression.to_owned()))
        });
        Ok(Allowed {
            everywhere,
            exceptions: exceptions.map(|(name, entry)| (name, texts(entry, "allow"))).collect(),
            clarified: clarified.collect::<Result<_>>()?,
        })
    }

    /// Why a package may not be there.
    fn wrong_with(&self, package: &Package) -> Option<String> {
        let clarified = self.clarified.iter().find(|(named, _)| package.is(named));
        let own = clarified.map(|(_, expression)| expression).or(package.license.as_ref());
        let Some(own) = own else {
            return Some(format!("names no license; read it, and clarify it in {DENY}"));
        };
        let exceptions = self.exceptions.iter().filter(|(named, _)| package.is(named));
        let excepted: Vec<&String> = exceptions.flat_map(|(_, allow)| allow).collect();
        let is_allowed = |license: &str| {
            self.everywhere.iter().chain(excepted.iter().copied()).any(|allowed| allowed == license)
        };
        match spdx::is_satisfied(own, is_allowed) {
            Ok(true) => None,
            Ok(false) => Some(format!("`{own}` is not allowed by {DENY}")),
            Err(error) => Some(format!("`{own}` is no license expression: {error}")),
        }
    }
}

/// The package that an entry is about: `crate = "name"` or `"name@version"`, and `name` as it was written of old.
fn named(entry: &toml::Value) -> Result<String> {
    let name = entry.get("crate").or(entry.get("name")).and_then(toml::Value::as_str);
    name.map(str::to_owned).with_context(|| format!("an entry names no crate: {entry}"))
}

fn texts(table: &toml::Value, field: &str) -> Vec<String> {
    let list = table.get(field).and_then(toml::Value::as_array).into_iter().flatten();
    list.filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIT: &str = "[licenses]\nallow = [\"MIT\"]\n";

    /// What is found of one package, without its name.
    fn found(deny: &str, license: Option<&str>) -> Vec<String> {
        let (name, version) = ("leftpad".to_owned(), "1.2.3".to_owned());
        let package = Package { name, version, license: license.map(str::to_owned) };
        let mut tree = Tree::of(&[(DENY, deny)]);
        tree.packages.insert("fuzz/Cargo.lock".to_owned(), vec![package]);
        the_licenses_are_allowed(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_forbidden_license_is_found() {
        assert!(found(MIT, Some("MIT OR GPL-3.0-only")).is_empty());
        assert_eq!(
            found(MIT, Some("GPL-3.0-only")),
            [
                "fuzz/Cargo.lock: [license] leftpad 1.2.3: `GPL-3.0-only` is not allowed by deny.toml"
            ]
        );
    }

    #[test]
    fn no_license_and_no_expression_are_found() {
        for (license, word) in [(None, "names no license"), (Some("MIT and"), "no license expr")] {
            let found = found(MIT, license);
            assert!(matches!(&found[..], [only] if only.contains(word)), "{found:?}");
        }
    }

    #[test]
    fn an_exception_holds_for_its_package_alone() {
        let deny = |named: &str| {
            format!("{MIT}exceptions = [{{ crate = \"{named}\", allow = [\"NCSA\"] }}]\n")
        };
        assert!(found(&deny("leftpad"), Some("MIT AND NCSA")).is_empty());
        assert!(found(&deny("leftpad@1.2.3"), Some("MIT AND NCSA")).is_empty());
        assert_eq!(found(&deny("rightpad"), Some("MIT AND NCSA")).len(), 1);
        assert_eq!(found(&deny("leftpad@1.2.4"), Some("MIT AND NCSA")).len(), 1);
    }

    #[test]
    fn a_clarification_stands_for_what_a_package_says() {
        let deny = |expression: &str| {
            format!(
                "{MIT}[[licenses.clarify]]\ncrate = \"leftpad\"\nexpression = \"{expression}\"\n"
            )
        };
        assert!(found(&deny("MIT"), None).is_empty());
        assert_eq!(found(&deny("GPL-3.0-only"), Some("MIT")).len(), 1);
    }

    #[test]
    fn a_file_that_allows_nothing_is_found() {
        for deny in
            ["", "[licenses]\n", "[licenses", "[licenses]\nallow = [\"MIT\"]\nclarify = [{}]"]
        {
            let found = found(deny, Some("MIT"));
            assert!(found[0].starts_with("deny.toml: [license]"), "{found:?}");
        }
    }

    #[test]
    fn licenses_are_read_without_a_network() {
        let linux = ["x86_64-unknown-linux-gnu".to_owned()];
        let packages = described(&crate::root(), "Cargo.lock", &linux).expect("what was built");
        let license = |name| packages.iter().find(|package| package.name == name)?.license.clone();
        assert!(license("rustls").is_some_and(|license| license.contains("MIT")));
        assert_eq!(license("stats").as_deref(), Some("Apache-2.0"));
    }
}
