-- +goose Up

-- Who outside gets data of contacts.
CREATE TABLE recipient (
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

	display_name      text NOT NULL CHECK (display_name <> ''),
	recipient_class   integer NOT NULL CHECK (recipient_class IN (3, 4)),
	contract          text NOT NULL,
	contract_end_time timestamptz,
	fields            jsonb NOT NULL,
	description       text NOT NULL,

	PRIMARY KEY (tenant, id),
	CONSTRAINT recipient_contract_check CHECK (recipient_class <> 3 OR contract <> '')
);
CREATE INDEX recipient_create_time ON recipient (tenant, create_time, id);
CREATE INDEX recipient_update_time ON recipient (tenant, update_time, id);
CREATE INDEX recipient_name ON recipient (tenant, display_name, id);
SELECT lingkar_secure('recipient', 'SELECT, INSERT, UPDATE');

-- What the audit log says of a contact.
CREATE INDEX audit_resource ON audit (tenant, resource, position);
