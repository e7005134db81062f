//! Any stretch of a transcript may be lost: after the next listing the server knows again what the PBX is at.
//!
//! One PBX hears everything. Another one misses a stretch, is then given a listing of what the first one holds, and
//! hears the rest. In the end both have told the server the same present.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
};

use super::{
    super::{Ask, DeviceState, Pbx, Told, members::Member, told::ToldAgent},
    Chunk, Story, fold, stories,
};
use crate::connect::{
    asterisk::{
        ami::{ActionId, Decoder, Message},
        mapping::Mapping,
    },
    names::Names,
};
use stats::{
    event::{Kind, Millis},
    parse::parse_batch,
};

/// The messages of a transcript with their instants, up to where its line was cut.
fn messages(chunks: Vec<(Millis, Chunk)>) -> Vec<(Millis, Message)> {
    let mut decoder = Decoder::new();
    let mut has_banner = false;
    let mut messages = Vec::new();
    for (at, chunk) in chunks {
        match chunk {
            Chunk::Received(bytes) => {
                decoder.push(&bytes);
                has_banner = has_banner || decoder.banner().unwrap().is_some();
                while has_banner && let Some(message) = decoder.message().unwrap() {
                    messages.push((message.timestamp().unwrap_or(at), message));
                }
            }
            Chunk::Cut => break,
            Chunk::Sent(_) | Chunk::Connected => {}
        }
    }
    messages
}

/// Which channel is in which bridge: a listing tells it, the PBX under test doesn't follow it.
#[derive(Default)]
struct Bridges(HashMap<String, String>);

impl Bridges {
    fn follow(&mut self, message: &Message) {
        let channel = message.get("Uniqueid").unwrap_or("").to_owned();
        match message.name() {
            Some("BridgeEnter") => {
                self.0.insert(channel, message.get("BridgeUniqueid").unwrap_or("").to_owned());
            }
            Some("BridgeLeave" | "Hangup") => {
                self.0.remove(&channel);
            }
            _ => {}
        }
    }
}

fn status(device: DeviceState) -> &'static str {
    match device {
        DeviceState::Unknown => "0",
        DeviceState::NotInUse => "1",
        DeviceState::InUse => "2",
        DeviceState::Invalid => "4",
        DeviceState::Unavailable => "5",
        DeviceState::Ringing => "6",
    }
}

/// When a visit began, by what was told.
fn entered(heard: &[Told], transaction: &str) -> Millis {
    let mut told = heard.iter().rev();
    let queued = told.find(|told| {
        matches!(&told.kind, Kind::TransactionQueued { transaction: own, .. } if own == transaction)
    });
    queued.unwrap().time
}

/// Whether a member is in a call of the queue.
fn talks(pbx: &Pbx, member: &Member) -> bool {
    pbx.calls.of_agent(&member.agent).any(|(_, leg)| {
        leg.wrap_until.is_none()
            && leg.member.as_ref().is_some_and(|(queue, _)| *queue == member.queue)
    })
}

/// Lists what one PBX holds, and has told, to another one.
fn list(
    at: Millis,
    (from, heard): (&Pbx, &[Told]),
    bridges: &Bridges,
    to: &mut Pbx,
    out: &mut Vec<Told>,
) {
    let (queues, channels) = (ActionId::new(7, at as u64 * 2), ActionId::new(7, at as u64 * 2 + 1));
    for ask in to.asks() {
        match ask {
            Ask::Queues => to.asked(ask, queues),
            _ => to.asked(ask, channels),
        }
    }
    let mut say = |id: ActionId, pairs: &[(&str, &str)]| {
        let mut pairs: Vec<(String, String)> =
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        pairs.push(("ActionID".to_owned(), id.to_string()));
        to.message(at, &pairs.into_iter().collect(), out);
    };
    for name in from.queues.keys() {
        say(queues, &[("Event", "QueueParams"), ("Queue", name), ("ServiceLevel", "20")]);
    }
    for member in from.members.iter() {
        let paused = if member.paused.is_some() { "1" } else { "0" };
        let status = status(member.device);
        say(
            queues,
            &[
                ("Event", "QueueMember"),
                ("Queue", &member.queue),
                ("Name", &member.name),
                ("Location", &member.interface),
                ("StateInterface", &member.state_interface),
                ("Status", status),
                ("Paused", paused),
                ("PausedReason", member.paused.as_deref().unwrap_or("")),
                ("LastCall", &member.last_call.to_string()),
                ("CallsTaken", &member.calls_taken.to_string()),
                ("InCall", if talks(from, member) { "1" } else { "0" }),
            ],
        );
    }
    for (caller, visit) in &from.calls.visits {
        if visit.leaving.is_none() {
            let wait = ((at - entered(heard, &visit.transaction)) / 1_000).to_string();
            let entry = [("Queue", visit.queue.as_str()), ("Uniqueid", caller), ("Wait", &wait)];
            say(queues, &[&[("Event", "QueueEntry")][..], &entry].concat());
        }
    }
    say(queues, &[("Event", "QueueStatusComplete"), ("EventList", "Complete")]);
    for (id, channel) in from.channels.iter() {
        let state = match (channel.up, channel.dials_in) {
            (true, _) => "6",
            (false, true) => "4",
            (false, false) => "5",
        };
        let name = match channel.device.as_str() {
            "" => "Local/x@y-00000001;2".to_owned(),
            device if device.starts_with("Local/") => format!("{device}-00000001;1"),
            device => format!("{device}-00000001"),
        };
        say(
            channels,
            &[
                ("Event", "CoreShowChannel"),
                ("Channel", &name),
                ("Uniqueid", id),
                ("Linkedid", &channel.linked),
                ("ChannelState", state),
                ("BridgeId", bridges.0.get(id).map_or("", String::as_str)),
            ],
        );
    }
    say(channels, &[("Event", "CoreShowChannelsComplete"), ("EventList", "Complete")]);
}

/// What the server has been told of the present.
#[derive(Debug, PartialEq)]
struct Present {
    visits: BTreeMap<String, (String, BTreeSet<String>)>,
    talks: BTreeSet<(String, String, bool)>,
    agents: BTreeMap<String, String>,
}

fn present(pbx: &Pbx) -> Present {
    let visits = pbx.calls.visits.iter().map(|(caller, visit)| {
        let offers = visit.offers.iter().map(|offer| offer.agent.clone()).collect();
        (caller.clone(), (visit.queue.clone(), offers))
    });
    let talks = pbx
        .calls
        .legs()
        .filter(|(_, leg)| leg.wrap_until.is_none())
        .map(|(_, leg)| (leg.agent.clone(), leg.caller.clone(), leg.member.is_some()));
    // Whoever came and went within the gap was not heard of.
    let here = |told: &ToldAgent| !told.assignments.is_empty();
    let agents = pbx.told.agents.iter().filter(|(_, told)| here(told)).map(|(id, told)| {
        (id.clone(), format!("{:?} {:?} {:?}", told.base, told.code.short_code, told.assignments))
    });
    Present { visits: visits.collect(), talks: talks.collect(), agents: agents.collect() }
}

/// Loses the messages from one place to another, of a connector that stays or of one that starts anew.
fn check(name: &str, messages: &[(Millis, Message)], lost: &Range<usize>, starts_anew: bool) {
    let queues: BTreeSet<&str> =
        messages.iter().filter_map(|(_, said)| said.get("Queue")).collect();
    let mut numbers = Names::default();
    for queue in queues {
        numbers.queue(queue);
    }
    let mapping = Mapping { wrap_up_seconds: 4, ..Mapping::default() };
    let new = || {
        let mut pbx = Pbx::new("main", mapping.clone(), numbers.clone());
        pbx.is_compared = true;
        pbx
    };
    let (mut all, mut some) = (new(), new());
    let (mut heard, mut told) = (Vec::new(), Vec::new());
    let mut bridges = Bridges::default();
    for (place, (at, message)) in messages.iter().enumerate() {
        all.message(*at, message, &mut heard);
        bridges.follow(message);
        if place == lost.start {
            some.disconnected(*at);
        }
        // The listing is of the moment behind the last message that is lost.
        if !(lost.start..=lost.end).contains(&place) {
            some.message(*at, message, &mut told);
        }
        if place == lost.end {
            if starts_anew {
                some = new();
                let state = fold(&told).present();
                let mut lines = Vec::new();
                state.events().for_each(|event| event.write_line(&mut lines));
                some.believe(&parse_batch(&lines, None).unwrap(), state.counted());
            }
            some.connected(*at);
            list(*at, (&all, &heard), &bridges, &mut some, &mut told);
        }
    }
    let end = messages.last().unwrap().0 + 60_000;
    // What waits for a timer is over by then; no listing is answered any more.
    all.wake(end, &mut heard);
    some.wake(end, &mut told);
    assert_eq!(present(&some), present(&all), "{name} lost {lost:?}, starts anew: {starts_anew}");
    fold(&told);
}

#[test]
fn whatever_stretch_is_lost_the_present_is_known_again() {
    let mut place: usize = 12_345;
    for Story { name, chunks, .. } in stories() {
        let messages = messages(chunks);
        for len in [1, 3, 10, 40, 150] {
            if messages.len() < len + 2 {
                continue;
            }
            for _ in 0..5 {
                // A generator of places, the same at every run.
                place = place
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let start = (place >> 33) % (messages.len() - len - 1);
                check(&name, &messages, &(start..start + len), false);
                check(&name, &messages, &(start..start + len), true);
            }
        }
    }
}
