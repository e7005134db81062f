-- Every agent's figures at :now. // is the division that drops the remainder.
WITH day_legs AS (
    SELECT agent,
        count(*) AS accepted,
        CAST(sum(coalesce(left_ms, :now) - begun_ms) AS BIGINT) AS processing_ms,
        CAST(sum(coalesce(ended_ms, :now) - left_ms) AS BIGINT) AS wrap_up_ms,
        CAST(sum(left_ms - begun_ms) AS BIGINT) AS processed_ms,
        count(left_ms) AS processed
    FROM legs GROUP BY agent
), recent_legs AS (
    SELECT agent,
        count(*) FILTER (WHERE begun_ms > :window) AS accepted,
        CAST(sum(coalesce(left_ms, :now) - CASE WHEN begun_ms > :window THEN begun_ms ELSE :window END)
            FILTER (WHERE left_ms IS NULL OR left_ms > :window) AS BIGINT) AS processing_ms,
        CAST(sum(coalesce(ended_ms, :now) - CASE WHEN left_ms > :window THEN left_ms ELSE :window END)
            FILTER (WHERE left_ms IS NOT NULL) AS BIGINT) AS wrap_up_ms,
        CAST(sum(ended_ms - begun_ms) FILTER (WHERE begun_ms > :window) AS BIGINT) AS handled_ms,
        count(ended_ms) FILTER (WHERE begun_ms > :window) AS handled
    FROM legs WHERE ended_ms IS NULL OR ended_ms > :window GROUP BY agent
), day_spans AS (
    SELECT agent,
        CAST(sum(coalesce(ended_ms, :now) - begun_ms) FILTER (WHERE status <> 9) AS BIGINT) AS login_ms,
        CAST(sum(coalesce(ended_ms, :now) - begun_ms) FILTER (WHERE status = 0) AS BIGINT) AS available_ms,
        CAST(sum(coalesce(ended_ms, :now) - begun_ms) FILTER (WHERE status = 4) AS BIGINT) AS break_ms,
        CAST(sum(coalesce(ended_ms, :now) - begun_ms) FILTER (WHERE status = 5) AS BIGINT) AS offline_ms
    FROM spans GROUP BY agent
), recent_spans AS (
    SELECT agent,
        CAST(sum(lasted_ms) FILTER (WHERE status = 0) AS BIGINT) AS available_ms,
        CAST(sum(lasted_ms) FILTER (WHERE status = 4) AS BIGINT) AS break_ms,
        CAST(sum(lasted_ms) FILTER (WHERE status = 5) AS BIGINT) AS offline_ms
    FROM (
        SELECT agent, status,
            coalesce(ended_ms, :now) - CASE WHEN begun_ms > :window THEN begun_ms ELSE :window END AS lasted_ms
        FROM spans WHERE ended_ms IS NULL OR ended_ms > :window
    ) AS clipped GROUP BY agent
), refused AS (
    SELECT agent, count(*) AS rejected, count(*) FILTER (WHERE at_ms > :window) AS recently
    FROM rejections GROUP BY agent
), skills AS (
    SELECT agent, count(*) AS assigned, CAST(sum(enabled) AS BIGINT) AS enabled FROM assignments GROUP BY agent
)
SELECT login, name, team,
    present.status,
    (:now - present.begun_ms) // 1000 AS time_in_status,
    coalesce(skills.assigned, 0) AS assigned_skill_count,
    coalesce(skills.enabled, 0) AS enabled_skill_count,
    coalesce(day_legs.accepted, 0) AS day_accepted_count,
    coalesce(refused.rejected, 0) AS day_rejected_count,
    coalesce(day_spans.login_ms, 0) // 1000 AS day_login_time,
    coalesce(day_spans.available_ms, 0) // 1000 AS day_available_time,
    coalesce(day_spans.break_ms, 0) // 1000 AS day_break_time,
    coalesce(day_spans.offline_ms, 0) // 1000 AS day_offline_time,
    coalesce(day_legs.processing_ms, 0) // 1000 AS day_processing_time,
    coalesce(day_legs.wrap_up_ms, 0) // 1000 AS day_wrap_up_time,
    coalesce(day_legs.processed_ms // nullif(day_legs.processed * 1000, 0), 0) AS day_avg_processing_time,
    coalesce(recent_legs.accepted, 0) AS thirty_min_accepted_count,
    coalesce(refused.recently, 0) AS thirty_min_rejected_count,
    coalesce(recent_spans.available_ms, 0) // 1000 AS thirty_min_available_time,
    coalesce(recent_spans.break_ms, 0) // 1000 AS thirty_min_break_time,
    coalesce(recent_spans.offline_ms, 0) // 1000 AS thirty_min_offline_time,
    coalesce(recent_legs.processing_ms, 0) // 1000 AS thirty_min_processing_time,
    coalesce(recent_legs.wrap_up_ms, 0) // 1000 AS thirty_min_wrap_up_time,
    coalesce(recent_legs.handled_ms // nullif(recent_legs.handled * 1000, 0), 0) AS thirty_min_avg_handling_time
FROM agents
JOIN (SELECT agent, status, begun_ms FROM spans WHERE ended_ms IS NULL) AS present USING (agent)
LEFT JOIN day_legs USING (agent)
LEFT JOIN recent_legs USING (agent)
LEFT JOIN day_spans USING (agent)
LEFT JOIN recent_spans USING (agent)
LEFT JOIN refused USING (agent)
LEFT JOIN skills USING (agent)
ORDER BY login;
