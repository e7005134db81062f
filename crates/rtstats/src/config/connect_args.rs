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
