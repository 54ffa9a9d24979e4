-- +goose Up

-- What personal data is used for, by what right, and how long it is kept.
CREATE TABLE purpose (
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

	code           text NOT NULL CHECK (code <> ''),
	display_name   text NOT NULL CHECK (display_name <> ''),
	description    text NOT NULL,
	legal_basis    integer NOT NULL CHECK (legal_basis BETWEEN 1 AND 4),
	consent_days   integer NOT NULL CHECK (consent_days >= 0),
	retention_days integer NOT NULL CHECK (retention_days >= 0),
	roles          jsonb NOT NULL,

	PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX purpose_code_key ON purpose (tenant, code) WHERE delete_time IS NULL;
CREATE INDEX purpose_create_time ON purpose (tenant, create_time, id);
CREATE INDEX purpose_update_time ON purpose (tenant, update_time, id);
CREATE INDEX purpose_code ON purpose (tenant, code, id);
SELECT lingkar_secure('purpose', 'SELECT, INSERT, UPDATE');

-- An objection is a no to a purpose that does not rest on consent alone.
ALTER TABLE consent DROP CONSTRAINT consent_state_check;
ALTER TABLE consent ADD CONSTRAINT consent_state_check CHECK (state IN (1, 2, 3)) NOT VALID;
ALTER TABLE consent VALIDATE CONSTRAINT consent_state_check;

-- When the processing of a contact's data was restricted: it is kept, and not used.
ALTER TABLE contact ADD COLUMN restrict_time timestamptz;
