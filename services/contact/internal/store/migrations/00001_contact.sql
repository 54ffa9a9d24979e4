-- +goose Up

-- The next free number of each tenant's Customer IDs. Processes take blocks of
-- them in short transactions of their own, so that creations never wait for one
-- another.
CREATE TABLE customer_number (
	tenant uuid PRIMARY KEY,
	next   bigint NOT NULL CHECK (next > 0)
);
SELECT lingkar_secure('customer_number');

CREATE TABLE contact (
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

	customer_id  text NOT NULL CHECK (customer_id <> ''),
	key_id       uuid NOT NULL,
	kind         smallint NOT NULL CHECK (kind IN (1, 2)),
	display_name text NOT NULL CHECK (display_name <> ''),
	name_key     text NOT NULL,
	search_key   text NOT NULL,
	given_name   text NOT NULL,
	family_name  text NOT NULL,
	organisation_name text NOT NULL,
	job_title    text NOT NULL,
	birthday     text NOT NULL,
	identifiers  jsonb NOT NULL,
	addresses    jsonb NOT NULL,
	preference   jsonb,
	roles        jsonb NOT NULL,
	roles_held   jsonb NOT NULL,
	language_code text NOT NULL,
	region_code  text NOT NULL,
	note         text NOT NULL,
	no_third_party_sharing boolean NOT NULL,

	PRIMARY KEY (tenant, id),
	CONSTRAINT contact_customer_id_key UNIQUE (tenant, customer_id)
);
CREATE INDEX contact_create_time ON contact (tenant, create_time, id);
CREATE INDEX contact_update_time ON contact (tenant, update_time, id);
CREATE INDEX contact_name ON contact (tenant, name_key, id);
CREATE INDEX contact_owner ON contact (tenant, owner, create_time, id);
CREATE INDEX contact_team ON contact (tenant, team, create_time, id);
CREATE INDEX contact_kind ON contact (tenant, kind, create_time, id);
CREATE INDEX contact_region ON contact (tenant, region_code, create_time, id);
CREATE INDEX contact_search ON contact USING gin (tenant, search_key gin_trgm_ops);
SELECT lingkar_secure('contact');
SELECT lingkar_index_map('contact', 'labels');
SELECT lingkar_index_map('contact', 'roles_held');

-- What living contacts can be found by. Rows are written with the contact, in the
-- same batch; kind 100 is an external id, "system:id". E-mail addresses and phone
-- numbers may repeat among contacts, and are looked up by the primary key.
CREATE TABLE identifier (
	tenant  uuid NOT NULL,
	kind    smallint NOT NULL,
	key     text NOT NULL,
	contact uuid NOT NULL,
	PRIMARY KEY (tenant, kind, key, contact)
);
CREATE UNIQUE INDEX identifier_card_key ON identifier (tenant, key) WHERE kind = 3;
CREATE UNIQUE INDEX identifier_device_key ON identifier (tenant, key) WHERE kind = 4;
CREATE UNIQUE INDEX identifier_external_id_key ON identifier (tenant, key) WHERE kind = 100;
SELECT lingkar_secure('identifier');

CREATE TABLE relationship_type (
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

	forward_name text NOT NULL CHECK (forward_name <> ''),
	reverse_name text NOT NULL CHECK (reverse_name <> ''),
	name_key     text NOT NULL,
	from_kind    smallint NOT NULL CHECK (from_kind IN (0, 1, 2)),
	to_kind      smallint NOT NULL CHECK (to_kind IN (0, 1, 2)),
	inactive     boolean NOT NULL,
	description  text NOT NULL,

	PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX relationship_type_name_key ON relationship_type (tenant, name_key) WHERE delete_time IS NULL;
CREATE INDEX relationship_type_create_time ON relationship_type (tenant, create_time, id);
CREATE INDEX relationship_type_update_time ON relationship_type (tenant, update_time, id);
CREATE INDEX relationship_type_name ON relationship_type (tenant, name_key, id);
SELECT lingkar_secure('relationship_type');

CREATE TABLE relationship (
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

	type         uuid NOT NULL,
	from_contact uuid NOT NULL,
	to_contact   uuid NOT NULL,
	role         text NOT NULL,
	start_time   timestamptz NOT NULL,
	end_time     timestamptz,
	note         text NOT NULL,

	PRIMARY KEY (tenant, id),
	CONSTRAINT relationship_type_fkey FOREIGN KEY (tenant, type) REFERENCES relationship_type (tenant, id),
	CONSTRAINT relationship_from_fkey FOREIGN KEY (tenant, from_contact) REFERENCES contact (tenant, id),
	CONSTRAINT relationship_to_fkey FOREIGN KEY (tenant, to_contact) REFERENCES contact (tenant, id),
	CONSTRAINT relationship_dates_check CHECK (end_time >= start_time),
	CONSTRAINT relationship_itself_check CHECK (from_contact <> to_contact)
);
-- Two contacts hold one relationship of a type at a time.
CREATE UNIQUE INDEX relationship_open_key ON relationship (tenant, type, from_contact, to_contact)
	WHERE end_time IS NULL AND delete_time IS NULL;
CREATE INDEX relationship_from ON relationship (tenant, from_contact, create_time, id);
CREATE INDEX relationship_to ON relationship (tenant, to_contact, create_time, id);
CREATE INDEX relationship_of_type ON relationship (tenant, type, create_time, id);
CREATE INDEX relationship_create_time ON relationship (tenant, create_time, id);
CREATE INDEX relationship_update_time ON relationship (tenant, update_time, id);
SELECT lingkar_secure('relationship');
