//! Snapshots as bytes: damage and other versions are refused, and what is over leaves no trace in them.

#![allow(clippy::unwrap_used, reason = "a test ends where its own assumption does not hold")]

use proptest::{collection::vec, prelude::any, proptest};
use stats::{
    engine::{Engine, Outcome, SnapshotError},
    event::{Base, Event, GivenCode, Kind, Line, Media, Millis, Sla},
    zone::Zone,
};

const MINUTE_MS: Millis = 60_000;
const DAY_MS: Millis = 86_400_000;
/// 5 June 2024, 08:00 in Berlin.
const MORNING: Millis = 1_717_567_200_000;

fn apply(engine: &mut Engine, time: Millis, kind: Kind<'_>) {
    assert_eq!(engine.apply(&Event { time, origin: None, kind }), Outcome::Applied);
}

/// Ten agents at two queues, available since eight.
fn desk() -> Engine {
    let mut engine = Engine::new(Zone::named("Europe/Berlin").unwrap());
    for queue in 1..=2 {
        configure_queue(&mut engine, MORNING, queue);
    }
    for number in 0..10 {
        configure_agent(&mut engine, MORNING, number);
    }
    engine
}

fn configure_queue(engine: &mut Engine, time: Millis, queue: u32) {
    let sla = Sla { percent: 80, within_seconds: 20, evaluate_every_seconds: 900 };
    let (name, media) = ("queue".into(), Media::Phone);
    apply(engine, time, Kind::QueueConfigured { queue, name, media, sla: Some(sla) });
}

fn configure_agent(engine: &mut Engine, time: Millis, number: u32) {
    let agent = || format!("agent{number}").into();
    apply(engine, time, Kind::AgentConfigured { agent: agent(), name: "Ann".into(), group: None });
    for queue in 1..=2 {
        let (assigned, enabled) = (true, true);
        apply(engine, time, Kind::AssignmentSet { agent: agent(), queue, assigned, enabled });
    }
    let (status, code) = (Base::Available, GivenCode::default());
    apply(engine, time, Kind::AgentStatus { agent: agent(), status, code });
}

/// Transactions of every outcome, one a second, all ended when it returns; tells the time then.
fn work(engine: &mut Engine, transactions: u32) -> Millis {
    let mut time = MORNING;
    for number in 0..transactions {
        let transaction = || format!("t{number}").into();
        let agent = || format!("agent{}", number % 10).into();
        let line = Line::One;
        let mut next = |engine: &mut Engine, kind| {
            time += 1_000;
            apply(engine, time, kind);
        };
        next(engine, Kind::TransactionQueued { transaction: transaction(), queue: 1 + number % 2 });
        match number % 5 {
            0 => next(engine, Kind::TransactionAbandoned { transaction: transaction() }),
            1 => next(engine, Kind::TransactionDiverted { transaction: transaction() }),
            _ => {
                let (transaction, agent) = (transaction, agent);
                for kind in [
                    Kind::TransactionOffered { transaction: transaction(), agent: agent(), line },
                    Kind::TransactionRejected { transaction: transaction(), agent: agent() },
                    Kind::TransactionAccepted {
                        transaction: transaction(),
                        agent: agent(),
                        line: None,
                    },
                    Kind::TransactionReleased { transaction: transaction(), agent: agent() },
                    Kind::TransactionCompleted { transaction: transaction(), agent: agent() },
                ] {
                    next(engine, kind);
                }
            }
        }
    }
    time
}

/// A desk in the middle of its work.
fn busy() -> Engine {
    let mut engine = desk();
    let time = work(&mut engine, 20);
    for number in 0..12_u32 {
        let transaction = || format!("open{number}").into();
        let agent = || format!("agent{}", number % 3).into();
        apply(&mut engine, time, Kind::TransactionQueued { transaction: transaction(), queue: 1 });
        let line = Line::One;
        let offered = Kind::TransactionOffered { transaction: transaction(), agent: agent(), line };
        apply(&mut engine, time, offered);
        if number % 2 == 0 {
            let (transaction, agent) = (transaction(), agent());
            apply(&mut engine, time, Kind::TransactionAccepted { transaction, agent, line: None });
        }
    }
    engine
}

#[test]
fn a_snapshot_cut_short_anywhere_is_refused() {
    let bytes = busy().snapshot();
    assert!(Engine::restore(&bytes).is_ok());
    for len in 0..bytes.len() {
        assert!(Engine::restore(&bytes[..len]).is_err(), "the first {len} bytes");
    }
}

#[test]
fn a_snapshot_with_any_bit_flipped_is_refused() {
    let mut bytes = busy().snapshot();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            assert!(Engine::restore(&bytes).is_err(), "bit {bit} of byte {at}");
            bytes[at] ^= 1 << bit;
        }
    }
}

#[test]
fn a_snapshot_with_more_behind_it_is_refused() {
    let mut bytes = busy().snapshot();
    bytes.push(0);
    assert!(Engine::restore(&bytes).is_err());
}

#[test]
fn another_version_is_named_in_the_refusal() {
    let mut bytes = busy().snapshot();
    let version = u16::from_le_bytes([bytes[4], bytes[5]]) + 1;
    bytes[4..6].copy_from_slice(&version.to_le_bytes());
    assert_eq!(Engine::restore(&bytes).unwrap_err(), SnapshotError::Version(version));
}

#[test]
fn what_is_no_snapshot_is_called_foreign() {
    for bytes in [&b""[..], b"RTS", b"SQLite format 3\0", b"{\"type\":\"agent.status\"}"] {
        assert_eq!(Engine::restore(bytes).unwrap_err(), SnapshotError::Foreign);
    }
}

proptest! {
    #[test]
    fn random_bytes_are_refused(bytes in vec(any::<u8>(), 0..300)) {
        assert!(Engine::restore(&bytes).is_err());
    }

    /// Even bytes whose checksum holds: they are read to the end or refused, without a panic.
    #[test]
    fn a_random_state_under_a_right_header_is_refused(state in vec(any::<u8>(), 0..300)) {
        let mut bytes = busy().snapshot()[..6].to_vec();
        bytes.extend_from_slice(&crc32fast::hash(&state).to_le_bytes());
        bytes.extend_from_slice(&state);
        assert!(Engine::restore(&bytes).is_err());
    }
}

/// Size of the snapshot two days later, when no window reaches any of the work.
fn size_later(mut engine: Engine) -> usize {
    engine.freeze(MORNING + 2 * DAY_MS);
    engine.snapshot().len()
}

#[test]
fn work_that_no_window_reaches_leaves_no_trace() {
    let mut worked = desk();
    work(&mut worked, 10_000);
    let in_work = worked.snapshot().len();
    let (before, after) = (size_later(desk()), size_later(worked));
    // Counts and numbers of entries go on, and take a few bytes more than zeros do.
    assert!(after < before + 100, "{before} bytes without work, {after} after it");
    assert!(after * 10 < in_work, "{in_work} bytes in the midst of it");
}

#[test]
fn the_half_hour_is_forgotten_after_half_an_hour() {
    let mut worked = desk();
    let end = work(&mut worked, 5_000);
    let mut idle = worked.clone();
    let in_work = worked.snapshot().len();
    idle.freeze(end + 30 * MINUTE_MS);
    let (idle, fresh) = (idle.snapshot().len(), desk().snapshot().len());
    // What is left is the day's service level by second of entry: a handful of bytes for each visit.
    assert!(idle < fresh + 8 * 5_000, "{fresh} bytes fresh, {in_work} in work, {idle} idle");
}

#[test]
fn an_agent_or_queue_removed_in_the_midst_of_work_leaves_no_trace() {
    let (mut plain, mut removed) = (desk(), busy());
    let mut time = MORNING + 10 * MINUTE_MS;
    for _ in 0..50 {
        time += MINUTE_MS;
        for engine in [&mut plain, &mut removed] {
            apply(engine, time, Kind::QueueRemoved { queue: 1 });
            for number in 0..3 {
                apply(engine, time, Kind::AgentRemoved { agent: format!("agent{number}").into() });
            }
            configure_queue(engine, time, 1);
            for number in 0..3 {
                configure_agent(engine, time, number);
            }
            for number in 3..10_u32 {
                let agent = format!("agent{number}").into();
                let (queue, assigned, enabled) = (1, true, true);
                apply(engine, time, Kind::AssignmentSet { agent, queue, assigned, enabled });
            }
        }
    }
    let (plain, removed, fresh) = (size_later(plain), size_later(removed), size_later(desk()));
    assert!(removed < plain + 30, "{plain} bytes without open work, {removed} with it");
    // Places of what was removed come free after half an hour: 30 removals of 4 places each at most.
    assert!(plain < fresh + 30 * 4 * 8, "{fresh} bytes fresh, {plain} after removals");
}

#[test]
fn what_is_configured_and_removed_day_after_day_does_not_pile_up() {
    let mut engine = desk();
    let mut sizes = Vec::new();
    for day in 1..=30 {
        let time = MORNING + day * DAY_MS;
        let agent = || format!("temp{day}").into();
        apply(
            &mut engine,
            time,
            Kind::AgentConfigured { agent: agent(), name: "T".into(), group: None },
        );
        configure_queue(&mut engine, time, 100 + day as u32);
        apply(
            &mut engine,
            time,
            Kind::TransactionQueued { transaction: "t".into(), queue: 100 + day as u32 },
        );
        let accepted =
            Kind::TransactionAccepted { transaction: "t".into(), agent: agent(), line: None };
        apply(&mut engine, time, accepted);
        apply(&mut engine, time, Kind::AgentRemoved { agent: agent() });
        apply(&mut engine, time, Kind::QueueRemoved { queue: 100 + day as u32 });
        engine.freeze(time + 60 * MINUTE_MS);
        sizes.push(engine.snapshot().len());
    }
    assert!(sizes[29] <= sizes[1] + 40, "{sizes:?}");
}
