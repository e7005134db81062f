//! Trends in the journal: kept whole, read checked, dropped when old or when their tenant goes.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::path::Path;

use rtstats::{
    database::FILE,
    journal::{Journal, Settings, SqliteJournal, Trend},
    tenants::{TenantId, Tenants},
};
use tempfile::TempDir;

fn folder_with(tenants: &[&str]) -> (TempDir, Vec<TenantId>) {
    let folder = TempDir::new().unwrap();
    let mut store = Tenants::open(folder.path()).unwrap();
    let ids = tenants.iter().map(|name| store.add(&name.parse().unwrap(), "UTC").unwrap().id);
    let ids = ids.collect();
    (folder, ids)
}

fn open(folder: &Path) -> SqliteJournal {
    SqliteJournal::open(folder, Settings::default(), Box::new(|_| {})).unwrap()
}

fn trend(tenant: TenantId, minute: i64) -> Trend {
    Trend { tenant, minute: minute * 60_000, points: format!("points {minute}").into_bytes() }
}

fn minutes(journal: &SqliteJournal, tenant: TenantId, after: i64) -> Vec<i64> {
    let trends = journal.trends(tenant, after * 60_000).unwrap();
    assert!(trends.iter().all(|read| *read == trend(tenant, read.minute / 60_000)));
    trends.iter().map(|trend| trend.minute / 60_000).collect()
}

#[test]
fn trends_stay_through_a_restart_until_they_are_old() {
    let (folder, ids) = folder_with(&["acme", "beta"]);
    let journal = open(folder.path());
    for minute in 1..=300 {
        let both = ids.iter().map(|id| trend(*id, minute)).collect();
        journal.keep_trends(both, (minute - 200) * 60_000).unwrap();
    }
    let kept: Vec<i64> = (100..=300).collect();
    assert_eq!(minutes(&journal, ids[0], 0), kept);
    assert_eq!(minutes(&journal, ids[1], 298), [299, 300]);
    journal.keep_trends(vec![trend(ids[0], 300)], 0).unwrap();
    journal.close().unwrap();
    let journal = open(folder.path());
    assert_eq!(minutes(&journal, ids[0], 0), kept);
}

#[test]
fn a_removed_tenant_s_trends_go_and_none_come_after_it() {
    let (folder, ids) = folder_with(&["acme", "beta"]);
    let journal = open(folder.path());
    journal.keep_trends(ids.iter().map(|id| trend(*id, 1)).collect(), 0).unwrap();
    journal.close().unwrap();
    let mut store = Tenants::open(folder.path()).unwrap();
    let _ = store.remove(&"acme".parse().unwrap()).unwrap();
    let journal = open(folder.path());
    journal.keep_trends(ids.iter().map(|id| trend(*id, 2)).collect(), 0).unwrap();
    assert!(minutes(&journal, ids[0], 0).is_empty());
    assert_eq!(minutes(&journal, ids[1], 0), [1, 2]);
}

#[test]
fn a_damaged_trend_is_left_out() {
    let (folder, ids) = folder_with(&["acme"]);
    let journal = open(folder.path());
    journal.keep_trends((1..=3).map(|minute| trend(ids[0], minute)).collect(), 0).unwrap();
    journal.close().unwrap();
    let file = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    let damage = "UPDATE trend SET points = x'00' WHERE minute_ms = 120000";
    assert_eq!(file.execute(damage, []).unwrap(), 1);
    drop(file);
    assert_eq!(minutes(&open(folder.path()), ids[0], 0), [1, 3]);
}
