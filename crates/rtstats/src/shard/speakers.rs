//! When each source of a tenant's events spoke last, and whether it usually does: what tells a feed that is dead from
//! one that has little to tell.

use std::{collections::HashMap, sync::Arc};

use stats::{
    engine::{Account, Engine},
    event::Millis,
};

/// The source of what people change in the browser: it says nothing of how the contact centre's own systems are.
pub const CONSOLE: &str = "console";

/// What the names of the sources of a queue_log's history begin with. Their numbers follow the time, so they skip.
pub const HISTORY: &str = "asterisk-queue-log/";

/// Sources of a tenant that are told of: those that spoke last.
const TOLD_MAX: usize = 8;

/// After so long a source is no longer told of, unless it was the last that spoke.
const TOLD_FOR_MS: Millis = 24 * 60 * 60_000;

/// A pause that ends a source's steady speech.
const PAUSE_MS: Millis = 10 * 60_000;

/// Who has spoken for so long without a pause does so steadily.
const STEADY_MS: Millis = 15 * 60_000;

/// Sources whose speech is followed; a tenant has one or two.
const FOLLOWED_MAX: usize = 1_000;

/// How often room is looked for at most, where there is none.
const ROOM_EVERY_MS: Millis = 60_000;

/// One source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// Its name; none for all events that name no source.
    pub source: Option<Arc<str>>,
    /// The own time of its last event.
    pub last_event: Millis,
    /// Whether it spoke for a while without a long pause before it was heard last, since the server began to listen.
    pub steady: bool,
}

/// The sources of one tenant.
#[derive(Debug, Default)]
pub struct Speakers {
    /// When speech without a long pause began, and when it was heard last, by the server's clock.
    runs: HashMap<String, (Millis, Millis)>,
    unnamed_run: Option<(Millis, Millis)>,
    /// When room was looked for last.
    room_sought: Option<Millis>,
    /// The own time of the last event that names no source.
    unnamed: Option<Millis>,
}

impl Speakers {
    /// Those of an engine that comes from the log.
    pub fn of(engine: &Engine) -> Speakers {
        let latest_named = engine.account().sources().map(|(_, source)| source.last_event).max();
        // The log's account names sources only; what is later than they all is of none.
        let unnamed =
            engine.counted().filter(|counted| latest_named.is_none_or(|at| at < *counted));
        Speakers { unnamed, ..Speakers::default() }
    }

    /// An event of a source came, as the server's clock says.
    pub fn heard(&mut self, source: Option<&str>, time: Millis, now: Millis) {
        let Some(source) = source else {
            self.unnamed = self.unnamed.max(Some(time));
            go_on(self.unnamed_run.get_or_insert((now, now)), now);
            return;
        };
        if let Some(run) = self.runs.get_mut(source) {
            go_on(run, now);
        } else if self.has_room(now) {
            self.runs.insert(source.to_owned(), (now, now));
        }
    }

    /// Whether one more is followed: who has paused begins anew in any case, and makes room.
    fn has_room(&mut self, now: Millis) -> bool {
        let sought = self.room_sought.is_some_and(|at| now.abs_diff(at) < ROOM_EVERY_MS as u64);
        if self.runs.len() >= FOLLOWED_MAX && !sought {
            self.room_sought = Some(now);
            self.runs.retain(|_, (_, to)| now - *to <= PAUSE_MS);
        }
        self.runs.len() < FOLLOWED_MAX
    }

    /// What is to be told, who spoke last first.
    pub fn spoken(&self, account: &Account, now: Millis) -> Vec<Spoken> {
        let is_steady =
            |run: Option<&(Millis, Millis)>| run.is_some_and(|(from, to)| to - from >= STEADY_MS);
        let named = account.sources().filter(|(name, _)| &***name != CONSOLE);
        let named = named.map(|(name, source)| Spoken {
            source: Some(name.clone()),
            last_event: source.last_event,
            steady: is_steady(self.runs.get(&**name)),
        });
        let unnamed = self.unnamed.map(|last_event| Spoken {
            source: None,
            last_event,
            steady: is_steady(self.unnamed_run.as_ref()),
        });
        let mut spoken: Vec<Spoken> = named.chain(unnamed).collect();
        spoken.sort_by_key(|it| std::cmp::Reverse(it.last_event));
        let told = spoken.iter().take(TOLD_MAX).skip(1);
        let told = told.take_while(|it| now - it.last_event <= TOLD_FOR_MS).count() + 1;
        spoken.truncate(told);
        spoken
    }
}

fn go_on((from, to): &mut (Millis, Millis), now: Millis) {
    if now - *to > PAUSE_MS {
        *from = now;
    }
    *to = now;
}

#[cfg(test)]
mod tests {
    use stats::{parse::parse_batch, zone::Zone};

    use super::*;

    const START: Millis = 1_790_000_000_000;
    const MINUTE: Millis = 60_000;

    /// An engine that took an event of each of these sources at these minutes.
    fn engine(events: &[(Option<&str>, Millis)]) -> Engine {
        let mut engine = Engine::new(Zone::named("UTC").unwrap());
        for (seq, (source, minute)) in (1..).zip(events) {
            let time = START + minute * MINUTE;
            let origin = source.map(|source| format!(r#","source":"{source}","seq":{seq}"#));
            let origin = origin.unwrap_or_default();
            let line = format!(r#"{{"time":{time},"type":"queue.removed","queue":1{origin}}}"#);
            for line in parse_batch(line.as_bytes(), None).unwrap() {
                engine.apply(&line.event);
            }
        }
        engine
    }

    fn names(spoken: &[Spoken]) -> Vec<Option<&str>> {
        spoken.iter().map(|it| it.source.as_deref()).collect()
    }

    #[test]
    fn the_browser_s_changes_are_no_speech() {
        let engine = engine(&[(Some("pbx"), 0), (Some("console"), 60)]);
        let spoken = Speakers::of(&engine).spoken(engine.account(), START + 60 * MINUTE);
        assert_eq!(names(&spoken), [Some("pbx")]);
        assert_eq!(spoken[0].last_event, START);
    }

    #[test]
    fn events_without_a_source_are_known_after_a_restart_too() {
        let early = engine(&[(None, 0), (Some("pbx"), 5)]);
        assert_eq!(names(&Speakers::of(&early).spoken(early.account(), START)), [Some("pbx")]);
        let late = engine(&[(Some("pbx"), 0), (None, 5)]);
        let mut speakers = Speakers::of(&late);
        let spoken = speakers.spoken(late.account(), START + 5 * MINUTE);
        assert_eq!(names(&spoken), [None, Some("pbx")]);
        speakers.heard(None, START + 7 * MINUTE, START + 7 * MINUTE);
        let spoken = speakers.spoken(late.account(), START + 7 * MINUTE);
        assert_eq!(spoken[0].last_event, START + 7 * MINUTE);
    }

    #[test]
    fn who_spoke_for_long_without_a_pause_is_steady() {
        let engine = engine(&[(Some("pbx"), 0), (Some("import"), 0)]);
        let mut speakers = Speakers::of(&engine);
        for minute in (0..=15).step_by(5) {
            let now = START + minute * MINUTE;
            let steady = |speakers: &Speakers| -> Vec<bool> {
                speakers.spoken(engine.account(), now).iter().map(|it| it.steady).collect()
            };
            assert_eq!(steady(&speakers), [false, false], "minute {minute}");
            speakers.heard(Some("pbx"), now, now);
        }
        speakers.heard(Some("import"), START, START);
        speakers.heard(Some("import"), START, START + 30 * MINUTE);
        let spoken = speakers.spoken(engine.account(), START + 30 * MINUTE);
        let steady =
            |name: &str| spoken.iter().any(|it| it.source.as_deref() == Some(name) && it.steady);
        assert!(steady("pbx") && !steady("import"), "{spoken:?}");
    }

    #[test]
    fn sources_that_speak_once_leave_room_for_those_that_go_on() {
        let engine = engine(&[(Some("pbx"), 0), (Some("old"), 0)]);
        let mut speakers = Speakers::of(&engine);
        // One source a second for hours, as of a sender that names one for each file.
        let mut files = 0;
        for minute in (0..180).step_by(5) {
            let now = START + minute * MINUTE;
            speakers.heard(Some("old"), now, now);
            for second in 0..300 {
                files += 1;
                speakers.heard(Some(&format!("file-{files}")), now, now + second * 1_000);
            }
            if minute >= 120 {
                speakers.heard(Some("pbx"), now, now + 4 * MINUTE);
            }
        }
        let spoken = speakers.spoken(engine.account(), START + 180 * MINUTE);
        assert!(spoken.len() == 2 && spoken.iter().all(|it| it.steady), "{spoken:?}");
        assert!(speakers.runs.len() <= FOLLOWED_MAX);
    }

    #[test]
    fn few_are_told_of_and_the_last_in_any_case() {
        let names: Vec<String> = (0..20).map(|number| format!("s{number:02}")).collect();
        let many = engine(&names.iter().map(|it| (Some(it.as_str()), 0)).collect::<Vec<_>>());
        assert_eq!(Speakers::of(&many).spoken(many.account(), START).len(), TOLD_MAX);
        let late = START + 2 * TOLD_FOR_MS;
        assert_eq!(Speakers::of(&many).spoken(many.account(), late).len(), 1);
        let none = engine(&[]);
        assert!(Speakers::of(&none).spoken(none.account(), START).is_empty());
    }
}
