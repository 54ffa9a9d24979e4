-- +goose Up

-- What happens by itself, each in its newest version.
CREATE TABLE rule (
	tenant         uuid        NOT NULL,
	id             uuid        NOT NULL,
	create_time    timestamptz NOT NULL,
	update_time    timestamptz NOT NULL,
	delete_time    timestamptz,
	seq            bigint      NOT NULL,
	partition      smallint    NOT NULL,
	owner          text        NOT NULL,
	team           text        NOT NULL,
	source         text        NOT NULL,
	external_ids   jsonb       NOT NULL,
	labels         jsonb       NOT NULL,
	custom_fields  jsonb       NOT NULL,
	display_name   text        NOT NULL CHECK (display_name <> ''),
	description    text        NOT NULL,
	kind           text        NOT NULL CHECK (kind <> ''),
	spec           jsonb       NOT NULL,
	version        bigint      NOT NULL CHECK (version > 0),
	state          integer     NOT NULL CHECK (state BETWEEN 1 AND 4),
	active_version bigint      NOT NULL CHECK (active_version BETWEEN 0 AND version),
	CONSTRAINT rule_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX rule_create_time ON rule (tenant, create_time, id);
CREATE INDEX rule_display_name ON rule (tenant, display_name, id);
CREATE INDEX rule_state ON rule (tenant, state, create_time, id);
SELECT lingkar_secure('rule', 'SELECT, INSERT, UPDATE');

-- The versions that are or were more than a draft.
CREATE TABLE rule_version (
	tenant     uuid        NOT NULL,
	rule       uuid        NOT NULL,
	version    bigint      NOT NULL,
	state      integer     NOT NULL CHECK (state BETWEEN 2 AND 4),
	-- True once it had effect: only that can be rolled back to.
	was_active boolean     NOT NULL,
	-- The rule as of this version, as the JSON of the API.
	content    jsonb       NOT NULL,
	state_time timestamptz NOT NULL,
	CONSTRAINT rule_version_pkey PRIMARY KEY (tenant, rule, version)
);
SELECT lingkar_secure('rule_version', 'SELECT, INSERT, UPDATE');
