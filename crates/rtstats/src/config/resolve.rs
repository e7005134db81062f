//! From the sources to the effective settings: later sources win, every mistake is kept.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use super::{
    args::ServeArgs,
    connections::{self, Section},
    environment, file,
    judge::{self, ReadFile},
    mistake::{Mistake, Mistakes, Origin},
    settings::{Config, SETTINGS, Setting},
};

/// A value that a source gives.
pub(super) struct Found {
    pub(super) setting: &'static Setting,
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// All that settings are read from.
pub struct Sources<'a> {
    /// The TOML file's path and text.
    pub file: Option<(&'a Path, &'a str)>,
    /// The environment; variables of others are passed over.
    pub environment: &'a [(OsString, OsString)],
    /// The flags.
    pub flags: &'a ServeArgs,
    /// Reads the files that hold secrets.
    pub read_file: &'a ReadFile,
}

/// The settings in force, with their origins and with what is wrong.
#[derive(Debug)]
pub struct Effective {
    pub(super) config: Config,
    /// One per setting, in the table's order.
    pub(super) origins: Vec<Origin>,
    /// Connections, also those with mistakes.
    pub(super) sections: Vec<Section>,
    mistakes: Vec<Mistake>,
}

impl Effective {
    /// The configuration, if nothing is wrong with it.
    pub fn into_config(self) -> Result<Config, Mistakes> {
        if self.mistakes.is_empty() { Ok(self.config) } else { Err(Mistakes(self.mistakes)) }
    }

    /// The values as far as they are right.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What is wrong. Where a value is wrong, the next lower source's stands in its place.
    pub fn mistakes(&self) -> Option<Mistakes> {
        (!self.mistakes.is_empty()).then(|| Mistakes(self.mistakes.clone()))
    }

    fn origin(&self, key: &str) -> Origin {
        let index = SETTINGS.iter().position(|setting| setting.key == key);
        index.map_or(Origin::Default, |index| self.origins[index].clone())
    }

    fn wrong(&mut self, key: &str, message: String) {
        let origin = self.origin(key);
        self.mistakes.push(Mistake { key: key.to_owned(), origin, message });
    }

    /// What no single setting shows.
    fn check_together(&mut self) {
        if self.config.data.as_os_str().is_empty() {
            let message =
                "required: give --data DIR, RTSTATS_DATA or `data` in the file".to_owned();
            self.wrong("data", message);
        }
        match (&self.config.tls_certificate, &self.config.tls_key) {
            (Some(_), None) => {
                self.wrong("tls.certificate", "tls.key must be given with it".to_owned());
            }
            (None, Some(_)) => {
                self.wrong("tls.key", "tls.certificate must be given with it".to_owned());
            }
            _ => {}
        }
        let admin = self.config.admin_listen;
        if admin.port() != 0 && self.config.listen.contains(&admin) {
            self.wrong("admin.listen", format!("{admin} is also in `listen`; choose another port"));
        }
    }
}

/// Reads the process's environment and the file that `--config` or `RTSTATS_CONFIG` names. No file is read unasked.
pub fn load(flags: &ServeArgs) -> Effective {
    let environment: Vec<_> = std::env::vars_os().collect();
    let named = match (&flags.config, environment::config_file(&environment)) {
        (Some(path), _) => Some((path.clone(), Origin::Flag("config".to_owned()))),
        (None, Some(path)) => {
            let origin = Origin::Environment(environment::CONFIG_VARIABLE.to_owned());
            Some((PathBuf::from(path), origin))
        }
        (None, None) => None,
    };
    let mut unreadable = None;
    let file = named.and_then(|(path, origin)| match fs::read_to_string(&path) {
        Ok(text) => Some((path, text)),
        Err(error) => {
            let message = format!("can't read {}: {error}", path.display());
            unreadable = Some(Mistake { key: "config".to_owned(), origin, message });
            None
        }
    });
    let file = file.as_ref().map(|(path, text)| (path.as_path(), text.as_str()));
    let read_file = &|path: &Path| fs::read_to_string(path);
    gather(&Sources { file, environment: &environment, flags, read_file }, unreadable)
}

/// The effective settings of these sources. Reads nothing but its argument.
pub fn resolve(sources: &Sources<'_>) -> Effective {
    gather(sources, None)
}

fn gather(sources: &Sources<'_>, unreadable: Option<Mistake>) -> Effective {
    let mut known = unreadable.is_none();
    let (mut found, mut sections) = (Vec::new(), Vec::new());
    let mut mistakes = Vec::from_iter(unreadable);
    if let Some((path, text)) = sources.file {
        known &= file::read(path, text, &mut found, &mut sections, &mut mistakes);
    }
    environment::read(sources.environment, &mut found, &mut mistakes);
    sources.flags.read(&mut found);
    if known {
        connections::read_environment(sources.environment, &mut sections, &mut mistakes);
    }

    let origins = vec![Origin::Default; SETTINGS.len()];
    let mut config = Config::defaults();
    config.asterisk = judge::connections(&mut sections, sources.read_file, &mut mistakes);
    let mut effective = Effective { config, origins, sections, mistakes };
    for Found { setting, text, origin } in found {
        if !setting.set(&mut effective.config, &text) {
            let message = format!("expected {}, found {text:?}", setting.form.expects());
            effective.mistakes.push(Mistake { key: setting.key.to_owned(), origin, message });
        } else if let Some(index) = SETTINGS.iter().position(|each| each.key == setting.key) {
            effective.origins[index] = origin;
        }
    }
    // A file that could not be read may hold just what seems to be missing.
    if known {
        effective.check_together();
    }
    effective
}
