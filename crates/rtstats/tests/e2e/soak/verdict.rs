//! What a server is like at the same hour of each day, and whether it stays so.

use std::fmt::Write as _;

/// A server at rest: nobody is connected.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sample {
    pub memory_bytes: f64,
    pub files: f64,
    pub threads: f64,
    /// The database and its write-ahead log.
    pub disk_bytes: f64,
    /// What of the database's file is in use.
    pub used_bytes: f64,
    pub rows: u64,
    /// Before the first event that is kept, and after the last one.
    pub first: u64,
    pub after: u64,
    pub sessions: f64,
}

/// What may grow, and how much.
pub struct Bounds {
    /// Days that are not judged.
    pub warm_up: usize,
    /// No event is kept for longer: retention, the time until the next look at what is old, and the age of the older snapshot.
    pub kept_days: usize,
    /// Growth from the first third of the other days to the last one, as a share.
    pub memory: f64,
    pub disk: f64,
    /// Files of connections to the database that stay open once they were needed side by side.
    pub files: f64,
    /// Threads that come with work that may block and go later.
    pub threads: f64,
}

type Figure = fn(&Sample) -> f64;

/// The days as a table, and everything that grows.
pub fn judge(samples: &[Sample], bounds: &Bounds) -> Result<String, String> {
    let mut told = table(samples);
    let judged = samples.get(bounds.warm_up..).unwrap_or_default();
    assert!(judged.len() >= 6, "{} days are too few to judge:\n{told}", samples.len());
    let figures: [(&str, Figure, f64, f64); 4] = [
        ("resident memory", |one| one.memory_bytes, bounds.memory, 0.0),
        ("disk", |one| one.disk_bytes, bounds.disk, 0.0),
        ("open files", |one| one.files, 0.0, bounds.files),
        ("threads", |one| one.threads, 0.0, bounds.threads),
    ];
    let mut grown = Vec::new();
    for (name, figure, share, more) in figures {
        let values: Vec<f64> = judged.iter().map(figure).collect();
        let third = values.len() / 3;
        let first = median(values[..third].to_vec());
        let last = median(values[values.len() - third..].to_vec());
        let slope = slope(&values);
        writeln!(told, "{name}: {first:.0}, later {last:.0}; {slope:+.0} a day").unwrap();
        let room = first * share + more;
        if last > first + room || slope * values.len() as f64 > room {
            grown.push(format!("{name} grows: {first:.0} to {last:.0}, {slope:+.0} a day"));
        }
    }
    let before = samples[samples.len() - 1 - bounds.kept_days].after;
    let last = samples[samples.len() - 1];
    if last.first < before {
        grown.push(format!(
            "events after {} are kept still, not only those after {before}",
            last.first
        ));
    }
    if grown.is_empty() { Ok(told) } else { Err(format!("{}\n{told}", grown.join("\n"))) }
}

fn table(samples: &[Sample]) -> String {
    let mut told = "day  memory KiB  files  threads  disk KiB  used KiB    rows  kept events  all events  sessions\n".to_owned();
    for (day, one) in samples.iter().enumerate() {
        let kib = |bytes: f64| (bytes / 1_024.0).round();
        let Sample { files, threads, rows, after, sessions, .. } = one;
        let (memory, disk, used) =
            (kib(one.memory_bytes), kib(one.disk_bytes), kib(one.used_bytes));
        let kept = after - one.first;
        writeln!(
            told,
            "{day:>3}  {memory:>10}  {files:>5}  {threads:>7}  {disk:>8}  {used:>8}  {rows:>6}  {kept:>11}  {after:>10}  {sessions:>8}"
        )
        .unwrap();
    }
    told
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The median of the slopes between all pairs (Theil and Sen): no single day decides it.
fn slope(values: &[f64]) -> f64 {
    let pairs =
        (0..values.len()).flat_map(|from| (from + 1..values.len()).map(move |to| (from, to)));
    median(pairs.map(|(from, to)| (values[to] - values[from]) / (to - from) as f64).collect())
}

#[test]
fn what_grows_is_told_and_noise_is_not() {
    let bounds =
        Bounds { warm_up: 3, kept_days: 2, memory: 0.05, disk: 0.05, files: 1.0, threads: 2.0 };
    let days = |memory: fn(usize) -> f64, files: fn(usize) -> f64, first: fn(usize) -> usize| {
        let day = |day: usize| Sample {
            memory_bytes: memory(day),
            files: files(day),
            threads: 20.0 + (day % 3) as f64,
            disk_bytes: 1e6,
            first: first(day) as u64 * 1_000,
            after: day as u64 * 1_000,
            ..Sample::default()
        };
        judge(&(0..30).map(day).collect::<Vec<_>>(), &bounds)
    };
    let noisy =
        |day: usize| 5e7 + ((day * 7) % 11) as f64 * 1e5 + if day == 20 { 3e7 } else { 0.0 };
    let kept = |day: usize| day.saturating_sub(2);
    let quiet = days(noisy, |_| 30.0, kept);
    assert!(quiet.is_ok(), "{quiet:?}");
    let leak = days(|day| 5e7 + day as f64 * 2e5, |_| 30.0, kept).unwrap_err();
    assert!(leak.starts_with("resident memory grows"), "{leak}");
    let files = days(noisy, |day| 30.0 + (day / 5) as f64, kept).unwrap_err();
    assert!(files.starts_with("open files grows"), "{files}");
    let kept = days(noisy, |_| 30.0, |_| 0).unwrap_err();
    assert!(kept.starts_with("events after 0 are kept"), "{kept}");
}
