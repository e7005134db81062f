//! Flags of `rtstats serve` and `rtstats config`, built from the table of settings.

use std::{path::PathBuf, sync::LazyLock};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, error::Error};

use super::{
    form::Form,
    mistake::Origin,
    resolve::Found,
    settings::{SETTINGS, Setting},
};

/// The flags that were given; for clap a plain argument group, as by `#[derive(clap::Args)]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServeArgs {
    /// `--config FILE`.
    pub config: Option<PathBuf>,
    /// Flag of a setting without its dashes, and its text; each flag at most once.
    given: Vec<(String, String)>,
}

impl ServeArgs {
    pub(super) fn read(&self, found: &mut Vec<Found>) {
        for (flag, text) in &self.given {
            // Only flags of the table come in: see `update_from_arg_matches`.
            if let Some(setting) = SETTINGS.iter().find(|setting| setting.flag() == *flag) {
                let origin = Origin::Flag(flag.clone());
                found.push(Found { setting, text: text.clone(), origin });
            }
        }
    }
}

impl Args for ServeArgs {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help("Read settings from this TOML file (or the one that RTSTATS_CONFIG names)");
        let flags = SETTINGS.iter().zip(FLAGS.iter());
        flags.fold(command.arg(config), |command, (setting, flag)| command.arg(arg(setting, flag)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        ServeArgs::augment_args(command)
    }
}

/// All flags in the table's order; clap keeps names that live as long as the process.
static FLAGS: LazyLock<Vec<String>> =
    LazyLock::new(|| SETTINGS.iter().map(Setting::flag).collect());

fn arg(setting: &'static Setting, flag: &'static str) -> Arg {
    let words = match setting.form {
        Form::Word(words) => format!(" [{}]", words.join(" or ")),
        _ => String::new(),
    };
    let default = match setting.default {
        "" => String::new(),
        default => format!(" [default: {default}]"),
    };
    // The table is Markdown and ends its sentences; the other flags' help, made by clap, does neither.
    let about = setting.about.trim_end_matches('.').replace('`', "");
    let arg = Arg::new(setting.key)
        .long(flag)
        .value_name(setting.form.value_name())
        .help(format!("{about}{words}{default}"));
    let arg = match setting.section() {
        Some(section) => arg.help_heading(heading(section)),
        None => arg,
    };
    match setting.form {
        Form::Switch => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
        _ if setting.form.is_list() => arg.action(ArgAction::Append),
        _ => arg.allow_hyphen_values(true),
    }
}

/// What stands above a section's flags.
pub(super) fn heading(section: &'static str) -> &'static str {
    match section {
        "admin" => "Operator's pages",
        "tls" => "TLS",
        "log" => "Logging",
        "limits" => "Limits",
        other => other,
    }
}

impl FromArgMatches for ServeArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<ServeArgs, Error> {
        let mut args = ServeArgs::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        if let Some(config) = matches.get_one::<PathBuf>("config") {
            self.config = Some(config.clone());
        }
        for setting in SETTINGS {
            let flag = setting.flag();
            let Some(values) = matches.get_many::<String>(setting.key) else { continue };
            let text = values.map(String::as_str).collect::<Vec<_>>().join(",");
            self.given.retain(|(given, _)| *given != flag);
            self.given.push((flag, text));
        }
        Ok(())
    }
}
