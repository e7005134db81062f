//! Asterisk's manager interface (AMI) as a protocol: bytes, messages, a session that is logged in.
//!
//! It knows nothing of queues or calls; what a message means is the matter of [`super::pbx`].

mod action;
mod decoder;
mod error;
mod link;
mod message;
mod session;
mod target;

pub use action::{Action, ActionId};
pub use decoder::{Banner, Decoder, Malformed};
pub use error::AmiError;
pub use message::Message;
pub use session::Session;
pub use target::{Secret, Target, Tls};

use std::time::Duration;

/// The longest line of a message. Asterisk's own lines stay below 10 KiB; channel variables have been seen longer.
pub const LINE_BYTES_MAX: usize = 64 << 10;

/// The longest message. The longest known is the answer to `ListCommands`, about 20 KiB.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// The longest first line of a server. Asterisk's has 30 bytes; what is longer is not Asterisk.
pub const BANNER_BYTES_MAX: usize = 256;

/// How long a host may take to accept a connection, TLS included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the server may take to say who it is.
pub const BANNER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the server may take to answer while we log in. A starting Asterisk answers late.
pub const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Nothing came for so long: ask whether the other side is there.
pub const PING_AFTER: Duration = Duration::from_secs(15);

/// Nothing came for so long after asking: the other side is gone.
pub const PONG_TIMEOUT: Duration = Duration::from_secs(15);
