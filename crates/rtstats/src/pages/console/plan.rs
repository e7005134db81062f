//! What an import changes: told as events, in parts that fit into a batch. Pure: nothing is written here.

use std::{
    hash::{Hash as _, Hasher as _},
    ops::Range,
};

use stats::event::{Event, Kind, Origin};
use xxhash_rust::xxh3::Xxh3;

use super::roster::{Agent, Roster};
use crate::{clock, shard::CONSOLE};

/// What a file changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Agents that are not there yet, and those whose name or group changes.
    pub new: usize,
    pub changed: usize,
    /// Agents of the file that are as it says already.
    pub same: usize,
    /// Assignments that are set, and those that are dropped.
    pub set: usize,
    pub dropped: usize,
    changes: Vec<Change>,
}

/// What changes of one agent.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Change {
    id: String,
    /// The name and the group, where one of them changes.
    configured: Option<(String, Option<u32>)>,
    /// Queues and whether they are enabled; none for an assignment that is dropped.
    ties: Vec<(u32, Option<bool>)>,
}

impl Change {
    fn kinds(&self) -> impl Iterator<Item = Kind<'_>> {
        let agent = self.id.as_str();
        let configured = self.configured.iter().map(move |(name, group)| Kind::AgentConfigured {
            agent: agent.into(),
            name: name.as_str().into(),
            group: *group,
        });
        let ties = self.ties.iter().map(move |(queue, enabled)| Kind::AssignmentSet {
            agent: agent.into(),
            queue: *queue,
            assigned: enabled.is_some(),
            enabled: enabled.unwrap_or(false),
        });
        configured.chain(ties)
    }
}

impl Plan {
    /// Takes what a row says of an agent.
    pub fn take(&mut self, id: &str, agent: Agent, sets_queues: bool, roster: &Roster) {
        let known = roster.agents.get(id);
        let mut ties = Vec::new();
        if sets_queues {
            let before = |queue: &u32| known.and_then(|known| known.queues.get(queue));
            let set =
                agent.queues.iter().filter(|(queue, enabled)| before(queue) != Some(*enabled));
            ties.extend(set.map(|(queue, enabled)| (*queue, Some(*enabled))));
            self.set += ties.len();
            let had = known.into_iter().flat_map(|known| known.queues.keys());
            let dropped = had.filter(|queue| !agent.queues.contains_key(queue));
            let set = ties.len();
            ties.extend(dropped.map(|queue| (*queue, None)));
            self.dropped += ties.len() - set;
        }
        let configured = match known {
            Some(known) if known.name == agent.name && known.group == agent.group => None,
            Some(_) => {
                self.changed += 1;
                Some((agent.name, agent.group))
            }
            None => {
                self.new += 1;
                Some((agent.name, agent.group))
            }
        };
        if configured.is_none() && ties.is_empty() {
            self.same += 1;
            return;
        }
        self.changes.push(Change { id: id.to_owned(), configured, ties });
    }

    /// The events, in order: agent by agent.
    pub fn kinds(&self) -> impl Iterator<Item = Kind<'_>> {
        self.changes.iter().flat_map(Change::kinds)
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The events in parts, none of which is written in more bytes than this; at least one event in each.
    pub fn parts(&self, bytes_max: usize) -> Vec<Range<usize>> {
        let (mut parts, mut begin, mut bytes, mut len) = (Vec::new(), 0, 0, 0);
        let (time, mut line) = (clock::now(), Vec::new());
        for kind in self.kinds() {
            line.clear();
            // The highest number takes the most digits.
            let origin = Some(Origin { source: CONSOLE.into(), seq: u64::MAX });
            Event { time, origin, kind }.write_line(&mut line);
            if bytes + line.len() > bytes_max && len > begin {
                parts.push(begin..len);
                (begin, bytes) = (len, 0);
            }
            bytes += line.len();
            len += 1;
        }
        if len > begin {
            parts.push(begin..len);
        }
        parts
    }

    /// Changes with all that is told: what was looked at is what is written.
    pub fn version(&self) -> String {
        let mut hasher = Xxh3::new();
        self.changes.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use stats::{engine::Engine, event::Media, zone::Zone};

    use super::*;
    use crate::pages::console::{import::plan, roster::Queue};

    #[test]
    fn the_version_changes_with_the_plan() {
        let roster = Roster::default();
        let version = |file: &str| plan(file.as_bytes(), &roster).unwrap().version();
        let [one, same, other] = ["ann,Anna", "\"ann\",Anna", "ann,Anne"]
            .map(|line| version(&format!("agent-id,agent-name\n{line}\n")));
        assert_eq!(one, same);
        assert_ne!(one, other);
    }

    #[test]
    fn a_large_tenant_comes_in_parts_that_each_fit() {
        let mut roster = Roster::default();
        for number in 101..131 {
            let queue = Queue { name: "Q".to_owned(), media: Media::Phone, sla: None };
            roster.queues.insert(number, queue);
        }
        let queues: Vec<String> = roster.queues.keys().map(u32::to_string).collect();
        let mut file = "agent-id,agent-name,queues\n".to_owned();
        for agent in 0..200 {
            file += &format!("agent-{agent},Agent {agent},{}\n", queues.join(" "));
        }
        let plan = plan(file.as_bytes(), &roster).unwrap();
        let kinds: Vec<Kind<'_>> = plan.kinds().collect();
        assert_eq!(kinds.len(), 200 * 31);
        let bytes = |part: &Range<usize>| {
            let mut lines = Vec::new();
            for kind in &kinds[part.clone()] {
                let origin = Some(Origin { source: CONSOLE.into(), seq: u64::MAX });
                Event { time: clock::now(), origin, kind: kind.clone() }.write_line(&mut lines);
            }
            lines.len()
        };
        let parts = plan.parts(50_000);
        assert!(parts.len() > 10, "{parts:?}");
        assert!(parts.iter().all(|part| (1..=50_000).contains(&bytes(part))));
        assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!((parts[0].start, parts[parts.len() - 1].end), (0, kinds.len()));
        assert_eq!(plan.parts(1).len(), kinds.len(), "an event is never split");
        assert_eq!(plan.parts(usize::MAX).len(), 1);
        assert!(Plan::default().parts(1).is_empty());
    }

    #[test]
    fn the_same_file_again_does_what_is_left() {
        let mut engine = Engine::new(Zone::named("UTC").unwrap());
        let mut time = 0;
        let mut happens = |kind: Kind<'_>| {
            time += 1;
            engine.apply(&Event { time, origin: None, kind });
            Roster::of(&engine.present(), 0)
        };
        for queue in [101, 102] {
            happens(Kind::QueueConfigured {
                queue,
                name: "Q".into(),
                media: Media::Phone,
                sla: None,
            });
        }
        let file = "agent-id,agent-name,queues\nann,Ann,101\nbob,Bob,101:disabled 102\ncyd,Cyd,\n";
        let mut roster =
            happens(Kind::AgentConfigured { agent: "ann".into(), name: "A".into(), group: None });
        let all = plan(file.as_bytes(), &roster).unwrap();
        let kinds: Vec<Kind<'_>> = all.kinds().collect();
        assert_eq!(kinds.len(), 6);
        for (done, kind) in kinds.iter().enumerate() {
            let left = plan(file.as_bytes(), &roster).unwrap();
            assert!(left.kinds().eq(kinds[done..].iter().cloned()), "{done}: {left:?}");
            roster = happens(kind.clone());
        }
        assert!(plan(file.as_bytes(), &roster).unwrap().is_empty());
    }
}
