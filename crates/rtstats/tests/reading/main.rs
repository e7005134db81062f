//! Everything that strangers and files may hand to the server, read: paths, credentials, cookies, forms, CSV, settings, frames.

#![allow(clippy::unwrap_used, reason = "a test ends where its own assumption does not hold")]

mod checks;
mod http2;
mod properties;
