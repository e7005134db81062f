//! Precedence, mistakes, and that everything comes from the one table.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Command, FromArgMatches};
use proptest::prelude::*;

use super::*;
use crate::{telemetry::LogFormat, tls};

fn flags(line: &[&str]) -> ServeArgs {
    let command = ServeArgs::augment_args(Command::new("serve").no_binary_name(true));
    ServeArgs::from_arg_matches(&command.try_get_matches_from(line).unwrap()).unwrap()
}

pub(super) fn effective(file: &str, environment: &[(&str, &str)], line: &[&str]) -> Effective {
    let environment: Vec<(OsString, OsString)> =
        environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
    let file = Some((Path::new("rtstats.toml"), file));
    let read_file = &|path: &Path| match path.to_str() {
        Some("secret.txt" | "/etc/rtstats/main.secret") => Ok("s3cret\nnot it\n".to_owned()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    };
    resolve(&Sources { file, environment: &environment, flags: &flags(line), read_file })
}

pub(super) fn mistakes(file: &str, environment: &[(&str, &str)], line: &[&str]) -> Vec<String> {
    let mistakes = effective(file, environment, line).into_config().expect_err("a mistake");
    mistakes.0.iter().map(ToString::to_string).collect()
}

/// The line of the print-out that shows a key.
fn shown(effective: &Effective, name: &str) -> String {
    let text = effective.to_string();
    let line = text.lines().find(|line| line.starts_with(&format!("{name} = ")));
    line.unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn flags_outrank_the_environment_which_outranks_the_file() {
    let file = "data = 'file'\nworkers = 1\nretention_days = 1\n[limits]\nstreams_max = 1\n";
    let environment =
        [("RTSTATS_WORKERS", "2"), ("RTSTATS_RETENTION_DAYS", "2"), ("UNRELATED", "x")];
    let effective = effective(file, &environment, &["--retention-days", "3"]);
    assert_eq!(shown(&effective, "workers"), "workers = 2 # environment RTSTATS_WORKERS");
    assert_eq!(shown(&effective, "retention_days"), "retention_days = 3 # flag --retention-days");
    assert_eq!(shown(&effective, "streams_max"), "streams_max = 1 # rtstats.toml:5");
    assert_eq!(shown(&effective, "refresh_seconds"), "refresh_seconds = 10 # default");
    let config = effective.into_config().unwrap();
    assert_eq!((config.workers, config.retention_days, config.limits.streams_max), (2, 3, 1));
    assert_eq!(config.data, PathBuf::from("file"));
}

#[test]
fn every_setting_can_be_given_by_all_three() {
    for setting in SETTINGS {
        let text = match setting.form {
            Form::Path => "some/path",
            Form::Address => "127.0.0.1:9",
            Form::Addresses => "127.0.0.1:9,[::1]:9",
            Form::Switch => "true",
            Form::Whole(min, _) => &(min + 1).to_string(),
            Form::Seconds(..) => "1.5",
            Form::Word(words) => words[1],
            Form::Names => "a.example.com,192.0.2.1",
            Form::Directives => "warn,rtstats=debug",
            Form::Text(_) | Form::Secret | Form::Host | Form::HostPort | Form::Tenant => {
                unreachable!("forms of connections alone")
            }
        };
        let in_file = match setting.form {
            Form::Whole(..) | Form::Seconds(..) | Form::Switch => text.to_owned(),
            _ => format!("'{text}'"),
        };
        let file = format!("{} = {in_file}", setting.key);
        let flag = format!("--{}={text}", setting.flag());
        let results = [
            effective(&file, &[], &[]),
            effective("", &[(&setting.variable(), text)], &[]),
            effective("", &[], &[&flag]),
        ];
        let values: Vec<_> = results.iter().map(|result| setting.get(&result.config)).collect();
        assert_eq!(values[0], values[1], "{}", setting.key);
        assert_eq!(values[1], values[2], "{}", setting.key);
        assert_ne!(values[0], setting.get(&Config::with_data("")), "{}", setting.key);
    }
}

#[test]
fn lists_are_lists_in_the_file_and_commas_or_repeats_elsewhere() {
    let expected = Config::with_data("d");
    let two = ["127.0.0.1:1".parse().unwrap(), "[::1]:2".parse().unwrap()];
    for effective in [
        effective("listen = ['127.0.0.1:1', '[::1]:2']", &[], &["--data=d"]),
        effective("", &[("RTSTATS_LISTEN", "127.0.0.1:1, [::1]:2")], &["--data=d"]),
        effective("", &[], &["--data=d", "--listen", "127.0.0.1:1", "--listen", "[::1]:2"]),
    ] {
        let config = effective.into_config().unwrap();
        assert_eq!(config, Config { listen: two.to_vec(), ..expected.clone() });
    }
}

#[test]
fn a_switch_needs_no_value_as_a_flag() {
    let config = |line: &[&str]| effective("", &[], line).into_config().unwrap();
    assert!(config(&["--data=d", "--behind-proxy"]).behind_proxy);
    assert!(!config(&["--data=d", "--behind-proxy=false"]).behind_proxy);
}

#[test]
fn all_mistakes_of_all_sources_are_told_at_once() {
    let file = "workrs = 3\nrefresh_seconds = 'often'\nconnections_max = 4\n[limits]\nstreams_max = -1\n\
                [tls]\nkey = 'k.pem'\n";
    let environment = [("RTSTATS_LOG_LEVL", "info"), ("RTSTATS_RETENTION_DAYS", "a week")];
    let told = mistakes(file, &environment, &["--listen", "localhost:8443"]);
    let expected = [
        "connections_max (rtstats.toml:3): no such setting; did you mean limits.connections_max?",
        "limits.streams_max (rtstats.toml:5): expected a whole number from 1 to 10000, found \"-1\"",
        "refresh_seconds (rtstats.toml:2): expected a number of seconds from 0.1 to 3600, found a string",
        "workrs (rtstats.toml:1): no such setting; did you mean workers?",
        "RTSTATS_LOG_LEVL (environment RTSTATS_LOG_LEVL): no such setting; did you mean RTSTATS_LOG_LEVEL?",
        "retention_days (environment RTSTATS_RETENTION_DAYS): expected a whole number from 1 to 3650, \
         found \"a week\"",
        "listen (flag --listen): expected one or more IP addresses with ports, such as 0.0.0.0:8443 or \
         [::]:8443, found \"localhost:8443\"",
        "data: required: give --data DIR, RTSTATS_DATA or `data` in the file",
        "tls.key (rtstats.toml:7): tls.certificate must be given with it",
    ];
    assert_eq!(BTreeSet::from_iter(told), BTreeSet::from(expected.map(str::to_owned)));
}

#[test]
fn what_follows_only_from_an_unread_file_is_not_told() {
    let told = mistakes("data = 'd'\n[limits\n", &[("RTSTATS_TLS_KEY", "k")], &["--workers=x"]);
    assert!(told.len() == 2 && told[0].starts_with("TOML"), "{told:?}");
    assert!(told[1].starts_with("workers (flag --workers)"), "{told:?}");
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.toml");
    let Mistakes(told) = load(&flags(&["--config", missing.to_str().unwrap()])).mistakes().unwrap();
    assert!(told.len() == 1 && told[0].key == "config", "{told:?}");
}

#[test]
fn only_what_is_near_is_suggested() {
    for (file, expected) in [
        ("[logs]\nlevel = 'info'\n", "logs (rtstats.toml:1): no such table; did you mean [log]?"),
        ("[limit]\n", "limit (rtstats.toml:1): no such table; did you mean [limits]?"),
        ("[server]\n", "server (rtstats.toml:1): no such table; `rtstats config` lists all"),
        ("lisen = ''\n", "lisen (rtstats.toml:1): no such setting; did you mean listen?"),
        ("date = ''\n", "date (rtstats.toml:1): no such setting; did you mean data?"),
        ("dir = ''\n", "dir (rtstats.toml:1): no such setting; `rtstats config` lists all"),
        (
            "retention = 3\n",
            "retention (rtstats.toml:1): no such setting; `rtstats config` lists all",
        ),
    ] {
        assert_eq!(mistakes(file, &[], &["--data=d"]), [expected]);
    }
}

#[test]
fn broken_toml_is_told_with_its_line() {
    let told = mistakes("data = 'd'\n[limits\nstreams_max = 3\n", &[], &["--data=d"]);
    assert!(told[0].starts_with("TOML (rtstats.toml:2): "), "{told:?}");
    let told = mistakes("data = 'a'\ndata = 'b'\n", &[], &["--data=d"]);
    assert!(told[0].contains("rtstats.toml:2") && told[0].contains("duplicate"), "{told:?}");
}

#[test]
fn a_table_in_place_of_a_value_and_a_value_in_place_of_a_table_are_told() {
    let told = mistakes("tls = 3\n[workers]\nx = 1\n", &[], &["--data=d"]);
    assert_eq!(
        BTreeSet::from_iter(told),
        BTreeSet::from([
            "tls (rtstats.toml:1): expected a table, as in [tls]".to_owned(),
            "workers (rtstats.toml:2): expected a whole number from 0 to 1024, found a table"
                .to_owned(),
        ])
    );
}

#[test]
fn values_out_of_bounds_are_refused_everywhere() {
    for (key, text) in [
        ("workers", "1025"),
        ("workers", "1e3"),
        ("workers", "18446744073709551616"),
        ("refresh_seconds", "0.09"),
        ("refresh_seconds", "nan"),
        ("refresh_seconds", "inf"),
        ("refresh_seconds", "-1.5"),
        ("limits.ingest_queue_bytes_max", "16777215"),
    ] {
        let setting = SETTINGS.iter().find(|setting| setting.key == key).unwrap();
        let file = mistakes(&format!("{key} = {text}"), &[], &["--data=d"]);
        let variable = mistakes("", &[(&setting.variable(), text)], &["--data=d"]);
        let flag = mistakes("", &[], &["--data=d", &format!("--{}={text}", setting.flag())]);
        for told in [file, variable, flag] {
            assert_eq!(told.len(), 1, "{told:?}");
        }
    }
}

#[test]
fn wrong_words_directives_and_names_are_refused() {
    for (flag, told) in [
        ("--workers=+1", "expected a whole number from 0 to 1024"),
        ("--log-format=xml", "expected text or json, found \"xml\""),
        ("--log-level=inof", "expected a level (error,"),
        ("--sla-target=Hours", "expected hours or percent"),
        ("--tls-host-names=a b", "expected host names or IP addresses"),
        ("--behind-proxy=yes", "expected true or false"),
        ("--data=", "required"),
        ("--admin-listen=0.0.0.0:8443", "also in `listen`"),
    ] {
        let line = if flag.starts_with("--data") { vec![flag] } else { vec!["--data=d", flag] };
        let all = mistakes("", &[], &line);
        assert!(all.len() == 1 && all[0].contains(told), "{flag}: {all:?}");
    }
}

#[test]
fn variables_of_kubernetes_and_of_other_commands_are_passed_over() {
    let links = [
        ("RTSTATS_SERVICE_HOST", "10.0.0.1"),
        ("RTSTATS_SERVICE_PORT_HTTPS", "8443"),
        ("RTSTATS_PORT", "tcp://10.0.0.1:8443"),
        ("RTSTATS_PORT_8443_TCP_ADDR", "10.0.0.1"),
        ("RTSTATS_CONFIG", ""),
        ("RTSTATS_ACTION_TOKEN", "of `rtstats simulate`"),
    ];
    assert!(effective("", &links, &["--data=d"]).into_config().is_ok());
    assert_eq!(mistakes("", &[("RTSTATS_PORTS", "1")], &["--data=d"]).len(), 1);
}

#[cfg(unix)]
#[test]
fn bytes_that_are_no_text_are_told() {
    use std::os::unix::ffi::OsStringExt;
    let environment = [("RTSTATS_DATA".into(), OsString::from_vec(vec![0x64, 0xff]))];
    let flags = ServeArgs::default();
    let read_file = &|_: &Path| unreachable!("there is no such setting");
    let sources = Sources { file: None, environment: &environment, flags: &flags, read_file };
    let effective = resolve(&sources);
    let told = effective.into_config().unwrap_err().to_string();
    assert!(told.contains("data (environment RTSTATS_DATA): expected a path"), "{told}");
}

#[test]
fn an_unreadable_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.toml");
    let line = ["--data=d", "--config", missing.to_str().unwrap()];
    let told = load(&flags(&line)).mistakes().unwrap().to_string();
    assert!(told.contains("config (flag --config): can't read") && told.contains("none.toml"));

    fs::write(&missing, "workers = 5\n").unwrap();
    assert_eq!(load(&flags(&line)).into_config().unwrap().workers, 5);
}

#[test]
fn the_print_out_reads_back_as_the_same_settings() {
    let file = "data = \"d \\\"q\\\" \\u00e9\"\nrefresh_seconds = 0.5\nlisten = ['[::1]:1']\n\
                [tls]\ncertificate = 'c'\nkey = 'k'\nhost_names = ['a.b']\n[log]\nformat = 'json'\n";
    let first = effective(file, &[], &["--workers", "3"]);
    let again = effective(&first.to_string(), &[], &[]);
    assert_eq!(first.into_config().unwrap(), again.into_config().unwrap());
}

#[test]
fn defaults_are_what_users_expect() {
    let config = Config::with_data("/var/lib/rtstats");
    assert_eq!(config.refresh, Duration::from_secs(10));
    assert_eq!(config.log_format, LogFormat::Text);
    assert!(config.admin_listen.ip().is_loopback());
    let own = tls::Source::Own { folder: "/var/lib/rtstats/tls".into(), host_names: vec![] };
    assert_eq!(config.certificate_source(), own);
    assert_eq!(effective("", &[], &["--data=/var/lib/rtstats"]).into_config().unwrap(), config);
}

#[test]
fn names_are_unique_and_every_bound_can_be_written() {
    let all = |name: fn(&Setting) -> String| SETTINGS.iter().map(name).collect::<BTreeSet<_>>();
    assert_eq!(all(|setting| setting.key.to_owned()).len(), SETTINGS.len());
    assert_eq!(all(Setting::variable).len(), SETTINGS.len());
    assert_eq!(all(Setting::flag).len(), SETTINGS.len());
    for setting in SETTINGS {
        if let Form::Whole(min, max) = setting.form {
            assert!(min < max && i64::try_from(max).is_ok(), "{}", setting.key);
        }
        assert!(setting.about.ends_with('.') && !setting.about.contains('|'), "{}", setting.key);
    }
    ServeArgs::augment_args(Command::new("serve")).debug_assert();
}

#[test]
fn the_help_is_plain_text_under_headings() {
    let help = ServeArgs::augment_args(Command::new("serve")).render_long_help().to_string();
    assert!(!help.contains('`') && !help.contains(". ["), "{help}");
    for section in SETTINGS.iter().filter_map(Setting::section) {
        assert_ne!(args::heading(section), section);
        assert!(help.contains(&format!("\n{}:\n", args::heading(section))), "{help}");
    }
}

/// `UPDATE_DOCS=1 cargo test -p rtstats the_docs_hold` writes the tables anew.
#[test]
fn the_docs_hold_the_tables() {
    const END: &str = "<!-- end of the table -->\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let mut text = fs::read_to_string(&path).unwrap();
    for (name, table) in [("settings", settings_table()), ("connections", connection_tables())] {
        let begin = format!(
            "<!-- table of {name}: generated, see crates/rtstats/src/config/tests.rs -->\n"
        );
        let (before, rest) = text.split_once(&begin).expect("the mark before the table");
        let (held, after) = rest.split_once(END).expect("the mark after the table");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            text = format!("{before}{begin}{table}{END}{after}");
            fs::write(&path, &text).unwrap();
        } else {
            assert!(held == table, "docs/configuration.md is behind: UPDATE_DOCS=1 renews it");
        }
    }
}

/// The documented file must be one that is accepted.
#[test]
fn the_examples_of_the_docs_are_accepted() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let text = fs::read_to_string(path).unwrap();
    let examples: Vec<&str> = text.split("```toml\n").skip(1).collect();
    assert!(!examples.is_empty());
    for example in examples {
        let toml = example.split("```").next().unwrap();
        effective(toml, &[], &["--data=d"]).into_config().unwrap();
    }
    assert!(text.contains("[connect.asterisk."));
}

/// Text that is nearly a configuration.
fn nearly_toml() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        prop::sample::select(SETTINGS).prop_map(|setting| setting.key.to_owned()),
        (0..CONNECTION_KEYS.len()).prop_map(|index| CONNECTION_KEYS[index].name.to_owned()),
        (0..QUEUE_KEYS.len()).prop_map(|index| QUEUE_KEYS[index].name.to_owned()),
        "[a-z_.\"']{0,12}",
    ];
    let value = prop_oneof![
        "-?[0-9]{1,25}",
        "[0-9]{1,4}\\.[0-9e+-]{1,4}",
        "0[xob][0-9a-f]{1,20}",
        "'[ -~]{0,20}'",
        "\\[('[ -~&&[^']]{0,9}', ?){0,3}\\]",
        prop::sample::select(&["true", "nan", "-inf", "1979-05-27", "{}", "{a = 1}", "[[]]"][..])
            .prop_map(str::to_owned),
        "\\PC{0,12}",
    ];
    let line = prop_oneof![
        8 => (key, value).prop_map(|(key, value)| format!("{key} = {value}\n")),
        1 => "\\[\\[?(limits|tls|log|admin|connect|[a-z]{1,5})\\]?\\]\n",
        2 => "\\[connect\\.asterisk\\.[ab](\\.(queue|pause|agent)(\\.'[ -&]')?)?\\]\n",
    ];
    prop::collection::vec(line, 0..8).prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in prop_oneof![any::<String>(), nearly_toml()]) {
        let effective = effective(&text, &[], &["--data=d"]);
        // What is in force is always something that can be written and read.
        let again = resolve(&Sources {
            file: Some((Path::new("again.toml"), &effective.to_string())),
            environment: &[],
            flags: &ServeArgs::default(),
            read_file: &|_: &Path| Err(std::io::ErrorKind::NotFound.into()),
        });
        prop_assert_eq!(effective.config, again.config);
    }

    #[test]
    fn no_variable_makes_it_panic(setting in prop::sample::select(SETTINGS), text in "\\PC{0,24}") {
        let text = text.replace('\0', "");
        let effective = effective("", &[(&setting.variable(), &text)], &["--data=d"]);
        if let Some(mistakes) = effective.mistakes() {
            prop_assert!(mistakes.to_string().contains(setting.key));
        }
    }
}
