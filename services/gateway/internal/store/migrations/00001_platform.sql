-- Tenants and what each has of people, teams, keys and exchange rates.
-- +goose Up

-- Ids in other systems, each held by one resource of its kind.
CREATE TABLE external_id (
	tenant   uuid NOT NULL,
	kind     text NOT NULL,
	system   text NOT NULL,
	id       text NOT NULL,
	resource uuid NOT NULL,
	CONSTRAINT external_id_taken PRIMARY KEY (tenant, kind, system, id)
);
CREATE INDEX external_id_resource ON external_id (tenant, kind, resource);
SELECT lingkar_secure('external_id');

-- A tenant's row is its own: only its people and operators see it.
CREATE TABLE tenant (
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
	display_name  text        NOT NULL CHECK (display_name <> ''),
	currency_code text        NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
	time_zone     text        NOT NULL CHECK (time_zone <> ''),
	state         integer     NOT NULL CHECK (state BETWEEN 1 AND 2),
	CONSTRAINT tenant_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT tenant_own CHECK (tenant = id)
);
CREATE INDEX tenant_create_time ON tenant (create_time, id);
SELECT lingkar_secure('tenant', 'SELECT, INSERT, UPDATE');

-- All tenants, for operators. The view reads as its owner, past row-level
-- security, and so shows nothing unless the session is in no tenant: the server
-- sets that for operators alone.
CREATE VIEW tenant_directory AS
SELECT 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid AS tenant, id, create_time, update_time, delete_time, seq,
	partition, owner, team, source, external_ids, labels, custom_fields, display_name, currency_code, time_zone, state
FROM tenant
WHERE current_setting('app.tenant') = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
SELECT lingkar_grant('tenant_directory', 'SELECT');

CREATE TABLE member (
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
	subject       text        NOT NULL CHECK (subject <> ''),
	contact       uuid,
	display_name  text        NOT NULL,
	roles         jsonb       NOT NULL,
	teams         jsonb       NOT NULL,
	CONSTRAINT member_pkey PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX member_subject_taken ON member (tenant, subject) WHERE delete_time IS NULL;
CREATE INDEX member_create_time ON member (tenant, create_time, id);
CREATE INDEX member_subject ON member (tenant, subject, id);
SELECT lingkar_secure('member', 'SELECT, INSERT, UPDATE');

CREATE TABLE team (
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
	display_name  text        NOT NULL CHECK (display_name <> ''),
	description   text        NOT NULL,
	CONSTRAINT team_pkey PRIMARY KEY (tenant, id)
);
-- What people call a team is compared without regard to case.
CREATE UNIQUE INDEX team_name_taken ON team (tenant, lower(display_name)) WHERE delete_time IS NULL;
CREATE INDEX team_create_time ON team (tenant, create_time, id);
CREATE INDEX team_display_name ON team (tenant, display_name, id);
SELECT lingkar_secure('team', 'SELECT, INSERT, UPDATE');

CREATE TABLE api_key (
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
	display_name  text        NOT NULL CHECK (display_name <> ''),
	roles         jsonb       NOT NULL,
	expire_time   timestamptz,
	hash          bytea       NOT NULL CHECK (length(hash) = 32),
	suffix        text        NOT NULL CHECK (length(suffix) = 4),
	last_use_time timestamptz,
	CONSTRAINT api_key_pkey PRIMARY KEY (tenant, id)
);
-- A key is looked for by its hash alone: it is what tells the tenant.
CREATE UNIQUE INDEX api_key_hash ON api_key (hash);
CREATE INDEX api_key_create_time ON api_key (tenant, create_time, id);
CREATE INDEX api_key_display_name ON api_key (tenant, display_name, id);
SELECT lingkar_secure('api_key', 'SELECT, INSERT, UPDATE');

CREATE TABLE exchange_rate (
	tenant             uuid          NOT NULL,
	id                 uuid          NOT NULL,
	create_time        timestamptz   NOT NULL,
	update_time        timestamptz   NOT NULL,
	delete_time        timestamptz,
	seq                bigint        NOT NULL,
	partition          smallint      NOT NULL,
	owner              text          NOT NULL,
	team               text          NOT NULL,
	source             text          NOT NULL,
	external_ids       jsonb         NOT NULL,
	labels             jsonb         NOT NULL,
	custom_fields      jsonb         NOT NULL,
	from_currency_code text          NOT NULL CHECK (from_currency_code ~ '^[A-Z]{3}$'),
	to_currency_code   text          NOT NULL CHECK (to_currency_code ~ '^[A-Z]{3}$'),
	date               date          NOT NULL,
	rate               numeric(28,9) NOT NULL CHECK (rate > 0),
	CONSTRAINT exchange_rate_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT exchange_rate_between_two CHECK (from_currency_code <> to_currency_code)
);
-- It also answers which rate held on a day.
CREATE UNIQUE INDEX exchange_rate_taken ON exchange_rate (tenant, from_currency_code, to_currency_code, date)
	WHERE delete_time IS NULL;
CREATE INDEX exchange_rate_create_time ON exchange_rate (tenant, create_time, id);
CREATE INDEX exchange_rate_date ON exchange_rate (tenant, from_currency_code, to_currency_code, date, id);
SELECT lingkar_secure('exchange_rate', 'SELECT, INSERT, UPDATE');
