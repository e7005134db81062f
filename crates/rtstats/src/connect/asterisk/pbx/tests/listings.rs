//! What listings come to, and messages round them, where no transcript has them.

use super::{
    super::Ask,
    steps::{stage, word},
};
use crate::connect::asterisk::{ami::ActionId, mapping::Mapping};

#[test]
fn what_comes_before_the_first_comparison_counts_after_it() {
    let mut stage = stage(Mapping::default());
    let ids = stage.connect();
    stage.channel("Newchannel", "PJSIP/trunk-00000001", "1.1", "1.1", "4");
    stage.queue("QueueCallerJoin", "1.1", &[]);
    let joined = stage.now;
    stage.hear(&[("Event", "QueueStatusComplete"), ("ActionID", &ids[0])]);
    assert!(stage.told.is_empty());
    stage.hear(&[
        ("Event", "CoreShowChannelsComplete"),
        ("EventList", "Complete"),
        ("ActionID", &ids[1]),
    ]);
    let queued = stage.told.iter().find(|told| word(told).starts_with("queued")).unwrap();
    assert_eq!(queued.time, joined);
}

#[test]
fn nothing_that_a_pbx_says_makes_an_event_that_is_none() {
    let mut stage = stage(Mapping::default());
    let long = format!("{}.1", "9".repeat(300));
    for _ in 0..3 {
        stage.queue("QueueCallerJoin", &long, &[]).queue("QueueCallerAbandon", &long, &[]);
        stage.later(1_000);
    }
    stage.channel("Newchannel", "PJSIP/101-0000000a", &long, &long, "4");
    let ids = stage.connect();
    let far = "9223372036854775807";
    let queue = [("Queue", "sales"), ("ActionID", ids[0].as_str())];
    let params = [("ServiceLevel", "4294967295"), ("Completed", far), ("Abandoned", far)];
    stage.hear(&[&[("Event", "QueueParams")][..], &queue, &params].concat());
    let member =
        [("Name", "Ann"), ("Location", "PJSIP/101"), ("LastCall", far), ("CallsTaken", far)];
    stage.hear(&[&[("Event", "QueueMember")][..], &queue, &member].concat());
    stage.hear(
        &[&[("Event", "QueueEntry")][..], &queue, &[("Uniqueid", "1.9"), ("Wait", far)]].concat(),
    );
    stage.hear(&[("Event", "QueueStatusComplete"), ("ActionID", &ids[0])]);
    stage.hear(&[
        ("Event", "CoreShowChannelsComplete"),
        ("EventList", "Complete"),
        ("ActionID", &ids[1]),
    ]);
    for told in std::mem::take(&mut stage.told) {
        let mut line = Vec::new();
        stats::event::Event { time: told.time.max(0), origin: None, kind: told.kind }
            .write_line(&mut line);
        stats::parse::parse_line(&line).unwrap();
    }
}

#[test]
fn a_quiet_pbx_is_listed_again_and_one_that_does_not_answer_is_asked_again() {
    let mut stage = stage(Mapping::default());
    stage.pbx.connected(stage.now);
    assert_eq!(stage.pbx.asks(), [Ask::Queues, Ask::Channels]);
    stage.later(60_001);
    assert_eq!(stage.pbx.asks(), [Ask::Queues, Ask::Channels]);
}

#[test]
fn a_talk_that_the_queue_ended_in_the_gap_is_over_though_the_agent_s_channel_is_up() {
    let mut stage = stage(Mapping::default());
    stage.talk("1.1", "1.2");
    stage.pbx.disconnected(stage.now);
    stage.told.clear();
    stage.later(5_000);
    let ids = stage.connect();
    let ended = (stage.now / 1_000 - 2).to_string();
    let member = [("Queue", "sales"), ("Name", "Ann"), ("Location", "PJSIP/101"), ("Status", "1")];
    let over = [("InCall", "0"), ("CallsTaken", "1"), ("LastCall", ended.as_str())];
    let id = [("ActionID", ids[0].as_str())];
    stage.hear(&[&[("Event", "QueueMember")][..], &member, &over, &id].concat());
    stage.hear(&[("Event", "QueueStatusComplete"), id[0]]);
    let id = [("ActionID", ids[1].as_str())];
    stage.lists("PJSIP/101-00000001", "1.2", "1.1", &[("Application", "AppQueue"), id[0]]);
    stage.hear(&[("Event", "CoreShowChannelsComplete"), ("EventList", "Complete"), id[0]]);
    assert_eq!(stage.heard(), ["completed 1.1 Ann"], "and no call beside the queues");
}

#[test]
fn a_count_that_a_listing_tells_first_ends_the_talk_of_who_hung_up() {
    let mut stage = stage(Mapping::default());
    stage.talk("1.1", "1.2").told.clear();
    stage.hear(&[("Event", "HangupRequest"), ("Uniqueid", "1.2")]);
    stage.pbx.ask_for_queues();
    assert_eq!(stage.pbx.asks(), [Ask::Queues, Ask::Answer]);
    let [queues, answer] = [1, 2].map(|number| ActionId::new(1, number));
    stage.pbx.asked(Ask::Queues, queues);
    stage.pbx.asked(Ask::Answer, answer);
    let (queues, answer) = (queues.to_string(), answer.to_string());
    let member = [("Queue", "sales"), ("Name", "Ann"), ("Location", "PJSIP/101"), ("Status", "1")];
    let over = [("InCall", "0"), ("CallsTaken", "1"), ("ActionID", queues.as_str())];
    stage.hear(&[&[("Event", "QueueMember")][..], &member, &over].concat());
    stage.hear(&[("Event", "QueueStatusComplete"), ("EventList", "Complete"), over[2]]);
    stage.hear(&[("Response", "Success"), ("ActionID", &answer)]);
    assert_eq!(stage.heard(), ["completed 1.1 Ann"]);
}

#[test]
fn who_waited_and_talks_in_another_queue_after_the_gap_is_there_for_a_second_visit() {
    let mut stage = stage(Mapping::default());
    stage.channel("Newchannel", "PJSIP/trunk-00000001", "1.1", "1.1", "6");
    stage.queue("QueueCallerJoin", "1.1", &[]);
    stage.pbx.disconnected(stage.now);
    stage.told.clear();
    stage.later(5_000);
    let ids = stage.connect();
    let [queues, channels] = [("ActionID", ids[0].as_str()), ("ActionID", ids[1].as_str())];
    let member = [("Queue", "lab"), ("Name", "Bob"), ("Location", "PJSIP/102"), ("Status", "2")];
    stage.hear(&[("Event", "QueueParams"), ("Queue", "sales"), queues]);
    stage.hear(&[("Event", "QueueParams"), ("Queue", "lab"), queues]);
    stage.hear(&[&[("Event", "QueueMember")][..], &member, &[("InCall", "1"), queues]].concat());
    stage.hear(&[("Event", "QueueStatusComplete"), queues]);
    for (name, id) in [("PJSIP/trunk-00000001", "1.1"), ("PJSIP/102-00000001", "1.2")] {
        stage.lists(name, id, "1.1", &[("BridgeId", "b"), channels]);
    }
    stage.hear(&[("Event", "CoreShowChannelsComplete"), ("EventList", "Complete"), channels]);
    let mut heard = stage.heard();
    heard.retain(|word| word.contains("1.1"));
    let visits = ["diverted 1.1", "queued 1.1#2 queue=2", "accepted 1.1#2 Bob line=1"];
    assert_eq!(heard, visits);
}

#[test]
fn who_is_in_a_call_after_the_gap_is_in_the_next_one_if_one_was_counted() {
    let mut stage = stage(Mapping::default());
    stage.talk("1.1", "1.2");
    stage.pbx.disconnected(stage.now);
    stage.told.clear();
    stage.later(5_000);
    let ids = stage.connect();
    let [queues, channels] = [("ActionID", ids[0].as_str()), ("ActionID", ids[1].as_str())];
    let member = [("Queue", "sales"), ("Name", "Ann"), ("Location", "PJSIP/101"), ("Status", "2")];
    let next = [("InCall", "1"), ("CallsTaken", "1"), ("LastCall", "1002"), queues];
    stage.hear(&[&[("Event", "QueueMember")][..], &member, &next].concat());
    stage.hear(&[("Event", "QueueStatusComplete"), queues]);
    // Ann has handed the first caller over, who talks on with somebody else.
    for (name, id, linked) in [
        ("PJSIP/trunk-00000001", "1.1", "1.1"),
        ("PJSIP/trunk-00000002", "1003.1", "1003.1"),
        ("PJSIP/101-00000002", "1003.2", "1003.1"),
    ] {
        stage.lists(name, id, linked, &[("BridgeId", linked), channels]);
    }
    stage.hear(&[("Event", "CoreShowChannelsComplete"), ("EventList", "Complete"), channels]);
    let calls = ["completed 1.1 Ann", "queued 1003.1 queue=1", "accepted 1003.1 Ann line=1"];
    assert_eq!(stage.heard(), calls);
    let ends = [("Interface", "PJSIP/101"), ("MemberName", "Ann"), ("DestUniqueid", "1003.2")];
    stage.queue("AgentComplete", "1003.1", &ends);
    assert_eq!(stage.heard(), ["completed 1003.1 Ann"]);
}
