//! Who works where: sites with their queues, and agents with their roles, skills and shifts.
//!
//! A world is as many sites as its queues fill with five desks each, as long as the agents are enough to staff them
//! round the clock. A small world is one site.

use std::ops::Range;

use super::{
    desk::Desk,
    names::{self, Person},
    roster::{self, Cover},
};

/// Agents that a site needs at least for a second site to make sense.
const SITE_AGENTS_MIN: usize = 10;

/// What an agent is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants say it")]
pub enum Role {
    /// Every desk, in three shifts round the clock.
    AllRound,
    Sales,
    Support,
    /// Chats and mail.
    Digital,
    /// Works no transactions: coaches, and listens in.
    Supervisor,
}

/// A queue of the world.
#[derive(Debug, Clone)]
pub struct Queue {
    /// Its number.
    pub id: u32,
    pub name: String,
    pub desk: Desk,
    pub site: usize,
    /// Arrivals on an ordinary weekday.
    pub per_weekday: f64,
}

/// An agent of the world.
#[derive(Debug, Clone)]
pub struct Agent {
    pub person: Person,
    pub role: Role,
    pub site: usize,
    pub group: u32,
    /// Local time at which the shift starts.
    pub shift_start_ms: i64,
    /// Position among those of the same role and site, by which days off are spread.
    pub place: usize,
    pub skills: Vec<Skill>,
}

/// An agent's assignment to a queue.
#[derive(Debug, Clone, Copy)]
pub struct Skill {
    /// Index of the queue.
    pub queue: u32,
    pub enabled: bool,
}

/// Everything that the directory says.
#[derive(Debug, Clone)]
pub struct World {
    pub queues: Vec<Queue>,
    pub agents: Vec<Agent>,
    /// Numbers and names of the groups.
    pub groups: Vec<(u32, String)>,
    /// Indices of each site's queues.
    pub sites: Vec<Range<u32>>,
}

impl Role {
    fn group_name(self) -> &'static str {
        match self {
            Role::AllRound => "Round the clock",
            Role::Sales => "Sales",
            Role::Support => "Support",
            Role::Digital => "Digital",
            Role::Supervisor => "Supervisors",
        }
    }

    /// The share of the role's time that a desk gets in the mean.
    pub fn share(self, desk: Desk) -> f64 {
        match (self, desk) {
            (Role::AllRound, Desk::Sales) | (Role::Digital, Desk::Email) => 0.36,
            (Role::AllRound, Desk::Support) => 0.40,
            (Role::AllRound, Desk::Chat) => 0.24,
            (Role::Sales, Desk::Sales) => 0.78,
            (Role::Sales, Desk::Support) => 0.14,
            (Role::Support, Desk::Support) => 0.80,
            (Role::Support, Desk::Sales) => 0.10,
            (Role::Support, Desk::Voicemail) => 0.10,
            (Role::Sales | Role::Digital, Desk::Voicemail) => 0.08,
            (Role::Digital, Desk::Chat) => 0.56,
            _ => 0.0,
        }
    }

    /// Whether the agent at a place is enabled for a desk; none means not even assigned.
    fn skill(self, desk: Desk, place: usize) -> Option<bool> {
        let every = |count: usize| place % count == count - 1;
        match (self, desk) {
            (Role::Supervisor, _) => Some(false),
            // The night leaves the mail to the day, except for one in five.
            (Role::AllRound, Desk::Email | Desk::Voicemail) => Some(every(5)),
            (Role::Sales, Desk::Support) => Some(!every(5)),
            (Role::Digital, Desk::Support) => Some(every(4)),
            _ => (self.share(desk) > 0.0).then_some(true),
        }
    }
}

impl World {
    /// A world of so many agents and queues, at least one of each.
    pub fn new(agents: u32, queues: u32) -> World {
        let (agents, queues) = (agents.max(1) as usize, queues.max(1) as usize);
        let most = (agents / SITE_AGENTS_MIN).max(1);
        let sites = queues.div_ceil(Desk::ALL.len()).clamp(1, most);
        let mut world = World {
            queues: Vec::with_capacity(queues),
            agents: Vec::with_capacity(agents),
            groups: Vec::new(),
            sites: Vec::with_capacity(sites),
        };
        let mut people = names::people(agents).into_iter();
        for site in 0..sites {
            let number = (sites > 1).then_some(site + 1);
            world.add_queues(site, number, part(queues, sites, site));
            world.add_agents(site, number, people.by_ref().take(part(agents, sites, site)));
            world.set_volumes(site);
        }
        world
    }

    fn add_queues(&mut self, site: usize, number: Option<usize>, count: usize) {
        let first = self.queues.len();
        for index in 0..count {
            let desk = Desk::ALL[index % Desk::ALL.len()];
            let again = index / Desk::ALL.len() + 1;
            let mut name = desk.name().to_owned();
            if let Some(number) = number {
                name.push_str(&format!(" {number}"));
            }
            if again > 1 {
                name.push_str(&format!(" ({again})"));
            }
            let id = 101 + self.queues.len() as u32;
            self.queues.push(Queue { id, name, desk, site, per_weekday: 0.0 });
        }
        self.sites.push(first as u32..self.queues.len() as u32);
    }

    fn add_agents(
        &mut self,
        site: usize,
        number: Option<usize>,
        mut people: impl ExactSizeIterator<Item = Person>,
    ) {
        let mut cover = Cover::default();
        for (role, count) in roles(people.len()) {
            if count == 0 {
                continue;
            }
            let group = self.groups.len() as u32 + 1;
            let name = role.group_name();
            let name = number.map_or_else(|| name.to_owned(), |number| format!("{name} {number}"));
            self.groups.push((group, name));
            let starts = roster::shift_starts(role, count, &mut cover);
            for (place, (shift_start_ms, person)) in starts.into_iter().zip(&mut people).enumerate()
            {
                let skills = self.skills(site, role, place);
                let agent = Agent { person, role, site, group, shift_start_ms, place, skills };
                self.agents.push(agent);
            }
        }
    }

    /// Queues whose desk the role knows; where the site has none of these, all.
    fn skills(&self, site: usize, role: Role, place: usize) -> Vec<Skill> {
        let queues = self.sites[site].clone();
        let desk = |queue: u32| self.queues[queue as usize].desk;
        let known: Vec<Skill> = queues
            .clone()
            .filter_map(|queue| {
                role.skill(desk(queue), place).map(|enabled| Skill { queue, enabled })
            })
            .collect();
        if role == Role::Supervisor || known.iter().any(|skill| skill.enabled) {
            return known;
        }
        queues.map(|queue| Skill { queue, enabled: true }).collect()
    }

    /// Gives each queue as many arrivals as its part of the staff's time can work without idling.
    fn set_volumes(&mut self, site: usize) {
        let queues = self.sites[site].clone();
        let staff: Vec<&Agent> = self
            .agents
            .iter()
            .filter(|agent| agent.site == site && agent.role != Role::Supervisor)
            .collect();
        let load = roster::load_aim(staff.len());
        let mut seconds = vec![0.0; queues.len()];
        for agent in staff {
            let enabled: Vec<u32> = agent
                .skills
                .iter()
                .filter(|skill| skill.enabled)
                .map(|skill| skill.queue)
                .collect();
            let share = |queue: &u32| agent.role.share(self.queues[*queue as usize].desk);
            let total: f64 = enabled.iter().map(share).sum();
            for queue in &enabled {
                let part =
                    if total > 0.0 { share(queue) / total } else { 1.0 / enabled.len() as f64 };
                seconds[(queue - queues.start) as usize] +=
                    part * roster::working_seconds_per_weekday(agent.role);
            }
        }
        for (queue, seconds) in self.queues[queues.start as usize..].iter_mut().zip(seconds) {
            queue.per_weekday = load * seconds / queue.desk.agent_seconds();
        }
    }
}

/// Sizes of the roles among a site's agents: in a very small site everyone does everything.
fn roles(agents: usize) -> [(Role, usize); 5] {
    if agents < 8 {
        return [
            (Role::AllRound, agents),
            (Role::Sales, 0),
            (Role::Support, 0),
            (Role::Digital, 0),
            (Role::Supervisor, 0),
        ];
    }
    let supervisors = (agents / 15).max(1);
    let all_round = (agents * 3 / 10).max(3);
    let sales = agents / 5;
    let support = agents * 7 / 30;
    let digital = agents - supervisors - all_round - sales - support;
    [
        (Role::AllRound, all_round),
        (Role::Sales, sales),
        (Role::Support, support),
        (Role::Digital, digital),
        (Role::Supervisor, supervisors),
    ]
}

/// The size of the part with an index, when a whole is dealt out evenly.
fn part(whole: usize, parts: usize, index: usize) -> usize {
    (index + 1) * whole / parts - index * whole / parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_has_one_site_of_five_queues() {
        let world = World::new(30, 5);
        let names: Vec<&str> = world.queues.iter().map(|queue| &*queue.name).collect();
        assert_eq!(names, ["Sales", "Support", "Web chat", "Email", "Voicemail"]);
        assert_eq!((world.agents.len(), world.sites.len(), world.groups.len()), (30, 1, 5));
        assert!(world.agents.iter().any(|agent| agent.skills.iter().any(|skill| !skill.enabled)));
    }

    #[test]
    fn worlds_of_every_size_have_who_and_what_was_asked_for_and_no_queue_without_agents() {
        for (agents, queues) in
            [(1, 1), (1, 12), (3, 2), (7, 40), (8, 5), (12, 1), (30, 3), (100, 7), (5_000, 200)]
        {
            let world = World::new(agents, queues);
            assert_eq!(world.agents.len(), agents as usize);
            assert_eq!(world.queues.len(), queues as usize);
            for queue in &world.queues {
                let told = format!("{} of {agents} agents and {queues} queues", queue.name);
                // A site without an agent for its mail gets no mail.
                assert!(queue.per_weekday > 0.0 || agents < 30, "{told}");
            }
        }
    }
}
