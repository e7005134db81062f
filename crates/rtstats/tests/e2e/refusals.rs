//! Bad input of every kind, and the answers that it gets.

use crate::{
    client::{Client, Response},
    documents::World,
    server::{AGENTS, EVENTS, QUEUES, STATUS},
};

fn xml_error(answer: &Response, code: u16) {
    assert_eq!(answer.status, code, "{}", answer.text());
    assert!(answer.header("content-type").unwrap().starts_with("application/xml"));
    let body = format!(
        r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><error><code>{code}</code><message>"#
    );
    assert!(answer.text().starts_with(&body), "{}", answer.text());
    assert!(answer.text().ends_with("</message></error>"));
}

fn json_error(answer: &Response, code: u16) {
    assert_eq!(answer.status, code, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let body = answer.json();
    assert_eq!(body["error"]["code"], code);
    assert!(!body["error"]["message"].as_str().unwrap().is_empty());
}

#[test]
fn no_credentials_are_401_with_a_challenge_and_wrong_ones_403() {
    let world = World::new(&[]);
    let nobody = world.server.client(&world.folder);
    let challenged = nobody.get(AGENTS);
    xml_error(&challenged, 401);
    let challenge = r#"Basic realm="rtstats", charset="UTF-8""#;
    assert_eq!(challenged.header("www-authenticate"), Some(challenge));
    json_error(&nobody.get(&format!("{AGENTS}.json")), 401);
    json_error(&nobody.get(STATUS), 401);
    json_error(&nobody.post(EVENTS, "{}"), 401);

    let wrong_token = nobody.signed_in("acme", &"0".repeat(64)).get(AGENTS);
    let unknown_tenant = nobody.signed_in("nobody", &"0".repeat(64)).get(AGENTS);
    xml_error(&wrong_token, 403);
    assert_eq!(wrong_token.body, unknown_tenant.body);
    assert_eq!(wrong_token.header("www-authenticate"), None);
    for odd in ["Basic", "Basic !!!", "Basic YWNtZQ==", "basic  "] {
        let answer = nobody.request("GET", AGENTS, &[("Authorization", odd)], b"");
        assert!(matches!(answer.status, 401 | 403), "{odd}: {}", answer.status);
    }
    let bearer = nobody.request("GET", AGENTS, &[("Authorization", "Bearer x")], b"");
    assert_eq!(bearer.status, 401);
}

#[test]
fn each_token_opens_only_its_own_door() {
    let world = World::new(&[]);
    xml_error(&world.action.get(AGENTS), 403);
    json_error(&world.action.get(STATUS), 403);
    json_error(&world.data.post(EVENTS, "{}"), 403);
}

#[test]
fn a_path_that_is_not_of_the_api_s_form_is_400() {
    let world = World::new(&[]);
    for path in [
        "/agents.yaml",
        "/queues.",
        "/queue/abc",
        "/queue/1.csv",
        "/agent/",
        "/agent",
        "/queue/",
        "/agent/%zz",
        "/agent/%FF",
        "/agent/a/b",
        "/agents/",
    ] {
        xml_error(&world.get(&format!("/api/rtstats/stats{path}")), 400);
    }
    json_error(&world.get("/api/rtstats/stats/queue/abc.json"), 400);
}

#[test]
fn what_is_not_there_is_404() {
    let world = World::new(&[]);
    for path in
        ["/agent/nobody", "/agent/j.do", "/agent/J.DOE", "/queue/116", "/queue/0", "/groups", ""]
    {
        xml_error(&world.get(&format!("/api/rtstats/stats{path}")), 404);
    }
    json_error(&world.get("/api/rtstats/stats/agent/nobody.json"), 404);
    json_error(&world.get("/api"), 404);
    json_error(&world.get("/api/rtstats/agents"), 404);
    json_error(&world.get("/api/rtstats/statsx/agents"), 404);
}

#[test]
fn other_methods_are_405_with_those_that_there_are() {
    let world = World::new(&[]);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let answer = world.data.request(method, QUEUES, &[], b"");
        xml_error(&answer, 405);
        assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{method}");
    }
    let answer = world.action.get(EVENTS);
    json_error(&answer, 405);
    assert_eq!(answer.header("allow"), Some("POST"));
}

#[test]
fn a_tenant_sees_nothing_of_another() {
    let world = World::new(&[]);
    let (data, action) = world.folder.tenant("other", "UTC");
    let client = world.server.client(&world.folder);
    let (data, action) = (client.signed_in("other", &data), client.signed_in("other", &action));
    assert_eq!(data.get("/api/rtstats/stats/agent/j.doe").status, 404);
    let event = r#"{"time":1790000000001,"type":"agent.removed","agent":"j.doe"}"#;
    assert_eq!(action.post(EVENTS, event).json()["ignored"][0]["reason"], "unknown-agent");
    assert_eq!(world.get("/api/rtstats/stats/agent/j.doe").status, 200);
}

#[test]
fn a_new_token_works_and_the_old_one_stops_once_the_command_returns() {
    let world = World::new(&[]);
    let client = world.server.client(&world.folder);
    for _ in 0..5 {
        let old = world.folder.token("acme", "data");
        assert_eq!(client.signed_in("acme", &old).get(AGENTS).status, 200);
        let new = world.folder.token("acme", "data");
        assert_eq!(client.signed_in("acme", &old).get(AGENTS).status, 403);
        assert_eq!(client.signed_in("acme", &new).get(AGENTS).status, 200);
    }
    world.folder.succeed(&["tenant", "remove", "acme"]);
    assert_eq!(world.action.post(EVENTS, "").status, 403);
}

#[test]
fn a_tenant_over_its_rate_is_429() {
    let world = World::new(&["--limits-tenant-requests-per-second-max", "2"]);
    let answers: Vec<Response> = (0..6).map(|_| world.get(QUEUES)).collect();
    let over =
        answers.iter().find(|answer| answer.status == 429).expect("six at once are too many");
    xml_error(over, 429);
    assert_eq!(over.header("retry-after"), Some("1"));
}

#[test]
fn plain_http_is_told_so_and_never_redirected() {
    let world = World::new(&[]);
    let plain = Client::plain(world.server.address).signed_in("acme", "secret");
    let answer = plain.get(AGENTS);
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("location"), None);
    assert!(answer.text().contains("https://"));
}
