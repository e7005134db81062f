//! The report about PBXs played from a script.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener},
    thread::{self, JoinHandle},
};

use stats::event::Sla;

use super::*;
use crate::{
    clock,
    connect::asterisk::{
        ami::{Decoder, Message, Secret},
        mapping::{AgentId, PauseMapping, QueueMapping},
    },
};

const QUEUES: &str = "\
Event: QueueParams
Queue: support
Strategy: leastrecent
Calls: 0
ServiceLevel: 0

Event: QueueParams
Queue: sales
Strategy: rrmemory
Calls: 2
ServiceLevel: 20

Event: QueueMember
Queue: sales
Name: Ann Lee
Location: PJSIP/101
StateInterface: PJSIP/101
Membership: dynamic
Penalty: 1
Status: 1
Paused: 0
PausedReason: 

Event: QueueMember
Queue: sales
Name: Bob
Location: PJSIP/102
StateInterface: PJSIP/102
Membership: static
Penalty: 0
Status: 5
Paused: 0
PausedReason: 

Event: QueueMember
Queue: support
Name: Cid
Location: PJSIP/103
StateInterface: PJSIP/103
Membership: realtime
Penalty: 0
Status: 2
Paused: 1
PausedReason: Lunch

";

const COMMANDS: &str = "\
ListCommands: List available manager commands.  (Priv: <none>)
CoreSettings: Show PBX core settings.  (Priv: system,reporting,all)
CoreShowChannels: List currently active channels.  (Priv: system,reporting,all)
CoreStatus: Show PBX core status variables.  (Priv: system,reporting,all)
ExtensionState: Check Extension Status.  (Priv: call,reporting,all)
";

const EVENTS: &str = "\
Event: FullyBooted
Privilege: system,all
Status: Fully Booted

Event: QueueMemberStatus
Privilege: agent,all
Timestamp: 1795525046.186490
Queue: sales

Event: Newstate
Privilege: call,all
Timestamp: 1795525046.186490
Channel: PJSIP/101-00000001

";

/// A PBX: what it answers, what it tells.
#[derive(Clone)]
struct Script {
    queues: String,
    commands: &'static str,
    events: String,
    clock_ahead_ms: i64,
    login: &'static str,
}

impl Default for Script {
    fn default() -> Script {
        Script {
            queues: QUEUES.to_owned(),
            commands: COMMANDS,
            events: EVENTS.to_owned(),
            clock_ahead_ms: 0,
            login: "Response: Success\n",
        }
    }
}

impl Script {
    fn answer(&self, action: &Message) -> String {
        let id = format!("ActionID: {}\n", action.get("ActionID").unwrap());
        match action.get("Action").unwrap() {
            "Challenge" => format!("Response: Success\n{id}Challenge: 1\n\n"),
            "Login" => format!("{}{id}Message: as the script says\n\n{}", self.login, self.events),
            "ListCommands" => format!("Response: Success\n{id}{}\n", self.commands),
            "CoreSettings" => format!("Response: Success\n{id}AsteriskVersion: 22.10.1\n\n"),
            "CoreStatus" => format!(
                "Response: Success\n{id}CoreStartupDate: 2026-11-24\nCoreStartupTime: 12:57:25\n\n"
            ),
            "QueueStatus" if self.queues.starts_with("Response") => {
                format!("{}{id}\n", self.queues)
            }
            "QueueStatus" => format!(
                "Response: Success\n{id}EventList: start\n\n{}Event: QueueStatusComplete\n{id}EventList: Complete\n\n",
                self.queues.replace("\n\n", &format!("\n{id}\n"))
            ),
            "CoreShowChannels" if self.commands.contains("CoreShowChannels") => format!(
                "Response: Success\n{id}EventList: start\n\n\
                 Event: CoreShowChannelsComplete\n{id}EventList: Complete\n\n"
            ),
            "Ping" => {
                let now = clock::now() + self.clock_ahead_ms;
                let (seconds, ms) = (now / 1_000, now % 1_000);
                format!("Response: Success\n{id}Ping: Pong\nTimestamp: {seconds}.{ms:03}000\n\n")
            }
            "Logoff" => format!("Response: Goodbye\n{id}\n"),
            _ => format!("Response: Error\n{id}Message: Permission denied\n\n"),
        }
    }

    /// Serves one session; gives its address.
    fn serve(self) -> (String, JoinHandle<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"Asterisk Call Manager/11.0.0\r\n").unwrap();
            let (mut decoder, mut bytes) = (Decoder::new(), [0; 4096]);
            while let Ok(count @ 1..) = stream.read(&mut bytes) {
                decoder.push(&bytes[..count]);
                while let Some(action) = decoder.message().unwrap() {
                    stream.write_all(self.answer(&action).as_bytes()).unwrap();
                }
            }
        });
        (address, server)
    }
}

/// The report without the lines that no two runs have alike.
async fn report(script: Script, mapping: &Mapping, names: &mut Names) -> (Verdict, String) {
    let (address, server) = script.serve();
    let target = Target {
        address: address.clone(),
        tls: None,
        username: "rtstats".to_owned(),
        secret: Secret::new("mellon"),
        allow_plain_login: false,
    };
    let mut out = Vec::new();
    // As long as the answers take, no longer.
    let verdict = check_for(Duration::ZERO, &target, mapping, names, &mut out).await.unwrap();
    server.join().unwrap();
    let text = String::from_utf8(out).unwrap().replace(&address, "pbx:5038");
    let steady = text.lines().filter(|line| !line.starts_with("  clock"));
    (verdict, steady.map(|line| format!("{line}\n")).collect())
}

async fn plain(script: Script, mapping: &Mapping) -> (Verdict, String) {
    report(script, mapping, &mut Names::default()).await
}

fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in\n{text}");
    }
}

#[tokio::test]
async fn a_sound_pbx_is_shown_whole() {
    let sla = Sla { percent: 90, within_seconds: 10, evaluate_every_seconds: 60 };
    let sales = QueueMapping {
        number: Some(101),
        name: Some("Sales".to_owned()),
        wrap_up_seconds: Some(6),
        sla: Some(sla),
    };
    let mapping = Mapping {
        queues: BTreeMap::from([("sales".to_owned(), sales)]),
        agents: BTreeMap::from([("Bob".to_owned(), "robert".to_owned())]),
        ..Mapping::default()
    };
    let mut names = Names::default();
    let (verdict, text) = report(Script::default(), &mapping, &mut names).await;
    assert_eq!(text, include_str!("sound.txt"));
    assert_eq!(verdict, Verdict::Well);
    assert_eq!((names.known_queue("sales"), names.known_queue("support")), (Some(101), Some(102)));
}

#[tokio::test]
async fn a_user_who_may_not_ask_or_hear_is_told_what_to_add() {
    let commands = "ListCommands: List available manager commands.  (Priv: <none>)\n";
    let script = Script { commands, events: String::new(), ..Script::default() };
    let (verdict, text) = plain(script, &Mapping::default()).await;
    assert_eq!(verdict, Verdict::Lacking);
    has(&text, &["write = reporting", "CoreShowChannels", "add `system` to `read` in [rtstats]"]);
    // Nothing moved: whether these would have come nobody can know.
    has(&text, &["no event of the class `agent` came", "no event of the class `call` came"]);
}

#[tokio::test]
async fn a_call_offered_without_a_channel_shows_that_channels_are_not_told() {
    let called = "Event: AgentCalled\nPrivilege: agent,all\nQueue: sales\n\n";
    let events = format!("Event: FullyBooted\nPrivilege: system,all\n\n{called}");
    let (verdict, text) = plain(Script { events, ..Script::default() }, &Mapping::default()).await;
    assert_eq!(verdict, Verdict::Lacking);
    has(&text, &["add `call` to `read`", "timestampevents = yes"]);
}

#[tokio::test]
async fn a_pbx_without_queues_and_one_without_app_queue_are_told_apart() {
    let none = Script { queues: String::new(), ..Script::default() };
    let (verdict, text) = plain(none, &Mapping::default()).await;
    assert_eq!(verdict, Verdict::Lacking);
    has(&text, &["the PBX has no queue"]);

    let unknown = "Response: Error\nMessage: Invalid/unknown command: QueueStatus.\n".to_owned();
    let (verdict, text) =
        plain(Script { queues: unknown, ..Script::default() }, &Mapping::default()).await;
    assert_eq!(verdict, Verdict::Lacking);
    has(&text, &["app_queue isn't loaded"]);
}

#[tokio::test]
async fn members_that_can_not_be_told_apart_or_seen_are_named() {
    let member = |name: &str, interface: &str, state: &str, status: u8| {
        format!(
            "Event: QueueMember\nQueue: sales\nName: {name}\nLocation: {interface}\n\
             StateInterface: {state}\nStatus: {status}\nPaused: 0\n\n"
        )
    };
    let queues = [
        QUEUES.to_owned(),
        member("A/B", "PJSIP/1", "PJSIP/1", 4),
        member("A/B", "SIP/101", "SIP/101", 0),
        member("Dan", "Local/7@agents/n", "Local/7@agents/n", 1),
        member("Eve", "Local/8@agents/n", "PJSIP/8", 1),
    ];
    let mapping = Mapping { agent_id: AgentId::Interface, ..Mapping::default() };
    let script = Script { queues: queues.concat(), ..Script::default() };
    let (verdict, text) = plain(script, &mapping).await;
    assert_eq!(verdict, Verdict::Lacking);
    has(
        &text,
        &[
            "PJSIP/101, SIP/101 become the same agent \"101\"",
            "the devices of PJSIP/1 are invalid",
            "the states of SIP/101 are unknown",
            "- Local/7@agents/n have no state interface",
        ],
    );
}

#[tokio::test]
async fn clocks_that_differ_are_told_and_by_how_much() {
    let script = Script { clock_ahead_ms: 90_000, ..Script::default() };
    let (verdict, text) = plain(script, &Mapping::default()).await;
    assert_eq!(verdict, Verdict::Well);
    has(&text, &["the clocks of the PBX and of this machine differ by ", "which is allowed for"]);
}

#[tokio::test]
async fn what_the_configuration_names_and_leaves_out_shows() {
    let queue = |name: &str| (name.to_owned(), QueueMapping::default());
    let lunch = PauseMapping { work_offline: true, ..PauseMapping::default() };
    let mapping = Mapping {
        queues: BTreeMap::from([queue("support"), queue("gone")]),
        pauses: BTreeMap::from([("Lunch".to_owned(), lunch)]),
        only_listed_queues: true,
        ..Mapping::default()
    };
    let (verdict, text) = plain(Script::default(), &mapping).await;
    assert_eq!(verdict, Verdict::Lacking);
    has(
        &text,
        &["the queue \"gone\" of our configuration isn't on the PBX", "not served", "work offline"],
    );
    assert!(!text.contains("Ann Lee"), "a member of a queue that isn't served shows:\n{text}");
}

#[tokio::test]
async fn a_refused_login_is_a_finding() {
    let script = Script { login: "Response: Error\n", ..Script::default() };
    let (verdict, text) = plain(script, &Mapping::default()).await;
    assert_eq!(verdict, Verdict::Lacking);
    has(&text, &["Missing\n  - ", "[rtstats]", "as the script says"]);
}
