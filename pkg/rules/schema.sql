-- What the migrations make, as PostgreSQL 15 words it. To read, not to run.
-- What is not here is in pkg/*/schema.sql.
-- Written by go test ./services/internal/schema -update.

CREATE TABLE rule_decision (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	rule uuid NOT NULL,
	version bigint NOT NULL,
	preview boolean NOT NULL,
	outcome integer NOT NULL,
	resource text NOT NULL,
	breach bigint NOT NULL,
	contact uuid,
	event_id uuid,
	aggregate_seq bigint,
	correlation text NOT NULL,
	match_time timestamp with time zone NOT NULL,
	decide_time timestamp with time zone,
	matched jsonb NOT NULL,
	actions jsonb NOT NULL,
	reason text NOT NULL,
	depth integer NOT NULL,
	CONSTRAINT rule_decision_once UNIQUE (tenant, rule, preview, resource, breach),
	CONSTRAINT rule_decision_outcome_check CHECK (((outcome >= 1) AND (outcome <= 7))),
	CONSTRAINT rule_decision_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX rule_decision_event ON rule_decision USING btree (tenant, event_id);
CREATE INDEX rule_decision_match_time ON rule_decision USING btree (tenant, rule, match_time, id);
CREATE INDEX rule_decision_outcome ON rule_decision USING btree (tenant, rule, outcome, match_time, id);
CREATE POLICY system ON rule_decision TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON rule_decision TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE rule_definition (
	tenant uuid NOT NULL,
	rule uuid NOT NULL,
	version bigint NOT NULL,
	kind text NOT NULL,
	mode smallint NOT NULL,
	spec bytea NOT NULL,
	parked text DEFAULT ''::text NOT NULL,
	CONSTRAINT rule_definition_mode_check CHECK (((mode >= 0) AND (mode <= 2))),
	CONSTRAINT rule_definition_pkey PRIMARY KEY (tenant, rule, version)
);
CREATE INDEX rule_definition_in_force ON rule_definition USING btree (tenant, kind) WHERE (mode > 0);
CREATE POLICY system ON rule_definition TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON rule_definition TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE rule_state (
	tenant uuid NOT NULL,
	rule uuid NOT NULL,
	preview boolean NOT NULL,
	resource text NOT NULL,
	breach bigint NOT NULL,
	event_id uuid,
	contact uuid,
	enter_time timestamp with time zone NOT NULL,
	due_time timestamp with time zone NOT NULL,
	fired boolean DEFAULT false NOT NULL,
	CONSTRAINT rule_state_pkey PRIMARY KEY (tenant, rule, preview, resource)
);
CREATE POLICY system ON rule_state TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON rule_state TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
