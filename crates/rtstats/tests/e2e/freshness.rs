//! How old answers are, and how that can be checked.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    documents::World,
    server::{AGENTS, EVENTS, QUEUES, STATUS, now_ms},
};

fn instant(answer: &crate::client::Response) -> jiff::Timestamp {
    answer.header("rtstats-instant").unwrap().parse().unwrap()
}

#[test]
fn all_documents_of_a_refresh_describe_one_instant() {
    let world = World::new(&["--refresh-seconds", "30"]);
    let first = instant(&world.get(AGENTS));
    for path in ["/queues.json", "/agent/j.doe", "/queue/7", "/agents.csv"] {
        assert_eq!(instant(&world.get(&format!("/api/rtstats/stats{path}"))), first, "{path}");
    }
    assert!((first.as_millisecond() - now_ms()).abs() < 30_000);
}

#[test]
fn an_answer_is_never_older_than_the_refresh_interval() {
    let world = World::new(&["--refresh-seconds", "0.2"]);
    let begun = Instant::now();
    let mut instants = Vec::new();
    while begun.elapsed() < Duration::from_secs(2) {
        let asked = now_ms();
        let described = instant(&world.get(QUEUES)).as_millisecond();
        assert!(asked - described <= 200, "{} ms old", asked - described);
        instants.push(described);
    }
    assert!(instants.is_sorted());
    instants.dedup();
    assert!(instants.len() >= 3, "it is refreshed");
}

#[test]
fn headers_say_which_instant_and_for_how_long() {
    let world = World::new(&["--refresh-seconds", "10"]);
    let answer = world.get(QUEUES);
    let described = instant(&answer);
    let modified = httpdate::parse_http_date(answer.header("last-modified").unwrap()).unwrap();
    let seconds = modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(seconds as i64, described.as_second());
    let max_age =
        answer.header("cache-control").unwrap().strip_prefix("private, max-age=").unwrap();
    assert!((0..=10).contains(&max_age.parse::<u64>().unwrap()), "{max_age}");
}

#[test]
fn the_status_tells_how_far_each_source_has_come() {
    let world = World::new(&[]);
    let now = now_ms();
    let event = |source: &str, seq: u64, time: i64, agent: &str| {
        json!({ "time": time, "type": "agent.status", "agent": agent, "status": "available",
                "source": source, "seq": seq })
        .to_string()
    };
    let batch = [
        event("pbx", 1, now - 60_000, "j.doe"),
        event("pbx", 5, now - 30_000, "nobody"),
        event("pbx", 5, now - 30_000, "j.doe"),
        event("crm", 1, now - 10_000, "j.doe"),
    ];
    assert_eq!(world.action.post(EVENTS, batch.join("\n")).status, 200);
    let status = world.get(STATUS).json();
    assert_eq!(status["tenant"], "acme");
    assert_eq!(status["events"]["duplicates"], 1);
    assert_eq!(status["events"]["ignored"], json!({ "unknown-agent": 1 }));
    let (crm, pbx) = (&status["sources"][0], &status["sources"][1]);
    assert_eq!(
        (&crm["source"], &crm["last-seq"], &crm["missing"]),
        (&json!("crm"), &json!(1), &json!(0))
    );
    assert_eq!(
        (&pbx["last-seq"], &pbx["missing"], &pbx["duplicates"]),
        (&json!(5), &json!(3), &json!(1))
    );
    let behind = pbx["behind-seconds"].as_f64().unwrap();
    assert!((30.0..60.0).contains(&behind), "{behind}");

    let metrics = world.server.admin_page("/metrics");
    let text = metrics.text();
    for series in [
        r#"rtstats_source_missing_events{tenant="acme",source="pbx"} 3"#,
        r#"rtstats_source_duplicate_events{tenant="acme",source="pbx"} 1"#,
        r#"rtstats_source_behind_seconds{tenant="acme",source="crm"}"#,
        "rtstats_tenants 1",
    ] {
        assert!(text.contains(series), "{series} is missing in\n{text}");
    }
    assert!(!text.contains("j.doe"), "no figures by agent");
}

#[test]
fn numbers_that_skip_by_nature_are_not_told_as_missing() {
    let world = World::new(&[]);
    let event = |seq: u64| {
        json!({ "time": now_ms(), "type": "agent.status", "agent": "j.doe", "status": "available",
                "source": "asterisk-queue-log/main", "seq": seq })
        .to_string()
    };
    let batch = [event(1_000), event(24_053_285_847)].join("\n");
    assert_eq!(world.action.post(EVENTS, batch).status, 200);
    let source = &world.get(STATUS).json()["sources"][0];
    assert_eq!(
        (&source["source"], &source["last-seq"], &source["missing"]),
        (&json!("asterisk-queue-log/main"), &json!(24_053_285_847_u64), &json!(null))
    );
    let page = world.server.admin_page("/metrics");
    assert!(page.text().contains("rtstats_source_duplicate_events{"), "{}", page.text());
    assert!(!page.text().contains("rtstats_source_missing_events{"), "{}", page.text());
}

#[test]
fn the_operator_s_pages_tell_health_and_readiness() {
    let world = World::new(&[]);
    assert_eq!(world.server.admin_page("/healthz").status, 200);
    assert_eq!(world.server.admin_page("/readyz").status, 200);
    assert_eq!(world.server.admin_page("/agents").status, 404);
    assert_eq!(world.get("/metrics").status, 404, "not on the public port");
}

#[test]
fn concurrent_first_askers_wait_for_one_rendering() {
    let world = World::new(&["--refresh-seconds", "60"]);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for path in [AGENTS, QUEUES] {
                    assert_eq!(world.get(path).status, 200);
                }
            });
        }
    });
    let metrics = world.server.admin_page("/metrics");
    let rendered: f64 = metrics
        .text()
        .lines()
        .filter(|line| line.starts_with("rtstats_render_duration_seconds_count"))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum();
    assert_eq!(rendered, 2.0, "one list of agents, one of queues");
}
