//! Lines that are events, and the events that they are.

use stats::{
    event::{Base, CodeItem, Event, ExplicitLine, GivenCode, Kind, Line, Media, Origin, Sla, Type},
    parse::parse_line,
};

/// A line of the type with the fields is the kind; and so it is with all that may stand round it.
#[track_caller]
fn check(type_word: &str, fields: &str, kind: &Kind<'_>) {
    let comma = if fields.is_empty() { "" } else { "," };
    let event = Event { time: 1_772_352_000_123, origin: None, kind: kind.clone() };
    for line in [
        format!(r#"{{"time":1772352000123,"type":"{type_word}"{comma}{fields}}}"#),
        format!(
            r#"{{"type":"{type_word}"{comma}{fields},"time":"2026-03-01T09:00:00.123+01:00"}}"#
        ),
        format!(
            "\t {{ \"unknown\" : [{{}}, [], {{\"a\":[1.5e-3,null]}}, \"\\ud83d\\ude00\"] , \"time\" : 1772352000123 ,\
             \"source\":null , \"type\" : \"{type_word}\" {comma} {fields} }} \r"
        ),
    ] {
        assert_eq!(parse_line(line.as_bytes()).as_ref(), Ok(&event), "{line}");
    }
    let numbered = format!(
        r#"{{"source":"pbx-1","seq":18446744073709551615,"time":1772352000123,"type":"{type_word}"{comma}{fields}}}"#
    );
    let event = Event { origin: Some(Origin { source: "pbx-1".into(), seq: u64::MAX }), ..event };
    assert_eq!(parse_line(numbered.as_bytes()), Ok(event), "{numbered}");
}

fn sla(percent: u8, within_seconds: u32, evaluate_every_seconds: u32) -> Option<Sla> {
    Some(Sla { percent, within_seconds, evaluate_every_seconds })
}

#[test]
fn queues_are_configured_and_removed() {
    let configured = |queue, name, media, sla| Kind::QueueConfigured { queue, name, media, sla };
    check(
        "queue.configured",
        r#""queue":101,"name":"Sales","media":"phone""#,
        &configured(101, "Sales".into(), Media::Phone, None),
    );
    check(
        "queue.configured",
        r#""sla":{"within_seconds":20,"percent":80},"queue":1,"name":"","media":"chat""#,
        &configured(1, "".into(), Media::Chat, sla(80, 20, 900)),
    );
    check(
        "queue.configured",
        r#""queue":2147483647,"name":"a\"b\u00e9","media":"vmail","sla":
           {"percent":100,"within_seconds":0,"evaluate_every_seconds":1,"goal":[]}"#,
        &configured(2_147_483_647, "a\"bé".into(), Media::Voicemail, sla(100, 0, 1)),
    );
    check(
        "queue.configured",
        r#""queue":3,"name":"Mail","media":"email","sla":null"#,
        &configured(3, "Mail".into(), Media::Email, None),
    );
    check("queue.removed", r#""queue":7"#, &Kind::QueueRemoved { queue: 7 });
}

#[test]
fn groups_agents_and_assignments_are_configured_and_removed() {
    check(
        "group.configured",
        r#""group":1,"name":"Nights""#,
        &Kind::GroupConfigured { group: 1, name: "Nights".into() },
    );
    check("group.removed", r#""group":12"#, &Kind::GroupRemoved { group: 12 });
    let configured =
        |group| Kind::AgentConfigured { agent: "j.doe".into(), name: "Jo".into(), group };
    check("agent.configured", r#""agent":"j.doe","name":"Jo""#, &configured(None));
    check("agent.configured", r#""agent":"j.doe","name":"Jo","group":null"#, &configured(None));
    check("agent.configured", r#""agent":"j.doe","name":"Jo","group":9"#, &configured(Some(9)));
    check("agent.removed", r#""agent":"ö""#, &Kind::AgentRemoved { agent: "ö".into() });
    let longest = "ä".repeat(128);
    check(
        "agent.removed",
        &format!(r#""agent":"{longest}""#),
        &Kind::AgentRemoved { agent: longest.as_str().into() },
    );
    let set =
        |assigned, enabled| Kind::AssignmentSet { agent: "a".into(), queue: 5, assigned, enabled };
    check("assignment.set", r#""agent":"a","queue":5,"assigned":true"#, &set(true, true));
    check(
        "assignment.set",
        r#""agent":"a","queue":5,"assigned":false,"enabled":false"#,
        &set(false, false),
    );
}

#[test]
fn status_code_lists_are_configured() {
    let item =
        |item, short_code, status| CodeItem { item, short_code, name: "Long name".into(), status };
    check(
        "codes.configured",
        r#""list":-4,"name":"Breaks","items":[
            {"item":1,"short_code":"LU","name":"Long name","status":"on-break","color":"red"},
            {"status":"work-offline","name":"Long name","short_code":"","item":-9223372036854775808}]"#,
        &Kind::CodesConfigured {
            list: -4,
            name: "Breaks".into(),
            items: vec![
                item(1, "LU".into(), Base::OnBreak),
                item(i64::MIN, "".into(), Base::WorkOffline),
            ],
        },
    );
    check(
        "codes.configured",
        r#""list":0,"name":"","items":[ ]"#,
        &Kind::CodesConfigured { list: 0, name: "".into(), items: vec![] },
    );
}

#[test]
fn agents_and_lines_change_their_status() {
    let status = |status, code| Kind::AgentStatus { agent: "a".into(), status, code };
    for base in [Base::Available, Base::OnBreak, Base::WorkOffline, Base::LoggedOut] {
        check(
            "agent.status",
            &format!(r#""agent":"a","status":"{}""#, base.word()),
            &status(base, GivenCode::default()),
        );
    }
    check(
        "agent.status",
        r#""agent":"a","status":"on-break","list":3,"item":-2,"short_code":"LU""#,
        &status(
            Base::OnBreak,
            GivenCode { list: Some(3), item: Some(-2), short_code: Some("LU".into()) },
        ),
    );
    let line = |line, status| Kind::LineStatus { agent: "a".into(), line, status };
    for (text, kind) in [
        (
            r#""agent":"a","line":1,"status":"monitoring""#,
            line(Line::One, ExplicitLine::Monitoring),
        ),
        (r#""agent":"a","line":1,"status":"clear""#, line(Line::One, ExplicitLine::Clear)),
        (r#""agent":"a","line":2,"status":"error""#, line(Line::Two, ExplicitLine::Error)),
    ] {
        check("line.status", text, &kind);
    }
}

#[test]
fn transactions_pass_through_their_stages() {
    type Pair = fn(std::borrow::Cow<'static, str>, std::borrow::Cow<'static, str>) -> Kind<'static>;
    let pairs: [(&str, Pair); 8] = [
        ("rejected", |transaction, agent| Kind::TransactionRejected { transaction, agent }),
        ("withdrawn", |transaction, agent| Kind::TransactionWithdrawn { transaction, agent }),
        ("held", |transaction, agent| Kind::TransactionHeld { transaction, agent }),
        ("resumed", |transaction, agent| Kind::TransactionResumed { transaction, agent }),
        ("muted", |transaction, agent| Kind::TransactionMuted { transaction, agent }),
        ("unmuted", |transaction, agent| Kind::TransactionUnmuted { transaction, agent }),
        ("released", |transaction, agent| Kind::TransactionReleased { transaction, agent }),
        ("completed", |transaction, agent| Kind::TransactionCompleted { transaction, agent }),
    ];
    for (word, kind) in pairs {
        let kind = kind("t/1".into(), "a".into());
        check(&format!("transaction.{word}"), r#""transaction":"t/1","agent":"a""#, &kind);
    }
    let transaction: std::borrow::Cow<'_, str> = "t\u{7f}\n".into();
    check(
        "transaction.queued",
        "\"transaction\":\"t\u{7f}\\n\",\"queue\":1",
        &Kind::TransactionQueued { transaction: transaction.clone(), queue: 1 },
    );
    check(
        "transaction.abandoned",
        "\"transaction\":\"t\u{7f}\\n\"",
        &Kind::TransactionAbandoned { transaction: transaction.clone() },
    );
    check(
        "transaction.diverted",
        "\"transaction\":\"t\u{7f}\\n\"",
        &Kind::TransactionDiverted { transaction },
    );
}

#[test]
fn offers_accepts_and_placings_name_their_line() {
    let offered =
        |line| Kind::TransactionOffered { transaction: "t".into(), agent: "a".into(), line };
    let accepted =
        |line| Kind::TransactionAccepted { transaction: "t".into(), agent: "a".into(), line };
    let pair = r#""transaction":"t","agent":"a""#;
    let with = |field: &str| format!("{pair},{field}");
    check("transaction.offered", pair, &offered(Line::One));
    check("transaction.offered", &with(r#""line":2"#), &offered(Line::Two));
    check("transaction.accepted", pair, &accepted(None));
    check("transaction.accepted", &with(r#""line":1"#), &accepted(Some(Line::One)));
    let placed = |queue, media, line| Kind::TransactionPlaced {
        transaction: "t".into(),
        agent: "a".into(),
        queue,
        media,
        line,
    };
    check("transaction.placed", &with(r#""queue":4"#), &placed(Some(4), None, Line::One));
    check(
        "transaction.placed",
        &with(r#""media":"phone","line":2"#),
        &placed(None, Some(Media::Phone), Line::Two),
    );
    check(
        "transaction.placed",
        &with(r#""queue":4,"media":"email""#),
        &placed(Some(4), Some(Media::Email), Line::One),
    );
}

#[test]
fn every_type_has_its_word() {
    assert_eq!(Type::ALL.len(), 24);
    for (of_type, word) in Type::ALL.iter().zip(Type::WORDS) {
        assert_eq!(of_type.word(), *word);
        assert_eq!(Type::of_word(word), Some(*of_type));
    }
}

#[test]
fn escapes_in_names_of_fields_and_in_words_are_understood() {
    let line = br#"{"t\u0069me":"1970-01-01\u005400:00:00Z","\u0074ype":"agent\u002eremoved","agent":"\u0061"}"#;
    let event = Event { time: 0, origin: None, kind: Kind::AgentRemoved { agent: "a".into() } };
    assert_eq!(parse_line(line), Ok(event));
}
