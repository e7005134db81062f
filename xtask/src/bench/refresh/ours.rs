//! The same columns as the SQL's, from the engine's rows: what the comparison is checked by.

use stats::document::{AgentRow, Frozen, QueueRow};

/// Every agent's row and every queue's, as the statements give them, columns parted by commas.
pub fn rows(frozen: &Frozen) -> [Vec<String>; 2] {
    [frozen.agents.iter().map(agent).collect(), frozen.queues.iter().map(queue).collect()]
}

fn agent(row: &AgentRow) -> String {
    let figures = [
        row.group_id,
        row.agent_status,
        row.time_in_status,
        row.assigned_skill_count,
        row.enabled_skill_count,
        row.day_accepted_count,
        row.day_rejected_count,
        row.day_login_time,
        row.day_available_time,
        row.day_break_time,
        row.day_offline_time,
        row.day_processing_time,
        row.day_wrap_up_time,
        row.day_avg_processing_time,
        row.thirty_min_accepted_count,
        row.thirty_min_rejected_count,
        row.thirty_min_available_time,
        row.thirty_min_break_time,
        row.thirty_min_offline_time,
        row.thirty_min_processing_time,
        row.thirty_min_wrap_up_time,
        row.thirty_min_avg_handling_time,
    ];
    format!("{},{}{}", row.agent_id, row.agent_name, listed(&figures))
}

fn queue(row: &QueueRow) -> String {
    let figures = [
        row.agent_count_busy,
        row.agent_count_logged_out,
        row.agent_count_on_break,
        row.agent_count_post_process,
        row.agent_count_wait_transact,
        row.agent_count_work_offline,
        row.assigned_agent_count,
        row.enabled_agent_count,
        row.queue_size,
        row.number_in_offered,
        row.number_in_progress,
        row.longest_wait_time,
        row.day_queued,
        row.day_accepted,
        row.day_abandoned,
        row.day_avg_wait_time,
        row.day_avg_duration,
        row.day_sla_activity,
        row.thirty_min_queued,
        row.thirty_min_accepted,
        row.thirty_min_abandoned,
        row.thirty_min_avg_wait_time,
        row.thirty_min_longest_wait_time,
        row.thirty_min_avg_duration,
        row.thirty_min_sla_activity,
        row.sla_activity,
    ];
    format!("{},{},{}{}", row.queue_id, row.queue_name, row.media_type, listed(&figures))
}

fn listed(figures: &[i64]) -> String {
    figures.iter().map(|figure| format!(",{figure}")).collect()
}
