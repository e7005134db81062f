//! The fields of agents and queues: SPEC §2's order, each declared once.

use std::{cmp::Ordering, sync::Arc};

use super::{
    moving::{Bare, Moving},
    write::{Form, Json, Row},
};
use crate::event::Millis;

/// One field, as documentation, OpenAPI and metrics tell of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name on the wire.
    pub name: &'static str,
    /// What kind of value it holds.
    pub kind: FieldKind,
    /// Unit of a number: `s`, `%`, `count`, `code`, `id` or `UTC s`; empty for text.
    pub unit: &'static str,
    /// What it means.
    pub about: &'static str,
    /// How it moves.
    pub pace: Pace,
}

/// How a field's value moves between events, as the live feed takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Only when something happens, or leaves a window.
    Change,
    /// It sums time and runs while that goes on.
    Total,
    /// It tells how long something lasts; an instant beside the fields says since when.
    Clock,
}

/// An instant beside the fields, which no document shows: it lets a clock tick by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// Its name in the live feed.
    pub name: &'static str,
    /// The field that it stands for.
    pub field: &'static str,
    /// What it means.
    pub about: &'static str,
}

/// What stands beside the fields in the live feed alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beside {
    /// Its name in the live feed.
    pub name: &'static str,
    /// What it means.
    pub about: &'static str,
}

/// Kind of a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// Always a number.
    Number,
    /// A number, or empty.
    NumberOrEmpty,
    /// Text, which may be empty.
    Text,
}

/// A field's name in its brackets.
pub struct Tag {
    pub xml_open: &'static [u8],
    pub xml_close: &'static [u8],
    pub xml_empty: &'static [u8],
    pub json_key: &'static [u8],
}

macro_rules! rust_type {
    (Number) => { i64 };
    (Total) => { i64 };
    (Clock) => { i64 };
    (NumberOrEmpty) => { Option<i64> };
    (Text) => { Arc<str> };
    (Word) => { &'static str };
    (Known) => { Option<i64> };
    (List) => { Arc<[i64]> };
}

macro_rules! field_kind {
    (Word) => {
        FieldKind::Text
    };
    (Total) => {
        FieldKind::Number
    };
    (Clock) => {
        FieldKind::Number
    };
    ($kind:ident) => {
        FieldKind::$kind
    };
}

macro_rules! pace {
    (Total) => {
        Pace::Total
    };
    (Clock) => {
        Pace::Clock
    };
    ($kind:ident) => {
        Pace::Change
    };
}

macro_rules! show {
    ($form:expr, $tag:expr, $value:expr, Number) => {
        $form.number($tag, $value)
    };
    ($form:expr, $tag:expr, $value:expr, Total) => {
        $form.number($tag, $value)
    };
    ($form:expr, $tag:expr, $value:expr, Clock) => {
        $form.number($tag, $value)
    };
    ($form:expr, $tag:expr, $value:expr, NumberOrEmpty) => {
        match $value {
            Some(value) => $form.number($tag, value),
            None => $form.empty($tag),
        }
    };
    ($form:expr, $tag:expr, $value:expr, Known) => {
        $form.number_or_null($tag, $value)
    };
    ($form:expr, $tag:expr, $value:expr, List) => {
        $form.list($tag, &$value)
    };
    ($form:expr, $tag:expr, $value:expr, $text:ident) => {
        $form.text($tag, &$value)
    };
}

macro_rules! tag {
    ($name:literal) => {
        &const {
            Tag {
                xml_open: concat!("<", $name, ">").as_bytes(),
                xml_close: concat!("</", $name, ">").as_bytes(),
                xml_empty: concat!("<", $name, "/>").as_bytes(),
                json_key: concat!(",\"", $name, "\":").as_bytes(),
            }
        }
    };
}

macro_rules! document {
    ($(#[$doc:meta])* $row:ident $table:ident $sinces:ident $besides:ident $list:literal $item:literal
     id $id:ident $id_name:literal $id_kind:ident;
     $($field:ident $name:literal $kind:ident $unit:literal $about:literal)*;
     $($since:ident $since_name:literal $of:literal $since_about:literal)*;
     $($beside:ident $beside_name:literal $beside_kind:ident $beside_about:literal)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $row {
            $(#[doc = $about] pub $field: rust_type!($kind),)*
            $(#[doc = $since_about] pub $since: Option<Millis>,)*
            $(#[doc = $beside_about] pub $beside: rust_type!($beside_kind),)*
        }

        #[doc = concat!("The fields of `", stringify!($row), "` in the document's order.")]
        pub const $table: &[Field] = &[
            $(Field {
                name: $name, kind: field_kind!($kind), unit: $unit, about: $about, pace: pace!($kind),
            },)*
        ];

        #[doc = concat!("The instants beside the fields of `", stringify!($row), "`.")]
        pub const $sinces: &[Since] = &[
            $(Since { name: $since_name, field: $of, about: $since_about },)*
        ];

        #[doc = concat!("What the live feed tells beside the fields of `", stringify!($row), "`.")]
        pub const $besides: &[Beside] = &[
            $(Beside { name: $beside_name, about: $beside_about },)*
        ];

        impl Row for $row {
            const LIST: &'static str = $list;
            const ITEM: &'static str = $item;
            const FIELDS: &'static [Field] = $table;

            #[inline]
            fn visit(&self, form: &mut impl Form) {
                $(show!(form, tag!($name), self.$field, $kind);)*
            }
        }

        impl Moving for $row {
            fn order(&self, other: &$row) -> Ordering {
                self.$id.cmp(&other.$id)
            }

            fn id(&self, out: &mut Json<'_>) {
                show!(out, tag!($id_name), self.$id, $id_kind);
            }

            fn id_alone(&self, out: &mut Vec<u8>) {
                show!(Bare(out), tag!($id_name), self.$id, $id_kind);
            }

            fn whole(&self, out: &mut Json<'_>) {
                $(if !matches!(pace!($kind), Pace::Clock) {
                    show!(out, tag!($name), self.$field, $kind);
                })*
                $(out.number_or_null(tag!($since_name), self.$since);)*
                $(show!(out, tag!($beside_name), self.$beside, $beside_kind);)*
            }

            fn differs(&self, shown: &$row) -> bool {
                $((matches!(pace!($kind), Pace::Change) && self.$field != shown.$field) ||)*
                $(self.$since != shown.$since ||)* $(self.$beside != shown.$beside ||)* false
            }

            fn differs_in_totals(&self, shown: &$row) -> bool {
                $((matches!(pace!($kind), Pace::Total) && self.$field != shown.$field) ||)* false
            }

            fn changes(&self, shown: &mut $row, out: &mut Json<'_>) {
                $(if !matches!(pace!($kind), Pace::Clock) && self.$field != shown.$field {
                    show!(out, tag!($name), self.$field, $kind);
                    shown.$field = self.$field.clone();
                })*
                $(if self.$since != shown.$since {
                    out.number_or_null(tag!($since_name), self.$since);
                    shown.$since = self.$since;
                })*
                $(if self.$beside != shown.$beside {
                    show!(out, tag!($beside_name), self.$beside, $beside_kind);
                    shown.$beside = self.$beside.clone();
                })*
            }
        }
    };
}

document! {
    /// One agent's figures.
    AgentRow AGENT_FIELDS AGENT_SINCES AGENT_BESIDES "agents" "agent"
    id agent_id "agent-id" Text;
    agent_id "agent-id" Text "" "Login id of the agent."
    agent_media_id "agent-media-id" Number "code" "Medium of the work taken up last: 0 none yet, 1 phone, 2 chat, 3 email, 4 voicemail."
    agent_name "agent-name" Text "" "Full name."
    agent_status "agent-status" Number "code" "0 available, 1 offered, 2 busy, 3 post-processing, 4 on break, 5 work offline, 9 logged out."
    assigned_skill_count "assigned-skill-count" Number "count" "Queues to which the agent is assigned."
    day_accepted_count "day-accepted-count" Number "count" "Transactions taken up today."
    day_available_time "day-available-time" Total "s" "Time available today."
    day_avg_processing_time "day-avg-processing-time" Number "s" "Average processing time of the legs begun today that have left processing."
    day_break_time "day-break-time" Total "s" "Time on break today."
    day_login_time "day-login-time" Total "s" "Time logged in today."
    day_offline_time "day-offline-time" Total "s" "Time working offline today."
    day_processing_time "day-processing-time" Total "s" "Time in processing today, summed over legs."
    day_rejected_count "day-rejected-count" Number "count" "Offers declined or not answered today."
    day_wrap_up_time "day-wrap-up-time" Total "s" "Time in post-processing today, summed over legs."
    enabled_skill_count "enabled-skill-count" Number "count" "Queues to which the agent is assigned and enabled."
    group_id "group-id" Number "id" "Number of the agent's group, 0 if none."
    last_login_time "last-login-time" Number "UTC s" "Last change from logged out to anything else, -1 if none."
    phone_line1_status "phone-line1-status" Number "code" "-1 logged out, 0 idle, 1 on hold, 2 on mute, 3 offered, 4 monitoring, 5 busy."
    phone_line1_status_time "phone-line1-status-time" Clock "s" "Time since line 1 changed; -1 while unused or idle."
    phone_line2_status "phone-line2-status" Number "code" "-1 not in use, 0 offered, 1 on hold, 2 on mute, 3 error, 4 monitoring, 5 busy."
    phone_line2_status_time "phone-line2-status-time" Clock "s" "Time since line 2 changed; -1 while unused."
    status_code_item_id "status-code-item-id" NumberOrEmpty "id" "Item of the status code shown."
    status_code_item_short_code "status-code-item-short-code" Text "" "Short code of the status code shown."
    status_code_list_id "status-code-list-id" NumberOrEmpty "id" "List of the status code shown."
    thirty_min_accepted_count "thirty-min-accepted-count" Number "count" "Transactions taken up in the last 30 minutes."
    thirty_min_available_time "thirty-min-available-time" Total "s" "Time available in the last 30 minutes."
    thirty_min_avg_handling_time "thirty-min-avg-handling-time" Number "s" "Average processing and post-processing time of the legs begun in the last 30 minutes that have ended."
    thirty_min_break_time "thirty-min-break-time" Total "s" "Time on break in the last 30 minutes."
    thirty_min_offline_time "thirty-min-offline-time" Total "s" "Time working offline in the last 30 minutes."
    thirty_min_processing_time "thirty-min-processing-time" Total "s" "Time in processing in the last 30 minutes, summed over legs."
    thirty_min_rejected_count "thirty-min-rejected-count" Number "count" "Offers declined or not answered in the last 30 minutes."
    thirty_min_wrap_up_time "thirty-min-wrap-up-time" Total "s" "Time in post-processing in the last 30 minutes, summed over legs."
    time_in_status "time-in-status" Clock "s" "Time since agent-status or its code changed, -1 before the first status.";
    phone_line1_status_since "phone-line1-status-since" "phone-line1-status-time" "Since when line 1 is as shown; none while unused or idle."
    phone_line2_status_since "phone-line2-status-since" "phone-line2-status-time" "Since when line 2 is as shown; none while unused."
    status_since "status-since" "time-in-status" "Since when agent-status and its code are as shown; none before the first status.";
    queues "queues" List "Numbers of the queues to which the agent is assigned; negative where disabled."
}

document! {
    /// One queue's figures.
    QueueRow QUEUE_FIELDS QUEUE_SINCES QUEUE_BESIDES "queues" "queue"
    id queue_id "queue-id" Number;
    agent_count_busy "agent-count-busy" Number "count" "Enabled agents who are offered or process a transaction, of whichever queue."
    agent_count_logged_out "agent-count-loggedOut" Number "count" "Enabled agents who are logged out."
    agent_count_on_break "agent-count-onBreak" Number "count" "Enabled agents on break."
    agent_count_post_process "agent-count-postProcess" Number "count" "Enabled agents in post-processing."
    agent_count_wait_transact "agent-count-waitTransact" Number "count" "Enabled agents who are available."
    agent_count_work_offline "agent-count-workOffline" Number "count" "Enabled agents working offline."
    day_abandoned "day-abandoned" Number "count" "Visits abandoned today."
    day_accepted "day-accepted" Number "count" "Visits accepted today."
    day_avg_duration "day-avg-duration" Number "s" "Average processing time of the legs begun today that have left processing."
    day_avg_wait_time "day-avg-wait-time" Number "s" "Average wait of the visits that entered today and have their outcome."
    day_queued "day-queued" Number "count" "Visits that entered today."
    day_sla_activity "day-sla-activity" Number "%" "Service level of the visits that entered today, -1 if there is none."
    assigned_agent_count "assigned-agent-count" Number "count" "Agents assigned."
    enabled_agent_count "enabled-agent-count" Number "count" "Agents assigned and enabled."
    longest_wait_time "longest-wait-time" Clock "s" "Longest wait among the visits that wait now, 0 if none."
    media_type "media-type" Word "" "phone, chat, email or vmail."
    number_in_offered "number-in-offered" Number "count" "Visits offered to at least one agent now."
    number_in_progress "number-in-progress" Number "count" "Agents who process or post-process a transaction of this queue."
    queue_id "queue-id" Number "id" "Number of the queue."
    queue_name "queue-name" Text "" "Name of the queue."
    queue_size "queue-size" Number "count" "Visits that wait, neither offered nor in progress."
    sla_activity "sla-activity" Number "%" "Service level of the visits that entered in the current evaluation period, -1 if there are none, 0 without an SLA."
    sla_target "sla-target" Number "h" "Time limit of the SLA in whole hours; by a server setting its percentage."
    thirty_min_abandoned "thirty-min-abandoned" Number "count" "Visits abandoned in the last 30 minutes."
    thirty_min_accepted "thirty-min-accepted" Number "count" "Visits accepted in the last 30 minutes."
    thirty_min_avg_duration "thirty-min-avg-duration" Number "s" "Average processing time of the legs begun in the last 30 minutes that have left processing."
    thirty_min_avg_wait_time "thirty-min-avg-wait-time" Number "s" "Average wait of the visits that entered in the last 30 minutes and have their outcome."
    thirty_min_longest_wait_time "thirty-min-longest-wait-time" Number "s" "Longest wait among the same visits, -1 if there are none."
    thirty_min_queued "thirty-min-queued" Number "count" "Visits that entered in the last 30 minutes."
    thirty_min_sla_activity "thirty-min-sla-activity" Number "%" "Service level of the visits that entered in the last 30 minutes, -1 if there is none.";
    longest_wait_since "longest-wait-since" "longest-wait-time" "When the visit entered that has waited longest; none if nobody waits.";
    sla_percent "sla-percent" Known "The share that is to be accepted within the limit; none without an SLA."
    sla_within_seconds "sla-within-seconds" Known "The limit of the SLA; none without one."
}
