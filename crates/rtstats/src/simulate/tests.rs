//! Claims about simulated days, most of them checked through the engine.

use std::collections::BTreeMap;

use stats::{
    document::Frozen,
    engine::{Engine, Outcome},
    event::{Event, Kind, Media, Millis},
    parse::parse_line,
    zone::Zone,
};

use super::{Plan, Simulation, write_until};

const MINUTE_MS: Millis = 60_000;
const HOUR_MS: Millis = 60 * MINUTE_MS;
const DAY_MS: Millis = 24 * HOUR_MS;

/// The first instant of Tuesday, 24 November 2026 in Berlin, and of the Saturday after.
const TUESDAY: Millis = 1_795_474_800_000;
const SATURDAY: Millis = TUESDAY + 4 * DAY_MS;

fn demo(seed: u64, start: Millis) -> Plan {
    Plan::demo(seed, start, Zone::named("Europe/Berlin").unwrap())
}

/// An engine fed by a simulation; it must apply every event.
struct Watched {
    simulation: Simulation,
    engine: Engine,
}

impl Watched {
    fn new(plan: Plan) -> Watched {
        Watched { engine: Engine::new(plan.zone.clone()), simulation: Simulation::new(plan) }
    }

    fn go_to(&mut self, instant: Millis) -> Frozen {
        while let Some(event) = self.simulation.next_until(instant) {
            assert_eq!(self.engine.apply(&event), Outcome::Applied, "{event:?}");
        }
        self.engine.freeze(instant)
    }
}

/// Agents by what they do at an instant.
#[derive(Default)]
struct Crew {
    logged_in: usize,
    at_work: usize,
    free: usize,
    away: usize,
}

fn crew(frozen: &Frozen) -> Crew {
    let mut crew = Crew::default();
    for agent in &frozen.agents {
        match agent.agent_status {
            9 => continue,
            1..=3 => crew.at_work += 1,
            0 => crew.free += 1,
            _ => crew.away += 1,
        }
        crew.logged_in += 1;
    }
    crew
}

fn lines(plan: Plan, until: Millis) -> Vec<u8> {
    let mut out = Vec::new();
    write_until(&mut Simulation::new(plan), until, &mut out).unwrap();
    out
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let until = TUESDAY + 12 * HOUR_MS;
    let once = lines(demo(7, TUESDAY), until);
    assert!(once == lines(demo(7, TUESDAY), until));
    assert!(once != lines(demo(8, TUESDAY), until));
}

#[test]
fn stopping_and_going_on_gives_the_same_events_as_one_go() {
    let until = TUESDAY + 3 * HOUR_MS;
    let mut out = Vec::new();
    let mut simulation = Simulation::new(demo(3, TUESDAY));
    for minute in 0..=180 {
        write_until(&mut simulation, TUESDAY + minute * MINUTE_MS, &mut out).unwrap();
    }
    assert!(out == lines(demo(3, TUESDAY), until));
}

#[test]
fn every_line_is_read_back_as_the_event_it_was() {
    for event in Simulation::new(demo(4, TUESDAY)).take(8_000) {
        let mut line = Vec::new();
        event.write_line(&mut line);
        assert_eq!(parse_line(line.trim_ascii_end()).as_ref(), Ok(&event));
    }
}

#[test]
fn times_never_go_backwards_and_numbers_go_up_by_one() {
    let plan = demo(5, TUESDAY);
    let source = plan.source.clone();
    let (mut time, mut seq) = (TUESDAY, 0);
    for event in Simulation::new(plan).take_while(|event| event.time < TUESDAY + 3 * DAY_MS) {
        assert!(event.time >= time, "{event:?}");
        let origin = event.origin.unwrap();
        assert_eq!((&*origin.source, origin.seq), (&*source, seq + 1));
        (time, seq) = (event.time, origin.seq);
    }
    assert!(seq > 15_000, "three days of {seq} events");
}

#[test]
fn every_promised_type_of_event_occurs_in_a_day() {
    let mut types: BTreeMap<String, u32> = BTreeMap::new();
    let events = Simulation::new(demo(1, TUESDAY));
    for event in events.take_while(|event| event.time < TUESDAY + DAY_MS) {
        let debug = format!("{:?}", event.kind);
        let name = debug.split([' ', '{']).next().unwrap_or_default().to_owned();
        *types.entry(name).or_default() += 1;
    }
    let promised = [
        "QueueConfigured",
        "GroupConfigured",
        "AgentConfigured",
        "AssignmentSet",
        "CodesConfigured",
        "AgentStatus",
        "LineStatus",
        "TransactionQueued",
        "TransactionOffered",
        "TransactionRejected",
        "TransactionWithdrawn",
        "TransactionAccepted",
        "TransactionPlaced",
        "TransactionHeld",
        "TransactionResumed",
        "TransactionMuted",
        "TransactionUnmuted",
        "TransactionReleased",
        "TransactionCompleted",
        "TransactionAbandoned",
        "TransactionDiverted",
    ];
    for name in promised {
        assert!(types.contains_key(name), "{name} is not among {types:?}");
    }
    assert_eq!(types.len(), promised.len(), "{types:?}");
}

#[test]
fn every_medium_is_worked_and_chats_several_at_a_time() {
    let mut watched = Watched::new(demo(2, TUESDAY));
    let frozen = watched.go_to(TUESDAY + 12 * HOUR_MS);
    for media in [Media::Phone, Media::Chat, Media::Email, Media::Voicemail] {
        let mut queues = frozen.queues.iter().filter(|queue| queue.media_type == media.word());
        assert!(queues.any(|queue| queue.day_accepted > 20), "{media:?}");
    }
    let simulation = &mut watched.simulation;
    let at_once = (0..3_000).map(|_| {
        simulation.next();
        simulation.staff.iter().map(|agent| agent.shared).max()
    });
    assert_eq!(at_once.max().flatten(), Some(3));
}

#[test]
fn an_agent_is_on_hold_mute_monitoring_and_on_the_second_line_at_times() {
    let mut watched = Watched::new(demo(2, TUESDAY));
    let (mut first, mut second) = ([false; 6], [false; 6]);
    for second_of_day in (8 * 3_600..18 * 3_600).step_by(15) {
        for agent in watched.go_to(TUESDAY + second_of_day * 1_000).agents {
            first[usize::try_from(agent.phone_line1_status).unwrap_or(0)] = true;
            second[usize::try_from(agent.phone_line2_status).unwrap_or(0)] = true;
        }
    }
    assert_eq!(first, [true; 6]);
    assert!(second[5], "no call on the second line");
}

/// A supervisor's view of a demo's customer queues at a full hour: calls and chats.
fn check_service(seed: u64, hour: i64, frozen: &Frozen) {
    // The night, with an agent or two, still weighs in the morning.
    let (abandoned_max, in_time_min, queue_in_time_min) =
        if hour == 10 { (12, 60, 45) } else { (8, 70, 60) };
    let (mut queued, mut abandoned, mut in_time) = (0, 0, 0);
    for queue in &frozen.queues[..3] {
        let told = format!("seed {seed}, {hour} h: {queue:?}");
        assert!((queue_in_time_min..=97).contains(&queue.day_sla_activity), "{told}");
        assert!(queue.queue_size <= 12, "{told}");
        assert!(queue.day_queued > 50, "{told}");
        queued += queue.day_queued;
        abandoned += queue.day_abandoned;
        in_time += queue.day_sla_activity * queue.day_queued;
    }
    let (abandoned, in_time) = (100 * abandoned / queued, in_time / queued);
    let told = format!("seed {seed}, {hour} h: {abandoned} % abandoned, {in_time} % in time");
    assert!((1..=abandoned_max).contains(&abandoned), "{told}");
    assert!((in_time_min..=93).contains(&in_time), "{told}");
    let logged_in = crew(frozen).logged_in;
    assert!(logged_in >= 18, "seed {seed}, {hour} h: {logged_in} agents are there");
}

#[test]
fn the_demo_is_plausible_whatever_the_seed() {
    for seed in 1..=20 {
        let mut watched = Watched::new(demo(seed, TUESDAY));
        let (mut at_work, mut free, mut looks) = (0, 0, 0);
        let (mut with_free, mut with_waiting) = (0, 0);
        for minute in 9 * 60..17 * 60 {
            let frozen = watched.go_to(TUESDAY + minute * MINUTE_MS);
            let crew = crew(&frozen);
            looks += 1;
            at_work += crew.at_work;
            free += crew.free;
            with_free += u32::from(crew.free > 0);
            with_waiting += u32::from(frozen.queues[..3].iter().any(|queue| queue.queue_size > 0));
            if let 600 | 720 | 960 = minute {
                check_service(seed, minute / 60, &frozen);
            }
        }
        let occupancy = 100 * at_work / (at_work + free);
        assert!((60..=85).contains(&occupancy), "seed {seed}: occupancy of {occupancy} %");
        let with_free = 100 * with_free / looks;
        assert!(with_free >= 75, "seed {seed}: in {with_free} % of the looks somebody is free");
        let with_waiting = 100 * with_waiting / looks;
        assert!((4..=35).contains(&with_waiting), "seed {seed}: {with_waiting} % with a wait");
    }
}

#[test]
fn the_demo_is_lively_through_the_working_day() {
    for seed in 1..=20 {
        let day = Simulation::new(demo(seed, TUESDAY)).map(|event| event.time - TUESDAY);
        let day: Vec<Millis> = day
            .skip_while(|time| *time < 9 * HOUR_MS)
            .take_while(|time| *time < 17 * HOUR_MS)
            .collect();
        let gaps = || day.windows(2).map(|pair| pair[1] - pair[0]);
        let mean_ms = gaps().sum::<Millis>() / day.len() as Millis;
        let long = gaps().filter(|gap| *gap >= 30_000).count();
        let longest_ms = gaps().max().unwrap_or(0);
        let told = format!("seed {seed}: {mean_ms} ms, {long} long gaps up to {longest_ms} ms");
        assert!((1_500..=4_000).contains(&mean_ms), "{told}");
        // Chance is lumpy: of some 12 000 gaps a day a few are long.
        assert!(long <= 20 && longest_ms < 75_000, "{told}");
    }
}

#[test]
fn at_every_hour_of_weekdays_and_weekends_there_is_something_to_see() {
    for (seed, start) in [(1, TUESDAY), (2, TUESDAY), (1, SATURDAY), (2, SATURDAY)] {
        let mut watched = Watched::new(demo(seed, start));
        let mut dull_hours = 0;
        for hour in 0..24 {
            let (mut waiting, mut at_work, mut away) = (0, 0, 0);
            for minute in 1..=60 {
                let frozen = watched.go_to(start + hour * HOUR_MS + minute * MINUTE_MS - 1);
                let crew = crew(&frozen);
                let told = format!("seed {seed}, {hour}:{minute}");
                assert!(crew.logged_in >= 2 || (hour, minute) < (0, 3), "{told}");
                waiting += frozen.queues.iter().map(|queue| queue.queue_size).sum::<i64>();
                at_work += crew.at_work;
                away += crew.away;
            }
            let told = format!("seed {seed}, hour {hour}: {waiting} waiting, {at_work} at work");
            assert!(at_work > 5, "{told}");
            dull_hours += u32::from(away == 0 || waiting == 0);
        }
        assert!(dull_hours <= 2, "seed {seed}: {dull_hours} hours without a break or a wait");
    }
}

#[test]
fn the_nights_mail_is_worked_in_the_morning() {
    for seed in 1..=5 {
        let mut watched = Watched::new(demo(seed, TUESDAY));
        let waiting = |frozen: &Frozen| frozen.queues[3].queue_size + frozen.queues[4].queue_size;
        let night = waiting(&watched.go_to(TUESDAY + 4 * HOUR_MS));
        let noon = waiting(&watched.go_to(TUESDAY + 12 * HOUR_MS));
        assert!(night > 10 && noon < night / 2, "seed {seed}: {night} by night, {noon} at noon");
    }
}

#[test]
fn days_of_unusual_length_and_dates_left_out_or_repeated_make_no_nonsense() {
    let days = [
        ("Europe/Berlin", "2026-03-28T23:00:00Z"),
        ("Europe/Berlin", "2026-10-24T22:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T13:00:00Z"),
        ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
        ("Pacific/Apia", "2011-12-29T10:00:00Z"),
        ("America/St_Johns", "2010-11-06T02:30:00Z"),
    ];
    for (zone, start) in days {
        let start = start.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let mut watched = Watched::new(Plan::demo(1, start, Zone::named(zone).unwrap()));
        for hour in 1..=50 {
            let frozen = watched.go_to(start + hour * HOUR_MS);
            assert!(crew(&frozen).logged_in >= 2, "{zone}, hour {hour}");
        }
    }
}

#[test]
fn a_week_in_a_row_stays_in_balance() {
    let mut watched = Watched::new(demo(1, TUESDAY));
    for day in 0..7 {
        let frozen = watched.go_to(TUESDAY + day * DAY_MS + 13 * HOUR_MS);
        let waiting: i64 = frozen.queues.iter().map(|queue| queue.queue_size).sum();
        assert!(waiting < 100, "day {day}: {waiting} waiting at one o'clock");
    }
    let places = watched.simulation.contacts.len();
    assert!(places < 300, "{places} places are kept for transactions long gone");
}

#[test]
fn larger_and_smaller_worlds_are_busy_too() {
    for (agents, queues, least, most) in [(4, 1, 30, 95), (9, 12, 40, 95), (600, 24, 70, 95)] {
        let zone = Zone::named("UTC").unwrap();
        let start = TUESDAY + HOUR_MS;
        let mut watched = Watched::new(Plan::new(1, agents, queues, start, zone));
        let (mut at_work, mut free) = (0, 0);
        for minute in (8 * 60..16 * 60).step_by(10) {
            let crew = crew(&watched.go_to(start + minute * MINUTE_MS));
            at_work += crew.at_work;
            free += crew.free;
        }
        let occupancy = 100 * at_work / (at_work + free);
        let told = format!("{agents} agents, {queues} queues: occupancy of {occupancy} %");
        assert!((least..=most).contains(&occupancy), "{told}");
    }
}

#[test]
fn every_agent_and_queue_of_the_directory_is_configured_before_it_is_named() {
    let is_directory = |event: &Event<'_>| {
        matches!(
            event.kind,
            Kind::QueueConfigured { .. }
                | Kind::GroupConfigured { .. }
                | Kind::AgentConfigured { .. }
                | Kind::AssignmentSet { .. }
                | Kind::CodesConfigured { .. }
        )
    };
    let mut simulation = Simulation::new(demo(1, TUESDAY));
    let directory: Vec<_> = simulation.by_ref().take_while(is_directory).collect();
    assert!(directory.iter().all(|event| event.time == TUESDAY));
    assert!(simulation.take(5_000).all(|event| !is_directory(&event)));
    let disabled = directory
        .iter()
        .filter(|event| matches!(event.kind, Kind::AssignmentSet { enabled: false, .. }));
    assert!(disabled.count() > 5);
}
