//! What every page has in common: its HTML, its headers, its assets, its errors.

use crate::{
    browser::{Browser, check_html},
    server::{Folder, Server},
};

#[test]
fn every_page_is_whole_labeled_and_guarded() {
    let folder = Folder::new();
    folder.tenant("acme", "UTC");
    let server = Server::start(&folder, &[]);
    let mut stranger = Browser::new(server.client(&folder));
    let mut maria = Browser::set_up(&server, &folder);
    let mistakes = [
        stranger.post("/sign-in", &[("login", "")]),
        stranger.post("/set-up", &[]),
        maria.post("/manager/accounts/new", &[("role", "agent")]),
        maria.post("/manager/tenants/acme/links", &[("name", "")]),
        maria.post("/account/password", &[]),
    ];
    for answer in &mistakes {
        assert_eq!(answer.status, 422, "{}", answer.text());
        assert!(answer.text().contains("role=\"alert\""));
        check_html("a form with mistakes", answer.text());
    }
    assert_eq!(maria.post("/manager/tenants/acme/links", &[("name", "<b>Wall</b>")]).status, 303);
    let shown = [
        ("/", 200),
        ("/sign-in", 200),
        ("/set-up", 200),
        ("/invitation", 200),
        ("/share", 200),
        ("/nowhere", 404),
        ("/sign-out", 405),
    ];
    let own = [
        ("/", 200),
        ("/account", 200),
        ("/manager", 200),
        ("/manager/accounts", 200),
        ("/manager/accounts/new", 200),
        ("/manager/accounts/1", 200),
        ("/manager/audit", 200),
        ("/manager/audit?tenant=acme&page=9", 200),
        ("/manager/tenants/acme/links", 200),
        ("/manager/tenants/acme/links/1/revoke", 200),
        ("/manager/tenants/acme/links/2/revoke", 404),
        ("/manager/tenants/acme/links/x/revoke", 404),
        ("/manager/tenants/acme/links/1", 404),
        ("/manager/accounts/99", 404),
        ("/manager/tenants/none/links", 404),
    ];
    for (browser, pages) in [(&mut stranger, &shown[..]), (&mut maria, &own[..])] {
        for (path, status) in pages {
            let answer = browser.get(path);
            assert_eq!(answer.status, *status, "{path}");
            check_html(path, answer.text());
            assert!(!answer.text().contains("<b>Wall"), "{path}");
            let policy = answer.header("content-security-policy").unwrap();
            assert!(
                policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
                "{policy}"
            );
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cache-control", "no-store"),
            ] {
                assert_eq!(answer.header(name), Some(value), "{path}: {name}");
            }
            assert_eq!(
                answer.header("strict-transport-security"),
                None,
                "the certificate is our own"
            );
        }
    }
}

#[test]
fn assets_load_compressed_and_for_ever() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]);
    let client = server.client(&folder);
    let page = client.get("/").text().to_owned();
    let named: Vec<&str> = page.split('"').filter(|text| text.starts_with("/assets/")).collect();
    assert!(named.len() >= 4, "{page}");
    for path in named {
        for encoding in ["gzip", "br", "zstd"] {
            let asset = client.request("GET", path, &[("Accept-Encoding", encoding)], b"");
            assert_eq!(asset.header("content-encoding"), Some(encoding), "{path}");
            assert!(asset.header("cache-control").unwrap().contains("immutable"));
            assert_eq!(asset.header("x-content-type-options"), Some("nosniff"));
        }
    }
    assert_eq!(client.get("/favicon.ico").status, 303);
    assert_eq!(client.get("/assets/base-0.css").status, 404);
    let head = client.request("HEAD", "/sign-in", &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn forms_are_bounded_in_size_and_kind() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]);
    let client = server.client(&folder);
    let urlencoded = [("Content-Type", "application/x-www-form-urlencoded")];
    let large = client.request("POST", "/sign-in", &urlencoded, &vec![b'a'; 65 * 1_024]);
    assert_eq!(large.status, 413);
    let json = client.request("POST", "/sign-in", &[("Content-Type", "application/json")], b"{}");
    assert_eq!(json.status, 415);
    let multipart = [("Content-Type", "multipart/form-data; boundary=x")];
    let login = b"--x\r\nContent-Disposition: form-data; name=\"login\"\r\n\r\nmaria\r\n--x--\r\n";
    let files = client.request("POST", "/sign-in", &multipart, login);
    assert_eq!(files.status, 415, "files come from administrators only");
    let next = format!("next={}", "%22".repeat(20_000));
    let grown = client.request("POST", "/sign-in", &urlencoded, next.as_bytes());
    assert_eq!(grown.status, 422);
    assert!(grown.body.len() < 20_000, "what came is not given back: {}", grown.body.len());
    assert_eq!(client.request("PUT", "/sign-in", &[], b"").status, 405);
}
