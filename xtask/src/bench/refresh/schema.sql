-- One day of a contact centre as a reporting database would keep it. Instants are milliseconds; what still goes on has no end.
CREATE TABLE queues (queue BIGINT PRIMARY KEY, name TEXT, media TEXT);
CREATE TABLE agents (agent BIGINT PRIMARY KEY, login TEXT, name TEXT, team BIGINT);
CREATE TABLE assignments (agent BIGINT, queue BIGINT, enabled BIGINT, PRIMARY KEY (agent, queue));
-- state: 0 waiting, 1 offered, 2 accepted, 3 abandoned, 4 diverted
CREATE TABLE visits (queue BIGINT, entered_ms BIGINT, ended_ms BIGINT, state BIGINT, within_ms BIGINT);
-- processing from begun to left, post-processing from then to ended
CREATE TABLE legs (agent BIGINT, queue BIGINT, begun_ms BIGINT, left_ms BIGINT, ended_ms BIGINT);
CREATE TABLE rejections (agent BIGINT, at_ms BIGINT);
-- an agent's status (SPEC: agent-status) and how long it lasted
CREATE TABLE spans (agent BIGINT, status BIGINT, begun_ms BIGINT, ended_ms BIGINT);
