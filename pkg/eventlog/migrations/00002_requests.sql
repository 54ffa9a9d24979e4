-- What a change leaves beside its rows and events.
-- +goose Up

-- The answers kept for repeated requests, for 72 hours.
CREATE TABLE idempotency (
	tenant      uuid        NOT NULL,
	subject     text        NOT NULL,
	method      text        NOT NULL,
	key         text        NOT NULL,
	hash        bytea       NOT NULL,
	-- The answer; null once it was erased.
	response    bytea,
	-- The contacts whose personal data the answer may hold.
	contacts    uuid[]      NOT NULL,
	-- The log's position after the change; null where it wrote no event.
	position    bigint,
	create_time timestamptz NOT NULL,
	CONSTRAINT idempotency_pkey PRIMARY KEY (tenant, subject, method, key)
);
CREATE INDEX idempotency_age ON idempotency USING brin (create_time) WITH (pages_per_range = 32);
SELECT lingkar_secure('idempotency', 'SELECT, INSERT');

-- Who changed what. Written unchained; leaf is the SHA-256 of the canonical
-- entry, and a sealer puts the leaves into chained blocks.
CREATE TABLE audit (
	tenant         uuid        NOT NULL,
	position       bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
	recorded_at    timestamptz NOT NULL,
	actor          text        NOT NULL,
	method         text        NOT NULL,
	resource       text        NOT NULL,
	-- The number of the last event of the resource that the change wrote.
	seq            bigint      NOT NULL,
	request_id     text        NOT NULL,
	correlation_id text        NOT NULL,
	note           text        NOT NULL,
	leaf           bytea       NOT NULL CHECK (octet_length(leaf) = 32),
	-- The block that seals the entry; null until then.
	block          bigint,
	PRIMARY KEY (tenant, position)
);
CREATE INDEX audit_unsealed ON audit (tenant, position) WHERE block IS NULL;
SELECT lingkar_secure('audit', 'SELECT, INSERT');
