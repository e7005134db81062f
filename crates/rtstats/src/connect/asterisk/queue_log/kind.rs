//! The kinds of lines that app_queue and the agent modules write, by the word that stands in the log.

/// Declares the kinds once: variant and word.
macro_rules! kinds {
    ($($variant:ident $word:literal,)*) => {
        /// What a line of queue_log tells.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "the variants say it in Asterisk's own words")]
        pub enum LogKind {
            $($variant,)*
        }

        impl LogKind {
            /// All kinds.
            pub const ALL: &[LogKind] = &[$(LogKind::$variant,)*];

            /// The kind that a word names.
            pub fn of(word: &str) -> Option<LogKind> {
                match word {
                    $($word => Some(LogKind::$variant),)*
                    _ => None,
                }
            }

            /// The word in the log.
            pub fn word(self) -> &'static str {
                match self {
                    $(LogKind::$variant => $word,)*
                }
            }
        }
    };
}

kinds! {
    Abandon "ABANDON",
    AddMember "ADDMEMBER",
    AgentCallbackLogin "AGENTCALLBACKLOGIN",
    AgentCallbackLogoff "AGENTCALLBACKLOGOFF",
    AgentDump "AGENTDUMP",
    AgentLogin "AGENTLOGIN",
    AgentLogoff "AGENTLOGOFF",
    AttendedTransfer "ATTENDEDTRANSFER",
    BlindTransfer "BLINDTRANSFER",
    CallerId "CALLERID",
    CompleteAgent "COMPLETEAGENT",
    CompleteCaller "COMPLETECALLER",
    ConfigReload "CONFIGRELOAD",
    Connect "CONNECT",
    Did "DID",
    EnterQueue "ENTERQUEUE",
    ExitEmpty "EXITEMPTY",
    ExitWithKey "EXITWITHKEY",
    ExitWithTimeout "EXITWITHTIMEOUT",
    Info "INFO",
    Pause "PAUSE",
    PauseAll "PAUSEALL",
    Penalty "PENALTY",
    QueueStart "QUEUESTART",
    RemoveMember "REMOVEMEMBER",
    RingCanceled "RINGCANCELED",
    RingInUse "RINGINUSE",
    RingNoAnswer "RINGNOANSWER",
    SysCompat "SYSCOMPAT",
    Transfer "TRANSFER",
    Unpause "UNPAUSE",
    UnpauseAll "UNPAUSEALL",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_names_its_kind_alone() {
        for kind in LogKind::ALL {
            assert_eq!(LogKind::of(kind.word()), Some(*kind));
        }
        assert_eq!((LogKind::of("abandon"), LogKind::of("")), (None, None));
    }
}
