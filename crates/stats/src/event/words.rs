//! The words of the events: each declared once, for reading, writing and telling what was expected.

use super::{Base, ExplicitLine, Kind, Media};

macro_rules! words {
    ($type:ident $($variant:ident $word:literal)*) => {
        impl $type {
            /// All of them.
            pub const ALL: &[$type] = &[$($type::$variant),*];
            /// Their words, in the same order.
            pub const WORDS: &[&str] = &[$($word),*];

            /// The word that events use.
            pub fn word(self) -> &'static str {
                match self { $($type::$variant => $word,)* }
            }

            /// What a word of the events says.
            #[inline]
            pub fn of_word(word: &str) -> Option<$type> {
                match word {
                    $($word => Some($type::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

macro_rules! types {
    ($($variant:ident $word:literal)*) => {
        /// The type of an event: its [`Kind`] without the fields.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the variants are those of Kind")]
        pub enum Type { $($variant,)* }

        words! { Type $($variant $word)* }

        impl Kind<'_> {
            /// The event's type.
            pub fn of_type(&self) -> Type {
                match self { $(Kind::$variant { .. } => Type::$variant,)* }
            }
        }
    };
}

// The frequent ones come first: `of_word` tries them in this order.
types! {
    TransactionQueued "transaction.queued"
    TransactionOffered "transaction.offered"
    TransactionAccepted "transaction.accepted"
    TransactionReleased "transaction.released"
    TransactionCompleted "transaction.completed"
    AgentStatus "agent.status"
    TransactionHeld "transaction.held"
    TransactionResumed "transaction.resumed"
    TransactionRejected "transaction.rejected"
    TransactionWithdrawn "transaction.withdrawn"
    TransactionAbandoned "transaction.abandoned"
    TransactionPlaced "transaction.placed"
    TransactionMuted "transaction.muted"
    TransactionUnmuted "transaction.unmuted"
    TransactionDiverted "transaction.diverted"
    LineStatus "line.status"
    AssignmentSet "assignment.set"
    AgentConfigured "agent.configured"
    AgentRemoved "agent.removed"
    QueueConfigured "queue.configured"
    QueueRemoved "queue.removed"
    GroupConfigured "group.configured"
    GroupRemoved "group.removed"
    CodesConfigured "codes.configured"
}

words! { Media Phone "phone" Chat "chat" Email "email" Voicemail "vmail" }

words! {
    Base
    Available "available"
    OnBreak "on-break"
    WorkOffline "work-offline"
    LoggedOut "logged-out"
}

words! { ExplicitLine Monitoring "monitoring" Error "error" Clear "clear" }
