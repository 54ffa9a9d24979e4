-- How far each projection has come, and what it could not apply.
-- +goose Up

-- The guard of exactly-once: set in the transaction that applies the events.
CREATE TABLE projection_cursor (
	projection  text     NOT NULL,
	area        text     NOT NULL,
	partition   smallint NOT NULL,
	seq         bigint   NOT NULL DEFAULT 0,
	-- When the event at seq was recorded; null before the first.
	recorded_at timestamptz,
	PRIMARY KEY (projection, area, partition)
) WITH (fillfactor = 50);
SELECT lingkar_grant('projection_cursor', 'SELECT');

-- Events that could not be applied, and later ones of the same customer that
-- wait behind them.
CREATE TABLE parked_event (
	projection  text        NOT NULL,
	area        text        NOT NULL,
	partition   smallint    NOT NULL,
	seq         bigint      NOT NULL,
	tenant      uuid        NOT NULL,
	-- What is parked together: the primary contact, else the aggregate.
	key         text        NOT NULL,
	id          uuid        NOT NULL,
	event       bytea       NOT NULL,
	-- Why; empty for an event that waits behind another.
	cause       text        NOT NULL,
	attempts    integer     NOT NULL,
	create_time timestamptz NOT NULL DEFAULT now(),
	update_time timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (projection, area, partition, seq)
);
CREATE INDEX parked_event_key ON parked_event (projection, area, partition, tenant, key);
CREATE INDEX parked_event_id ON parked_event (projection, id);
SELECT lingkar_secure('parked_event', 'SELECT');
