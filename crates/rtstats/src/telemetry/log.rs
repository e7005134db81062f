//! Log lines on standard error: text for people, or one JSON object a line.

use std::io::{self, IsTerminal, Stderr, Write};

use tracing::{Level, Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt, filter_fn},
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
};

use super::{panics, progress};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people; in color on a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// Both.
    pub const ALL: &[LogFormat] = &[LogFormat::Text, LogFormat::Json];

    /// The word that settings use.
    pub fn word(self) -> &'static str {
        match self {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        }
    }
}

/// Why no log could be started.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The directives aren't a level or levels by module.
    #[error("log.level isn't a level or levels by module: {0:?}")]
    Directives(String),
    /// The process has a log already.
    #[error("the log is started once in a process")]
    Started,
}

/// Whether the text says which log lines are written: a level, or levels by module.
pub fn are_directives(text: &str) -> bool {
    // The filter reads an unknown level as a module's name, so that "inof" would silently mean everything.
    let known = |part: &str| {
        let part = part.trim();
        let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
        !level.is_empty() && level.parse::<LevelFilter>().is_ok()
    };
    text.split(',').all(known) && filter(text).is_some()
}

/// Starts the log of this process, on standard error; panics are told there too.
pub fn start_log(format: LogFormat, directives: &str) -> Result<(), LogError> {
    let colored = io::stderr().is_terminal();
    let log = subscriber(format, directives, colored, standard_error)
        .ok_or_else(|| LogError::Directives(directives.to_owned()))?;
    tracing::subscriber::set_global_default(log).map_err(|_| LogError::Started)?;
    panics::log_panics();
    Ok(())
}

fn subscriber<W>(
    format: LogFormat,
    directives: &str,
    colored: bool,
    writer: W,
) -> Option<Box<dyn Subscriber + Send + Sync>>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = filter(directives)?.and(filter_fn(is_harmless));
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Text => Box::new(fmt::layer().with_ansi(colored).with_writer(writer)),
        LogFormat::Json => Box::new(fmt::layer().json().flatten_event(true).with_writer(writer)),
    };
    Some(Box::new(tracing_subscriber::registry().with(lines.with_filter(filter))))
}

fn filter(directives: &str) -> Option<EnvFilter> {
    EnvFilter::builder().parse(directives).ok()
}

/// What the HTTP libraries say below info may hold whole headers, and with them tokens.
fn is_harmless(metadata: &Metadata<'_>) -> bool {
    let library = metadata.target().split("::").next().unwrap_or_default();
    *metadata.level() <= Level::INFO || !matches!(library, "h2" | "hyper" | "hyper_util" | "ureq")
}

fn standard_error() -> Lines {
    Lines(io::stderr())
}

/// Standard error, where a progress bar may stand in the line.
struct Lines(Stderr);

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if progress::is_shown() {
            const CLEAR_LINE: &[u8] = b"\r\x1b[2K";
            self.0.write_all(CLEAR_LINE)?;
        }
        self.0.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, directives: &str, say: fn()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let log = subscriber(format, directives, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(log, say);
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_lines_are_one_object_each() {
        let text = logged(LogFormat::Json, "info", || {
            tracing::info!(tenant = "acme", "first");
            tracing::warn!("a \"second\"\nline");
        });
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["tenant"], "acme");
        assert_eq!(lines[0]["level"], "INFO");
        assert_eq!(lines[1]["message"], "a \"second\"\nline");
    }

    #[test]
    fn text_for_a_file_has_no_colors() {
        let text = logged(LogFormat::Text, "info", || tracing::info!(port = 8443, "listening"));
        assert!(text.contains("listening port=8443"), "{text}");
        assert!(!text.contains('\x1b'), "{text}");
    }

    #[test]
    fn levels_go_by_module() {
        let text = logged(LogFormat::Text, "warn,rtstats::journal=debug", || {
            tracing::info!(target: "rtstats::api", "left out");
            tracing::debug!(target: "rtstats::journal", "written");
        });
        assert!(text.contains("written") && !text.contains("left out"), "{text}");
    }

    #[test]
    fn headers_in_the_libraries_logs_are_never_written() {
        let text = logged(LogFormat::Text, "trace,h2::hpack=trace,hyper=trace", || {
            tracing::trace!(target: "h2::hpack::decoder", "authorization: Basic c2VjcmV0");
            tracing::debug!(target: "hyper::proto::h1", "authorization: Basic c2VjcmV0");
            tracing::trace!(target: "rtstats::server", "ours");
        });
        assert!(text.contains("ours") && !text.contains("Basic"), "{text}");
    }

    #[test]
    fn directives_are_levels() {
        for good in ["info", "off", "TRACE", "warn,rtstats=debug", "rtstats::journal=trace"] {
            assert!(are_directives(good), "{good}");
        }
        for bad in ["", "inof", "rtstats", "rtstats=loud", "info,", "=", "[", "info,,debug"] {
            assert!(!are_directives(bad), "{bad}");
        }
    }
}
