//! Panics: each is a log line like any other, and whoever catches one can tell what it said.

use std::{
    cell::Cell,
    fmt,
    panic::{self, PanicHookInfo},
};

thread_local! {
    static LATEST: Cell<Option<Panic>> = const { Cell::new(None) };
}

/// What a panic said, and where in the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panic {
    message: String,
    place: String,
}

impl fmt::Display for Panic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}, at {}", self.message, self.place)
    }
}

impl Panic {
    /// The latest on this thread that nobody has taken yet; none where `log_panics` was never called.
    pub fn take_latest() -> Option<Panic> {
        LATEST.take()
    }

    fn of(info: &PanicHookInfo<'_>) -> Panic {
        let message = info.payload_as_str().unwrap_or("a panic without a message").to_owned();
        let place = info.location().map_or_else(|| "an unknown place".into(), ToString::to_string);
        Panic { message, place }
    }
}

/// From now on every panic of this process goes to the log, and no longer straight to standard error.
pub(super) fn log_panics() {
    panic::set_hook(Box::new(hear));
}

/// Logs a panic and keeps it for [`Panic::take_latest`].
pub(crate) fn hear(info: &PanicHookInfo<'_>) {
    let heard = Panic::of(info);
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("without a name");
    tracing::error!(panic = %heard.message, place = %heard.place, thread, "an assertion broke");
    LATEST.set(Some(heard));
}
