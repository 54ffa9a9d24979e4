-- Lists that people keep under names, and which of them each uses where it names none.
-- +goose Up
CREATE TABLE saved_view (
	tenant        uuid        NOT NULL,
	id            uuid        NOT NULL,
	create_time   timestamptz NOT NULL,
	update_time   timestamptz NOT NULL,
	delete_time   timestamptz,
	seq           bigint      NOT NULL,
	partition     smallint    NOT NULL,
	owner         text        NOT NULL CHECK (owner <> ''),
	team          text        NOT NULL,
	source        text        NOT NULL,
	external_ids  jsonb       NOT NULL,
	labels        jsonb       NOT NULL,
	custom_fields jsonb       NOT NULL,
	display_name  text        NOT NULL CHECK (display_name <> ''),
	resource      text        NOT NULL CHECK (resource <> ''),
	filter        text        NOT NULL,
	order_by      text        NOT NULL,
	columns       jsonb       NOT NULL,
	page_size     integer     NOT NULL CHECK (page_size >= 0),
	-- 1 private, 2 teams, 3 the whole tenant.
	visibility    smallint    NOT NULL CHECK (visibility BETWEEN 1 AND 3),
	teams         jsonb       NOT NULL,
	CONSTRAINT saved_view_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX saved_view_create_time ON saved_view (tenant, create_time, id);
CREATE INDEX saved_view_update_time ON saved_view (tenant, update_time, id);
CREATE INDEX saved_view_display_name ON saved_view (tenant, display_name, id);
CREATE INDEX saved_view_resource ON saved_view (tenant, resource, display_name, id);
CREATE INDEX saved_view_owner ON saved_view (tenant, owner, display_name, id);
SELECT lingkar_secure('saved_view', 'SELECT, INSERT, UPDATE');

CREATE TABLE saved_view_default (
	tenant   uuid NOT NULL,
	subject  text NOT NULL,
	resource text NOT NULL,
	view     uuid NOT NULL,
	PRIMARY KEY (tenant, subject, resource),
	FOREIGN KEY (tenant, view) REFERENCES saved_view (tenant, id)
);
CREATE INDEX saved_view_default_view ON saved_view_default (tenant, view);
SELECT lingkar_secure('saved_view_default');
