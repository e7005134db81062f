-- Every queue's figures at :now; all queues have an SLA. // is the division that drops the remainder.
WITH day_visits AS (
    SELECT queue,
        count(*) AS queued,
        count(*) FILTER (WHERE state = 2) AS accepted,
        count(*) FILTER (WHERE state = 3) AS abandoned,
        CAST(sum(ended_ms - entered_ms) AS BIGINT) AS waited_ms,
        count(ended_ms) AS waited,
        count(*) FILTER (WHERE state = 2 AND ended_ms - entered_ms <= within_ms) AS within_limit,
        count(*) FILTER (WHERE state IN (2, 4) OR state = 3 AND ended_ms - entered_ms > 5000
            OR state < 2 AND :now - entered_ms > within_ms) AS judged
    FROM visits GROUP BY queue
), recent_visits AS (
    SELECT queue,
        count(*) AS queued,
        CAST(sum(ended_ms - entered_ms) AS BIGINT) AS waited_ms,
        count(ended_ms) AS waited,
        max(ended_ms - entered_ms) AS longest_ms,
        count(*) FILTER (WHERE good) AS within_limit,
        count(*) FILTER (WHERE counts) AS judged,
        count(*) FILTER (WHERE good AND entered_ms >= :period) AS within_limit_now,
        count(*) FILTER (WHERE counts AND entered_ms >= :period) AS judged_now
    FROM (
        SELECT queue, entered_ms, ended_ms,
            state = 2 AND ended_ms - entered_ms <= within_ms AS good,
            state IN (2, 4) OR state = 3 AND ended_ms - entered_ms > 5000
                OR state < 2 AND :now - entered_ms > within_ms AS counts
        FROM visits WHERE entered_ms > :window
    ) AS entered GROUP BY queue
), outcomes AS (
    SELECT queue, count(*) FILTER (WHERE state = 2) AS accepted, count(*) FILTER (WHERE state = 3) AS abandoned
    FROM visits WHERE ended_ms > :window GROUP BY queue
), open_visits AS (
    SELECT queue,
        count(*) FILTER (WHERE state = 0) AS waiting,
        count(*) FILTER (WHERE state = 1) AS offered,
        min(entered_ms) FILTER (WHERE state = 0) AS first_ms
    FROM visits WHERE ended_ms IS NULL GROUP BY queue
), day_legs AS (
    SELECT queue, CAST(sum(left_ms - begun_ms) AS BIGINT) AS processed_ms, count(left_ms) AS processed
    FROM legs GROUP BY queue
), recent_legs AS (
    SELECT queue, CAST(sum(left_ms - begun_ms) AS BIGINT) AS processed_ms, count(left_ms) AS processed
    FROM legs WHERE begun_ms > :window GROUP BY queue
), in_progress AS (
    SELECT queue, count(DISTINCT agent) AS agents FROM legs WHERE ended_ms IS NULL GROUP BY queue
), staff AS (
    SELECT queue,
        count(*) AS assigned,
        count(*) FILTER (WHERE enabled = 1) AS enabled,
        count(*) FILTER (WHERE enabled = 1 AND status IN (1, 2)) AS busy,
        count(*) FILTER (WHERE enabled = 1 AND status = 9) AS logged_out,
        count(*) FILTER (WHERE enabled = 1 AND status = 4) AS on_break,
        count(*) FILTER (WHERE enabled = 1 AND status = 3) AS post_process,
        count(*) FILTER (WHERE enabled = 1 AND status = 0) AS wait_transact,
        count(*) FILTER (WHERE enabled = 1 AND status = 5) AS work_offline
    FROM assignments
    JOIN (SELECT agent, status FROM spans WHERE ended_ms IS NULL) AS present USING (agent)
    GROUP BY queue
)
SELECT queues.queue, name, media,
    coalesce(staff.busy, 0) AS agent_count_busy,
    coalesce(staff.logged_out, 0) AS agent_count_logged_out,
    coalesce(staff.on_break, 0) AS agent_count_on_break,
    coalesce(staff.post_process, 0) AS agent_count_post_process,
    coalesce(staff.wait_transact, 0) AS agent_count_wait_transact,
    coalesce(staff.work_offline, 0) AS agent_count_work_offline,
    coalesce(staff.assigned, 0) AS assigned_agent_count,
    coalesce(staff.enabled, 0) AS enabled_agent_count,
    coalesce(open_visits.waiting, 0) AS queue_size,
    coalesce(open_visits.offered, 0) AS number_in_offered,
    coalesce(in_progress.agents, 0) AS number_in_progress,
    coalesce((:now - open_visits.first_ms) // 1000, 0) AS longest_wait_time,
    coalesce(day_visits.queued, 0) AS day_queued,
    coalesce(day_visits.accepted, 0) AS day_accepted,
    coalesce(day_visits.abandoned, 0) AS day_abandoned,
    coalesce(day_visits.waited_ms // nullif(day_visits.waited * 1000, 0), 0) AS day_avg_wait_time,
    coalesce(day_legs.processed_ms // nullif(day_legs.processed * 1000, 0), 0) AS day_avg_duration,
    coalesce(100 * day_visits.within_limit // nullif(day_visits.judged, 0), -1) AS day_sla_activity,
    coalesce(recent_visits.queued, 0) AS thirty_min_queued,
    coalesce(outcomes.accepted, 0) AS thirty_min_accepted,
    coalesce(outcomes.abandoned, 0) AS thirty_min_abandoned,
    coalesce(recent_visits.waited_ms // nullif(recent_visits.waited * 1000, 0), 0) AS thirty_min_avg_wait_time,
    coalesce(recent_visits.longest_ms // 1000, -1) AS thirty_min_longest_wait_time,
    coalesce(recent_legs.processed_ms // nullif(recent_legs.processed * 1000, 0), 0) AS thirty_min_avg_duration,
    coalesce(100 * recent_visits.within_limit // nullif(recent_visits.judged, 0), -1) AS thirty_min_sla_activity,
    coalesce(100 * recent_visits.within_limit_now // nullif(recent_visits.judged_now, 0), -1) AS sla_activity
FROM queues
LEFT JOIN day_visits USING (queue)
LEFT JOIN recent_visits USING (queue)
LEFT JOIN outcomes USING (queue)
LEFT JOIN open_visits USING (queue)
LEFT JOIN day_legs USING (queue)
LEFT JOIN recent_legs USING (queue)
LEFT JOIN in_progress USING (queue)
LEFT JOIN staff USING (queue)
ORDER BY queues.queue;
