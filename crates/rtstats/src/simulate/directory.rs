//! The first events of a simulation: status codes, groups, queues, agents and assignments.

use std::borrow::Cow;

use stats::event::{Base, CodeItem, GivenCode, Kind};

use super::{agenda::Pause, world::World};

const BREAK_CODES: i64 = 1;
const OFFLINE_CODES: i64 = 2;

impl Pause {
    const ALL: [Pause; 8] = [
        Pause::Lunch,
        Pause::ShortBreak,
        Pause::Personal,
        Pause::Unanswered,
        Pause::Training,
        Pause::Meeting,
        Pause::Paperwork,
        Pause::Coaching,
    ];

    /// Its status code: list, item, short code, name.
    fn code(self) -> (i64, i64, &'static str, &'static str) {
        match self {
            Pause::Lunch => (BREAK_CODES, 1, "LUN", "Lunch"),
            Pause::ShortBreak => (BREAK_CODES, 2, "BRK", "Short break"),
            Pause::Personal => (BREAK_CODES, 3, "PER", "Personal"),
            Pause::Unanswered => (BREAK_CODES, 4, "RNA", "Ring, no answer"),
            Pause::Training => (OFFLINE_CODES, 1, "TRN", "Training"),
            Pause::Meeting => (OFFLINE_CODES, 2, "MTG", "Meeting"),
            Pause::Paperwork => (OFFLINE_CODES, 3, "ADM", "Paperwork"),
            Pause::Coaching => (OFFLINE_CODES, 4, "COA", "Coaching"),
        }
    }

    /// On break or working offline.
    pub fn base(self) -> Base {
        if self.code().0 == BREAK_CODES { Base::OnBreak } else { Base::WorkOffline }
    }

    /// The code as `agent.status` gives it; the short code is left to the directory.
    pub fn given_code(self) -> GivenCode<'static> {
        let (list, item, _, _) = self.code();
        GivenCode { list: Some(list), item: Some(item), short_code: None }
    }
}

/// The directory of a world, as events in an order in which each finds what it names.
pub fn events(world: &World) -> Vec<Kind<'static>> {
    let mut kinds = vec![
        codes(BREAK_CODES, "Break codes", Base::OnBreak),
        codes(OFFLINE_CODES, "Work offline codes", Base::WorkOffline),
    ];
    for (group, name) in &world.groups {
        kinds.push(Kind::GroupConfigured { group: *group, name: Cow::Owned(name.clone()) });
    }
    for queue in &world.queues {
        kinds.push(Kind::QueueConfigured {
            queue: queue.id,
            name: Cow::Owned(queue.name.clone()),
            media: queue.desk.media(),
            sla: Some(queue.desk.sla()),
        });
    }
    for agent in &world.agents {
        kinds.push(Kind::AgentConfigured {
            agent: Cow::Owned(agent.person.login.clone()),
            name: Cow::Owned(agent.person.name.clone()),
            group: Some(agent.group),
        });
        for skill in &agent.skills {
            kinds.push(Kind::AssignmentSet {
                agent: Cow::Owned(agent.person.login.clone()),
                queue: world.queues[skill.queue as usize].id,
                assigned: true,
                enabled: skill.enabled,
            });
        }
    }
    kinds
}

fn codes(list: i64, name: &'static str, status: Base) -> Kind<'static> {
    let of_list = Pause::ALL.iter().map(|pause| pause.code()).filter(|code| code.0 == list);
    let items = of_list.map(|(_, item, short_code, name)| CodeItem {
        item,
        short_code: Cow::Borrowed(short_code),
        name: Cow::Borrowed(name),
        status,
    });
    Kind::CodesConfigured { list, name: Cow::Borrowed(name), items: items.collect() }
}
