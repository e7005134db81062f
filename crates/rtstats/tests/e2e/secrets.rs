//! No secret is at rest: of tokens, passwords, sessions and links the data folder and the log hold nothing that opens anything.

use std::path::Path;

use crate::{
    browser::{Browser, PASSWORD},
    server::{AGENTS, Folder, Server},
};

/// Every file below a folder, with its contents.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            // SQLite's shared memory may come and go.
            false => std::fs::read(&path)
                .map(|bytes| vec![(path.display().to_string(), bytes)])
                .unwrap_or_default(),
        })
        .collect()
}

/// The 32 bytes that 64 digits stand for.
fn bits(digits: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(digit).collect()
}

#[test]
fn neither_the_data_folder_nor_the_log_holds_a_secret() {
    let folder = Folder::new();
    let (data, action) = folder.tenant("acme", "UTC");
    let server = Server::start(&folder, &["--log-level", "trace"]);
    let set_up = server.set_up_secret();
    let mut maria = Browser::set_up(&server, &folder);
    let shared = maria.post("/manager/tenants/acme/links", &[("name", "Wall")]);
    let link = maria.secret(shared.header("location").unwrap());
    let share = link.split_once("share=").or(link.split_once('#')).unwrap().1.to_owned();
    let client = server.client(&folder);
    assert_eq!(client.signed_in("acme", &data).get(AGENTS).status, 200);
    assert_eq!(
        client.signed_in("acme", &action).get(AGENTS).status,
        403,
        "a mistake is no reason to log it"
    );
    assert_eq!(Browser::new(client).sign_in("", "maria", "wrong horse battery").status, 403);
    let cookie = maria.cookie.clone().unwrap();
    let log = server.log();
    let secrets = [
        ("the data token", &*data),
        ("the action token", &action),
        ("the cookie", &cookie),
        ("the link of a wall screen", share.split('&').next().unwrap()),
        ("the set-up link", &set_up),
        ("the password", PASSWORD),
        ("a wrong password", "wrong horse battery"),
    ];
    // While it runs and once it has stopped, when all is in the database's one file.
    let running = files(folder.path());
    assert_eq!(server.terminate(), Some(0));
    let stopped = files(folder.path());
    assert!(
        stopped.iter().any(|(name, bytes)| name.ends_with("rtstats.db") && bytes.len() > 4_096)
    );
    for (what, secret) in secrets {
        assert!(secret.len() >= 12, "{what}: {secret:?}");
        assert!(!log.contains(secret), "{what} is in the log");
        let mut forms = vec![secret.as_bytes().to_vec(), secret.to_uppercase().into_bytes()];
        if secret.len() == 64 {
            forms.push(bits(secret));
        }
        for (name, bytes) in running.iter().chain(&stopped) {
            let found = forms.iter().any(|form| memchr::memmem::find(bytes, form).is_some());
            assert!(!found, "{what} is in {name}");
        }
    }
}

#[test]
fn what_the_data_folder_holds_is_its_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.tenant("acme", "UTC");
    let server = Server::start(&folder, &[]);
    assert_eq!(server.client(&folder).get(AGENTS).status, 401);
    for (name, _) in files(folder.path()) {
        let mode = std::fs::metadata(&name).unwrap().permissions().mode() & 0o777;
        if name.ends_with("key.pem") || name.contains("rtstats.db") {
            assert_eq!(mode & 0o077, 0, "{name} is {mode:o}");
        }
    }
}
