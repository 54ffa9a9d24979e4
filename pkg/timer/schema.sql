-- What the migrations make, as PostgreSQL 15 words it. To read, not to run.
-- What is not here is in pkg/*/schema.sql.
-- Written by go test ./services/internal/schema -update.

CREATE TABLE timer (
	tenant uuid NOT NULL,
	kind text NOT NULL,
	key text NOT NULL,
	due_time timestamp with time zone NOT NULL,
	try_time timestamp with time zone NOT NULL,
	payload bytea NOT NULL,
	attempts integer DEFAULT 0 NOT NULL,
	parked boolean DEFAULT false NOT NULL,
	error text DEFAULT ''::text NOT NULL,
	CONSTRAINT timer_pkey PRIMARY KEY (tenant, kind, key)
);
CREATE INDEX timer_due ON timer USING btree (try_time) WHERE (NOT parked);
CREATE POLICY system ON timer TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON timer TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
