-- +goose Up

CREATE TABLE interaction (
	tenant       uuid NOT NULL,
	id           uuid NOT NULL,
	create_time  timestamptz NOT NULL,
	update_time  timestamptz NOT NULL,
	delete_time  timestamptz,
	seq          bigint NOT NULL,
	partition    smallint NOT NULL,
	owner        text NOT NULL,
	team         text NOT NULL,
	source       text NOT NULL,
	external_ids jsonb NOT NULL,
	labels       jsonb NOT NULL,
	custom_fields jsonb NOT NULL,

	contact      uuid NOT NULL,
	channel      integer NOT NULL CHECK (channel > 0),
	direction    integer NOT NULL CHECK (direction > 0),
	kind         integer NOT NULL,
	title        text NOT NULL CHECK (title <> ''),
	body         text NOT NULL,
	body_document uuid,
	summary      text NOT NULL,
	conversation text NOT NULL,
	occurred_at  timestamptz NOT NULL,
	attachments  jsonb NOT NULL,
	actor        text NOT NULL,

	PRIMARY KEY (tenant, id),
	CONSTRAINT interaction_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact (tenant, id)
);
CREATE INDEX interaction_contact ON interaction (tenant, contact, occurred_at, id);
CREATE INDEX interaction_conversation ON interaction (tenant, conversation, occurred_at, id);
CREATE INDEX interaction_occurred_at ON interaction (tenant, occurred_at, id);
CREATE INDEX interaction_search ON interaction USING gin (to_tsvector('simple', title || ' ' || body));
-- Immutable (CON-34): role app adds and reads.
SELECT lingkar_secure('interaction', 'SELECT, INSERT');

-- Bodies too long for an interaction to carry. Only the beginning is indexed for
-- search, because PostgreSQL refuses a tsvector over 1 MiB; the text is whole.
CREATE TABLE document (
	tenant      uuid NOT NULL,
	id          uuid NOT NULL,
	interaction uuid NOT NULL,
	contact     uuid NOT NULL,
	title       text NOT NULL,
	media_type  text NOT NULL,
	text        text NOT NULL,
	size_bytes  bigint NOT NULL,
	create_time timestamptz NOT NULL,
	PRIMARY KEY (tenant, id),
	CONSTRAINT document_interaction_fkey FOREIGN KEY (tenant, interaction) REFERENCES interaction (tenant, id)
);
CREATE INDEX document_interaction ON document (tenant, interaction);
CREATE INDEX document_search ON document USING gin (to_tsvector('simple', left(text, 100000)));
SELECT lingkar_secure('document', 'SELECT, INSERT');

-- The ledger is append-only: role app adds and reads.
CREATE TABLE consent (
	tenant       uuid NOT NULL,
	id           uuid NOT NULL,
	create_time  timestamptz NOT NULL,
	update_time  timestamptz NOT NULL,
	delete_time  timestamptz,
	seq          bigint NOT NULL,
	partition    smallint NOT NULL,
	owner        text NOT NULL,
	team         text NOT NULL,
	source       text NOT NULL,
	external_ids jsonb NOT NULL,
	labels       jsonb NOT NULL,
	custom_fields jsonb NOT NULL,

	contact      uuid NOT NULL,
	purpose      text NOT NULL CHECK (purpose <> ''),
	channel      integer NOT NULL,
	state        integer NOT NULL CHECK (state IN (1, 2)),
	text_version text NOT NULL,
	evidence     text NOT NULL,
	ip_address   text NOT NULL,
	occurred_at  timestamptz NOT NULL,
	expire_time  timestamptz,
	actor        text NOT NULL,

	PRIMARY KEY (tenant, id),
	CONSTRAINT consent_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact (tenant, id)
);
CREATE INDEX consent_contact ON consent (tenant, contact, occurred_at, id);
CREATE INDEX consent_occurred_at ON consent (tenant, occurred_at, id);
SELECT lingkar_secure('consent', 'SELECT, INSERT');
