//! Exact live statistics of a contact centre: events in, documents out.
//!
//! # Glossary
//!
//! - **tenant** — one customer's contact centre; one [`engine::Engine`] holds one tenant.
//! - **queue** — where transactions wait; **agent** — who works them; **assignment** — the tie between both.
//! - **transaction** — a call, a chat, an email, a voicemail.
//! - **visit** — one passage of a transaction through a queue: waiting ⇄ offered → accepted, abandoned or diverted.
//! - **leg** — one agent's work on one transaction: offered → processing → post-processing → ended.
//! - **base status** — what the agent chose; **agent-status** — what follows from it and from the legs.
//! - **day** — the local calendar day in the tenant's zone; **window** — the last 30 minutes.
//! - **counted time** — the instant at which an event counts; it never runs backwards in a tenant.
//! - **horizon** — the latest instant that the engine has counted or described.

pub mod document;
pub mod engine;
pub mod event;
pub mod limit;
pub mod parse;
pub mod zone;
