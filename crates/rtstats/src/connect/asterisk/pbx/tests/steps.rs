//! What single messages come to, where no transcript has them.

use stats::event::{Millis, Sla};

use super::super::{Ask, Pbx, Told};
use crate::connect::{
    asterisk::{
        ami::{ActionId, Message},
        mapping::{AgentId, Mapping, PauseMapping, QueueMapping},
    },
    names::Names,
};

/// A PBX with the queue `sales` and its member Ann at PJSIP/101, and what it has told since.
pub(super) struct Stage {
    pub pbx: Pbx,
    pub told: Vec<Told>,
    pub now: Millis,
}

pub(super) fn stage(mapping: Mapping) -> Stage {
    let mut pbx = Pbx::new("main", mapping, Names::default());
    // Nothing is up, and that is known.
    pbx.is_compared = true;
    let mut stage = Stage { pbx, told: Vec::new(), now: 1_000_000 };
    stage.member(&[("Status", "1"), ("Paused", "0")]);
    stage.told.clear();
    stage
}

impl Stage {
    pub fn hear(&mut self, pairs: &[(&str, &str)]) -> &mut Stage {
        self.now += 10;
        let message: Message = pairs.iter().copied().collect();
        self.pbx.message(self.now, &message, &mut self.told);
        self
    }

    pub fn member(&mut self, pairs: &[(&str, &str)]) -> &mut Stage {
        let mut all = vec![
            ("Event", "QueueMemberStatus"),
            ("Queue", "sales"),
            ("MemberName", "Ann"),
            ("Interface", "PJSIP/101"),
            ("StateInterface", "PJSIP/101"),
        ];
        all.extend(pairs);
        self.hear(&all)
    }

    pub fn channel(
        &mut self,
        event: &str,
        name: &str,
        id: &str,
        linked: &str,
        state: &str,
    ) -> &mut Stage {
        self.hear(&[
            ("Event", event),
            ("Channel", name),
            ("Uniqueid", id),
            ("Linkedid", linked),
            ("ChannelState", state),
        ])
    }

    pub fn queue(&mut self, event: &str, caller: &str, more: &[(&str, &str)]) -> &mut Stage {
        let mut all = vec![("Event", event), ("Queue", "sales"), ("Uniqueid", caller)];
        all.extend(more);
        self.hear(&all)
    }

    /// A caller who talks with Ann.
    pub fn talk(&mut self, caller: &str, channel: &str) -> &mut Stage {
        let member = [("Interface", "PJSIP/101"), ("MemberName", "Ann"), ("DestUniqueid", channel)];
        self.channel("Newchannel", "PJSIP/trunk-00000001", caller, caller, "4");
        self.queue("QueueCallerJoin", caller, &[]);
        self.channel("Newchannel", "PJSIP/101-00000001", channel, caller, "0");
        self.queue("AgentCalled", caller, &member);
        self.channel("Newstate", "PJSIP/101-00000001", channel, caller, "6");
        self.hear(&[("Event", "DialEnd"), ("DestUniqueid", channel), ("DialStatus", "ANSWER")]);
        self.queue("QueueCallerLeave", caller, &[]);
        self.queue("AgentConnect", caller, &member)
    }

    pub fn later(&mut self, ms: Millis) -> &mut Stage {
        self.now += ms;
        self.pbx.wake(self.now, &mut self.told);
        self
    }

    /// A session begins; the ids of what it asks for, queues and channels.
    pub fn connect(&mut self) -> Vec<String> {
        self.pbx.connected(self.now);
        let asks = self.pbx.asks().into_iter().enumerate();
        asks.map(|(number, ask)| {
            let id = ActionId::new(1, number as u64);
            self.pbx.asked(ask, id);
            id.to_string()
        })
        .collect()
    }

    /// A listing has a channel that is up.
    pub fn lists(&mut self, name: &str, id: &str, linked: &str, more: &[(&str, &str)]) {
        let mut all = vec![
            ("Event", "CoreShowChannel"),
            ("Channel", name),
            ("Uniqueid", id),
            ("Linkedid", linked),
            ("ChannelState", "6"),
        ];
        all.extend(more);
        self.hear(&all);
    }

    /// What was told since this was last asked, a word for each event.
    pub fn heard(&mut self) -> Vec<String> {
        let told = std::mem::take(&mut self.told);
        told.iter().map(word).collect()
    }
}

/// The event without its time and what goes without saying.
pub(super) fn word(told: &Told) -> String {
    let mut line = Vec::new();
    let kind = told.kind.clone();
    stats::event::Event { time: told.time, origin: None, kind }.write_line(&mut line);
    let event: serde_json::Value = serde_json::from_slice(&line).unwrap();
    let mut words = vec![event["type"].as_str().unwrap().split('.').nth(1).unwrap().to_owned()];
    for (key, value) in event.as_object().unwrap() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match key.as_str() {
            "time" | "type" | "list" | "media" | "name" | "items" => {}
            "transaction" => words.push(value.trim_start_matches("main:").to_owned()),
            "agent" | "status" => words.push(value),
            _ => words.push(format!("{key}={value}")),
        }
    }
    words[1..].sort();
    words.join(" ")
}

#[test]
fn a_pause_in_all_queues_is_a_break_and_in_one_of_them_an_assignment_not_enabled() {
    let mut stage = stage(Mapping::default());
    stage.member(&[("Status", "1"), ("Paused", "1"), ("PausedReason", "Lunch")]);
    assert_eq!(stage.heard(), ["configured", "status Ann item=1 on-break short_code=Lunch"]);
    // In a second queue Ann isn't paused.
    stage.member(&[]);
    assert_eq!(stage.heard(), ["status Ann available"]);
    let second = [
        ("Event", "QueueMemberAdded"),
        ("Queue", "support"),
        ("MemberName", "Ann"),
        ("Interface", "PJSIP/101"),
        ("Status", "1"),
    ];
    stage.hear(&second);
    assert_eq!(stage.heard(), ["configured queue=2", "set Ann assigned=true queue=2"]);
    stage.member(&[("Status", "1"), ("Paused", "1"), ("PausedReason", "Forms")]);
    assert_eq!(stage.heard(), ["set Ann assigned=true enabled=false queue=1"]);
    let mut paused = second.to_vec();
    paused.extend([("Paused", "1"), ("PausedReason", "Gone")]);
    stage.hear(&paused);
    assert_eq!(
        stage.heard(),
        [
            "set Ann assigned=true queue=1",
            "configured",
            "status Ann item=2 on-break short_code=Gone"
        ]
    );
}

#[test]
fn a_reason_can_have_its_own_code_and_status() {
    let own =
        PauseMapping { item: Some(7), short_code: Some("FRM".to_owned()), work_offline: true };
    let pauses = [("Forms".to_owned(), own)].into();
    let mut stage = stage(Mapping { pauses, ..Mapping::default() });
    stage.member(&[("Status", "1"), ("Paused", "1"), ("PausedReason", "Forms")]);
    assert_eq!(stage.heard(), ["configured", "status Ann item=7 short_code=FRM work-offline"]);
    stage.member(&[("Status", "1"), ("Paused", "1")]);
    assert_eq!(stage.heard(), ["status Ann on-break"], "a pause without a reason has no code");
}

#[test]
fn a_phone_out_of_reach_logs_out_but_not_in_the_middle_of_a_call() {
    let mut stage = stage(Mapping::default());
    stage.talk("1.1", "1.2");
    stage.told.clear();
    stage.member(&[("Status", "5")]);
    assert!(stage.heard().is_empty());
    stage.queue("AgentComplete", "1.1", &[("Interface", "PJSIP/101"), ("MemberName", "Ann")]);
    assert_eq!(stage.heard(), ["completed 1.1 Ann", "status Ann logged-out"]);
    stage.member(&[("Status", "1")]);
    assert_eq!(stage.heard(), ["status Ann available"]);
}

#[test]
fn wrap_up_is_timed() {
    let queues = [(
        "sales".to_owned(),
        QueueMapping { wrap_up_seconds: Some(6), ..QueueMapping::default() },
    )];
    let mut stage = stage(Mapping { queues: queues.into(), ..Mapping::default() });
    stage.talk("1.1", "1.2");
    assert_eq!(stage.heard(), ["queued 1.1 queue=1", "offered 1.1 Ann", "accepted 1.1 Ann line=1"]);
    stage.hear(&[("Event", "Hangup"), ("Uniqueid", "1.2")]);
    assert_eq!(stage.heard(), ["released 1.1 Ann"]);
    stage.queue("AgentComplete", "1.1", &[("Interface", "PJSIP/101"), ("MemberName", "Ann")]);
    assert_eq!(stage.later(5_900).heard(), Vec::<String>::new());
    let end = stage.pbx.due().unwrap();
    stage.later(200);
    assert_eq!(stage.told[0].time, end);
    assert_eq!(stage.heard(), ["completed 1.1 Ann"]);
    // The member's own time goes before the queue's.
    stage.member(&[("Status", "1"), ("Wrapuptime", "2")]);
    stage.talk("2.1", "2.2").hear(&[("Event", "Hangup"), ("Uniqueid", "2.2")]);
    stage.told.clear();
    assert_eq!(stage.later(2_000).heard(), ["completed 2.1 Ann"]);
}

#[test]
fn a_hang_up_tells_an_abandon_from_a_time_out() {
    let mut stage = stage(Mapping::default());
    for (caller, steps, outcome) in [
        (
            "1.1",
            &["HangupRequest", "QueueCallerAbandon", "QueueCallerLeave", "Hangup"][..],
            "abandoned",
        ),
        ("1.2", &["QueueCallerAbandon", "QueueCallerLeave", "Hangup"], "abandoned"),
        ("1.3", &["QueueCallerAbandon", "HangupRequest", "QueueCallerLeave"], "abandoned"),
        ("1.4", &["QueueCallerAbandon", "QueueCallerLeave"], "diverted"),
        ("1.5", &["QueueCallerLeave"], "diverted"),
        ("1.6", &["Hangup"], "abandoned"),
    ] {
        stage.channel("Newchannel", "PJSIP/trunk-00000001", caller, caller, "4");
        stage.queue("QueueCallerJoin", caller, &[]);
        stage.told.clear();
        let left = stage.now + 10;
        for step in steps {
            stage.queue(step, caller, &[]);
        }
        stage.later(1_000);
        let time = stage.told[0].time;
        let waited = stage.told[0].certain.map(|certain| certain - time);
        assert_eq!(waited == Some(250), caller == "1.4", "it was certain after {waited:?} ms");
        assert_eq!(stage.heard(), [format!("{outcome} {caller}")]);
        assert!(time - left <= 20, "{caller} ended when the queue let it go");
    }
}

#[test]
fn the_dialplan_s_word_goes_before_the_wait() {
    let mut stage = stage(Mapping::default());
    stage.channel("Newchannel", "PJSIP/trunk-00000001", "1.1", "1.1", "4");
    stage.queue("QueueCallerJoin", "1.1", &[]).queue("QueueCallerAbandon", "1.1", &[]);
    stage.told.clear();
    stage.hear(&[
        ("Event", "VarSet"),
        ("Uniqueid", "1.1"),
        ("Variable", "QUEUESTATUS"),
        ("Value", "TIMEOUT"),
    ]);
    let told = stage.told.last().unwrap();
    let waited = told.certain.map(|certain| certain - told.time);
    assert_eq!(waited, Some(10), "it was certain with the dialplan's word");
    assert_eq!(stage.heard(), ["diverted 1.1"]);
}

#[test]
fn calls_beside_the_queues_keep_their_agent_busy() {
    let mut stage = stage(Mapping::default());
    // Ann dials.
    stage.channel("Newchannel", "PJSIP/101-0000000a", "5.1", "5.1", "4");
    assert_eq!(stage.heard(), ["placed Ann direct:5.1"]);
    stage.hear(&[("Event", "Hold"), ("Uniqueid", "5.1")]);
    stage.hear(&[("Event", "Unhold"), ("Uniqueid", "5.1")]);
    stage.hear(&[("Event", "Unhold"), ("Uniqueid", "5.1")]);
    assert_eq!(stage.heard(), ["held Ann direct:5.1", "resumed Ann direct:5.1"]);
    // A second call, to Ann: on the second line once it is answered.
    stage.channel("Newchannel", "PJSIP/101-0000000b", "6.2", "6.1", "0");
    stage.channel("Newstate", "PJSIP/101-0000000b", "6.2", "6.1", "5");
    assert!(stage.heard().is_empty());
    stage.channel("Newstate", "PJSIP/101-0000000b", "6.2", "6.1", "6");
    assert_eq!(stage.heard(), ["placed Ann direct:6.2 line=2"]);
    stage.hear(&[("Event", "Hangup"), ("Uniqueid", "5.1")]);
    stage.hear(&[("Event", "Hangup"), ("Uniqueid", "6.2")]);
    assert_eq!(stage.heard(), ["completed Ann direct:5.1", "completed Ann direct:6.2"]);
    let mut quiet = self::stage(Mapping { direct_calls: false, ..Mapping::default() });
    quiet.channel("Newchannel", "PJSIP/101-0000000a", "5.1", "5.1", "4");
    assert!(quiet.heard().is_empty());
}

#[test]
fn the_phone_behind_a_local_member_is_part_of_the_queue_s_call() {
    let mut stage = stage(Mapping::default());
    stage.hear(&[
        ("Event", "QueueMemberAdded"),
        ("Queue", "sales"),
        ("MemberName", "Bob"),
        ("Interface", "Local/102@from-queue/n"),
        ("StateInterface", "PJSIP/102"),
        ("Status", "1"),
    ]);
    stage.channel("Newchannel", "PJSIP/trunk-00000001", "1.1", "1.1", "4");
    stage.queue("QueueCallerJoin", "1.1", &[]);
    let member =
        [("Interface", "Local/102@from-queue/n"), ("MemberName", "Bob"), ("DestUniqueid", "1.2")];
    stage.queue("AgentCalled", "1.1", &member);
    stage.channel("Newchannel", "PJSIP/102-00000001", "1.4", "1.1", "0");
    stage.channel("Newstate", "PJSIP/102-00000001", "1.4", "1.1", "6");
    stage.queue("AgentConnect", "1.1", &member);
    stage.told.clear();
    stage.hear(&[("Event", "Hold"), ("Uniqueid", "1.4")]);
    assert_eq!(stage.heard(), ["held 1.1 Bob"]);
    // Without `/n` the pair steps aside: the talk goes on.
    stage.hear(&[("Event", "LocalOptimizationEnd"), ("LocalOneUniqueid", "1.2")]);
    stage.hear(&[("Event", "Hangup"), ("Uniqueid", "1.2")]);
    assert!(stage.heard().is_empty());
    stage.queue("AgentComplete", "1.1", &member);
    assert_eq!(stage.heard(), ["completed 1.1 Bob"]);
}

#[test]
fn a_member_that_waits_in_agent_login_is_in_no_call() {
    let mut stage = stage(Mapping::default());
    stage.channel("Newchannel", "PJSIP/101-0000000a", "5.1", "5.1", "4");
    stage.hear(&[("Event", "AgentLogin"), ("Uniqueid", "5.1"), ("Agent", "1001")]);
    assert_eq!(stage.heard(), ["placed Ann direct:5.1", "completed Ann direct:5.1"]);
    stage.channel("Newstate", "PJSIP/101-0000000a", "5.1", "5.1", "6");
    assert!(stage.heard().is_empty());
}

#[test]
fn a_hint_tells_the_agent_s_phone() {
    let mut stage = stage(Mapping::default());
    stage.hear(&[
        ("Event", "QueueMemberAdded"),
        ("Queue", "sales"),
        ("MemberName", "Bob"),
        ("Interface", "Local/102@from-queue/n"),
        ("StateInterface", "hint:102@ext-local"),
        ("Status", "1"),
    ]);
    let asks = stage.pbx.asks();
    let [ask @ Ask::Hint { exten, context, .. }] = &asks[..] else { panic!("{asks:?}") };
    assert_eq!((exten.as_str(), context.as_str()), ("102", "ext-local"));
    let id = ActionId::new(1, 1);
    stage.pbx.asked(ask.clone(), id);
    stage.told.clear();
    let id = id.to_string();
    stage.hear(&[("Response", "Success"), ("ActionID", &id), ("Hint", "PJSIP/102&Custom:DND102")]);
    stage.channel("Newchannel", "PJSIP/102-0000000a", "5.1", "5.1", "4");
    assert_eq!(stage.heard(), ["placed Bob direct:5.1"]);
}

#[test]
fn what_an_administrator_changed_stays_unless_the_configuration_names_it() {
    let sla = Sla { percent: 90, within_seconds: 15, evaluate_every_seconds: 900 };
    let lines = concat!(
        r#"{"time":1,"type":"queue.configured","queue":1,"name":"Sales desk","media":"phone"}"#,
        "\n",
        r#"{"time":1,"type":"queue.configured","queue":2,"name":"Other","media":"chat"}"#,
        "\n"
    );
    let believe = |mapping: Mapping| {
        let mut names = Names::default();
        names.set_queue("sales", 1);
        let mut pbx = Pbx::new("main", mapping, names);
        let lines = stats::parse::parse_batch(lines.as_bytes(), None).unwrap();
        pbx.believe(&lines, Some(1));
        pbx.is_compared = true;
        let mut stage = Stage { pbx, told: Vec::new(), now: 1_000 };
        stage.member(&[("Status", "1")]);
        stage.hear(&[("Event", "QueueCallerJoin"), ("Queue", "new"), ("Uniqueid", "1.1")]);
        stage.told.retain(|told| word(told).starts_with("configured"));
        stage.heard()
    };
    // A number that another source uses is not given to a new queue.
    assert_eq!(believe(Mapping::default()), ["configured Ann", "configured queue=3"]);
    let own = QueueMapping { sla: Some(sla), ..QueueMapping::default() };
    let mapping = Mapping { queues: [("sales".to_owned(), own)].into(), ..Mapping::default() };
    assert_eq!(
        believe(mapping).len(),
        3,
        "the queue is configured with the section's service level"
    );
}

#[test]
fn agents_go_by_name_by_interface_or_as_the_configuration_says() {
    let agents = [("Ann".to_owned(), "a.lee".to_owned())];
    for (mapping, id) in [
        (Mapping::default(), "Ann"),
        (Mapping { agent_id: AgentId::Interface, ..Mapping::default() }, "101"),
        (Mapping { agents: agents.into(), ..Mapping::default() }, "a.lee"),
    ] {
        let mut stage = stage(mapping);
        stage.member(&[("Status", "1"), ("Paused", "1")]);
        assert_eq!(stage.heard(), [format!("status {id} on-break")]);
    }
}

#[test]
fn only_listed_queues_are_served_where_the_configuration_says_so() {
    let mut stage = stage(Mapping { only_listed_queues: true, ..Mapping::default() });
    stage.talk("1.1", "1.2");
    assert!(stage.heard().is_empty());
}

#[test]
fn ring_all_counts_for_whom_it_rang_out_and_not_for_whom_it_was_called_off() {
    let mut stage = stage(Mapping::default());
    stage.channel("Newchannel", "PJSIP/trunk-00000001", "1.1", "1.1", "4");
    stage.queue("QueueCallerJoin", "1.1", &[]);
    for (name, channel) in [("Ann", "1.2"), ("Bob", "1.3"), ("Cat", "1.4")] {
        let interface = if name == "Ann" { "PJSIP/101" } else { name };
        let member = [("Interface", interface), ("MemberName", name), ("DestUniqueid", channel)];
        stage.queue("AgentCalled", "1.1", &member);
    }
    stage.told.clear();
    stage.queue("AgentRingNoAnswer", "1.1", &[("DestUniqueid", "1.2")]);
    stage.hear(&[("Event", "DialEnd"), ("DestUniqueid", "1.3"), ("DialStatus", "CANCEL")]);
    stage.hear(&[("Event", "DialEnd"), ("DestUniqueid", "1.4"), ("DialStatus", "NOANSWER")]);
    stage.hear(&[("Event", "Hangup"), ("Uniqueid", "1.4")]);
    assert_eq!(stage.heard(), ["rejected 1.1 Ann", "withdrawn 1.1 Bob", "withdrawn 1.1 Cat"]);
}

#[test]
fn a_phone_that_sends_the_call_on_counts_one_call() {
    let mut stage = stage(Mapping::default());
    stage.channel("Newchannel", "PJSIP/trunk-00000001", "1.1", "1.1", "4");
    stage.queue("QueueCallerJoin", "1.1", &[]);
    let member =
        |channel| [("Interface", "PJSIP/101"), ("MemberName", "Ann"), ("DestUniqueid", channel)];
    let sends_on = [
        ("Event", "DialEnd"),
        ("DestUniqueid", "1.2"),
        ("DialStatus", "CANCEL"),
        ("Forward", "555@out"),
    ];
    stage.queue("AgentCalled", "1.1", &member("1.2")).hear(&sends_on);
    stage.hear(&[("Event", "Hangup"), ("Uniqueid", "1.2")]);
    stage.queue("AgentRingNoAnswer", "1.1", &member("1.3"));
    assert_eq!(stage.heard(), ["queued 1.1 queue=1", "offered 1.1 Ann", "rejected 1.1 Ann"]);
    stage.queue("AgentCalled", "1.1", &member("1.2")).hear(&sends_on);
    stage.hear(&[("Event", "Hangup"), ("Uniqueid", "1.2")]);
    stage.queue("QueueCallerLeave", "1.1", &[]).queue("AgentConnect", "1.1", &member("1.3"));
    assert_eq!(stage.heard(), ["offered 1.1 Ann", "accepted 1.1 Ann line=1"]);
}

#[test]
fn who_picks_up_another_s_phone_talks() {
    let mut stage = stage(Mapping::default());
    stage.hear(&[
        ("Event", "QueueMemberAdded"),
        ("Queue", "support"),
        ("MemberName", "Bob"),
        ("Interface", "PJSIP/102"),
        ("Status", "1"),
    ]);
    stage.channel("Newchannel", "PJSIP/trunk-00000001", "1.1", "1.1", "4");
    stage.queue("QueueCallerJoin", "1.1", &[]);
    let member = [("Interface", "PJSIP/101"), ("MemberName", "Ann"), ("DestUniqueid", "1.2")];
    stage.queue("AgentCalled", "1.1", &member);
    stage.told.clear();
    // Bob dials the code of the group's pickup; the queue then names his channel.
    stage.channel("Newchannel", "PJSIP/102-00000009", "9.1", "9.1", "4");
    assert_eq!(stage.heard(), ["placed Bob direct:9.1"]);
    let picked = [("Interface", "PJSIP/101"), ("MemberName", "Ann"), ("DestUniqueid", "9.1")];
    stage.hear(&[("Event", "Hangup"), ("Uniqueid", "1.2")]);
    stage.queue("QueueCallerLeave", "1.1", &[]).queue("AgentConnect", "1.1", &picked);
    stage.queue("AgentComplete", "1.1", &picked);
    let heard = stage.heard();
    let talk = [
        "withdrawn 1.1 Ann",
        "completed Bob direct:9.1",
        "accepted 1.1 Bob line=1",
        "completed 1.1 Bob",
    ];
    assert_eq!(heard, talk);
}

#[test]
fn a_caller_whose_pair_steps_aside_talks_on() {
    let mut stage = stage(Mapping::default());
    stage.talk("1.1", "1.2");
    stage.told.clear();
    stage.hear(&[
        ("Event", "LocalOptimizationEnd"),
        ("LocalOneUniqueid", "1.0"),
        ("LocalTwoUniqueid", "1.1"),
    ]);
    stage.hear(&[("Event", "Hangup"), ("Uniqueid", "1.1")]);
    assert!(stage.heard().is_empty());
    // The queue knows the caller by another channel by now.
    stage.queue("AgentComplete", "7.7", &[("Interface", "PJSIP/101"), ("MemberName", "Ann")]);
    assert_eq!(stage.heard(), ["completed 1.1 Ann"]);
}

#[test]
fn who_enters_another_queue_has_left_the_first() {
    let mut stage = stage(Mapping::default());
    stage.queue("QueueCallerJoin", "1.1", &[]);
    stage.hear(&[("Event", "QueueCallerJoin"), ("Queue", "support"), ("Uniqueid", "1.1")]);
    let heard = stage.heard();
    assert_eq!(
        heard,
        ["queued 1.1 queue=1", "diverted 1.1", "configured queue=2", "queued 1.1#2 queue=2"]
    );
}

#[test]
fn an_end_that_names_no_channel_is_that_of_the_agent_s_call_of_the_queue() {
    let mut stage = stage(Mapping::default());
    stage.talk("1.1", "1.2");
    stage.told.clear();
    let member = [("Interface", "PJSIP/101"), ("MemberName", "Ann"), ("TalkTime", "5")];
    stage.hear(&[&[("Event", "AgentComplete"), ("Queue", "sales")][..], &member].concat());
    assert!(stage.heard().is_empty(), "of a call before");
    stage.later(5_000);
    stage.hear(&[&[("Event", "AgentComplete"), ("Queue", "support")][..], &member].concat());
    assert!(stage.heard().is_empty(), "of another queue");
    stage.hear(&[&[("Event", "AgentComplete"), ("Queue", "sales")][..], &member].concat());
    assert_eq!(stage.heard(), ["completed 1.1 Ann"]);
}

#[test]
fn who_hangs_up_and_is_counted_talks_no_more_though_the_channel_stays() {
    let mut stage = stage(Mapping::default());
    let free = [("Status", "1"), ("InCall", "0"), ("CallsTaken", "1"), ("LastCall", "1001")];
    stage.talk("1.1", "1.2").told.clear();
    // A hang-up while Ann connects the caller with somebody else: the transfer fails, and the queue never tells its end.
    stage.hear(&[("Event", "HangupRequest"), ("Uniqueid", "1.2")]);
    assert!(stage.heard().is_empty());
    stage.member(&free);
    assert_eq!(stage.heard(), ["completed 1.1 Ann"]);
    // The next call is not the one whose caller waits in vain and whose channel is still up.
    stage.talk("2.1", "2.2").told.clear();
    let member = [("Interface", "PJSIP/101"), ("MemberName", "Ann"), ("TalkTime", "1")];
    stage.hear(&[("Event", "Hangup"), ("Uniqueid", "1.2")]);
    stage.queue("AgentComplete", "1.1", &member);
    stage.member(&free);
    assert!(stage.heard().is_empty());
    stage.hear(&[("Event", "Hangup"), ("Uniqueid", "2.2")]);
    assert_eq!(stage.heard(), ["completed 2.1 Ann"]);
}

#[test]
fn neither_the_count_nor_the_hang_up_alone_ends_a_talk() {
    let free = [("Status", "1"), ("InCall", "0"), ("CallsTaken", "1")];
    let busy = [("Status", "2"), ("InCall", "0"), ("CallsTaken", "1")];
    let in_call = [("Status", "1"), ("InCall", "1"), ("CallsTaken", "1")];
    let uncounted = [("Status", "1"), ("InCall", "0"), ("CallsTaken", "0")];
    for (hangs_up, member) in [(false, free), (true, busy), (true, in_call), (true, uncounted)] {
        let mut stage = stage(Mapping::default());
        stage.talk("1.1", "1.2").told.clear();
        if hangs_up {
            stage.hear(&[("Event", "HangupRequest"), ("Uniqueid", "1.2")]);
        }
        stage.member(&member);
        assert!(stage.heard().is_empty(), "{hangs_up} {member:?}");
    }
}
