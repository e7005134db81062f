//! The statements, and the three databases that are asked: each loads the day, is asked often, and gives its rows once.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use super::day::{NOW_MS, PERIOD_MS, Tables, WINDOW_MS};
use crate::bench::postgres::Postgres;

const SCHEMA: &str = include_str!("schema.sql");
const INDEXES: &str = include_str!("indexes.sql");
const AGENTS: &str = include_str!("agents.sql");
const QUEUES: &str = include_str!("queues.sql");

/// What stands in a script's output between what is not measured and what is.
const MARK: &str = "measured from here";

/// What a database answered and how long it took.
pub struct Answered {
    pub name: String,
    /// Agents' rows and queues' rows, columns parted by commas.
    pub rows: [Vec<String>; 2],
    /// Both statements together, each round.
    pub rounds: Vec<Duration>,
    /// Loading the day, with indexes.
    pub load: Duration,
}

/// The statements for the instant that is described, dividing by `divide`.
fn statements(divide: &str) -> [String; 2] {
    [AGENTS, QUEUES].map(|text| {
        text.replace("--", "\u{0}")
            .lines()
            .filter(|line| !line.starts_with('\u{0}'))
            .map(|line| line.replace("//", divide) + "\n")
            .collect::<String>()
            .replace(":now", &NOW_MS.to_string())
            .replace(":window", &WINDOW_MS.to_string())
            .replace(":period", &PERIOD_MS.to_string())
    })
}

/// SQLite, in this process. With a path, in a file; without, in memory.
pub fn sqlite(path: Option<&Path>, tables: &Tables, rounds: usize) -> Result<Answered> {
    let mut database = match path {
        Some(path) => Connection::open(path)?,
        None => Connection::open_in_memory()?,
    };
    let begin = Instant::now();
    database.execute_batch("PRAGMA cache_size=-2000000; PRAGMA mmap_size=4000000000;")?;
    database.execute_batch(SCHEMA)?;
    fill(&mut database, tables)?;
    database.execute_batch(INDEXES)?;
    database.execute_batch("ANALYZE;")?;
    let load = begin.elapsed();
    let statements = statements("/");
    let mut rows = [Vec::new(), Vec::new()];
    for (statement, rows) in statements.iter().zip(&mut rows) {
        let mut statement = database.prepare(statement)?;
        let columns = statement.column_count();
        let mut answer = statement.query([])?;
        while let Some(row) = answer.next()? {
            let values = (0..columns).map(|column| Ok(shown(row.get_ref(column)?)));
            rows.push(values.collect::<Result<Vec<_>>>()?.join(","));
        }
    }
    let rounds = (0..rounds).map(|_| {
        let begin = Instant::now();
        for statement in &statements {
            let mut statement = database.prepare_cached(statement)?;
            let columns = statement.column_count();
            let mut answer = statement.query([])?;
            while let Some(row) = answer.next()? {
                for column in 0..columns {
                    std::hint::black_box(row.get_ref(column)?);
                }
            }
        }
        Ok(begin.elapsed())
    });
    let rounds = rounds.collect::<Result<_>>()?;
    Ok(Answered { name: format!("SQLite {}", rusqlite::version()), rows, rounds, load })
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        other => format!("{other:?}"),
    }
}

fn fill(database: &mut Connection, tables: &Tables) -> Result<()> {
    let filling = database.transaction()?;
    {
        let insert = |sql| filling.prepare(sql);
        let mut queues = insert("INSERT INTO queues VALUES (?, ?, ?)")?;
        for (queue, name, media) in &tables.queues {
            queues.execute(params![queue, name, media])?;
        }
        let mut agents = insert("INSERT INTO agents VALUES (?, ?, ?, ?)")?;
        for (agent, login, name, team) in &tables.agents {
            agents.execute(params![agent, login, name, team])?;
        }
        let mut assignments = insert("INSERT INTO assignments VALUES (?, ?, ?)")?;
        for row in &tables.assignments {
            assignments.execute(*row)?;
        }
        let mut visits = insert("INSERT INTO visits VALUES (?, ?, ?, ?, ?)")?;
        for row in &tables.visits {
            visits.execute(*row)?;
        }
        let mut legs = insert("INSERT INTO legs VALUES (?, ?, ?, ?, ?)")?;
        for row in &tables.legs {
            legs.execute(*row)?;
        }
        let mut rejections = insert("INSERT INTO rejections VALUES (?, ?)")?;
        for row in &tables.rejections {
            rejections.execute(*row)?;
        }
        let mut spans = insert("INSERT INTO spans VALUES (?, ?, ?, ?)")?;
        for row in &tables.spans {
            spans.execute(*row)?;
        }
    }
    Ok(filling.commit()?)
}

/// The tables as files of comma-separated values, empty where there is no value.
pub struct Files(Vec<(&'static str, PathBuf)>);

impl Files {
    pub fn write(folder: &Path, tables: &Tables) -> Result<Files> {
        let instant = |at: Option<i64>| at.map(|at| at.to_string()).unwrap_or_default();
        let mut files = Files(Vec::new());
        files.add(
            folder,
            "queues",
            tables.queues.iter().map(|(q, n, m)| format!("{q},{n},{m}")),
        )?;
        let agents = tables.agents.iter().map(|(a, l, n, t)| format!("{a},{l},{n},{t}"));
        files.add(folder, "agents", agents)?;
        let assignments = tables.assignments.iter().map(|(a, q, e)| format!("{a},{q},{e}"));
        files.add(folder, "assignments", assignments)?;
        let visits = tables.visits.iter();
        let visits = visits.map(|(q, at, end, s, w)| format!("{q},{at},{},{s},{w}", instant(*end)));
        files.add(folder, "visits", visits)?;
        let legs = tables.legs.iter().map(|(a, q, begun, left, ended)| {
            format!("{a},{q},{begun},{},{}", instant(*left), instant(*ended))
        });
        files.add(folder, "legs", legs)?;
        let rejections = tables.rejections.iter().map(|(a, at)| format!("{a},{at}"));
        files.add(folder, "rejections", rejections)?;
        let spans = tables.spans.iter();
        let spans =
            spans.map(|(a, s, begun, ended)| format!("{a},{s},{begun},{}", instant(*ended)));
        files.add(folder, "spans", spans)?;
        Ok(files)
    }

    fn add(
        &mut self,
        folder: &Path,
        table: &'static str,
        rows: impl Iterator<Item = String>,
    ) -> Result<()> {
        let path = folder.join(format!("{table}.csv"));
        let mut file = std::io::BufWriter::new(std::fs::File::create(&path)?);
        for row in rows {
            writeln!(file, "{row}")?;
        }
        file.flush()?;
        self.0.push((table, path));
        Ok(())
    }

    /// A line for each table.
    fn script(&self, line: impl Fn(&str, std::path::Display<'_>) -> String) -> String {
        self.0.iter().map(|(table, path)| line(table, path.display()) + "\n").collect()
    }
}

/// PostgreSQL, in a cluster of our own.
pub fn postgres(folder: &Path, files: &Files, rounds: usize) -> Result<Answered> {
    let cluster = Postgres::start(folder)?;
    let name = cluster.version()?;
    let begin = Instant::now();
    let copies = files.script(|table, path| format!("\\copy {table} FROM '{path}' CSV"));
    run(&mut cluster.psql(), &format!("{SCHEMA}\n{copies}\n{INDEXES}\nVACUUM ANALYZE;\n"))?;
    let load = begin.elapsed();
    let outputs = ["agents", "queues"].map(|name| folder.join(format!("postgres-{name}.out")));
    let [agents, queues] = statements("/");
    let mut script = String::new();
    for (output, statement) in outputs.iter().zip([&agents, &queues]) {
        script += &format!("\\o {}\n{statement}", output.display());
    }
    script += &format!("\\o /dev/null\n\\echo {MARK}\n\\timing on\n");
    script += &format!("{agents}{queues}").repeat(rounds);
    let told = run(&mut cluster.psql(), &script)?;
    // `Time: 12.345 ms`, and more behind it when it was long.
    let times = times(&told, "Time: ", 1e-3)?;
    Ok(Answered { name, rows: read(&outputs)?, rounds: pairs(&times, rounds)?, load })
}

/// DuckDB, by its command line.
pub fn duckdb(program: &Path, folder: &Path, files: &Files, rounds: usize) -> Result<Answered> {
    let database = folder.join("day.duckdb");
    let duckdb = || {
        let mut command = Command::new(program);
        command.arg("-bail").arg(&database);
        command
    };
    let version = Command::new(program).arg("--version").output();
    let version = version.with_context(|| format!("cannot run {}", program.display()))?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let begin = Instant::now();
    let copies = files.script(|table, path| format!("COPY {table} FROM '{path}' (HEADER false);"));
    // It has no partial indexes, and its sums read columns, not indexes.
    run(&mut duckdb(), &format!("{SCHEMA}\n{copies}\nANALYZE;\nCHECKPOINT;\n"))?;
    let load = begin.elapsed();
    let outputs = ["agents", "queues"].map(|name| folder.join(format!("duckdb-{name}.out")));
    let [agents, queues] = statements("//");
    let mut script = String::from(".headers off\n.mode csv\n");
    for (output, statement) in outputs.iter().zip([&agents, &queues]) {
        script += &format!(".output {}\n{statement}", output.display());
    }
    script += &format!(".output\n.print {MARK}\n.timer on\n.output /dev/null\n");
    script += &format!("{agents}{queues}").repeat(rounds);
    let told = run(&mut duckdb(), &script)?;
    // `Run Time (s): real 0.012 user 0.010 sys 0.002`.
    let times = times(&told, "Run Time (s): real ", 1.0)?;
    let name = format!(
        "DuckDB {}",
        version.split([' ', 'v']).find(|word| !word.is_empty()).unwrap_or("?")
    );
    let rows = read(&outputs)?.map(|rows| rows.iter().map(|row| row.replace('"', "")).collect());
    Ok(Answered { name, rows, rounds: pairs(&times, rounds)?, load })
}

/// Runs a program with a script and returns what it printed.
fn run(command: &mut Command, script: &str) -> Result<String> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().with_context(|| format!("cannot start {shown}"))?;
    let mut input = child.stdin.take().context("no standard input")?;
    // Scripts are larger than a pipe, and so may answers be.
    let script = script.to_owned();
    let writing = std::thread::spawn(move || input.write_all(script.as_bytes()));
    let output = child.wait_with_output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && errors.trim().is_empty(), "{shown}: {errors}");
    // Whoever ended well has read all.
    let _ = writing.join();
    Ok(String::from_utf8(output.stdout)?)
}

/// The times that a program printed behind the mark.
fn times(told: &str, before: &str, unit_seconds: f64) -> Result<Vec<Duration>> {
    let (_, told) = told.split_once(MARK).context("the script did not come to its end")?;
    let times = told.lines().filter_map(|line| line.strip_prefix(before)).map(|rest| {
        let figure: f64 = rest.split(' ').next().unwrap_or_default().parse()?;
        Ok(Duration::try_from_secs_f64(figure * unit_seconds)?)
    });
    times.collect()
}

/// Two statements are a round.
fn pairs(times: &[Duration], rounds: usize) -> Result<Vec<Duration>> {
    ensure!(times.len() == 2 * rounds, "{} times for {rounds} rounds", times.len());
    Ok(times.chunks(2).map(|pair| pair.iter().sum()).collect())
}

fn read(outputs: &[PathBuf; 2]) -> Result<[Vec<String>; 2]> {
    let [agents, queues] = outputs;
    let lines = |path: &Path| -> Result<Vec<String>> {
        Ok(std::fs::read_to_string(path)?.lines().map(|line| line.trim_end().to_owned()).collect())
    };
    Ok([lines(agents)?, lines(queues)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_behind_the_mark() {
        let told = format!("Time: 9 ms\n{MARK}\nTime: 1.500 ms\nTime: 1234.5 ms (00:01.234)\n");
        let times = times(&told, "Time: ", 1e-3).unwrap();
        assert_eq!(times, [Duration::from_micros(1_500), Duration::from_micros(1_234_500)]);
        assert_eq!(pairs(&times, 1).unwrap(), [Duration::from_millis(1_236)]);
        assert!(pairs(&times, 2).is_err());
        assert!(super::times("Time: 9 ms", "Time: ", 1.0).is_err());
    }

    #[test]
    fn statements_name_their_instants() {
        for text in statements("/") {
            assert!(!text.contains("//") && !text.contains(':') && !text.contains("--"), "{text}");
            assert!(text.contains(&NOW_MS.to_string()));
        }
    }
}
