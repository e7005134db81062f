//! The hot paths, one at a time, for `cargo xtask instructions` to count instructions and allocations of: what happens
//! within [`counted`] and nothing else.
//!
//! Without valgrind it measures nothing; it is no rate. `instructions --list` names the cases, `instructions NAME` runs
//! one and prints how many units of its work were measured.

mod engine;
mod feeding;
mod reading;

use std::{hint::black_box, process::ExitCode};

/// The trouble that setting up may have.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// One hot path.
struct Case {
    name: &'static str,
    /// What it is counted by.
    unit: &'static str,
    /// Sets up, measures, and gives how many units were measured. Where it measures again, the last time counts.
    run: fn() -> Result<usize, Failure>,
}

const CASES: &[Case] = &[
    Case { name: "parse", unit: "event", run: engine::parse },
    Case { name: "apply", unit: "event", run: engine::apply },
    Case { name: "parse-and-apply", unit: "event", run: engine::parse_and_apply },
    Case { name: "freeze", unit: "row", run: engine::freeze },
    Case { name: "render-agents-json", unit: "row", run: engine::render_json },
    Case { name: "render-agents-xml", unit: "row", run: engine::render_xml },
    Case { name: "snapshot", unit: "state", run: engine::snapshot },
    Case { name: "restore", unit: "state", run: engine::restore },
    Case { name: "authenticate", unit: "request", run: reading::authenticate_request },
    Case { name: "answer", unit: "request", run: reading::answer },
    Case { name: "answer-not-modified", unit: "request", run: reading::answer_not_modified },
    Case { name: "answer-repeated", unit: "request", run: reading::answer_repeated },
    Case { name: "answer-repeated-http2", unit: "request", run: reading::answer_repeated_http2 },
    Case { name: "live-frame", unit: "frame", run: feeding::live_frame },
    Case { name: "ami-decode", unit: "message", run: feeding::ami_decode },
];

/// Does some work; that alone is counted.
fn measured<T>(work: impl FnOnce() -> T) -> T {
    let (mut work, mut done) = (Some(work), None);
    counted(&mut || done = work.take().map(|work| work()));
    done.expect("the work was done")
}

/// Valgrind knows it by its name, so it is one function and has no types of its own.
#[inline(never)]
fn counted(work: &mut dyn FnMut()) {
    work();
    // The call is not the last thing done: a jump would leave this function before its work.
    black_box(());
}

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    if wanted == "--list" {
        for case in CASES {
            println!("{} {}", case.name, case.unit);
        }
        return ExitCode::SUCCESS;
    }
    let Some(case) = CASES.iter().find(|case| case.name == wanted) else {
        // `cargo bench` runs every benchmark.
        eprintln!("instructions are counted by `cargo xtask instructions`");
        return if wanted == "--bench" { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    };
    match (case.run)() {
        Ok(units) => {
            println!("{units}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{}: {failure}", case.name);
            ExitCode::FAILURE
        }
    }
}
