//! Sections `[connect.asterisk.NAME]`: what they say, all that can be wrong with them, and that a secret is never shown.

use std::collections::BTreeSet;

use stats::event::Sla;

use super::{
    form::Value,
    section::{CONNECTION_KEYS, Draft, Key, PAUSE_KEYS, QUEUE_KEYS, SLA_KEYS},
    tests::{effective, mistakes},
};
use crate::connect::asterisk::{
    ami::{Secret, Target, Tls},
    mapping::{AgentId, Mapping, PauseMapping, QueueMapping},
    settings::Connection,
};

const WHOLE: &str = r#"
data = "d"
[connect.asterisk.main]
tenant = "acme"
address = "pbx.example.com"
tls = true
tls_ca = "ca.pem"
tls_server_name = "pbx"
username = "rtstats"
secret_file = "secret.txt"
agent_id = "interface"
wrap_up_seconds = 10
only_listed_queues = true
direct_calls = false
code_list = 7
sla_percent = 90
[connect.asterisk.main.queue.sales]
number = 101
name = "Sales"
wrap_up_seconds = 15
sla = { percent = 80, within_seconds = 20 }
[connect.asterisk.main.queue."help desk"]
[connect.asterisk.main.agent]
"PJSIP/101" = "ann"
[connect.asterisk.main.pause.Lunch]
item = 3
short_code = "LUN"
status = "work-offline"
"#;

const LEAST: &str =
    "data = 'd'\n[connect.asterisk.main]\ntenant = 'acme'\naddress = 'pbx'\nusername = 'u'\n";

fn connections(file: &str, environment: &[(&str, &str)]) -> Vec<Connection> {
    effective(file, environment, &[]).into_config().unwrap().asterisk
}

#[test]
fn a_section_says_all_that_a_connection_is() {
    let sla = Sla { percent: 80, within_seconds: 20, evaluate_every_seconds: 900 };
    let sales = QueueMapping {
        number: Some(101),
        name: Some("Sales".to_owned()),
        wrap_up_seconds: Some(15),
        sla: Some(sla),
    };
    let queues = [("sales", sales), ("help desk", QueueMapping::default())];
    let lunch =
        PauseMapping { item: Some(3), short_code: Some("LUN".to_owned()), work_offline: true };
    let expected = Connection {
        name: "main".parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        target: Target {
            address: "pbx.example.com".to_owned(),
            tls: Some(Tls { ca_file: Some("ca.pem".into()), server_name: Some("pbx".to_owned()) }),
            username: "rtstats".to_owned(),
            secret: Secret::new("s3cret"),
            allow_plain_login: false,
        },
        mapping: Mapping {
            queues: queues.map(|(name, queue)| (name.to_owned(), queue)).into(),
            only_listed_queues: true,
            agents: [("PJSIP/101".to_owned(), "ann".to_owned())].into(),
            agent_id: AgentId::Interface,
            pauses: [("Lunch".to_owned(), lunch)].into(),
            code_list: 7,
            wrap_up_seconds: 10,
            sla_percent: 90,
            direct_calls: false,
        },
    };
    assert_eq!(expected.source(), "asterisk/main");
    assert_eq!(connections(WHOLE, &[]), [expected]);
}

#[test]
fn what_is_not_given_is_as_the_mapping_s_own_defaults() {
    let file = format!("{LEAST}secret = 'x'\n");
    assert_eq!(connections(&file, &[])[0].mapping, Mapping::default());
    let draft = Draft::default();
    for key in CONNECTION_KEYS.iter().filter(|key| !key.default.is_empty()) {
        let mut read = Draft::default();
        assert!(key.set(&mut read, key.default), "{}", key.name);
        assert_eq!(read, draft, "{}", key.name);
    }
}

#[test]
fn a_secret_comes_from_the_file_a_file_of_its_own_or_a_variable() {
    let variable = [("RTSTATS_CONNECT_ASTERISK_MAIN_SECRET", "of the variable")];
    let secret = |lines: &str, environment: &[(&str, &str)]| {
        let file = format!("{LEAST}{lines}");
        connections(&file, environment)[0].target.secret.reveal().to_owned()
    };
    assert_eq!(secret("secret = 'x'", &[]), "x");
    assert_eq!(secret("secret_file = 'secret.txt'", &[]), "s3cret");
    assert_eq!(secret("", &variable), "of the variable");
    assert_eq!(secret("secret = 'x'", &variable), "of the variable");
    assert_eq!(secret("secret_file = 'none.txt'", &variable), "of the variable");
    let file = [("RTSTATS_CONNECT_ASTERISK_MAIN_SECRET_FILE", "secret.txt")];
    assert_eq!(secret("secret = 'x'", &file), "s3cret");
}

#[test]
fn every_key_has_a_variable_and_none_means_two_things() {
    let variables = [
        ("RTSTATS_CONNECT_ASTERISK_MAIN_ADDRESS", "[::1]:5"),
        ("RTSTATS_CONNECT_ASTERISK_MAIN_WRAP_UP_SECONDS", "8"),
        ("RTSTATS_CONNECT_ASTERISK_MAIN_SECRET", "x"),
    ];
    let connections = connections(LEAST, &variables);
    assert_eq!(connections[0].target.address, "[::1]:5");
    assert_eq!(connections[0].mapping.wrap_up_seconds, 8);
    for key in CONNECTION_KEYS {
        let ends = format!("_{}", key.name);
        assert!(!CONNECTION_KEYS.iter().any(|other| other.name.ends_with(&ends)), "{}", key.name);
    }
}

#[test]
fn all_mistakes_of_a_section_are_told_at_once() {
    let file = r#"data = "d"
[connect.asterisk.main]
tenant = "a b"
adress = "pbx"
tls_ca = "ca.pem"
sla_percent = 101
agent_id = "number"
only_listed_queues = "yes"
[connect.asterisk.main.queue.sales]
number = 0
sla = { percent = 80, within = 20 }
[connect.asterisk.main.queue.help]
number = 7
[connect.asterisk.main.queue.more]
number = 7
nmae = "x"
[connect.asterisk.main.agent]
"PJSIP/1" = "a/b"
[connect.asterisk.main.pause.Lunch]
status = "away"
[connect.asterisk.main.pauses.Tea]
"#;
    let told = mistakes(file, &[("RTSTATS_CONNECT_ASTERISK_MAIN_SECERT", "s3cret")], &[]);
    let expected = [
        "tenant (rtstats.toml:3): expected a tenant's name: 1 to 64 letters, digits, - and _, found \"a b\"",
        "adress (rtstats.toml:4): no such setting; did you mean address?",
        "address (rtstats.toml:2): required",
        "username (rtstats.toml:2): required",
        "secret (rtstats.toml:2): required: give it, secret_file or RTSTATS_CONNECT_ASTERISK_MAIN_SECRET",
        "tls_ca (rtstats.toml:5): has no effect without tls = true",
        "sla_percent (rtstats.toml:6): expected a whole number from 0 to 100, found \"101\"",
        "agent_id (rtstats.toml:7): expected name or interface, found \"number\"",
        "only_listed_queues (rtstats.toml:8): expected true or false, found a string",
        "queue.sales.number (rtstats.toml:10): expected a whole number from 1 to 2147483647, found \"0\"",
        "queue.sales.sla.within (rtstats.toml:11): no such setting; there are percent, within_seconds, \
         evaluate_every_seconds",
        "queue.sales.sla (rtstats.toml:11): within_seconds must be given in it",
        "queue.more.number (rtstats.toml:15): queue \"help\" has it too",
        "queue.more.nmae (rtstats.toml:16): no such setting; did you mean name?",
        "agent.PJSIP/1 (rtstats.toml:18): expected an agent-id of 1 to 128 characters without / and control \
         characters, found \"a/b\"",
        "pause.Lunch.status (rtstats.toml:20): expected on-break or work-offline, found \"away\"",
        "pauses (rtstats.toml:21): no such setting; did you mean pause?",
    ];
    let mut expected: BTreeSet<String> =
        expected.iter().map(|line| format!("connect.asterisk.main.{line}")).collect();
    expected.insert(
        "RTSTATS_CONNECT_ASTERISK_MAIN_SECERT (environment RTSTATS_CONNECT_ASTERISK_MAIN_SECERT): no such setting; \
         did you mean RTSTATS_CONNECT_ASTERISK_MAIN_SECRET?"
            .to_owned(),
    );
    assert_eq!(unquoted(told), unquoted(expected));
}

/// Paths quote what operators name; the test's list is read more easily without.
fn unquoted(lines: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    let path_of = |line: &str| line.split(" (").next().unwrap_or_default().len();
    let each = lines.into_iter().map(|line| {
        let (path, rest) = line.split_at(path_of(&line));
        format!("{}{rest}", path.replace('"', ""))
    });
    each.collect()
}

#[test]
fn what_is_no_section_is_told() {
    for (file, expected) in [
        (
            "connect = 3\n",
            "connect (rtstats.toml:1): expected tables, as in [connect.asterisk.NAME]",
        ),
        (
            "[connect.asterix.main]\n",
            "connect.asterix (rtstats.toml:1): no such connector; did you mean connect.asterisk?",
        ),
        (
            "[connect]\nasterisk = 'pbx'\n",
            "connect.asterisk (rtstats.toml:2): expected tables, as in [connect.asterisk.NAME]",
        ),
        (
            "[connect.asterisk]\ntenant = 'acme'\n",
            "connect.asterisk.tenant (rtstats.toml:2): expected tables, as in [connect.asterisk.NAME]",
        ),
        (
            "[connect.asterisk.'a b']\n",
            "connect.asterisk.a b (rtstats.toml:1): expected a connection's name of 1 to 32 letters, digits, `_` and \
             `-` of ASCII",
        ),
        ("[conect]\n", "conect (rtstats.toml:1): no such table; did you mean [connect]?"),
    ] {
        assert_eq!(mistakes(file, &[], &["--data=d"]), [expected]);
    }
}

#[test]
fn secrets_that_cannot_be_had_are_told() {
    for (lines, expected) in [
        ("secret = 'x'\nsecret_file = 'secret.txt'\n", "secret is given too"),
        ("secret_file = 'none.txt'\n", "can't read none.txt: entity not found"),
        ("secret = 3\n", "expected a secret of one line, found a whole number"),
        ("secret = \"a\\nb\"\n", "expected a secret of one line"),
    ] {
        let told = mistakes(&format!("{LEAST}{lines}"), &[], &[]);
        assert!(told.len() == 1 && told[0].contains(expected), "{told:?}");
    }
}

#[test]
fn connections_of_one_tenant_keep_their_queues_apart() {
    let section = |name: &str, tenant: &str, rest: &str| {
        format!(
            "[connect.asterisk.{name}]\ntenant = '{tenant}'\naddress = 'pbx'\nusername = 'u'\nsecret = 'x'\n{rest}\n"
        )
    };
    let listed = |name: &str, number: u32| {
        format!(
            "only_listed_queues = true\n[connect.asterisk.{name}.queue.sales]\nnumber = {number}"
        )
    };
    let told = |sections: [String; 2]| {
        effective(&sections.concat(), &[], &["--data=d"]).mistakes().map_or(Vec::new(), |all| all.0)
    };
    assert_eq!(told([section("a", "acme", ""), section("b", "other", "")]), []);
    assert_eq!(
        told([section("a", "acme", &listed("a", 1)), section("b", "acme", &listed("b", 2))]),
        []
    );
    let same = told([section("a", "acme", &listed("a", 1)), section("b", "acme", &listed("b", 1))]);
    assert!(
        same.len() == 1 && same[0].message.contains("a queue of connect.asterisk.a has it too"),
        "{same:?}"
    );
    let unlisted = told([section("a", "acme", &listed("a", 1)), section("b", "acme", "")]);
    assert!(
        unlisted.len() == 1 && unlisted[0].message.contains("several connections"),
        "{unlisted:?}"
    );
    let alike = told([section("a-b", "acme", ""), section("A_b", "other", "")]);
    assert!(alike.len() == 1 && alike[0].message.contains("too much like"), "{alike:?}");
}

#[test]
fn the_print_out_reads_back_as_the_same_connections() {
    let first = effective(WHOLE, &[], &[]);
    let text = first.to_string();
    assert!(
        text.contains("tenant             = \"acme\"") || text.contains("tenant = \"acme\""),
        "{text}"
    );
    assert!(text.contains("# rtstats.toml:4"), "{text}");
    let again = effective(&text, &[], &[]);
    assert_eq!(first.into_config().unwrap(), again.into_config().unwrap());
}

#[test]
fn a_secret_is_shown_nowhere() {
    let file = format!(
        "{LEAST}secret = 'hidden-secret'\nsla_percent = 'x'\n[connect.asterisk.main.queue]\n"
    );
    let variable = [("RTSTATS_CONNECT_ASTERISK_MAIN_SECRET", "hidden-variable")];
    let faulty = effective(&file, &variable, &[]);
    let good = effective(&file.replace("sla_percent = 'x'\n", ""), &[], &[]);
    for shown in [
        faulty.to_string(),
        format!("{faulty:?}"),
        faulty.mistakes().unwrap().to_string(),
        good.to_string(),
        format!("{good:?}"),
        format!("{:?}", good.into_config().unwrap()),
    ] {
        assert!(!shown.contains("hidden"), "{shown}");
    }
    let shown = effective(&format!("{LEAST}secret = 'hidden-secret'\n"), &[], &[]).to_string();
    assert!(shown.contains("# secret is not shown"), "{shown}");
}

#[test]
fn every_key_reads_what_it_writes_and_its_table_is_sound() {
    fn check<T: Default>(keys: &[Key<T>], samples: &[&str]) {
        assert_eq!(keys.len(), samples.len());
        for (key, sample) in keys.iter().zip(samples) {
            let mut draft = T::default();
            assert!(key.set(&mut draft, sample), "{}", key.name);
            let written = key.get(&draft).map(|value| value.to_string().replace('"', ""));
            assert_eq!(
                written.as_deref(),
                Some(*sample).filter(|_| !key.is_secret()),
                "{}",
                key.name
            );
            assert!(key.about.ends_with('.') && !key.about.contains('|'), "{}", key.name);
        }
    }
    let connection = [
        "acme",
        "pbx:5038",
        "true",
        "ca.pem",
        "pbx",
        "user",
        "x",
        "file",
        "true",
        "interface",
        "7",
        "true",
        "false",
        "2",
        "99",
    ];
    check(CONNECTION_KEYS, &connection);
    check(QUEUE_KEYS, &["101", "Sales", "15"]);
    check(PAUSE_KEYS, &["3", "LUN", "work-offline"]);
    let mut sla = Sla { percent: 0, within_seconds: 0, evaluate_every_seconds: 0 };
    for key in SLA_KEYS {
        assert!(
            key.set(&mut sla, "60") && key.get(&sla).is_some_and(|value| value == u32::write(&60))
        );
    }
}
