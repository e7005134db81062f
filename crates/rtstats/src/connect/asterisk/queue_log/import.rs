//! `rtstats import asterisk-queue-log`: files of history, then perhaps the file that goes on.

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::Context;
use clap::{Args, error::ErrorKind};
use jiff::tz::TimeZone;
use stats::{event::Millis, zone::Zone};

use super::{
    files::Merge,
    order::LOOK_BACK_MS,
    reading::{Reading, Wanted},
    state::{self, State},
    tail::Tail,
};
use crate::{
    clock,
    connect::{
        asterisk::{
            mapping::{AgentId, Mapping},
            settings::ConnectionName,
        },
        kept::Kept,
        names::Names,
    },
    post::{Address, Attempt, Poster, Trust},
    replay,
    tenants::{TenantName, Token},
};

/// Bytes of events that are written or sent at a time.
const BATCH_BYTES: usize = 1 << 20;

/// Bytes that are sent at a time, unless one line has more.
const PART_BYTES: usize = 4 << 20;

/// How often a followed file is looked at.
const POLL: Duration = Duration::from_millis(250);

/// A wrap-up's end is told so long after it, when no line of before it can come any more.
const SETTLED_MS: Millis = 2_000;

/// Flags of `rtstats import asterisk-queue-log`.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// The files, rotated ones too, in any order, packed by gzip or not; - reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Go on as the last FILE grows, over its rotation, until stopped
    #[arg(long)]
    follow: bool,
    /// The PBX's name: it heads the ids of its calls, as in the section [connect.asterisk.NAME]
    #[arg(long, default_value = "asterisk", value_name = "NAME")]
    pub name: ConnectionName,
    /// Take the mapping of the section [connect.asterisk.NAME] of this TOML file; flags outrank it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A queue's number; others get the next free ones
    #[arg(long, value_name = "QUEUE=NUMBER", value_parser = queue_number)]
    queue: Vec<(String, u32)>,
    /// Take these queues alone
    #[arg(long, requires = "queue")]
    only_listed_queues: bool,
    /// Wrap-up time, of all queues or of one, as wrapuptime in queues.conf
    #[arg(long, value_name = "[QUEUE=]SECONDS", value_parser = wrap_up)]
    wrap_up_seconds: Vec<(Option<String>, u32)>,
    /// Whose a name or an interface is: the agent's id
    #[arg(long, value_name = "MEMBER=ID", value_parser = agent)]
    agent: Vec<(String, String)>,
    /// Members added by interface are agents of their own: for a PBX whose members have no names
    #[arg(long)]
    agents_by_interface: bool,
    /// The zone of the log's times, where they are local text; and that of `--since today`
    #[arg(long, value_name = "ZONE", value_parser = |name: &str| Zone::named(name))]
    timezone: Option<Zone>,
    /// Leave out what came before: an RFC 3339 instant, epoch milliseconds or today
    #[arg(long, value_name = "INSTANT", value_parser = since)]
    since: Option<Since>,
    /// Leave out what came after
    #[arg(long, value_name = "INSTANT", value_parser = replay::instant, conflicts_with = "follow")]
    until: Option<Millis>,
    /// Keep here where reading broke off; the next import with it goes on from there
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// The file of numbers and ids that the live connector keeps
    #[arg(long, value_name = "FILE")]
    names: Option<PathBuf>,
    /// The server to send to, such as https://localhost:8443; without it events go to standard output
    #[arg(long, value_name = "URL", requires_all = ["tenant", "token"])]
    to: Option<Address>,
    /// The tenant's name
    #[arg(long, value_name = "NAME", requires = "to")]
    tenant: Option<TenantName>,
    /// The tenant's Action Request Token; of no use without --to
    #[arg(long, value_name = "HEX", env = "RTSTATS_ACTION_TOKEN", hide_env_values = true)]
    token: Option<Token>,
    /// Trust the certificates of this PEM file, such as the server's own
    #[arg(long, value_name = "FILE", requires = "to")]
    cacert: Option<PathBuf>,
    /// Don't check the server's certificate at all
    #[arg(long, requires = "to", conflicts_with = "cacert")]
    insecure: bool,
}

/// The earliest that is wanted.
#[derive(Debug, Clone, Copy)]
enum Since {
    Today,
    Instant(Millis),
}

/// Imports by a mapping and what the flags say over it, and tells on standard error what it did.
pub fn run(args: &ImportArgs, mapping: Mapping) -> anyhow::Result<()> {
    let pbx_zone = match &args.timezone {
        Some(zone) => Some(TimeZone::get(zone.name())?),
        None => None,
    };
    let mut state = match &args.state {
        Some(path) => State::load(path, args.name.as_str())?,
        None => State::fresh(args.name.as_str()),
    };
    let names = args.names(&state)?;
    let wanted = Wanted::new(args.since()?, args.until);
    let (unsent, place) = (std::mem::take(&mut state.unsent), state.place.take());
    let mut import = Import {
        reading: Reading::new(args.over(mapping), names, &mut state, wanted),
        output: args.output()?,
        args,
    };
    import.output.send(unsent.into_bytes())?;
    let (files, followed) = match args.files.split_last() {
        Some((last, before)) if args.follow => (before, Some(last)),
        _ => (&args.files[..], None),
    };
    if followed.is_some_and(|path| path.as_os_str() == "-") {
        usage_error("--follow goes with a file: standard input is read to its end anyway");
    }
    // Files of before were read when the followed one was first opened; they may still be given.
    import.files(files, pbx_zone.as_ref())?;
    if let Some(path) = followed {
        let last = import.reading.last();
        let tail =
            Tail::open(path, pbx_zone.as_ref(), place.as_ref(), last, &mut import.reading.account)?;
        let how = if tail.is_resumed { "from where it broke off" } else { "from its beginning" };
        eprintln!("rtstats: following {} {how}", path.display());
        import.follow(tail)?;
    }
    import.finish(followed.is_some())
}

struct Import<'a> {
    reading: Reading,
    output: Output,
    args: &'a ImportArgs,
}

impl Import<'_> {
    /// Reads whole files. Events of the last lines may still be held back.
    fn files(&mut self, files: &[PathBuf], zone: Option<&TimeZone>) -> anyhow::Result<()> {
        let mut merge = Merge::open(files, zone, &mut self.reading.account)?;
        while merge.advance(&mut self.reading.account)? {
            let reading = &mut self.reading;
            let Some((line, bytes)) = merge.line() else { break };
            if reading.is_over(line.time) {
                break;
            }
            reading.take(&line, bytes);
            reading.write_until(line.time - LOOK_BACK_MS);
            if reading.out().len() >= BATCH_BYTES {
                self.send_on()?;
            }
        }
        Ok(())
    }

    /// Goes on as the file grows, until the process is asked to end.
    fn follow(&mut self, mut tail: Tail) -> anyhow::Result<()> {
        let stop = stop_on_signal()?;
        let mut is_behind = true;
        while !stop.load(Ordering::Relaxed) {
            let reading = &mut self.reading;
            let is_line = tail.advance(&mut reading.account)?;
            if is_line && let Some((line, bytes)) = tail.line() {
                if tail.is_resumed {
                    reading.take_new(&line, bytes);
                } else {
                    reading.take(&line, bytes);
                }
                // What is past already comes in order; what happens now goes out at once.
                reading.write_until(line.time - if is_behind { LOOK_BACK_MS } else { 0 });
                if reading.out().len() < BATCH_BYTES {
                    continue;
                }
            }
            if is_line && is_behind {
                self.send_on()?;
                continue;
            }
            if !is_line {
                is_behind = false;
                let last = reading.last();
                reading.write_until(last.max(clock::now() - SETTLED_MS));
            }
            for told in reading.account.take_told() {
                eprintln!("rtstats: {told}");
            }
            if !self.reading.out().is_empty() {
                let place = tail.place().context("can't tell the place in the followed file")?;
                if !self.commit(Some(place), Some(&stop))? {
                    return Ok(());
                }
            }
            if !is_line {
                thread::sleep(POLL);
            }
        }
        if !is_behind && self.args.state.is_some() {
            let place = tail.place().context("can't tell the place in the followed file")?;
            self.commit(Some(place), Some(&stop))?;
        }
        Ok(())
    }

    /// Sends what is past already: whoever is cut off here begins again and gives the same events.
    fn send_on(&mut self) -> anyhow::Result<()> {
        self.keep_names()?;
        self.output.send(self.reading.take_out())
    }

    /// Writes the state with the events that wait, then sends them. False: it was asked to end first.
    fn commit(
        &mut self,
        place: Option<state::Place>,
        stop: Option<&AtomicBool>,
    ) -> anyhow::Result<bool> {
        if let Some(path) = &self.args.state {
            self.reading.state(place)?.store(path)?;
        }
        self.keep_names()?;
        let batch = self.reading.take_out();
        match stop {
            Some(stop) => self.output.send_unless(batch, stop),
            None => self.output.send(batch).map(|()| true),
        }
    }

    fn keep_names(&mut self) -> anyhow::Result<()> {
        if let Some(path) = &self.args.names
            && self.reading.names().take_changed()
        {
            Kept::at(path).store(self.reading.names())?;
        }
        Ok(())
    }

    fn finish(mut self, followed: bool) -> anyhow::Result<()> {
        if !followed {
            let last = self.reading.last();
            // A server takes nothing of the time to come; a replay does.
            let is_last = self.args.to.is_none() && self.args.state.is_none();
            let until = if is_last { Millis::MAX } else { clock::now() };
            self.reading.write_until(until.max(last));
            self.commit(None, None)?;
        }
        let sent = self.output.close()?;
        eprint!("{}", self.reading.account);
        let (late, queues, agents) = self.reading.sizes();
        if late > 0 {
            eprintln!(
                "{late} events lie before others that went out first: they count at those's time"
            );
        }
        eprintln!("{}, {}", counted(queues, "queue"), counted(agents, "agent"));
        let wrap_ups = self.reading.wrap_ups();
        if wrap_ups > 0 && self.args.state.is_none() {
            eprintln!(
                "{wrap_ups} wrap-ups still run: with --state the next import tells their end"
            );
        }
        if let Some(sent) = sent {
            eprintln!("{sent}");
        }
        Ok(())
    }
}

/// Where events go.
enum Output {
    Standard(io::Stdout),
    Server(Poster),
    /// A thread that sends while others are read.
    Behind(SyncSender<Vec<u8>>, JoinHandle<anyhow::Result<Poster>>),
    Closed,
}

impl Output {
    fn behind(mut poster: Poster) -> Output {
        let (batches, received) = sync_channel::<Vec<u8>>(4);
        let worker = thread::spawn(move || {
            for batch in received {
                parts(&batch).try_for_each(|part| poster.post(part))?;
            }
            Ok(poster)
        });
        Output::Behind(batches, worker)
    }

    fn send(&mut self, batch: Vec<u8>) -> anyhow::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        match self {
            Output::Standard(out) => {
                let mut out = out.lock();
                Ok(out.write_all(&batch).and_then(|()| out.flush())?)
            }
            Output::Server(poster) => parts(&batch).try_for_each(|part| poster.post(part)),
            Output::Behind(batches, _) => match batches.send(batch) {
                Ok(()) => Ok(()),
                // The thread has ended: it says why.
                Err(_) => self.close().map(drop),
            },
            Output::Closed => Ok(()),
        }
    }

    /// Sends, unless asked to end before the server takes it. Not for `Behind`.
    fn send_unless(&mut self, batch: Vec<u8>, stop: &AtomicBool) -> anyhow::Result<bool> {
        let Output::Server(poster) = self else { return self.send(batch).map(|()| true) };
        for part in parts(&batch) {
            if !sent_unless(poster, part, stop)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Waits until everything is sent; what the server said, in words.
    fn close(&mut self) -> anyhow::Result<Option<String>> {
        match std::mem::replace(self, Output::Closed) {
            Output::Behind(batches, worker) => {
                drop(batches);
                let poster = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                Ok(Some(poster?.account()))
            }
            Output::Server(poster) => Ok(Some(poster.account())),
            Output::Standard(_) | Output::Closed => Ok(None),
        }
    }
}

/// A batch as the server takes it: whole lines, of a size far below its limit.
fn parts(mut batch: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let end = match memchr::memrchr(b'\n', &batch[..batch.len().min(PART_BYTES)]) {
            Some(last) => last + 1,
            None => memchr::memchr(b'\n', batch).map_or(batch.len(), |end| end + 1),
        };
        let (part, rest) = batch.split_at(end);
        batch = rest;
        (!part.is_empty()).then_some(part)
    })
}

fn sent_unless(poster: &mut Poster, part: &[u8], stop: &AtomicBool) -> anyhow::Result<bool> {
    loop {
        match poster.try_post(part) {
            Attempt::Done(_) => return Ok(true),
            Attempt::Never(error) => return Err(error),
            Attempt::Later { trouble, asked } => {
                eprintln!("rtstats: {trouble}; trying again");
                let mut left = asked.max(Duration::from_secs(1));
                while left > Duration::ZERO && !stop.load(Ordering::Relaxed) {
                    thread::sleep(POLL);
                    left = left.saturating_sub(POLL);
                }
                if stop.load(Ordering::Relaxed) {
                    return Ok(false);
                }
            }
        }
    }
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Set once the process is asked to end.
fn stop_on_signal() -> anyhow::Result<Arc<AtomicBool>> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = Arc::new(AtomicBool::new(false));
    let asked = stop.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let (mut interrupt, mut terminate) = {
        let _entered = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        asked.store(true, Ordering::Relaxed);
    });
    Ok(stop)
}

impl ImportArgs {
    fn over(&self, mut mapping: Mapping) -> Mapping {
        mapping.only_listed_queues |= self.only_listed_queues;
        mapping.agents.extend(self.agent.iter().cloned());
        if self.agents_by_interface {
            mapping.agent_id = AgentId::Interface;
        }
        for (queue, number) in &self.queue {
            mapping.queues.entry(queue.clone()).or_default().number = Some(*number);
        }
        for (queue, seconds) in &self.wrap_up_seconds {
            match queue {
                None => mapping.wrap_up_seconds = *seconds,
                Some(queue) => {
                    mapping.queues.entry(queue.clone()).or_default().wrap_up_seconds =
                        Some(*seconds);
                }
            }
        }
        mapping
    }

    /// The numbers and ids of the file that is shared with others, else of the state.
    fn names(&self, state: &State) -> anyhow::Result<Names> {
        match &self.names {
            Some(path) if path.exists() => Ok(Kept::at(path).load()?),
            _ => Ok(state.names.clone()),
        }
    }

    fn since(&self) -> anyhow::Result<Option<Millis>> {
        Ok(match (self.since, &self.timezone) {
            (Some(Since::Today), Some(zone)) => Some(zone.day_of(clock::now()).start),
            (Some(Since::Today), None) => {
                usage_error("--since today goes with --timezone: it says where the day begins")
            }
            (Some(Since::Instant(instant)), _) => Some(instant),
            (None, _) => None,
        })
    }

    fn output(&self) -> anyhow::Result<Output> {
        let (Some(to), Some(tenant), Some(token)) = (&self.to, &self.tenant, &self.token) else {
            return Ok(Output::Standard(io::stdout()));
        };
        let trust = Trust::new(self.cacert.as_deref(), self.insecure)?;
        let poster = Poster::new(to.clone(), tenant, token, trust);
        Ok(if self.follow { Output::Server(poster) } else { Output::behind(poster) })
    }
}

/// Ends with what is wrong with the flags as the parser of the command line does.
fn usage_error(message: &str) -> ! {
    clap::Error::raw(ErrorKind::ArgumentConflict, format!("{message}\n")).exit()
}

fn queue_number(text: &str) -> Result<(String, u32), String> {
    let parts =
        text.rsplit_once('=').and_then(|(queue, number)| Some((queue, number.parse().ok()?)));
    parts
        .filter(|(_, number)| (1..=stats::limit::QUEUE_ID_MAX).contains(number))
        .map(|(queue, number)| (queue.to_owned(), number))
        .ok_or_else(|| "expected a queue and its number, such as sales=101".to_owned())
}

fn wrap_up(text: &str) -> Result<(Option<String>, u32), String> {
    let (queue, seconds) = match text.rsplit_once('=') {
        Some((queue, seconds)) => (Some(queue.to_owned()), seconds),
        None => (None, text),
    };
    let seconds = seconds.parse().ok().filter(|seconds| *seconds <= 86_400);
    let expected = || "expected seconds up to a day, such as 10 or sales=10".to_owned();
    Ok((queue, seconds.ok_or_else(expected)?))
}

fn agent(text: &str) -> Result<(String, String), String> {
    let parts = text.rsplit_once('=').filter(|(member, id)| !member.is_empty() && !id.is_empty());
    parts
        .map(|(member, id)| (member.to_owned(), id.to_owned()))
        .ok_or_else(|| "expected a member and its id, such as 'PJSIP/101=Ann Lee'".to_owned())
}

fn since(text: &str) -> Result<Since, String> {
    if text == "today" { Ok(Since::Today) } else { replay::instant(text).map(Since::Instant) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_sent_in_whole_lines() {
        let batch =
            [b'x'; 99].map(|byte| [vec![byte; PART_BYTES / 30], vec![b'\n']].concat()).concat();
        let sent: Vec<_> = parts(&batch).collect();
        assert_eq!(sent.concat(), batch);
        assert!(sent.iter().all(|part| part.ends_with(b"\n") && part.len() <= PART_BYTES));
        let long = [vec![b'x'; PART_BYTES + 9], b"\ny\n".to_vec()].concat();
        assert_eq!(parts(&long).map(<[u8]>::len).collect::<Vec<_>>(), [PART_BYTES + 10, 2]);
        assert_eq!(parts(b"").count(), 0);
    }
}
