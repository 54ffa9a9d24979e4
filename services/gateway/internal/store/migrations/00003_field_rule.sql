-- Who may see and change single fields of records. The table field_access beside it is
-- what this process, like every other, follows of the events.
-- +goose Up
CREATE TABLE field_rule (
	tenant        uuid        NOT NULL,
	id            uuid        NOT NULL,
	create_time   timestamptz NOT NULL,
	update_time   timestamptz NOT NULL,
	delete_time   timestamptz,
	seq           bigint      NOT NULL,
	partition     smallint    NOT NULL,
	owner         text        NOT NULL,
	team          text        NOT NULL,
	source        text        NOT NULL,
	external_ids  jsonb       NOT NULL,
	labels        jsonb       NOT NULL,
	custom_fields jsonb       NOT NULL,
	resource_type text        NOT NULL CHECK (resource_type <> ''),
	field         text        NOT NULL CHECK (field <> ''),
	readers       jsonb       NOT NULL,
	writers       jsonb       NOT NULL,
	reason        text        NOT NULL CHECK (reason <> ''),
	CONSTRAINT field_rule_pkey PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX field_rule_taken ON field_rule (tenant, resource_type, field) WHERE delete_time IS NULL;
CREATE INDEX field_rule_create_time ON field_rule (tenant, create_time, id);
CREATE INDEX field_rule_resource_type ON field_rule (tenant, resource_type, field, id);
SELECT lingkar_secure('field_rule', 'SELECT, INSERT, UPDATE');
