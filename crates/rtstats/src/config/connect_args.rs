//! Flags of `rtstats connect asterisk`: one connection, from a section of the file, from flags, or from both.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, error::Error};

use super::{
    connections::{self, Section},
    file,
    form::Form,
    judge::{self, ReadFile},
    mistake::{Mistake, Mistakes, Origin},
    section::{CONNECTION_KEYS, Draft, Key},
};
use crate::connect::asterisk::settings::{Connection, ConnectionName};

/// The secret of a connection that is given by flags: a flag could be read by everybody on the machine.
const SECRET_VARIABLE: &str = "RTSTATS_AMI_SECRET";

/// The name of a connection whose flags give none.
const NAME: &str = "asterisk";

/// The flags that were given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectArgs {
    config: Option<PathBuf>,
    name: Option<ConnectionName>,
    /// Key and its text; each at most once.
    given: Vec<(&'static str, String)>,
}

/// The keys that have a flag.
fn keys() -> impl Iterator<Item = &'static Key<Draft>> {
    CONNECTION_KEYS.iter().filter(|key| !key.is_secret())
}

/// Flags in the keys' order; clap keeps names that live as long as the process.
static FLAGS: LazyLock<Vec<String>> =
    LazyLock::new(|| keys().map(|key| key.name.replace('_', "-")).collect());

fn arg(key: &'static Key<Draft>, flag: &'static str) -> Arg {
    let words = match key.form {
        Form::Word(words) => format!(" [{}]", words.join(" or ")),
        _ => String::new(),
    };
    let default = match key.default {
        "" => String::new(),
        default => format!(" [default: {default}]"),
    };
    let about = key.about.trim_end_matches('.').replace(". Required", "").replace('`', "");
    let arg = Arg::new(key.name)
        .value_name(key.form.value_name())
        .help(format!("{about}{words}{default}"));
    match key.form {
        // The one that is always given: where the PBX is.
        Form::HostPort => arg,
        Form::Switch => {
            arg.long(flag).num_args(0..=1).require_equals(true).default_missing_value("true")
        }
        _ => arg.long(flag).allow_hyphen_values(true),
    }
}

impl Args for ConnectArgs {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help("Take the section [connect.asterisk.NAME] of this TOML file; flags outrank it");
        let name = Arg::new("name")
            .long("name")
            .value_name("NAME")
            .value_parser(clap::builder::ValueParser::new(str::parse::<ConnectionName>))
            .help(
                "The section's name, if the file has several; without a file the connection's own, \
                 by which the server knows its events again [default: asterisk]",
            );
        let flags = keys().zip(FLAGS.iter());
        flags.fold(command.arg(config).arg(name), |command, (key, flag)| {
            let arg = arg(key, flag);
            let is_flag = arg.get_long().is_some();
            command.arg(if is_flag { arg.help_heading("The PBX and its mapping") } else { arg })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        ConnectArgs::augment_args(command)
    }
}

impl FromArgMatches for ConnectArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<ConnectArgs, Error> {
        let mut args = ConnectArgs::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.config = matches.get_one("config").cloned().or(self.config.take());
        self.name = matches.get_one("name").cloned().or(self.name.take());
        for key in keys() {
            if let Some(text) = matches.get_one::<String>(key.name) {
                self.given.retain(|(given, _)| *given != key.name);
                self.given.push((key.name, text.clone()));
            }
        }
        Ok(())
    }
}

impl ConnectArgs {
    /// A section of a file as it stands there.
    pub fn of_section(config: PathBuf, name: ConnectionName) -> ConnectArgs {
        ConnectArgs { config: Some(config), name: Some(name), given: Vec::new() }
    }

    /// The connection that file, environment and flags give; whoever only checks a PBX needs no tenant.
    pub fn connection(&self, needs_tenant: bool) -> Result<Connection, Mistakes> {
        let environment: Vec<_> = std::env::vars_os().collect();
        let file = self.config.as_ref().map(|path| (path.as_path(), fs::read_to_string(path)));
        let file = match file {
            Some((path, Ok(text))) => Some((path, text)),
            Some((path, Err(error))) => {
                let message = format!("can't read {}: {error}", path.display());
                let origin = Origin::Flag("config".to_owned());
                return Err(Mistakes(vec![Mistake { key: "config".to_owned(), origin, message }]));
            }
            None => None,
        };
        let file = file.as_ref().map(|(path, text)| (*path, text.as_str()));
        self.resolve(file, &environment, &|path| fs::read_to_string(path), needs_tenant)
    }

    /// The same of these sources. Reads nothing but its arguments.
    pub(super) fn resolve(
        &self,
        file: Option<(&Path, &str)>,
        environment: &[(OsString, OsString)],
        read_file: &ReadFile,
        needs_tenant: bool,
    ) -> Result<Connection, Mistakes> {
        let mut mistakes = Vec::new();
        let section = match file {
            Some((path, text)) => self.section(path, text, environment, &mut mistakes),
            None => Ok(Section::new(self.name_or_default(), Origin::Default)),
        };
        let mut section = match section {
            Ok(section) => section,
            Err(mistake) => {
                mistakes.push(mistake);
                return Err(Mistakes(mistakes));
            }
        };
        section.secret_from = format!("--secret-file FILE or {SECRET_VARIABLE}");
        let secret = environment.iter().find(|(name, _)| name == SECRET_VARIABLE);
        for key in CONNECTION_KEYS {
            let origin = Origin::Flag(key.name.replace('_', "-"));
            if let Some((_, text)) = self.given.iter().find(|(given, _)| *given == key.name) {
                section.put(key, text, origin, &mut mistakes);
            } else if key.is_secret()
                && let Some(text) = secret.and_then(|(_, value)| value.to_str())
            {
                let origin = Origin::Environment(SECRET_VARIABLE.to_owned());
                section.put(key, text, origin, &mut mistakes);
            }
        }
        if !needs_tenant && !section.origins.contains_key("tenant") {
            section.draft.tenant = "nobody".parse().ok();
        }
        let mut sections = [section];
        let connection = judge::connections(&mut sections, read_file, &mut mistakes).pop();
        match connection.filter(|_| mistakes.is_empty()) {
            Some(connection) => Ok(connection),
            None => Err(Mistakes(mistakes)),
        }
    }

    fn name_or_default(&self) -> ConnectionName {
        self.name.clone().unwrap_or_else(|| NAME.parse().expect("a plain word is a name"))
    }

    /// The section that is meant, with its variables.
    fn section(
        &self,
        path: &Path,
        text: &str,
        environment: &[(OsString, OsString)],
        mistakes: &mut Vec<Mistake>,
    ) -> Result<Section, Mistake> {
        let mut sections = Vec::new();
        // The settings of a server in the same file are its own matter, but what is wrong is told.
        let is_toml = file::read(path, text, &mut Vec::new(), &mut sections, mistakes);
        if is_toml {
            connections::read_environment(environment, &mut sections, mistakes);
        }
        let names: Vec<String> = sections.iter().map(|section| section.name.to_string()).collect();
        let wrong = |message: String| {
            let origin = Origin::File { path: path.to_owned(), line: 1 };
            Mistake { key: "connect.asterisk".to_owned(), origin, message }
        };
        match &self.name {
            Some(name) => {
                let found = sections.into_iter().find(|section| section.name == *name);
                found.ok_or_else(|| {
                    wrong(format!("no section {name}; there are: {}", names.join(", ")))
                })
            }
            None if sections.len() > 1 => {
                Err(wrong(format!("several sections: choose one by --name: {}", names.join(", "))))
            }
            None => sections.pop().ok_or_else(|| {
                wrong("no section [connect.asterisk.NAME] that could be read".to_owned())
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "data = 'd'\n[connect.asterisk.main]\ntenant = 'acme'\naddress = 'pbx'\nusername = 'u'\n\
        secret = 'x'\n[connect.asterisk.main.queue.sales]\nnumber = 7\n";

    fn args(line: &[&str]) -> ConnectArgs {
        let command = ConnectArgs::augment_args(Command::new("asterisk").no_binary_name(true));
        ConnectArgs::from_arg_matches(&command.try_get_matches_from(line).unwrap()).unwrap()
    }

    fn resolved(
        file: Option<&str>,
        environment: &[(&str, &str)],
        line: &[&str],
    ) -> Result<Connection, String> {
        let environment: Vec<(OsString, OsString)> =
            environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let file = file.map(|text| (Path::new("c.toml"), text));
        let read_file = &|_: &Path| Ok("of a file\n".to_owned());
        let resolved = args(line).resolve(file, &environment, read_file, true);
        resolved.map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn flags_alone_make_a_connection() {
        let line = ["pbx:5", "--tenant", "acme", "--username=u", "--secret-file", "f", "--tls"];
        let connection = resolved(None, &[], &line).unwrap();
        assert_eq!(connection.source(), "asterisk/asterisk");
        assert_eq!(connection.target.address, "pbx:5");
        assert_eq!(connection.target.secret.reveal(), "of a file");
        assert!(connection.target.tls.is_some());
        let line = ["pbx", "--tenant=acme", "--username=u", "--name=far", "--direct-calls=false"];
        let connection = resolved(None, &[("RTSTATS_AMI_SECRET", "y")], &line).unwrap();
        assert_eq!(connection.source(), "asterisk/far");
        assert_eq!(connection.target.secret.reveal(), "y");
        assert!(!connection.mapping.direct_calls);
    }

    #[test]
    fn flags_and_variables_outrank_the_section() {
        let variables =
            [("RTSTATS_CONNECT_ASTERISK_MAIN_USERNAME", "v"), ("RTSTATS_AMI_SECRET", "y")];
        let connection =
            resolved(Some(FILE), &variables, &["other", "--sla-percent", "5"]).unwrap();
        assert_eq!(connection.source(), "asterisk/main");
        assert_eq!((&*connection.target.address, &*connection.target.username), ("other", "v"));
        assert_eq!(connection.target.secret.reveal(), "y");
        assert_eq!(connection.mapping.sla_percent, 5);
        assert_eq!(connection.mapping.queues["sales"].number, Some(7));
    }

    #[test]
    fn the_section_is_the_only_one_or_the_one_that_is_named() {
        let two = format!("{FILE}{}", FILE.replace("main", "b").replace("data = 'd'\n", ""));
        let told = resolved(Some(&two), &[], &[]).unwrap_err();
        assert!(told.contains("choose one by --name: b, main"), "{told}");
        // The other section of the tenant is another process's matter.
        assert_eq!(resolved(Some(&two), &[], &["--name=b"]).unwrap().source(), "asterisk/b");
        let told = resolved(Some(&two), &[], &["--name=c"]).unwrap_err();
        assert!(told.contains("no section c; there are: b, main"), "{told}");
        let told = resolved(Some("data = 'd'\n"), &[], &[]).unwrap_err();
        assert!(told.contains("no section [connect.asterisk.NAME]"), "{told}");
    }

    #[test]
    fn all_that_is_missing_is_told_with_how_to_give_it() {
        let told = resolved(None, &[], &["--code-list=x"]).unwrap_err();
        for part in [
            "5 mistakes",
            "tenant: required",
            "address: required",
            "username: required",
            "give --secret-file FILE or RTSTATS_AMI_SECRET",
            "code_list (flag --code-list): expected a whole number",
        ] {
            assert!(told.contains(part), "no {part} in {told}");
        }
        let check = args(&["pbx", "--username=u", "--secret-file=f"]);
        let read_file = &|_: &Path| Ok("x".to_owned());
        assert!(check.resolve(None, &[], read_file, false).is_ok());
    }

    #[test]
    fn no_flag_takes_the_secret() {
        let command = ConnectArgs::augment_args(Command::new("asterisk"));
        command.clone().debug_assert();
        assert!(command.get_arguments().all(|arg| arg.get_long() != Some("secret")));
    }
}
