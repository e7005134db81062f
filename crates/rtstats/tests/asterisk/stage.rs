//! A running Asterisk with a driver's hands: members, callers, phones, and waiting for what must happen.

use std::{
    collections::BTreeMap,
    sync::Arc,
    sync::atomic::{AtomicU32, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    ami::{Ami, Packet, Tap},
    chroot::Chroot,
    pbx::{MOMENT, PATIENCE, Pbx},
    phone::{Phone, Plug},
    recording::Recording,
};

/// An Asterisk, and a recorded connection with the rights of rtstats beside the driver's own.
pub struct Stage {
    pub pbx: Pbx,
    pub driver: Ami,
    pub recording: Arc<Recording>,
    watched: Option<Ami>,
    phones: BTreeMap<&'static str, Plug>,
    callers: AtomicU32,
    views: AtomicU32,
    /// Up to where the driver's messages have been looked at.
    seen: AtomicUsize,
}

impl Stage {
    pub fn new(chroot: &Chroot) -> Stage {
        let pbx = Pbx::start(chroot);
        let driver = pbx.driver();
        let mut stage = Stage {
            pbx,
            driver,
            recording: Arc::new(Recording::default()),
            watched: None,
            phones: BTreeMap::new(),
            callers: AtomicU32::new(5_550_000),
            views: AtomicU32::new(0),
            seen: AtomicUsize::new(0),
        };
        stage.watch();
        stage
    }

    /// Connects as rtstats would, and asks for the state that the PBX is in.
    fn watch(&mut self) {
        let tap: Tap = self.recording.clone();
        let watched = self.pbx.least(Some(tap));
        for action in ["CoreSettings", "CoreStatus", "QueueStatus", "QueueSummary"] {
            watched.act(&[("Action", action)]);
        }
        watched.act(&[("Action", "CoreShowChannels")]);
        self.watched = Some(watched);
    }

    /// The recorded connection ends; the driver's own stays.
    pub fn cut(&mut self) {
        self.note("the line is cut");
        let watched = self.watched.take().unwrap();
        watched.close();
        while !watched.is_closed() {
            thread::sleep(MOMENT);
        }
    }

    /// After `cut`: connects again, and asks what there is.
    pub fn mend(&mut self) {
        self.note("the line is there again");
        self.watch();
    }

    /// Asterisk dies and comes back; both connections are made anew.
    pub fn kill_and_start_again(&mut self) {
        self.recording.note("kill -9");
        self.pbx.kill();
        self.pbx.start_again();
        self.back();
    }

    /// `core restart now`; both connections are made anew.
    pub fn restart_now(&mut self) {
        self.note("core restart now");
        self.pbx.restart_now(&self.driver);
        self.back();
    }

    fn back(&mut self) {
        self.pbx.wait_until_ready();
        self.driver = self.pbx.driver();
        self.seen.store(0, Ordering::Relaxed);
        self.watch();
    }

    /// A phone of pjsip.conf, plugged in and registered.
    pub fn plug_in(&mut self, name: &'static str) -> &Phone {
        let phone = Phone::plug_in(name, self.pbx.sip_port);
        phone.register(true);
        let device = format!("PJSIP/{name}");
        self.wait("DeviceStateChange", &[("Device", &device), ("State", "NOT_INUSE")]);
        self.phones.insert(name, phone);
        self.phone(name)
    }

    pub fn phone(&self, name: &str) -> &Phone {
        &self.phones[name]
    }

    /// Writes into the recording what comes next.
    pub fn note(&self, text: &str) {
        self.recording.note(text);
    }

    /// Adds `agentNN`, `devNN` or `phoneNN` to a queue.
    pub fn join(&self, queue: &str, member: &str) {
        self.note(&format!("{member} joins {queue}"));
        let (interface, name) = (interface(member), member_name(member));
        let state = format!("Custom:{member}");
        let mut lines = vec![
            ("Action", "QueueAdd"),
            ("Queue", queue),
            ("Interface", &interface),
            ("MemberName", &name),
        ];
        if member.starts_with("dev") {
            lines.push(("StateInterface", &state));
        }
        self.driver.must(&lines);
    }

    pub fn leave(&self, queue: &str, member: &str) {
        self.note(&format!("{member} leaves {queue}"));
        let interface = interface(member);
        self.driver.must(&[("Action", "QueueRemove"), ("Queue", queue), ("Interface", &interface)]);
    }

    /// Pauses (or not) a member in one queue, or in all with an empty `queue`.
    pub fn pause(&self, queue: &str, member: &str, paused: bool, reason: &str) {
        self.note(&format!("{member} in {queue:?} paused {paused} {reason:?}"));
        let (interface, paused) = (interface(member), if paused { "true" } else { "false" });
        let mut lines =
            vec![("Action", "QueuePause"), ("Interface", &*interface), ("Paused", paused)];
        if !queue.is_empty() {
            lines.push(("Queue", queue));
        }
        if !reason.is_empty() {
            lines.push(("Reason", reason));
        }
        self.driver.must(&lines);
    }

    /// What a Local member does with its next calls: `KIND:RING:TALK` joined by `&`.
    pub fn plan(&self, member: &str, steps: &str) {
        self.note(&format!("{member} plans {steps}"));
        let variable = format!("PLAN_{member}");
        self.driver.must(&[("Action", "Setvar"), ("Variable", &variable), ("Value", steps)]);
    }

    /// A new caller for a queue; its number, once it exists.
    pub fn call(&self, queue: &str, variables: &str) -> u32 {
        let number = self.callers.fetch_add(1, Ordering::Relaxed) + 1;
        self.note(&format!("{number} calls {queue} {variables}"));
        let (channel, id) =
            (format!("Local/{number}@callers/n"), format!("\"Caller {number}\" <{number}>"));
        let mut lines = vec![
            ("Action", "Originate"),
            ("Channel", &*channel),
            ("Context", "arrive"),
            ("Exten", queue),
            ("Priority", "1"),
            ("CallerID", &*id),
            ("Async", "true"),
        ];
        if !variables.is_empty() {
            lines.push(("Variable", variables));
        }
        self.driver.must(&lines);
        number
    }

    /// The same, and the call waits in the queue.
    pub fn call_in(&self, queue: &str, variables: &str) -> u32 {
        let number = self.call(queue, variables);
        self.wait("QueueCallerJoin", &[("CallerIDNum", &number.to_string())]);
        number
    }

    /// The caller hangs up.
    pub fn hang_up(&self, number: u32) {
        self.note(&format!("{number} hangs up"));
        let channel = format!("/^Local/{number}@callers-.*;2$/");
        self.driver.must(&[("Action", "Hangup"), ("Channel", &channel), ("Cause", "16")]);
    }

    /// Another action of the driver.
    pub fn act(&self, lines: &[(&str, &str)]) {
        let words: Vec<String> = lines.iter().map(|(k, v)| format!("{k}={v}")).collect();
        self.note(&words.join(" "));
        self.driver.must(lines);
    }

    /// The next event of this name with these values, among those that nobody has waited for yet.
    pub fn wait(&self, event: &str, values: &[(&str, &str)]) -> Packet {
        let from = self.seen.load(Ordering::Relaxed);
        let wanted = |packet: &Packet| {
            packet.is_event(event) && values.iter().all(|(key, value)| packet.get(key) == *value)
        };
        let found = self.driver.find(from, Instant::now() + PATIENCE, wanted);
        let (seen, packet) =
            found.unwrap_or_else(|| panic!("no {event} {values:?} came\n{}", self.pbx.queue_log()));
        self.seen.store(seen, Ordering::Relaxed);
        packet
    }

    /// An agent takes a call; the agent's channel.
    pub fn wait_connect(&self, member: &str) -> String {
        let name = member_name(member);
        self.wait("AgentConnect", &[("MemberName", &name)]).get("DestChannel").to_owned()
    }

    /// Time that passes for the people in the story.
    pub fn pass(&self, seconds: f64) {
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        while Instant::now() < end {
            self.view();
            thread::sleep(
                end.saturating_duration_since(Instant::now()).min(Duration::from_secs(1)),
            );
        }
    }

    /// Asterisk's own view of the queues, into the recording.
    pub fn view(&self) {
        let id = format!("view{}", self.views.fetch_add(1, Ordering::Relaxed) + 1);
        if let Some(watched) = &self.watched {
            watched.act_as(&id, &[("Action", "QueueStatus")]);
        }
    }

    /// Waits until every call has ended, and takes a last view.
    pub fn settle(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.driver.must(&[("Action", "CoreShowChannels")]).list.is_empty() {
            assert!(Instant::now() < deadline, "calls stay:\n{}", self.pbx.queue_log());
            thread::sleep(MOMENT);
        }
        self.pass(0.3);
        self.view();
        if let Some(watched) = &self.watched {
            watched.act(&[("Action", "QueueSummary")]);
        }
    }
}

/// The interface of a member of the testbed.
pub fn interface(member: &str) -> String {
    if member.starts_with("phone") {
        format!("PJSIP/{member}")
    } else {
        format!("Local/{member}@agents/n")
    }
}

/// `agent01` is Agent 01.
pub fn member_name(member: &str) -> String {
    let (word, number) = member.split_at(member.len() - 2);
    let (first, rest) = word.split_at(1);
    format!("{}{rest} {number}", first.to_uppercase())
}
