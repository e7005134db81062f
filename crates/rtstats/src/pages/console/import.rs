//! Agents from a CSV file: checked line by line against what there is, and told as events. Pure: nothing is written here.

use std::collections::{BTreeMap, HashMap};

use stats::limit;

use super::{
    agent::id_mistake,
    csv::{self, Row},
    plan::Plan,
    roster::{Agent, Roster},
};

/// The columns: the API's own names. The last two may be left out.
pub const COLUMNS: [&str; 4] = ["agent-id", "agent-name", "group-id", "queues"];

/// What stands behind a queue's number where the agent is assigned and not enabled.
const DISABLED: &str = ":disabled";

/// Problems that are kept: of twice the agents of the largest tenant. A file with more is the wrong file.
pub const PROBLEMS_MAX: usize = 20_000;

/// Something wrong in a line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub line: usize,
    pub what: String,
}

/// All that is wrong in a file.
#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn push(&mut self, line: usize, what: String) {
        if !self.is_full() {
            self.0.push(Problem { line, what });
        }
    }

    fn is_full(&self) -> bool {
        self.0.len() == PROBLEMS_MAX
    }
}

/// Where the columns of a file are.
#[derive(Clone, Copy)]
struct Places {
    id: usize,
    /// None where the column is missing, which is told of the first line.
    name: Option<usize>,
    group: Option<usize>,
    queues: Option<usize>,
}

/// Reads a file against what there is: a plan, or every problem by line.
pub fn plan(bytes: &[u8], roster: &Roster) -> Result<Plan, Vec<Problem>> {
    let sheet = csv::read(bytes);
    let (mut plan, mut problems) = (Plan::default(), Problems::default());
    for (line, what) in &sheet.faults {
        problems.push(*line, (*what).to_owned());
    }
    match sheet.rows.split_first() {
        Some((head, rows)) => {
            let places = places(head, &mut problems);
            if rows.is_empty() && !head.torn {
                let what = "There is no agent below the names of the columns.";
                problems.push(head.line, what.to_owned());
            }
            if let Some(places) = places {
                judge(head.len, rows, places, roster, &mut plan, &mut problems);
            }
        }
        None if sheet.faults.is_empty() => {
            let what = "The file is empty. Its first line names the columns.";
            problems.push(1, what.to_owned());
        }
        None => {}
    }
    let mut problems = problems.0;
    problems.sort_by_key(|problem| problem.line);
    if problems.is_empty() { Ok(plan) } else { Err(problems) }
}

/// Takes every row into the plan, or says all that is wrong with it.
fn judge(
    columns: usize,
    rows: &[Row],
    places: Places,
    roster: &Roster,
    plan: &mut Plan,
    problems: &mut Problems,
) {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for row in rows {
        if problems.is_full() {
            break;
        }
        if row.len > columns {
            let what = format!("There are {} cells, and {columns} columns.", row.len);
            problems.push(row.line, what);
        }
        let id = cell(row, places.id).filter(|id| !id.is_empty());
        if let Some(id) = id {
            match seen.get(id) {
                Some(first) => {
                    let what = format!("The agent {id} stands in line {first} already.");
                    problems.push(row.line, what);
                }
                None => {
                    seen.insert(id, row.line);
                }
            }
        }
        let mut wrong = |what| problems.push(row.line, what);
        if let (Some(agent), Some(id)) = (line(row, places, roster, &mut wrong), id) {
            plan.take(id, agent, places.queues.is_some(), roster);
        }
    }
}

/// The places of the columns, with all that is wrong with the first line told. None where no row can be judged by it.
fn places(head: &Row, problems: &mut Problems) -> Option<Places> {
    let place = |name: &str| head.cells.iter().position(|cell| cell.eq_ignore_ascii_case(name));
    let mut wrong = |what: String| problems.push(head.line, what);
    for (at, cell) in head.cells.iter().enumerate() {
        let known = COLUMNS.iter().any(|name| cell.eq_ignore_ascii_case(name));
        if !known {
            wrong(format!("The column “{cell}” is not known. There are {}.", COLUMNS.join(", ")));
        } else if head.cells[..at].iter().any(|before| before.eq_ignore_ascii_case(cell)) {
            wrong(format!("The column “{cell}” stands there twice."));
        }
    }
    if head.len > head.cells.len() {
        wrong(format!("There are {} columns. At most {} are known.", head.len, COLUMNS.len()));
    }
    // Which columns stand behind a torn place, nobody knows.
    if head.torn {
        return None;
    }
    for name in &COLUMNS[..2] {
        if place(name).is_none() {
            wrong(format!("The column “{name}” is missing."));
        }
    }
    Some(Places {
        id: place(COLUMNS[0])?,
        name: place(COLUMNS[1]),
        group: place(COLUMNS[2]),
        queues: place(COLUMNS[3]),
    })
}

/// A cell; empty where the row ends before, none where it is torn before.
fn cell(row: &Row, place: usize) -> Option<&str> {
    row.cells.get(place).map(String::as_str).or((!row.torn).then_some(""))
}

/// The agent of a line, unless something is wrong with it.
fn line(
    row: &Row,
    places: Places,
    roster: &Roster,
    wrong: &mut dyn FnMut(String),
) -> Option<Agent> {
    let mut right = !row.torn;
    let mut wrong = |what| {
        right = false;
        wrong(what);
    };
    let id = cell(row, places.id)?;
    let known = roster.agents.get(id);
    // What an agent has already was let through before.
    if let Some(mistake) = id_mistake(id).filter(|_| known.is_none()) {
        wrong(mistake.to_owned());
    }
    let name = places.name.and_then(|place| cell(row, place));
    if let Some(name) = name.filter(|name| known.is_none_or(|known| known.name != *name)) {
        let chars = name.chars().count();
        if chars == 0 || chars > limit::NAME_CHARS_MAX {
            wrong(format!("An agent-name has 1 to {} characters.", limit::NAME_CHARS_MAX));
        }
    }
    let own = known.and_then(|known| known.group);
    let group = match places.group.map(|place| cell(row, place).unwrap_or_default()) {
        None => own,
        Some("" | "0") => None,
        Some(group) => group_of(group, own, roster, &mut wrong),
    };
    let queues = match places.queues.map(|place| cell(row, place).unwrap_or_default()) {
        None => BTreeMap::new(),
        Some(queues) => queues_of(queues, roster, &mut wrong),
    };
    let name = name.unwrap_or_default().to_owned();
    right.then_some(Agent { name, group, queues })
}

/// The number of a group that there is. A sender may have named one that is not configured: an agent who is in it stays.
fn group_of(
    cell: &str,
    own: Option<u32>,
    roster: &Roster,
    wrong: &mut dyn FnMut(String),
) -> Option<u32> {
    let group = cell.parse().ok();
    let group = group.filter(|group| Some(*group) == own || roster.groups.contains_key(group));
    if group.is_none() {
        wrong(format!("There is no group {cell}. Make it first, or leave the cell empty."));
    }
    group
}

/// Numbers of queues with spaces between them; `:disabled` behind one is assigned and not enabled.
fn queues_of(cell: &str, roster: &Roster, wrong: &mut dyn FnMut(String)) -> BTreeMap<u32, bool> {
    let mut queues = BTreeMap::new();
    for word in cell.split_whitespace() {
        let (number, enabled) = match word.strip_suffix(DISABLED) {
            Some(number) => (number, false),
            None => (word, true),
        };
        match number.parse().ok().filter(|queue| roster.queues.contains_key(queue)) {
            Some(queue) if queues.insert(queue, enabled).is_some() => {
                wrong(format!("The queue {queue} stands there twice."));
            }
            Some(_) => {}
            None => wrong(format!("There is no queue {number}. Make it first.")),
        }
    }
    queues
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
    use proptest::prelude::*;
    use stats::{
        engine::Engine,
        event::{Event, Kind, Media},
        parse::parse_batch,
        zone::Zone,
    };

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
        check("\"agent-id", &["1: A quotation mark"]);
        check(
            "agent-id,color,color",
            &[
                "1: The column “color”",
                "1: The column “color”",
                "1: The column “agent-name” is missing",
                "1: There is no agent",
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
    fn a_line_is_judged_whole_whatever_else_is_wrong() {
        check(
            "agent-id,agent-name,group-id\na/b,,9,extra\na/b,,9\n",
            &[
                "2: There are 4 cells",
                "2: An agent id has no /",
                "2: An agent-name",
                "2: There is no group 9",
                "3: The agent a/b stands in line 2",
                "3: An agent id has no /",
                "3: An agent-name",
                "3: There is no group 9",
            ],
        );
        check(
            "agent-id,agent-id,group-id,color\nann,,9\nann\n,,\nx/,,\n",
            &[
                "1: The column “agent-id” stands there twice",
                "1: The column “color”",
                "1: The column “agent-name” is missing",
                "2: There is no group 9",
                "3: The agent ann stands in line 2",
                "5: An agent id has no /",
            ],
        );
    }

    #[test]
    fn what_can_not_be_read_hides_nothing_else() {
        check(
            "agent-id,agent-name,group-id\nbob,,\nx/,\"Cyd,\ndan,,\n\"eve\"\"",
            &[
                "2: An agent-name",
                "3: A quotation mark",
                "3: An agent id has no /",
                "4: An agent-name",
                "5: A quotation mark",
            ],
        );
        let file = b"agent-id,agent-name,group-id\nb\xe4,B,\nb\xf6,\xd6,9\nbob,,\n";
        let told: Vec<_> = plan(file, &roster()).unwrap_err();
        let told: Vec<_> = told.iter().map(|problem| (problem.line, &problem.what[..12])).collect();
        let expected =
            [(2, "The line is "), (3, "The line is "), (3, "There is no "), (4, "An agent-nam")];
        assert_eq!(told, expected);
    }

    #[test]
    fn problems_beyond_all_measure_are_cut_off() {
        let file =
            format!("agent-id,agent-name,queues\nbob,Bob,{}\n", "9 ".repeat(PROBLEMS_MAX + 9));
        assert_eq!(plan(file.as_bytes(), &roster()).unwrap_err().len(), PROBLEMS_MAX);
    }

    #[test]
    fn a_file_becomes_what_changes() {
        let file = "agent-id;agent-name;queues\nann;Anna;101:disabled\nbob;Bob;102\n";
        let plan = plan(file.as_bytes(), &roster()).unwrap();
        assert_eq!((plan.new, plan.changed, plan.same, plan.set, plan.dropped), (1, 1, 0, 2, 1));
        let kinds: Vec<Kind<'_>> = plan.kinds().collect();
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

    /// Events of which an engine makes a directory: also what no form of these pages would let through.
    fn events() -> impl Strategy<Value = Vec<Kind<'static>>> {
        let odd = "[-=a'\",;:\r\n\t\0 ä\u{85}\u{feff}]{0,5}";
        let id = prop_oneof!["[-=a'\",;:  ä\u{a0}]{1,3}", "[a-c]"];
        let queue = 1..4_u32;
        let kind = prop_oneof![
            (queue.clone(), odd).prop_map(|(queue, name)| Kind::QueueConfigured {
                queue,
                name: name.into(),
                media: Media::Phone,
                sla: None,
            }),
            (1..4_u32, odd)
                .prop_map(|(group, name)| Kind::GroupConfigured { group, name: name.into() }),
            (1..4_u32).prop_map(|group| Kind::GroupRemoved { group }),
            (id.clone(), odd, proptest::option::of(1..4_u32)).prop_map(|(agent, name, group)| {
                Kind::AgentConfigured { agent: agent.into(), name: name.into(), group }
            }),
            (id, queue, any::<bool>(), any::<bool>()).prop_map(
                |(agent, queue, assigned, enabled)| Kind::AssignmentSet {
                    agent: agent.into(),
                    queue,
                    assigned,
                    enabled,
                }
            ),
        ];
        proptest::collection::vec(kind, 0..40)
    }

    proptest! {
        /// Into the tenant it is from, an export changes nothing; into an empty one with its queues and groups, it makes
        /// the same agents.
        #[test]
        fn whatever_is_exported_is_imported(kinds in events()) {
            let mut engine = Engine::new(Zone::named("UTC").unwrap());
            for (kind, time) in kinds.into_iter().zip(1..) {
                let mut line = Vec::new();
                Event { time, origin: None, kind }.write_line(&mut line);
                for line in parse_batch(&line, None).unwrap() {
                    engine.apply(&line.event);
                }
            }
            let roster = Roster::of(&engine.present(), 0);
            prop_assume!(!roster.agents.is_empty());
            let file = written(&roster);
            let plan = plan(file.as_bytes(), &roster).unwrap();
            prop_assert!(plan.is_empty(), "{plan:?} of {file:?}");
            prop_assert_eq!(plan.same, roster.agents.len());
            let mut other = Roster { agents: BTreeMap::new(), ..roster.clone() };
            let groups = roster.agents.values().filter_map(|agent| agent.group);
            other.groups.extend(groups.map(|group| (group, "G".to_owned())));
            let unnamed = roster.agents.values().any(|agent| agent.name.is_empty());
            match super::plan(file.as_bytes(), &other) {
                Ok(plan) => {
                    prop_assert!(!unnamed);
                    prop_assert_eq!(plan.new, roster.agents.len());
                    let told: Vec<Kind<'_>> = plan.kinds().collect();
                    for (id, agent) in &roster.agents {
                        prop_assert!(told.contains(&agent.configured(id)));
                    }
                    let ties: usize = roster.agents.values().map(|agent| agent.queues.len()).sum();
                    prop_assert_eq!(told.len(), roster.agents.len() + ties);
                }
                Err(problems) => prop_assert!(unnamed, "{problems:?}"),
            }
        }

        #[test]
        fn no_file_panics(file in "(agent-id|agent-name|queues|group-id|[,;\"\n a1:]){0,30}") {
            if let Err(problems) = plan(file.as_bytes(), &roster()) {
                prop_assert!(problems.is_sorted_by_key(|problem| problem.line));
            }
        }
    }
}
