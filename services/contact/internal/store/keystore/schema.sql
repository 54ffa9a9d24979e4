-- What the migrations make, as PostgreSQL 15 words it. To read, not to run.
-- What is not here is in pkg/*/schema.sql.
-- Written by go test ./services/internal/schema -update.

CREATE TABLE contact_key (
	id uuid NOT NULL,
	kek text NOT NULL,
	wrapped bytea NOT NULL,
	create_time timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT contact_key_pkey PRIMARY KEY (id)
);

CREATE TABLE destroyed_key (
	tenant uuid NOT NULL,
	contact uuid NOT NULL,
	key_id uuid NOT NULL,
	erase_time timestamp with time zone NOT NULL,
	CONSTRAINT destroyed_key_pkey PRIMARY KEY (tenant, contact)
);
