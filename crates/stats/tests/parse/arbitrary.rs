//! Arbitrary events of every type.

use proptest::{collection::vec, option, prelude::*};
use stats::{
    event::{
        Base, CodeItem, Event, ExplicitLine, GivenCode, Kind, Line, Media, Origin, Sla, Text, Type,
    },
    limit,
};

fn text(min: usize, max: usize) -> impl Strategy<Value = Text<'static>> {
    let plain = proptest::string::string_regex(&format!("[a-z0-9.@-]{{{min},{max}}}"));
    let any = vec(any::<char>(), min..=max.min(20)).prop_map(|chars| chars.into_iter().collect());
    prop_oneof![3 => plain.unwrap(), 1 => any].prop_map(|text: String| text.into())
}

fn agent() -> impl Strategy<Value = Text<'static>> {
    text(1, limit::ID_CHARS_MAX).prop_map(|id| {
        let keep = |char: char| if char == '/' || char.is_control() { '_' } else { char };
        id.chars().map(keep).collect::<String>().into()
    })
}

fn one_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

fn line() -> impl Strategy<Value = Line> {
    one_of(&[Line::One, Line::Two])
}

fn sla() -> impl Strategy<Value = Sla> {
    let seconds = 0..=limit::SLA_SECONDS_MAX;
    let every = prop_oneof![Just(limit::EVALUATE_EVERY_SECONDS), 1..=limit::SLA_SECONDS_MAX];
    (0..=100_u8, seconds, every).prop_map(|(percent, within_seconds, evaluate_every_seconds)| Sla {
        percent,
        within_seconds,
        evaluate_every_seconds,
    })
}

fn code_item() -> impl Strategy<Value = CodeItem<'static>> {
    (any::<i64>(), text(0, 30), text(0, 30), one_of(&[Base::OnBreak, Base::WorkOffline]))
        .prop_map(|(item, short_code, name, status)| CodeItem { item, short_code, name, status })
}

fn directory_kind() -> impl Strategy<Value = Kind<'static>> {
    let queue = || 1..=limit::QUEUE_ID_MAX;
    let group = || 1..=limit::GROUP_ID_MAX;
    prop_oneof![
        (queue(), text(0, 40), one_of(Media::ALL), option::of(sla())).prop_map(
            |(queue, name, media, sla)| Kind::QueueConfigured { queue, name, media, sla }
        ),
        queue().prop_map(|queue| Kind::QueueRemoved { queue }),
        (group(), text(0, 40)).prop_map(|(group, name)| Kind::GroupConfigured { group, name }),
        group().prop_map(|group| Kind::GroupRemoved { group }),
        (agent(), text(0, 1_024), option::of(group()))
            .prop_map(|(agent, name, group)| Kind::AgentConfigured { agent, name, group }),
        agent().prop_map(|agent| Kind::AgentRemoved { agent }),
        (agent(), queue(), any::<bool>(), any::<bool>()).prop_map(
            |(agent, queue, assigned, enabled)| Kind::AssignmentSet {
                agent,
                queue,
                assigned,
                enabled
            }
        ),
        (any::<i64>(), text(0, 40), vec(code_item(), 0..4))
            .prop_map(|(list, name, items)| Kind::CodesConfigured { list, name, items }),
    ]
}

fn status_kind() -> impl Strategy<Value = Kind<'static>> {
    let number = || option::of(any::<i64>());
    let explicit = (line(), one_of(ExplicitLine::ALL))
        .prop_filter("line 1 has no error", |pair| *pair != (Line::One, ExplicitLine::Error));
    prop_oneof![
        (agent(), one_of(Base::ALL), number(), number(), option::of(text(0, 20))).prop_map(
            |(agent, status, list, item, short_code)| {
                let code = GivenCode { list, item, short_code };
                Kind::AgentStatus { agent, status, code }
            }
        ),
        (agent(), explicit).prop_map(|(agent, (line, status))| Kind::LineStatus {
            agent,
            line,
            status
        }),
    ]
}

fn transaction_kind() -> impl Strategy<Value = Kind<'static>> {
    let transaction = || text(1, limit::ID_CHARS_MAX);
    let queue = || 1..=limit::QUEUE_ID_MAX;
    let target = prop_oneof![
        (queue(), option::of(one_of(Media::ALL))).prop_map(|(queue, media)| (Some(queue), media)),
        one_of(Media::ALL).prop_map(|media| (None, Some(media))),
    ];
    let leg_types = &[
        Type::TransactionRejected,
        Type::TransactionWithdrawn,
        Type::TransactionHeld,
        Type::TransactionResumed,
        Type::TransactionMuted,
        Type::TransactionUnmuted,
        Type::TransactionReleased,
        Type::TransactionCompleted,
    ];
    prop_oneof![
        1 => (transaction(), queue())
            .prop_map(|(transaction, queue)| Kind::TransactionQueued { transaction, queue }),
        1 => (transaction(), agent(), line())
            .prop_map(|(transaction, agent, line)| Kind::TransactionOffered { transaction, agent, line }),
        1 => (transaction(), agent(), option::of(line()))
            .prop_map(|(transaction, agent, line)| Kind::TransactionAccepted { transaction, agent, line }),
        1 => (transaction(), agent(), target, line()).prop_map(
            |(transaction, agent, (queue, media), line)| Kind::TransactionPlaced {
                transaction, agent, queue, media, line
            }
        ),
        4 => (one_of(leg_types), transaction(), agent())
            .prop_map(|(of_type, transaction, agent)| leg_kind(of_type, transaction, agent)),
        1 => transaction().prop_map(|transaction| Kind::TransactionAbandoned { transaction }),
        1 => transaction().prop_map(|transaction| Kind::TransactionDiverted { transaction }),
    ]
}

fn leg_kind(of_type: Type, transaction: Text<'static>, agent: Text<'static>) -> Kind<'static> {
    match of_type {
        Type::TransactionRejected => Kind::TransactionRejected { transaction, agent },
        Type::TransactionWithdrawn => Kind::TransactionWithdrawn { transaction, agent },
        Type::TransactionHeld => Kind::TransactionHeld { transaction, agent },
        Type::TransactionResumed => Kind::TransactionResumed { transaction, agent },
        Type::TransactionMuted => Kind::TransactionMuted { transaction, agent },
        Type::TransactionUnmuted => Kind::TransactionUnmuted { transaction, agent },
        Type::TransactionReleased => Kind::TransactionReleased { transaction, agent },
        _ => Kind::TransactionCompleted { transaction, agent },
    }
}

/// Any event.
pub fn event() -> impl Strategy<Value = Event<'static>> {
    let kind = prop_oneof![2 => directory_kind(), 1 => status_kind(), 3 => transaction_kind()];
    let origin = (text(1, limit::SOURCE_CHARS_MAX), 1..=u64::MAX)
        .prop_map(|(source, seq)| Origin { source, seq });
    (0..=limit::TIME_MS_MAX, option::of(origin), kind).prop_map(|(time, origin, kind)| Event {
        time,
        origin,
        kind,
    })
}
