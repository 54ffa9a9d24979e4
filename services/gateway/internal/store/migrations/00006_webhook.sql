-- Where events are sent outside, what is kept to send, and what became of it.
-- +goose Up
CREATE TABLE webhook_endpoint (
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
	url           text        NOT NULL CHECK (url <> ''),
	-- Full names of types; all where empty.
	event_types   jsonb       NOT NULL,
	-- 2 first party, 3 processor, 4 third party.
	recipient_class smallint  NOT NULL CHECK (recipient_class BETWEEN 2 AND 4),
	recipient     text        NOT NULL CHECK (recipient <> '' OR recipient_class <> 3),
	description   text        NOT NULL,
	-- 1 active, 2 paused, 3 disabled.
	state         smallint    NOT NULL CHECK (state BETWEEN 1 AND 3),
	state_reason  text        NOT NULL,
	-- Encrypted under the key-encryption key of webhooks.
	secret        bytea       NOT NULL CHECK (secret <> ''),
	secret_suffix text        NOT NULL,
	previous_secret bytea,
	previous_secret_end_time timestamptz,
	CONSTRAINT webhook_endpoint_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX webhook_endpoint_create_time ON webhook_endpoint (tenant, create_time, id);
CREATE INDEX webhook_endpoint_state ON webhook_endpoint (tenant, state, create_time, id);
SELECT lingkar_secure('webhook_endpoint', 'SELECT, INSERT, UPDATE');

-- The events of tenants that have endpoints, sealed as in the log.
CREATE TABLE webhook_event (
	tenant      uuid        NOT NULL,
	id          uuid        NOT NULL,
	type        text        NOT NULL,
	record_time timestamptz NOT NULL,
	aggregate   text        NOT NULL,
	event       bytea       NOT NULL,
	CONSTRAINT webhook_event_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX webhook_event_record_time ON webhook_event (tenant, record_time, id);
SELECT lingkar_secure('webhook_event', 'SELECT');

-- Whom they concern: what receivers answered to them is emptied with an erased contact.
CREATE TABLE webhook_event_contact (
	tenant  uuid NOT NULL,
	contact uuid NOT NULL,
	event   uuid NOT NULL,
	CONSTRAINT webhook_event_contact_pkey PRIMARY KEY (tenant, contact, event),
	CONSTRAINT webhook_event_contact_event FOREIGN KEY (tenant, event) REFERENCES webhook_event (tenant, id) ON DELETE CASCADE
);
CREATE INDEX webhook_event_contact_of ON webhook_event_contact (tenant, event);
SELECT lingkar_secure('webhook_event_contact', 'SELECT');

CREATE TABLE webhook_delivery (
	tenant       uuid        NOT NULL,
	id           uuid        NOT NULL,
	create_time  timestamptz NOT NULL,
	update_time  timestamptz NOT NULL,
	endpoint     uuid        NOT NULL,
	event        uuid        NOT NULL,
	event_type   text        NOT NULL,
	-- 1 pending, 2 delivered, 3 failed, 4 blocked.
	state        smallint    NOT NULL CHECK (state BETWEEN 1 AND 4),
	block_reason text        NOT NULL CHECK (block_reason = '' OR state = 4),
	tries        integer     NOT NULL,
	next_attempt_time timestamptz CHECK ((next_attempt_time IS NOT NULL) = (state = 1)),
	attempts     jsonb       NOT NULL,
	CONSTRAINT webhook_delivery_pkey PRIMARY KEY (tenant, id)
);
-- One delivery of an event to an endpoint.
CREATE UNIQUE INDEX webhook_delivery_once ON webhook_delivery (tenant, event, endpoint);
CREATE INDEX webhook_delivery_due ON webhook_delivery (tenant, endpoint, next_attempt_time, id) WHERE state = 1;
CREATE INDEX webhook_delivery_create_time ON webhook_delivery (tenant, create_time, id);
CREATE INDEX webhook_delivery_endpoint ON webhook_delivery (tenant, endpoint, create_time, id);
CREATE INDEX webhook_delivery_state ON webhook_delivery (tenant, state, create_time, id);
CREATE INDEX webhook_delivery_endpoint_state ON webhook_delivery (tenant, endpoint, state, create_time, id);
SELECT lingkar_secure('webhook_delivery', 'SELECT, INSERT, UPDATE');
