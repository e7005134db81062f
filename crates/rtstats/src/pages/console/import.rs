//! Agents from a CSV file: checked line by line against what there is, and told as events. Pure: nothing is written here.

use std::collections::BTreeMap;

use stats::{event::Kind, limit};

use super::{
    agent::id_mistake,
    csv::{self, Row},
    roster::{Agent, Roster},
};

/// The columns: the API's own names. The last two may be left out.
pub const COLUMNS: [&str; 4] = ["agent-id", "agent-name", "group-id", "queues"];

/// What stands behind a queue's number where the agent is assigned and not enabled.
const DISABLED: &str = ":disabled";

/// Something wrong in a line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub line: usize,
    pub what: String,
}

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
    agents: Vec<(String, Agent)>,
    ties: Vec<(String, u32, Option<bool>)>,
}

impl Plan {
    /// The events, in order.
    pub fn kinds(&self) -> Vec<Kind<'_>> {
        let agents = self.agents.iter().map(|(id, agent)| agent.configured(id));
        let ties = self.ties.iter().map(|(agent, queue, enabled)| Kind::AssignmentSet {
            agent: agent.as_str().into(),
            queue: *queue,
            assigned: enabled.is_some(),
            enabled: enabled.unwrap_or(false),
        });
        agents.chain(ties).collect()
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.agents.is_empty() && self.ties.is_empty()
    }
}

/// Where the columns of a file are.
struct Places {
    id: usize,
    name: usize,
    group: Option<usize>,
    queues: Option<usize>,
}

/// Reads a file against what there is: a plan, or every problem by line.
pub fn plan(bytes: &[u8], roster: &Roster) -> Result<Plan, Vec<Problem>> {
    let rows = csv::read(bytes).map_err(|(line, what)| vec![Problem { line, what }])?;
    let Some((head, rows)) = rows.split_first() else {
        let what = "The file is empty. Its first line names the columns.".to_owned();
        return Err(vec![Problem { line: 1, what }]);
    };
    let places = places(head)?;
    let (mut plan, mut problems) = (Plan::default(), Vec::new());
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        let mut wrong = |what: String| problems.push(Problem { line: row.line, what });
        if row.cells.len() > head.cells.len() {
            wrong(format!(
                "There are {} cells, and {} columns.",
                row.cells.len(),
                head.cells.len()
            ));
            continue;
        }
        let id = cell(row, places.id);
        if let Some(first) = seen.insert(id, row.line) {
            wrong(format!("The agent {id} stands in line {first} already."));
            continue;
        }
        match line(row, &places, roster) {
            Ok((agent, sets_queues)) => plan.take(id, agent, sets_queues, roster),
            Err(mistakes) => mistakes.into_iter().for_each(wrong),
        }
    }
    if rows.is_empty() {
        problems.push(Problem {
            line: head.line,
            what: "There is no agent below the names of the columns.".to_owned(),
        });
    }
    if problems.is_empty() { Ok(plan) } else { Err(problems) }
}

fn places(head: &Row) -> Result<Places, Vec<Problem>> {
    let place = |name: &str| head.cells.iter().position(|cell| cell.eq_ignore_ascii_case(name));
    let mut problems = Vec::new();
    let mut wrong = |what: String| problems.push(Problem { line: head.line, what });
    for (at, cell) in head.cells.iter().enumerate() {
        let known = COLUMNS.iter().any(|name| cell.eq_ignore_ascii_case(name));
        if !known {
            wrong(format!("The column “{cell}” is not known. There are {}.", COLUMNS.join(", ")));
        } else if head.cells[..at].iter().any(|before| before.eq_ignore_ascii_case(cell)) {
            wrong(format!("The column “{cell}” stands there twice."));
        }
    }
    for name in &COLUMNS[..2] {
        if place(name).is_none() {
            wrong(format!("The column “{name}” is missing."));
        }
    }
    match (place(COLUMNS[0]), place(COLUMNS[1])) {
        (Some(id), Some(name)) if problems.is_empty() => {
            Ok(Places { id, name, group: place(COLUMNS[2]), queues: place(COLUMNS[3]) })
        }
        _ => Err(problems),
    }
}

fn cell(row: &Row, place: usize) -> &str {
    row.cells.get(place).map_or("", String::as_str)
}

/// The agent of a line, and whether the line says which queues it has.
fn line(row: &Row, places: &Places, roster: &Roster) -> Result<(Agent, bool), Vec<String>> {
    let mut wrong = Vec::new();
    let (id, name) = (cell(row, places.id), cell(row, places.name));
    wrong.extend(id_mistake(id).map(str::to_owned));
    let chars = name.chars().count();
    if chars == 0 || chars > limit::NAME_CHARS_MAX {
        wrong.push(format!("An agent-name has 1 to {} characters.", limit::NAME_CHARS_MAX));
    }
    let known = roster.agents.get(id);
    let group = match places.group.map(|place| cell(row, place)) {
        None => known.and_then(|known| known.group),
        Some("" | "0") => None,
        Some(group) => match group.parse().ok().filter(|group| roster.groups.contains_key(group)) {
            Some(group) => Some(group),
            None => {
                wrong.push(format!(
                    "There is no group {group}. Make it first, or leave the cell empty."
                ));
                None
            }
        },
    };
    let queues = match places.queues.map(|place| cell(row, place)) {
        None => known.map(|known| known.queues.clone()).unwrap_or_default(),
        Some(queues) => queues_of(queues, roster, &mut wrong),
    };
    if wrong.is_empty() {
        return Ok((Agent { name: name.to_owned(), group, queues }, places.queues.is_some()));
    }
    Err(wrong)
}

/// Numbers of queues with spaces between them; `:disabled` behind one is assigned and not enabled.
fn queues_of(cell: &str, roster: &Roster, wrong: &mut Vec<String>) -> BTreeMap<u32, bool> {
    let mut queues = BTreeMap::new();
    for word in cell.split_whitespace() {
        let (number, enabled) = match word.strip_suffix(DISABLED) {
            Some(number) => (number, false),
            None => (word, true),
        };
        match number.parse().ok().filter(|queue| roster.queues.contains_key(queue)) {
            Some(queue) if queues.insert(queue, enabled).is_some() => {
                wrong.push(format!("The queue {queue} stands there twice."));
            }
            Some(_) => {}
            None => wrong.push(format!("There is no queue {number}. Make it first.")),
        }
    }
    queues
}

impl Plan {
    fn take(&mut self, id: &str, agent: Agent, sets_queues: bool, roster: &Roster) {
        let known = roster.agents.get(id);
        let ties_before = self.ties.len();
        if sets_queues {
            let before = known.map(|known| known.queues.clone()).unwrap_or_default();
            for (queue, enabled) in &agent.queues {
                if before.get(queue) != Some(enabled) {
                    self.ties.push((id.to_owned(), *queue, Some(*enabled)));
                    self.set += 1;
                }
            }
            for queue in before.keys().filter(|queue| !agent.queues.contains_key(queue)) {
                self.ties.push((id.to_owned(), *queue, None));
                self.dropped += 1;
            }
        }
        match known {
            Some(known) if known.name == agent.name && known.group == agent.group => {
                if self.ties.len() == ties_before {
                    self.same += 1;
                }
                return;
            }
            Some(_) => self.changed += 1,
            None => self.new += 1,
        }
        self.agents.push((id.to_owned(), agent));
    }
}

/// All agents as such a file.
pub fn written(roster: &Roster) -> String {
    let mut out = String::new();
    csv::write(&mut out, COLUMNS);
    for (id, agent) in &roster.agents {
        let group = agent.group.map(|group| group.to_string()).unwrap_or_default();
        let queues = agent.queues.iter().map(|(queue, enabled)| {
            if *enabled { queue.to_string() } else { format!("{queue}{DISABLED}") }
        });
        let queues = queues.collect::<Vec<_>>().join(" ");
        csv::write(&mut out, [id.as_str(), &agent.name, &group, &queues]);
    }
    out
}

#[cfg(test)]
mod tests {
    use stats::event::Media;

    use super::*;
    use crate::pages::console::roster::Queue;

    fn roster() -> Roster {
        let mut roster = Roster::default();
        for number in [101, 102] {
            roster
                .queues
                .insert(number, Queue { name: "Q".to_owned(), media: Media::Phone, sla: None });
        }
        roster.groups.insert(4, "North".to_owned());
        let queues = BTreeMap::from([(101, true), (102, false)]);
        roster
            .agents
            .insert("ann".to_owned(), Agent { name: "Ann".to_owned(), group: Some(4), queues });
        roster
    }

    fn check(file: &str, expected: &[&str]) {
        let problems = plan(file.as_bytes(), &roster()).err().unwrap_or_default();
        let told: Vec<String> =
            problems.iter().map(|problem| format!("{}: {}", problem.line, problem.what)).collect();
        assert_eq!(told.len(), expected.len(), "{told:?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.starts_with(expected), "{told} is to start with {expected}");
        }
    }

    #[test]
    fn every_problem_is_told_by_its_line() {
        check("", &["1: The file is empty"]);
        check("agent-id,agent-name", &["1: There is no agent"]);
        check(
            "agent-id,color,color",
            &[
                "1: The column “color”",
                "1: The column “color”",
                "1: The column “agent-name” is missing",
            ],
        );
        check(
            "agent-id,agent-name,group-id,queues\nbob,,9,101 7 101\na/b,B,x,\n\nbob,Bob\ncyd,Cyd,4,101,more\n",
            &[
                "2: An agent-name",
                "2: There is no group 9",
                "2: There is no queue 7",
                "2: The queue 101 stands there twice",
                "3: An agent id has no /",
                "3: There is no group x",
                "5: The agent bob stands in line 2",
                "6: There are 5 cells",
            ],
        );
    }

    #[test]
    fn a_file_becomes_what_changes() {
        let file = "agent-id;agent-name;queues\nann;Anna;101:disabled\nbob;Bob;102\n";
        let plan = plan(file.as_bytes(), &roster()).unwrap();
        assert_eq!((plan.new, plan.changed, plan.same, plan.set, plan.dropped), (1, 1, 0, 2, 1));
        let kinds = plan.kinds();
        assert_eq!(kinds.len(), 5);
        let ann =
            Kind::AgentConfigured { agent: "ann".into(), name: "Anna".into(), group: Some(4) };
        assert_eq!(kinds[0], ann, "no column of groups leaves the group");
        let dropped = Kind::AssignmentSet {
            agent: "ann".into(),
            queue: 102,
            assigned: false,
            enabled: false,
        };
        assert!(kinds.contains(&dropped));
    }

    #[test]
    fn an_export_changes_nothing() {
        let plan = plan(written(&roster()).as_bytes(), &roster()).unwrap();
        assert!(plan.is_empty());
        assert_eq!(plan.same, 1);
    }
}
