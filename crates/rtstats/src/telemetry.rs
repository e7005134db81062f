//! What the server tells of itself: logs, its own metrics, incident ids, progress of long work.
//!
//! **No secrets.** A token or an `Authorization` header is never given to a log line or a label, by nobody; the HTTP
//! libraries' inner logs, which may hold headers, are left out at every level. **No labels without bound**: nothing here is
//! labeled by tenant, agent, queue or path.

mod incident;
mod instrument;
mod log;
mod metrics;
pub(crate) mod panics;
mod process;
mod progress;

pub use incident::IncidentId;
pub use log::{LogError, LogFormat, are_directives, start_log};
pub use metrics::{CONTENT_TYPE, Encoding, Kind, Metrics, OpenConnection, SignIn};
pub use panics::Panic;
pub use progress::Progress;
