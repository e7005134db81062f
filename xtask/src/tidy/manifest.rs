//! The manifests: one lint table, one version table, one profile table, one license.

use super::{Tree, Violation};

const RULE: &str = "manifest";
const WORKSPACE: &str = "Cargo.toml";

/// A dependency as a manifest names it.
pub struct Dependency {
    /// `dependencies`, `dev-dependencies` or `build-dependencies`.
    pub table: String,
    pub name: String,
    pub line: usize,
    /// What stands behind the name.
    text: String,
}

/// The dependencies that a manifest names, in order.
pub fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut table = String::new();
    let mut found = Vec::new();
    for (index, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            table = name.trim_matches(['[', ']']).to_owned();
        } else if let Some((key, text)) = line.split_once('=')
            && table.rsplit('.').next().is_some_and(|last| last.ends_with("dependencies"))
            && !line.starts_with('#')
        {
            let (name, field) = key.trim().split_once('.').unwrap_or((key.trim(), ""));
            found.push(Dependency {
                table: table.clone(),
                name: name.to_owned(),
                line: index + 1,
                text: format!("{field} = {}", text.trim()),
            });
        }
    }
    found
}

/// Members take versions, lints and the license from the workspace.
pub fn manifests_share_the_tables(tree: &Tree) -> Vec<Violation> {
    let Some(workspace) = tree.text(WORKSPACE) else {
        return vec![Violation::new(WORKSPACE, 0, RULE, "the workspace's manifest is gone")];
    };
    let mut violations = Vec::new();
    let mut want = |path: &str, text: &str, line: &str| {
        if !text.lines().any(|found| found.trim() == line) {
            violations.push(Violation::new(path, 0, RULE, format!("has no line `{line}`")));
        }
    };
    want(WORKSPACE, workspace, "license = \"Apache-2.0\"");
    want(WORKSPACE, workspace, "publish = false");
    let manifests = tree.ending("Cargo.toml").filter(|(path, _)| *path != WORKSPACE);
    let (inside, outside): (Vec<_>, Vec<_>) =
        manifests.partition(|(path, _)| is_member(workspace, path));
    for (path, text) in &inside {
        for line in ["license.workspace = true", "publish.workspace = true", "[lints]"] {
            want(path, text, line);
        }
    }
    for (path, text) in &outside {
        for line in ["license = \"Apache-2.0\"", "publish = false"] {
            want(path, text, line);
        }
    }
    for (path, text) in &inside {
        for entry in dependencies(text) {
            if !entry.text.starts_with("workspace = true")
                && !entry.text.contains("workspace = true,")
                && !entry.text.contains("workspace = true }")
            {
                let message = format!("`{}` has its version here, not in the table", entry.name);
                violations.push(Violation::new(path, entry.line, RULE, message));
            }
        }
        if text.contains("[profile") {
            violations.push(Violation::new(path, 0, RULE, "profiles belong to the workspace"));
        }
    }
    violations
}

fn is_member(workspace: &str, manifest: &str) -> bool {
    let folder = manifest.trim_end_matches("/Cargo.toml");
    let members = workspace.split_once("members = [").map_or("", |(_, rest)| rest);
    let members = members.split(']').next().unwrap_or_default();
    members.split(',').any(|member| member.trim().trim_matches('"') == folder)
}

/// `LICENSE` is the whole Apache License 2.0.
pub fn the_license_is_whole(tree: &Tree) -> Vec<Violation> {
    let text = tree.text("LICENSE").unwrap_or_default();
    let parts = [
        "Apache License",
        "Version 2.0, January 2004",
        "1. Definitions.",
        "9. Accepting Warranty or Additional Liability.",
        "END OF TERMS AND CONDITIONS",
    ];
    let missing = parts.iter().filter(|part| !text.contains(**part));
    missing.map(|part| Violation::new("LICENSE", 0, RULE, format!("lacks `{part}`"))).collect()
}

/// The one source of packages that are not our own.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Both lock files name crates.io alone, and nothing that `deny.toml` bans: what cargo-deny checks of them, without it.
pub fn the_locked_packages_are_allowed(tree: &Tree) -> Vec<Violation> {
    let banned = banned(tree.text("deny.toml").unwrap_or_default());
    if banned.is_empty() {
        return vec![Violation::new("deny.toml", 0, RULE, "has no line `deny = [\"...\"]`")];
    }
    let mut violations = Vec::new();
    for (path, text) in tree.ending("Cargo.lock") {
        for (index, line) in text.lines().enumerate() {
            let Some((key, value)) = line.split_once(" = ") else { continue };
            let value = value.trim_matches('"');
            let message = match key {
                "name" if banned.contains(&value) => format!("`{value}` is banned by deny.toml"),
                "source" if value != CRATES_IO => format!("`{value}` is not crates.io"),
                _ => continue,
            };
            violations.push(Violation::new(path, index + 1, RULE, message));
        }
    }
    violations
}

/// The names in the line `deny = ["one", "two"]`.
fn banned(deny: &str) -> Vec<&str> {
    let list = deny.lines().find_map(|line| line.strip_prefix("deny = [")?.strip_suffix(']'));
    let names = list.unwrap_or_default().split(',').map(|name| name.trim().trim_matches('"'));
    names.filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    const TABLE: &str = "[workspace]\nmembers = [\"crates/a\", \"xtask\"]\n\
                         [workspace.package]\nlicense = \"Apache-2.0\"\npublish = false\n";
    const MEMBER: &str = "[package]\nlicense.workspace = true\npublish.workspace = true\n\
                          [lints]\nworkspace = true\n";

    #[track_caller]
    fn check(path: &str, text: &str, expect: &[&str]) {
        let tree = Tree::of(&[(WORKSPACE, TABLE), (path, text)]);
        assert_eq!(places(&manifests_share_the_tables(&tree)), expect);
    }

    #[test]
    fn a_member_takes_everything_from_the_workspace() {
        let good = format!(
            "{MEMBER}[dependencies]\nserde.workspace = true\n\
             tokio = {{ workspace = true, features = [\"rt\"] }}\n"
        );
        check("crates/a/Cargo.toml", &good, &[]);
    }

    #[test]
    fn a_version_of_its_own_is_found() {
        let wrong = format!("{MEMBER}[dev-dependencies]\ninsta = \"1\"\n");
        check("crates/a/Cargo.toml", &wrong, &["crates/a/Cargo.toml:7"]);
    }

    #[test]
    fn missing_fields_are_found() {
        let three = ["xtask/Cargo.toml:0"; 3];
        check("xtask/Cargo.toml", "[package]\n", &three);
        check("fuzz/Cargo.toml", "[package]\npublish = false\n", &["fuzz/Cargo.toml:0"]);
    }

    #[test]
    fn half_a_license_is_found() {
        let tree = Tree::of(&[("LICENSE", "Apache License\nVersion 2.0, January 2004\n")]);
        assert_eq!(the_license_is_whole(&tree).len(), 3);
    }

    #[test]
    fn banned_packages_and_foreign_sources_are_found() {
        let deny = ("deny.toml", "deny = [\"openssl\", \"native-tls\"]\n");
        let good = format!("[[package]]\nname = \"rustls\"\nsource = \"{CRATES_IO}\"\n");
        let check = |deny, lock: &str| {
            places(&the_locked_packages_are_allowed(&Tree::of(&[deny, ("fuzz/Cargo.lock", lock)])))
        };
        assert!(check(deny, &good).is_empty());
        assert_eq!(check(deny, &good.replace("rustls", "native-tls")), ["fuzz/Cargo.lock:2"]);
        assert_eq!(check(deny, &good.replace("registry+", "git+")), ["fuzz/Cargo.lock:3"]);
        assert_eq!(check(("deny.toml", "[bans]\n"), &good), ["deny.toml:0"]);
    }
}
