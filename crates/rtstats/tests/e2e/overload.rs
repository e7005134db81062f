//! The short form of `bench/overload`: clients that are up to no good, and what those who mean well notice.
//!
//! The bounds are generous, since the machine may be busy; the figures are in docs/reliability.md.

use std::{
    io::Write,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    client::{Client, Stream, receive},
    documents::World,
    server::{AGENTS, PATIENCE, QUEUES},
};

/// Answers that well-meaning readers get in a while.
fn goodput(client: &Client, time: Duration) -> usize {
    let (answered, end) = (AtomicUsize::new(0), Instant::now() + time);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut stream = client.connect();
                while Instant::now() < end {
                    client.send(&mut *stream, "GET", QUEUES, &[], b"").unwrap();
                    assert_eq!(receive(&mut *stream, false).unwrap().status, 200);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    answered.into_inner()
}

/// Heads that are too large, half handshakes and garbage, over and over until it is over.
fn harass(client: &Client, over: &AtomicBool) {
    let large = "x".repeat(60_000);
    while !over.load(Ordering::Relaxed) {
        let mut stream = client.connect();
        // The server may answer and close before all of it has gone out.
        let _ = client.send_head(&mut *stream, "GET", AGENTS, &[("X-Large", &large)], None);
        if let Ok(answer) = receive(&mut *stream, false) {
            assert_eq!(answer.status, 431);
        }
        let mut bare = client.tcp().unwrap();
        let _ = bare.write_all(&[&[0x16, 3, 1, 0x3f, 0xff][..], &[0xa5; 4_096]].concat());
    }
}

#[test]
fn those_who_mean_well_are_served_beside_those_who_do_not() {
    let world = World::new(&["--limits-header-timeout-seconds", "2"]);
    let time = Duration::from_millis(700);
    let alone = goodput(&world.data, time);
    let mut silent: Vec<Box<dyn Stream>> = (0..300).map(|_| world.data.connect()).collect();
    for stream in &mut silent[..100] {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ").unwrap();
        stream.flush().unwrap();
    }
    for stream in &mut silent[100..150] {
        for _ in 0..4 {
            world.data.send(&mut **stream, "GET", AGENTS, &[], b"").unwrap();
        }
    }
    let over = AtomicBool::new(false);
    let beside = thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| harass(&world.data, &over));
        }
        let beside = goodput(&world.data, time);
        over.store(true, Ordering::Relaxed);
        beside
    });
    // The two who harass take their share of two cores, and so do their handshakes.
    assert!(beside > alone / 8, "{beside} of {alone}");
    assert!(world.server.metric("process_resident_memory_bytes") < 400e6);
    drop(silent);
    let deadline = Instant::now() + PATIENCE;
    while world.server.metric("rtstats_connections_open") > 0.0 {
        assert!(Instant::now() < deadline, "connections stay");
        thread::sleep(Duration::from_millis(20));
    }
    let after = goodput(&world.data, time);
    assert!(after > alone / 3, "{after} of {alone}");
}

#[test]
fn far_more_connections_than_there_may_be_are_told_so_or_closed_at_once() {
    let world = World::new(&["--workers", "1", "--limits-connections-max", "20"]);
    let mut held: Vec<_> = (0..20).map(|_| world.data.connect()).collect();
    for stream in &mut held {
        world.data.send(&mut **stream, "GET", QUEUES, &[], b"").unwrap();
        assert_eq!(receive(&mut **stream, false).unwrap().status, 200);
    }
    // One after the other; the first are surely told.
    let (mut told, mut longest) = (0, Duration::ZERO);
    for _ in 0..100 {
        let begun = Instant::now();
        if let Ok(refused) = world.data.try_get(QUEUES) {
            assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
            told += 1;
        }
        longest = longest.max(begun.elapsed());
    }
    assert!(told >= 16, "{told} are told");
    assert!(longest < Duration::from_secs(2), "{longest:?}");
    // Many at a time, who give up at once: who comes behind them does not wait for each.
    for _ in 0..2_000 {
        drop(world.data.tcp().unwrap());
    }
    let begun = Instant::now();
    let behind = world.data.try_get(QUEUES);
    assert!(behind.is_err() || behind.is_ok_and(|refused| refused.status == 503));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    for stream in &mut held {
        world.data.send(&mut **stream, "GET", QUEUES, &[], b"").unwrap();
        assert_eq!(receive(&mut **stream, false).unwrap().status, 200, "who was there is served");
    }
}
