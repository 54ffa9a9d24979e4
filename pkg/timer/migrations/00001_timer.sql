-- +goose Up

-- What is to be done later, once. A row lives from when it is armed until it fired or
-- was cancelled; one that keeps failing stays, parked, for an operator to see.
CREATE TABLE timer (
	tenant   uuid        NOT NULL,
	kind     text        NOT NULL,
	key      text        NOT NULL,
	-- When it is due, and when it is tried next: later where it failed.
	due_time timestamptz NOT NULL,
	try_time timestamptz NOT NULL,
	payload  bytea       NOT NULL,
	attempts integer     NOT NULL DEFAULT 0,
	parked   boolean     NOT NULL DEFAULT false,
	error    text        NOT NULL DEFAULT '',
	CONSTRAINT timer_pkey PRIMARY KEY (tenant, kind, key)
);
-- What is due is looked for over all tenants, by role relay.
CREATE INDEX timer_due ON timer (try_time) WHERE NOT parked;
SELECT lingkar_secure('timer');
