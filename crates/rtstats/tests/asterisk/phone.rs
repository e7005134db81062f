//! A SIP telephone (or a trunk) played by the test: it registers, takes calls as told, calls, holds, transfers,
//! and makes the briefest sound.

use std::{
    collections::{HashMap, VecDeque},
    net::UdpSocket,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use crate::{
    pbx::PATIENCE,
    sip::{Message, random_token, sdp},
};

/// What the phone does with a call that comes in, and how long each part takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pick {
    Answer {
        ring: Duration,
        talk: Duration,
        hold: Option<Hold>,
    },
    Ignore,
    Reject {
        ring: Duration,
        status: u32,
    },
    /// Sends the call on to a number (302).
    Forward {
        ring: Duration,
        to: &'static str,
    },
}

/// A call on hold: from when after the answer, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hold {
    pub after: Duration,
    pub length: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Deed {
    Answer { talk: Duration, hold: Option<Hold> },
    Refuse(u32),
    Forward(&'static str),
    HangUp,
    Hold(bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Calling,
    Ringing,
    Up,
}

/// One call of the phone.
#[derive(Debug, Clone)]
struct Dialog {
    stage: Stage,
    /// We called.
    outgoing: bool,
    /// Our side and theirs, as the headers From and To have them.
    local: String,
    remote: String,
    /// Where requests within the call go.
    target: String,
    /// The number of our last request.
    cseq: u32,
    /// The call's INVITE: theirs to answer, or ours to cancel.
    invite: Message,
    talk: Duration,
    /// Where the PBX wants to hear the call's sound.
    audio: Option<u16>,
}

struct State {
    dialogs: HashMap<String, Dialog>,
    /// What to do with the next calls; then `otherwise`.
    picks: VecDeque<Pick>,
    otherwise: Pick,
    due: Vec<(Instant, String, Deed)>,
    /// Status of the last answer to REGISTER.
    registered: Option<u32>,
    cseq: u32,
    stop: bool,
}

/// A phone, unplugged (without a word to the PBX) when it is dropped.
pub struct Phone {
    name: String,
    pbx: u16,
    port: u16,
    socket: UdpSocket,
    state: Mutex<State>,
    changed: Condvar,
}

/// Stops the phone's thread.
pub struct Plug(pub Arc<Phone>);

impl Drop for Plug {
    fn drop(&mut self) {
        // A thread that failed with the lock in its hands has stopped already.
        if let Ok(mut state) = self.0.state.lock() {
            state.stop = true;
        }
    }
}

impl std::ops::Deref for Plug {
    type Target = Phone;
    fn deref(&self) -> &Phone {
        &self.0
    }
}

impl Phone {
    /// Plugs a phone in; it is not registered yet.
    pub fn plug_in(name: &str, pbx: u16) -> Plug {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(("127.0.0.1", pbx)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let state = State {
            dialogs: HashMap::new(),
            picks: VecDeque::new(),
            otherwise: Pick::Answer {
                ring: Duration::from_secs(1),
                talk: Duration::from_secs(4),
                hold: None,
            },
            due: Vec::new(),
            registered: None,
            cseq: 1,
            stop: false,
        };
        let port = socket.local_addr().unwrap().port();
        let name = name.to_owned();
        let phone = Phone { name, pbx, port, socket, state: state.into(), changed: Condvar::new() };
        let phone = Arc::new(phone);
        let kept = phone.clone();
        thread::spawn(move || kept.run());
        Plug(phone)
    }

    /// What to do with the next call that has no plan yet.
    pub fn plan(&self, pick: Pick) {
        self.state.lock().unwrap().picks.push_back(pick);
    }

    /// Registers, or with `false` takes the registration back; waits for the PBX's word.
    pub fn register(&self, present: bool) {
        let expires = if present { 3_600 } else { 0 };
        let mut state = self.state.lock().unwrap();
        state.registered = None;
        state.cseq += 1;
        let own = format!("<{}>", self.uri(&self.name));
        let mut request = self.request("REGISTER", &format!("sip:127.0.0.1:{}", self.pbx));
        request.set("From", &format!("{own};tag={}", random_token()));
        request.set("To", &own);
        request.set("Call-ID", &random_token());
        request.set("CSeq", &format!("{} REGISTER", state.cseq));
        request.set("Expires", &expires.to_string());
        self.send(&request);
        let deadline = Instant::now() + PATIENCE;
        while state.registered.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(left > Duration::ZERO, "{} gets no answer to REGISTER", self.name);
            state = self.changed.wait_timeout(state, left).unwrap().0;
        }
        assert_eq!(state.registered, Some(200), "{} registers", self.name);
    }

    /// Calls a number of the PBX, talks that long when it is answered, and hangs up; the call's id.
    pub fn call(&self, number: &str, talk: Duration) -> String {
        let call = random_token();
        let target = self.uri(number);
        let local = format!("<{}>;tag={}", self.uri(&self.name), random_token());
        let remote = format!("<{target}>");
        let mut invite = self.request("INVITE", &target);
        invite.set("From", &local);
        invite.set("To", &remote);
        invite.set("Call-ID", &call);
        invite.set("CSeq", "1 INVITE");
        invite.set_body(&sdp(self.port, "sendrecv"));
        let stage = Stage::Calling;
        let audio = None;
        let dialog =
            Dialog { stage, outgoing: true, local, remote, target, cseq: 1, invite, talk, audio };
        self.send(&dialog.invite);
        self.state.lock().unwrap().dialogs.insert(call.clone(), dialog);
        call
    }

    /// Ends every call of the phone, whatever its stage.
    pub fn hang_up(&self) {
        let mut state = self.state.lock().unwrap();
        let calls: Vec<String> = state.dialogs.keys().cloned().collect();
        for call in calls {
            self.perform(&mut state, &call, Deed::HangUp);
        }
    }

    /// Hands the connected party to another number (REFER), as the transfer key of a phone does.
    pub fn transfer(&self, number: &str) {
        let mut state = self.state.lock().unwrap();
        let Some(call) = up(&state, 0) else { return };
        self.refer(&mut state, &call, &format!("<{}>", self.uri(number)));
    }

    /// With two calls: connects their far ends with each other (REFER with Replaces), the first call's to the second's.
    pub fn join(&self, first: &str, second: &str) {
        let mut state = self.state.lock().unwrap();
        let Some(other) = state.dialogs.get(second) else { return };
        let replaces = format!(
            "{second}%3Bto-tag%3D{}%3Bfrom-tag%3D{}",
            tag(&other.remote),
            tag(&other.local)
        );
        let to = other.target.split(';').next().unwrap_or_default().to_owned();
        self.refer(&mut state, first, &format!("<{to}?Replaces={replaces}>"));
    }

    /// Puts the connected call on hold, or takes it back.
    pub fn hold(&self, on: bool) {
        let mut state = self.state.lock().unwrap();
        if let Some(call) = up(&state, 0) {
            self.perform(&mut state, &call, Deed::Hold(on));
        }
    }

    /// Half a second of silence, said aloud in the call that is connected longest: a `Local/` pair optimizes itself away
    /// only when a sound comes through it.
    pub fn speak(&self) {
        let call = self.wait_until_up(1).unwrap();
        let audio = self.state.lock().unwrap().dialogs[&call].audio.unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(("127.0.0.1", audio)).unwrap();
        thread::spawn(move || {
            for number in 0..25_u16 {
                let mut packet = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
                packet[2..4].copy_from_slice(&number.to_be_bytes());
                packet[4..8].copy_from_slice(&(u32::from(number) * 160).to_be_bytes());
                packet.resize(172, 0xff);
                // The call may be over.
                let _ = socket.send(&packet);
                thread::sleep(Duration::from_millis(20));
            }
        });
    }

    /// Waits until the phone has so many connected calls; the id of the one that is connected longest, if any.
    pub fn wait_until_up(&self, calls: usize) -> Option<String> {
        self.wait(&format!("{calls} connected"), |state| {
            state.dialogs.values().filter(|dialog| dialog.stage == Stage::Up).count() == calls
        });
        up(&self.state.lock().unwrap(), 0)
    }

    /// Waits until it rings.
    pub fn wait_until_ringing(&self) {
        self.wait("ringing", |state| {
            state.dialogs.values().any(|dialog| dialog.stage == Stage::Ringing)
        });
    }

    /// Waits until it has no call at all.
    pub fn wait_until_idle(&self) {
        self.wait("idle", |state| state.dialogs.is_empty());
    }

    pub fn is_idle(&self) -> bool {
        self.state.lock().unwrap().dialogs.is_empty()
    }

    fn wait(&self, what: &str, holds: impl Fn(&State) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.state.lock().unwrap();
        while !holds(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(left > Duration::ZERO, "{} is not {what}: {:?}", self.name, state.dialogs);
            state = self.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    fn uri(&self, user: &str) -> String {
        format!("sip:{user}@127.0.0.1:{}", self.pbx)
    }

    fn contact(&self) -> String {
        format!("<sip:{}@127.0.0.1:{}>", self.name, self.port)
    }

    /// A request with a Via and a Contact of ours.
    fn request(&self, method: &str, uri: &str) -> Message {
        let mut request = Message::new(&format!("{method} {uri} SIP/2.0"));
        let branch = format!("z9hG4bK{}", random_token());
        request.set("Via", &format!("SIP/2.0/UDP 127.0.0.1:{};rport;branch={branch}", self.port));
        request.set("Max-Forwards", "70");
        request.set("Contact", &self.contact());
        request
    }

    /// A request within a call.
    fn within(&self, call: &str, dialog: &mut Dialog, method: &str) -> Message {
        dialog.cseq += 1;
        let mut request = self.request(method, &dialog.target);
        request.set("From", &dialog.local);
        request.set("To", &dialog.remote);
        request.set("Call-ID", call);
        request.set("CSeq", &format!("{} {method}", dialog.cseq));
        request
    }

    fn refer(&self, state: &mut State, call: &str, to: &str) {
        let Some(dialog) = state.dialogs.get_mut(call) else { return };
        let mut request = self.within(call, dialog, "REFER");
        request.set("Refer-To", to);
        request.set("Referred-By", &self.contact());
        self.send(&request);
    }

    fn send(&self, message: &Message) {
        // The PBX may be down just now: what a phone says then is lost.
        let _ = self.socket.send(message.text().as_bytes());
    }

    fn run(&self) {
        let mut buffer = vec![0; 65_536];
        loop {
            let read = self.socket.recv(&mut buffer).unwrap_or(0);
            let mut state = self.state.lock().unwrap();
            if state.stop {
                return;
            }
            if let Some(message) = Message::parse(&String::from_utf8_lossy(&buffer[..read])) {
                self.take(&mut state, &message);
            }
            let now = Instant::now();
            let (due, later) = std::mem::take(&mut state.due).into_iter().partition(|d| d.0 <= now);
            state.due = later;
            let due: Vec<(Instant, String, Deed)> = due;
            for (_, call, deed) in due {
                self.perform(&mut state, &call, deed);
            }
            self.changed.notify_all();
        }
    }

    fn take(&self, state: &mut State, message: &Message) {
        match message.status() {
            Some(status) => self.take_answer(state, message, status),
            None => self.take_request(state, message),
        }
    }

    fn take_answer(&self, state: &mut State, answer: &Message, status: u32) {
        let call = answer.get("Call-ID").to_owned();
        let cseq = answer.get("CSeq");
        if cseq.ends_with("REGISTER") {
            state.registered = Some(status);
        }
        if !cseq.ends_with("INVITE") || status < 200 {
            return;
        }
        let Some(dialog) = state.dialogs.get_mut(&call) else { return };
        if dialog.stage == Stage::Calling {
            dialog.remote = answer.get("To").to_owned();
        }
        let uri = if status < 300 { answer.contact() } else { dialog.target.clone() };
        let mut ack = self.request("ACK", &uri);
        if status >= 300 {
            ack.set("Via", dialog.invite.get("Via"));
        }
        ack.set("From", &dialog.local);
        ack.set("To", &dialog.remote);
        ack.set("Call-ID", &call);
        ack.set("CSeq", &cseq.replace("INVITE", "ACK"));
        self.send(&ack);
        if dialog.stage != Stage::Calling {
            return;
        }
        if status >= 300 {
            state.dialogs.remove(&call);
            return;
        }
        dialog.stage = Stage::Up;
        dialog.target = uri;
        dialog.audio = answer.audio_port();
        state.due.push((Instant::now() + dialog.talk, call, Deed::HangUp));
    }

    fn take_request(&self, state: &mut State, request: &Message) {
        let call = request.get("Call-ID").to_owned();
        match request.method() {
            "INVITE" if !state.dialogs.contains_key(&call) => self.ring(state, &call, request),
            "INVITE" => {
                let dialog = &state.dialogs[&call];
                let again = dialog.invite.get("CSeq") == request.get("CSeq");
                if !(again && dialog.stage == Stage::Ringing) {
                    let mut answer = request.answer("200 OK", "");
                    answer.set("Contact", &self.contact());
                    answer.set_body(&sdp(self.port, "sendrecv"));
                    self.send(&answer);
                }
            }
            "ACK" => {}
            "CANCEL" => {
                self.send(&request.answer("200 OK", ""));
                if let Some(dialog) = state.dialogs.remove(&call) {
                    let refusal =
                        dialog.invite.answer("487 Request Terminated", tag(&dialog.local));
                    self.send(&refusal);
                }
            }
            "BYE" => {
                self.send(&request.answer("200 OK", ""));
                state.dialogs.remove(&call);
            }
            _ => self.send(&request.answer("200 OK", "")),
        }
    }

    fn ring(&self, state: &mut State, call: &str, invite: &Message) {
        let own = random_token();
        let mut ringing = invite.answer("180 Ringing", &own);
        ringing.set("Contact", &self.contact());
        self.send(&ringing);
        let dialog = Dialog {
            stage: Stage::Ringing,
            outgoing: false,
            local: ringing.get("To").to_owned(),
            remote: invite.get("From").to_owned(),
            target: invite.contact(),
            cseq: 0,
            invite: invite.clone(),
            talk: Duration::ZERO,
            audio: invite.audio_port(),
        };
        state.dialogs.insert(call.to_owned(), dialog);
        let (ring, deed) = match state.picks.pop_front().unwrap_or(state.otherwise) {
            Pick::Answer { ring, talk, hold } => (ring, Deed::Answer { talk, hold }),
            Pick::Reject { ring, status } => (ring, Deed::Refuse(status)),
            Pick::Forward { ring, to } => (ring, Deed::Forward(to)),
            Pick::Ignore => return,
        };
        state.due.push((Instant::now() + ring, call.to_owned(), deed));
    }

    fn perform(&self, state: &mut State, call: &str, deed: Deed) {
        let Some(dialog) = state.dialogs.get_mut(call) else { return };
        match deed {
            Deed::Answer { talk, hold } => {
                dialog.stage = Stage::Up;
                let mut answer = dialog.invite.answer("200 OK", tag(&dialog.local));
                answer.set("Contact", &self.contact());
                answer.set_body(&sdp(self.port, "sendrecv"));
                self.send(&answer);
                let now = Instant::now();
                if let Some(hold) = hold {
                    let end = now + hold.after + hold.length;
                    state.due.push((now + hold.after, call.to_owned(), Deed::Hold(true)));
                    state.due.push((end, call.to_owned(), Deed::Hold(false)));
                }
                state.due.push((now + talk, call.to_owned(), Deed::HangUp));
            }
            Deed::Refuse(status) => {
                let line = format!("{status} Refused");
                self.send(&dialog.invite.answer(&line, tag(&dialog.local)));
                state.dialogs.remove(call);
            }
            Deed::Forward(to) => {
                let mut answer = dialog.invite.answer("302 Moved", tag(&dialog.local));
                answer.set("Contact", &format!("<{}>", self.uri(to)));
                self.send(&answer);
                state.dialogs.remove(call);
            }
            Deed::Hold(on) => {
                let mut invite = self.within(call, dialog, "INVITE");
                invite.set_body(&sdp(self.port, if on { "sendonly" } else { "sendrecv" }));
                self.send(&invite);
            }
            Deed::HangUp => self.end(state, call),
        }
    }

    fn end(&self, state: &mut State, call: &str) {
        let Some(dialog) = state.dialogs.get_mut(call) else { return };
        match dialog.stage {
            Stage::Up => {
                let bye = self.within(call, dialog, "BYE");
                self.send(&bye);
                state.dialogs.remove(call);
            }
            Stage::Ringing => {
                self.send(&dialog.invite.answer("603 Decline", tag(&dialog.local)));
                state.dialogs.remove(call);
            }
            // The refusal that follows ends it.
            Stage::Calling => {
                let mut cancel = Message::new(&dialog.invite.start.replacen("INVITE", "CANCEL", 1));
                for header in ["Via", "From", "To", "Call-ID", "Max-Forwards"] {
                    cancel.set(header, dialog.invite.get(header));
                }
                cancel.set("CSeq", "1 CANCEL");
                self.send(&cancel);
            }
        }
    }
}

/// The `nth` connected call, by their ids' order among those that came in before those that went out.
fn up(state: &State, nth: usize) -> Option<String> {
    let connected = state.dialogs.iter().filter(|(_, dialog)| dialog.stage == Stage::Up);
    let mut calls: Vec<(bool, &String)> =
        connected.map(|(call, dialog)| (dialog.outgoing, call)).collect();
    calls.sort();
    calls.get(nth).map(|(_, call)| (*call).clone())
}

/// The tag in a From or To.
fn tag(header: &str) -> &str {
    header.split(";tag=").nth(1).unwrap_or_default().split(';').next().unwrap_or_default()
}
