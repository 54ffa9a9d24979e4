-- +goose Up

-- The versions of rules that are or were in force, as area platform told of them.
CREATE TABLE rule_definition (
	tenant  uuid     NOT NULL,
	rule    uuid     NOT NULL,
	version bigint   NOT NULL,
	kind    text     NOT NULL,
	-- 0 not in force, 1 in preview, 2 active.
	mode    smallint NOT NULL CHECK (mode BETWEEN 0 AND 2),
	-- The message lingkar.platform.v1.Rule.
	spec    bytea    NOT NULL,
	-- Why it is not evaluated any more; empty where it is.
	parked  text     NOT NULL DEFAULT '',
	CONSTRAINT rule_definition_pkey PRIMARY KEY (tenant, rule, version)
);
CREATE INDEX rule_definition_in_force ON rule_definition (tenant, kind) WHERE mode > 0;
SELECT lingkar_secure('rule_definition');

-- One match of a rule and what became of it. Nothing personal is kept here.
CREATE TABLE rule_decision (
	tenant        uuid        NOT NULL,
	id            uuid        NOT NULL,
	rule          uuid        NOT NULL,
	version       bigint      NOT NULL,
	preview       boolean     NOT NULL,
	outcome       integer     NOT NULL CHECK (outcome BETWEEN 1 AND 7),
	resource      text        NOT NULL,
	breach        bigint      NOT NULL,
	contact       uuid,
	-- The event, and its place in the log; null for what a sweep found.
	event_id      uuid,
	aggregate_seq bigint,
	correlation   text        NOT NULL,
	match_time    timestamptz NOT NULL,
	decide_time   timestamptz,
	matched       jsonb       NOT NULL,
	actions       jsonb       NOT NULL,
	reason        text        NOT NULL,
	depth         integer     NOT NULL,
	CONSTRAINT rule_decision_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT rule_decision_once UNIQUE (tenant, rule, preview, resource, breach)
);
CREATE INDEX rule_decision_match_time ON rule_decision (tenant, rule, match_time, id);
CREATE INDEX rule_decision_outcome ON rule_decision (tenant, rule, outcome, match_time, id);
CREATE INDEX rule_decision_event ON rule_decision (tenant, event_id);
SELECT lingkar_secure('rule_decision');

-- The resources for which the condition of a rule of state holds now.
CREATE TABLE rule_state (
	tenant      uuid        NOT NULL,
	rule        uuid        NOT NULL,
	preview     boolean     NOT NULL,
	resource    text        NOT NULL,
	-- The number of the resource's event with which it began, and the event.
	breach      bigint      NOT NULL,
	event_id    uuid,
	contact     uuid,
	enter_time  timestamptz NOT NULL,
	due_time    timestamptz NOT NULL,
	fired       boolean     NOT NULL DEFAULT false,
	CONSTRAINT rule_state_pkey PRIMARY KEY (tenant, rule, preview, resource)
);
SELECT lingkar_secure('rule_state');
