-- For the day's sums: all columns that they read, in the order in which they are grouped.
CREATE INDEX visits_of_queue ON visits (queue, entered_ms, ended_ms, state, within_ms);
CREATE INDEX legs_of_agent ON legs (agent, begun_ms, left_ms, ended_ms);
CREATE INDEX legs_of_queue ON legs (queue, begun_ms, left_ms);
CREATE INDEX spans_of_agent ON spans (agent, status, begun_ms, ended_ms);
CREATE INDEX rejections_of_agent ON rejections (agent, at_ms);
CREATE INDEX assignments_of_queue ON assignments (queue, enabled, agent);
-- For the last half hour.
CREATE INDEX visits_entered ON visits (entered_ms, queue, ended_ms, state, within_ms);
CREATE INDEX visits_ended ON visits (ended_ms, queue, state);
CREATE INDEX legs_begun ON legs (begun_ms, queue, left_ms);
CREATE INDEX legs_ended ON legs (ended_ms, agent, begun_ms, left_ms);
CREATE INDEX spans_ended ON spans (ended_ms, agent, status, begun_ms);
-- For what goes on now.
CREATE INDEX visits_open ON visits (queue, state, entered_ms) WHERE ended_ms IS NULL;
CREATE INDEX legs_open ON legs (queue, agent) WHERE ended_ms IS NULL;
CREATE INDEX legs_running ON legs (agent, begun_ms, left_ms) WHERE ended_ms IS NULL;
CREATE INDEX spans_open ON spans (agent, status, begun_ms) WHERE ended_ms IS NULL;
