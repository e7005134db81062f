//! Plays every scenario on both versions; with RTSTATS_TESTBED_RECORD set it writes the fixtures.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
};

use flate2::{Compression, write::GzEncoder};

use crate::{
    chroot::{Chroot, chroots},
    scenarios::{SCENARIOS, Scenario},
    stage::Stage,
};

/// So many stages at once: they mostly wait.
const STAGES: usize = 8;

/// Entries of queue_log that tell of members, not of calls.
const OF_MEMBERS: &[&str] = &[
    "QUEUESTART",
    "ADDMEMBER",
    "REMOVEMEMBER",
    "PAUSE",
    "UNPAUSE",
    "PAUSEALL",
    "UNPAUSEALL",
    "RINGINUSE",
    "PENALTY",
    "DID",
    "AGENTLOGIN",
    "AGENTLOGOFF",
];

#[test]
fn every_scenario_goes_as_told_on_both_versions() {
    let Some(chroots) = chroots("every_scenario_goes_as_told_on_both_versions") else { return };
    let only = std::env::var("RTSTATS_TESTBED_SCENARIO").ok();
    let named = |name| only.as_ref().is_none_or(|only| only.split(',').any(|one| one == name));
    let all = SCENARIOS.iter().filter(|scenario| named(scenario.name));
    let pairs = all.flat_map(|scenario| chroots.iter().map(move |chroot| (scenario, chroot)));
    let work = Mutex::new(pairs.collect::<Vec<_>>().into_iter());
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..STAGES {
            scope.spawn(|| {
                loop {
                    let Some((scenario, chroot)) = work.lock().unwrap().next() else { return };
                    if let Err(told) = goes_as_told(scenario, chroot) {
                        println!("{told}");
                        wrong.lock().unwrap().push((scenario, chroot));
                    }
                }
            });
        }
    });
    // People in a story have their times, which a busy machine may upset: once more, alone.
    let again = wrong.into_inner().unwrap().into_iter();
    let wrong: Vec<_> =
        again.filter_map(|(scenario, chroot)| goes_as_told(scenario, chroot).err()).collect();
    assert!(wrong.is_empty(), "these went another way:\n{}", wrong.join("\n"));
}

/// Whether a story ends as it is written; else what was heard.
fn goes_as_told(scenario: &Scenario, chroot: &Chroot) -> Result<(), String> {
    let played = thread::scope(|scope| scope.spawn(|| play(scenario, chroot)).join());
    let name = format!("{} on {}", scenario.name, chroot.version);
    match played {
        Ok(log) if is_as_told(&log, scenario.log) => Ok(()),
        Ok(log) => Err(format!("{name}: {log:?}")),
        Err(_) => Err(format!("{name}: see above")),
    }
}

/// Plays a story and gives the entries of its queue_log, call after call.
fn play(scenario: &Scenario, chroot: &Chroot) -> Vec<String> {
    let mut stage = Stage::new(chroot);
    (scenario.play)(&mut stage);
    stage.settle();
    let log = stage.pbx.queue_log();
    if std::env::var_os("RTSTATS_TESTBED_RECORD").is_some() {
        let folder = fixtures().join(chroot.version.to_string());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{}.queue_log", scenario.name)), &log).unwrap();
        let file = fs::File::create(folder.join(format!("{}.ami.gz", scenario.name))).unwrap();
        let mut gzip = GzEncoder::new(file, Compression::best());
        gzip.write_all(&stage.recording.bytes()).unwrap();
        gzip.finish().unwrap();
    }
    // Call after call: what two calls do at once may stand in either order.
    let mut calls: Vec<(&str, Vec<String>)> = Vec::new();
    for line in log.lines() {
        let columns: Vec<&str> = line.split('|').collect();
        let (call, kind) = (columns[1], columns[4]);
        if OF_MEMBERS.contains(&kind) {
            continue;
        }
        match calls.iter_mut().find(|known| known.0 == call) {
            Some(known) => known.1.push(kind.to_owned()),
            None => calls.push((call, vec![kind.to_owned()])),
        }
    }
    for (_, kinds) in &mut calls {
        // The call may stand in its next queue before the first one has written that it was handed over.
        for at in 1..kinds.len() {
            if kinds[at - 1] == "ENTERQUEUE" && kinds[at] == "BLINDTRANSFER" {
                kinds.swap(at - 1, at);
            }
        }
    }
    calls.into_iter().flat_map(|call| call.1).collect()
}

fn is_as_told(log: &[String], told: &[&str]) -> bool {
    let pairs = log.iter().zip(told);
    log.len() == told.len()
        && pairs.into_iter().all(|(is, may)| may.split('|').any(|one| one == is))
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/asterisk")
}
