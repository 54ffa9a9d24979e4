-- What the migrations make, as PostgreSQL 15 words it. To read, not to run.
-- What is not here is in pkg/*/schema.sql.
-- Written by go test ./services/internal/schema -update.

CREATE TABLE field_access (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	seq bigint NOT NULL,
	deleted boolean NOT NULL,
	resource_type text NOT NULL,
	field text NOT NULL,
	readers text[] NOT NULL,
	writers text[] NOT NULL,
	CONSTRAINT field_access_pkey PRIMARY KEY (tenant, id)
);
CREATE POLICY system ON field_access TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON field_access TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
