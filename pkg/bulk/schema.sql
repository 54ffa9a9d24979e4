-- What the migrations make, as PostgreSQL 15 words it. To read, not to run.
-- What is not here is in pkg/*/schema.sql.
-- Written by go test ./services/internal/schema -update.

CREATE TABLE import (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	kind text NOT NULL,
	state smallint NOT NULL,
	spec bytea NOT NULL,
	subject text NOT NULL,
	roles text[] NOT NULL,
	teams text[] NOT NULL,
	size_bytes bigint DEFAULT 0 NOT NULL,
	done_line bigint DEFAULT 0 NOT NULL,
	done_bytes bigint DEFAULT 0 NOT NULL,
	rows bigint DEFAULT 0 NOT NULL,
	created bigint DEFAULT 0 NOT NULL,
	updated bigint DEFAULT 0 NOT NULL,
	skipped bigint DEFAULT 0 NOT NULL,
	failed bigint DEFAULT 0 NOT NULL,
	error text DEFAULT ''::text NOT NULL,
	create_time timestamp with time zone NOT NULL,
	update_time timestamp with time zone NOT NULL,
	end_time timestamp with time zone,
	scope smallint NOT NULL,
	undo_deleted bigint DEFAULT 0 NOT NULL,
	undo_restored bigint DEFAULT 0 NOT NULL,
	undo_unchanged bigint DEFAULT 0 NOT NULL,
	undo_kept bigint DEFAULT 0 NOT NULL,
	CONSTRAINT import_check CHECK ((rows = (((created + updated) + skipped) + failed))),
	CONSTRAINT import_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX import_working ON import USING btree (tenant, update_time) WHERE (state = ANY (ARRAY[2, 6]));
CREATE POLICY system ON import TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON import TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE import_chunk (
	tenant uuid NOT NULL,
	import uuid NOT NULL,
	n integer NOT NULL,
	data bytea NOT NULL,
	CONSTRAINT import_chunk_pkey PRIMARY KEY (tenant, import, n),
	CONSTRAINT import_chunk_tenant_import_fkey FOREIGN KEY (tenant, import) REFERENCES import(tenant, id) ON DELETE CASCADE
);
CREATE POLICY system ON import_chunk TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON import_chunk TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE import_row (
	tenant uuid NOT NULL,
	import uuid NOT NULL,
	line bigint NOT NULL,
	outcome smallint NOT NULL,
	resource text NOT NULL,
	reason text NOT NULL,
	message text NOT NULL,
	undone boolean DEFAULT false NOT NULL,
	undo smallint DEFAULT 0 NOT NULL,
	undo_reason text DEFAULT ''::text NOT NULL,
	kept_fields text[] DEFAULT '{}'::text[] NOT NULL,
	CONSTRAINT import_row_pkey PRIMARY KEY (tenant, import, line),
	CONSTRAINT import_row_tenant_import_fkey FOREIGN KEY (tenant, import) REFERENCES import(tenant, id) ON DELETE CASCADE
);
CREATE INDEX import_row_outcome ON import_row USING btree (tenant, import, outcome, line);
CREATE INDEX import_row_undo ON import_row USING btree (tenant, import, undo, line) WHERE (undo > 0);
CREATE POLICY system ON import_row TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON import_row TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE import_trial (
	tenant uuid NOT NULL,
	import uuid NOT NULL,
	key uuid NOT NULL,
	CONSTRAINT import_trial_pkey PRIMARY KEY (tenant, import, key),
	CONSTRAINT import_trial_tenant_import_fkey FOREIGN KEY (tenant, import) REFERENCES import(tenant, id) ON DELETE CASCADE
);
CREATE POLICY system ON import_trial TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON import_trial TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
