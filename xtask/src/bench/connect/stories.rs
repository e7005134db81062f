//! Calls as a real Asterisk tells them: the recorded transcripts, taken apart so that they can be told of anybody.
//!
//! A story keeps its messages with all their fields in their order, so the kinds that the connector reads and those that
//! it skips come in the proportion in which Asterisk sends them. What happened at once stays together as a burst.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// What lies closer together happened at once: a caller's hang-up and what the queue makes of it.
const AT_ONCE_SECONDS: f64 = 0.1;

/// Messages that concern the whole PBX: they would have the connector begin anew.
const OF_THE_PBX: [&str; 3] = ["FullyBooted", "Reload", "Shutdown"];

/// Lists that the recording's driver asked for.
const LISTED: [&str; 4] = ["QueueParams", "QueueSummary", "QueueEntry", "CoreShowChannel"];

/// Words before the two digits that tell the testbed's people apart.
const PEOPLE: [&str; 6] = ["agent", "phone", "dev", "Agent ", "Phone ", "Dev "];

/// One recorded story.
pub struct Story {
    /// What happens, each burst at once.
    pub bursts: Vec<Vec<Template>>,
    /// Its queues' members: by whom and of which queue, in the story's own numbers.
    pub people: Vec<Person>,
    /// How many queues it has.
    pub queues: usize,
}

/// Somebody in a story.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Person {
    pub kind: Kind,
    /// The queue in which the person is met first.
    pub queue: usize,
}

/// What a member is called through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `Local/agent01@agents/n`.
    Local,
    /// `PJSIP/phone31`.
    Phone,
    /// A `Local/` member whose device state is another device's.
    Custom,
}

/// A message with places for names.
pub struct Template {
    pub name: String,
    pub parts: Vec<Part>,
}

pub enum Part {
    Text(String),
    Stamp,
    /// A person's number.
    Person(usize),
    Queue(usize),
    Channel(usize),
}

/// All recorded stories that can be told over and over, of both versions.
pub fn read(fixtures: &Path) -> Result<Vec<Story>> {
    let mut stories = Vec::new();
    for version in ["16", "22"] {
        let folder = fixtures.join(version);
        let entries = std::fs::read_dir(&folder);
        let entries = entries.with_context(|| format!("cannot read {}", folder.display()))?;
        let mut paths = Vec::new();
        for entry in entries {
            paths.push(entry?.path());
        }
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "gz"));
        paths.sort();
        for path in paths {
            let mut bytes = Vec::new();
            let file = std::fs::File::open(&path)?;
            flate2::read::GzDecoder::new(file).read_to_end(&mut bytes)?;
            stories.extend(story(&messages(&bytes)));
        }
    }
    ensure!(!stories.is_empty(), "no story in {} can be told", fixtures.display());
    Ok(stories)
}

type Fields = Vec<(String, String)>;

/// The events of a recording, each with the instant of its arrival.
fn messages(bytes: &[u8]) -> Vec<(f64, Fields)> {
    let mut told = Vec::new();
    let mut rest = bytes;
    let mut stream = String::new();
    while let Some(end) = memchr::memchr(b'\n', rest) {
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 1..];
        let parts: Vec<&str> = head.split(' ').collect();
        let ["@@", time, direction, length] = parts[..] else { continue };
        let (Ok(time), Ok(length)) = (time.parse(), length.parse::<usize>()) else { continue };
        let body = &rest[..length.min(rest.len())];
        rest = &rest[body.len()..];
        if direction == "<" {
            stream.push_str(&String::from_utf8_lossy(body));
            while let Some((message, behind)) = stream.split_once("\r\n\r\n") {
                let fields = message.lines().filter_map(|line| line.split_once(':'));
                let owned = |(key, value): (&str, &str)| (key.to_owned(), value.trim().to_owned());
                told.push((time, fields.map(owned).collect()));
                stream = behind.to_owned();
            }
        }
    }
    told
}

/// A story from its messages; none where it concerns the whole PBX or leaves something behind.
fn story(messages: &[(f64, Fields)]) -> Option<Story> {
    let mut cast = Cast::default();
    let mut bursts: Vec<Vec<Template>> = Vec::new();
    let mut last = f64::NEG_INFINITY;
    let mut up = BTreeSet::new();
    let mut has_begun = false;
    for (time, fields) in messages {
        let Some((_, name)) = fields.first().filter(|(key, _)| key == "Event") else { continue };
        let field = |key: &str| {
            fields.iter().find(|(known, _)| known == key).map_or("", |(_, value)| value)
        };
        // A session begins with FullyBooted; a second one is a PBX that was restarted.
        if OF_THE_PBX.contains(&name.as_str()) {
            if has_begun || name != "FullyBooted" {
                return None;
            }
            continue;
        }
        has_begun = true;
        let is_answer = !field("ActionID").is_empty() && name != "OriginateResponse";
        if is_answer || LISTED.contains(&name.as_str()) {
            continue;
        }
        match name.as_str() {
            "Newchannel" => up.insert(field("Uniqueid").to_owned()),
            "Hangup" => up.remove(field("Uniqueid")),
            _ => false,
        };
        if name.starts_with("QueueMember") {
            cast.meet(field("Interface"), field("Queue"), field("StateInterface"))?;
        }
        let parts = cast.template(fields);
        if time - last > AT_ONCE_SECONDS {
            bursts.push(Vec::new());
        }
        last = *time;
        bursts.last_mut()?.push(Template { name: name.clone(), parts });
    }
    let Cast { people, queues, met, .. } = cast;
    let people: Option<Vec<Person>> = (0..people.len()).map(|at| met.get(&at).copied()).collect();
    (up.is_empty() && !bursts.is_empty()).then_some(())?;
    Some(Story { bursts, people: people?, queues: queues.len() })
}

/// Who and what a story names, numbered as they come.
#[derive(Default)]
struct Cast {
    people: Vec<String>,
    queues: Vec<String>,
    channels: Vec<String>,
    met: BTreeMap<usize, Person>,
}

fn number(known: &mut Vec<String>, name: &str) -> usize {
    known.iter().position(|it| it == name).unwrap_or_else(|| {
        known.push(name.to_owned());
        known.len() - 1
    })
}

impl Cast {
    /// A member; none if it is nobody of those who can be told apart by number.
    fn meet(&mut self, interface: &str, queue: &str, state_interface: &str) -> Option<()> {
        let (_, digits) = person(interface)?;
        let digits = digits.to_owned();
        let at = number(&mut self.people, &digits);
        let queue = number(&mut self.queues, queue);
        let kind = match (interface.starts_with("PJSIP/"), state_interface == interface) {
            (true, _) => Kind::Phone,
            (false, true) => Kind::Local,
            (false, false) => Kind::Custom,
        };
        self.met.entry(at).or_insert(Person { kind, queue });
        Some(())
    }

    fn template(&mut self, fields: &Fields) -> Vec<Part> {
        let mut parts = vec![Part::Text(String::new())];
        for (key, value) in fields {
            text(&mut parts, key);
            text(&mut parts, ": ");
            self.value(key, value, &mut parts);
            text(&mut parts, "\r\n");
        }
        text(&mut parts, "\r\n");
        parts
    }

    fn value(&mut self, key: &str, value: &str, parts: &mut Vec<Part>) {
        let is_id = (key.ends_with("niqueid") || key.ends_with("inkedid")) && value.contains('.');
        match key {
            "Timestamp" => parts.push(Part::Stamp),
            "Queue" => parts.push(Part::Queue(number(&mut self.queues, value))),
            "Device" if value.starts_with("Queue:") => {
                let rest = &value["Queue:".len()..];
                let end = rest.find('_').unwrap_or(rest.len());
                text(parts, "Queue:");
                parts.push(Part::Queue(number(&mut self.queues, &rest[..end])));
                self.people(&rest[end..], parts);
            }
            _ if is_id => parts.push(Part::Channel(number(&mut self.channels, value))),
            _ => self.people(value, parts),
        }
    }

    /// Text in which people may be named.
    fn people(&mut self, mut value: &str, parts: &mut Vec<Part>) {
        while let Some((at, digits)) = person(value) {
            let digits = digits.to_owned();
            text(parts, &value[..at]);
            // Somebody who is no member is told as such: a phone that is only called.
            match self.people.contains(&digits) {
                true => parts.push(Part::Person(number(&mut self.people, &digits))),
                false => text(parts, &digits),
            }
            value = &value[at + 2..];
        }
        text(parts, value);
    }
}

/// Where the first two digits of a person lie, and what they are.
fn person(value: &str) -> Option<(usize, &str)> {
    let found = PEOPLE.iter().flat_map(|word| {
        value.match_indices(word).filter_map(|(at, word)| {
            let digits = value.get(at + word.len()..at + word.len() + 2)?;
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then_some((at + word.len(), digits))
        })
    });
    found.min_by_key(|(at, _)| *at)
}

fn text(parts: &mut Vec<Part>, more: &str) {
    match parts.last_mut() {
        Some(Part::Text(known)) => known.push_str(more),
        _ => parts.push(Part::Text(more.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, rest: &[(&str, &str)]) -> Fields {
        let first = ("Event".to_owned(), name.to_owned());
        let rest = rest.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        std::iter::once(first).chain(rest).collect()
    }

    #[test]
    fn a_recording_is_cut_into_its_messages() {
        let bytes = b"@@ 1.5 - 4\nnote\n@@ 2.5 < 15\nEvent: A\r\n\r\nEve\n@@ 2.6 > 1\nx\n@@ 2.7 < 9\nnt: B\r\n\r\n\n";
        let all = messages(bytes);
        assert_eq!(all, [(2.5, told("A", &[])), (2.7, told("B", &[]))]);
    }

    #[test]
    fn names_become_places_and_what_happens_at_once_stays_together() {
        let member = [
            ("Queue", "lab"),
            ("Interface", "Local/agent07@agents/n"),
            ("StateInterface", "Local/agent07@agents/n"),
        ];
        let channel = [("Uniqueid", "17.1"), ("Linkedid", "17.1"), ("Timestamp", "17.5")];
        let all = [
            (1.0, told("QueueMemberAdded", &member)),
            (1.01, told("Newchannel", &channel)),
            (3.0, told("Hangup", &channel)),
        ];
        let story = story(&all).unwrap();
        assert_eq!(story.bursts.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
        assert!(story.people == [Person { kind: Kind::Local, queue: 0 }] && story.queues == 1);
        let hangup = &story.bursts[1][0];
        let places: Vec<&Part> =
            hangup.parts.iter().filter(|part| !matches!(part, Part::Text(_))).collect();
        assert!(matches!(places[..], [Part::Channel(0), Part::Channel(0), Part::Stamp]));
        let added = &story.bursts[0][0].parts;
        assert_eq!(added.iter().filter(|part| matches!(part, Part::Person(0))).count(), 2);
    }

    #[test]
    fn what_cannot_be_told_again_is_no_story() {
        let channel = [("Uniqueid", "17.1")];
        let left_up = [(1.0, told("Newchannel", &channel))];
        assert!(story(&left_up).is_none());
        let booted = (1.0, told("FullyBooted", &[]));
        let hangup = (1.1, told("Hangup", &channel));
        assert!(story(&[booted.clone(), hangup.clone()]).is_some());
        assert!(story(&[booted.clone(), hangup, booted]).is_none());
    }

    #[test]
    fn the_recorded_stories_can_be_read() {
        let fixtures =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/rtstats/tests/fixtures/asterisk");
        let stories = read(Path::new(fixtures)).unwrap();
        assert!(stories.len() > 40, "only {}", stories.len());
        let names: BTreeSet<&str> = stories
            .iter()
            .flat_map(|story| story.bursts.iter().flatten())
            .map(|template| template.name.as_str())
            .collect();
        for name in ["QueueCallerJoin", "AgentRingNoAnswer", "Hold", "QueueMemberPause", "VarSet"] {
            assert!(names.contains(name), "no {name} in {names:?}");
        }
    }
}
