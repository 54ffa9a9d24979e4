-- The record of a service: its events, their order, and what guards both.
-- +goose Up

-- Numbers the rows of the log in the order in which they were written. A number
-- may be skipped, and a higher one may be visible earlier: the order that
-- consumers see is event_order.
CREATE SEQUENCE event_position;

-- +goose StatementBegin
DO $$
BEGIN
	EXECUTE format('GRANT USAGE ON SEQUENCE event_position TO %I', substring(current_user::text FROM '^(.+)_owner$') || '_app');
END
$$;
-- +goose StatementEnd

-- Every event, for ever (until a month is trimmed on purpose). The column event
-- is the message lingkar.event.v1.Event without its position, sealed.
CREATE TABLE event_log (
	tenant        uuid        NOT NULL,
	aggregate     text        NOT NULL,
	aggregate_seq bigint      NOT NULL CHECK (aggregate_seq > 0),
	recorded_at   timestamptz NOT NULL,
	position      bigint      NOT NULL DEFAULT nextval('event_position'),
	id            uuid        NOT NULL,
	partition     smallint    NOT NULL CHECK (partition BETWEEN 0 AND 15),
	type          text        NOT NULL,
	event         bytea       NOT NULL,
	PRIMARY KEY (tenant, aggregate, aggregate_seq, recorded_at)
) PARTITION BY RANGE (recorded_at);
CREATE UNIQUE INDEX event_log_position ON event_log (position, recorded_at);

-- The net under a clock that is far off, and under months that were not made in
-- time.
CREATE TABLE event_log_default PARTITION OF event_log DEFAULT;

SELECT lingkar_secure('event_log', 'SELECT, INSERT');

-- +goose StatementBegin
-- event_log_months makes the partitions of so many months, beginning with the one
-- that holds first. Events of such a month that are in the default partition move
-- to the month's own. A change that writes an event of a month while that month
-- is made may fail with 23514, so make months before they begin.
CREATE FUNCTION event_log_months(first timestamptz, months integer)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	month  timestamp := date_trunc('month', first AT TIME ZONE 'UTC');
	name   text;
	begins timestamptz;
	ends   timestamptz;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtext('event_log_months'));
	FOR i IN 1..months LOOP
		name   := 'event_log_' || to_char(month, 'YYYY_MM');
		begins := month AT TIME ZONE 'UTC';
		ends   := (month + interval '1 month') AT TIME ZONE 'UTC';
		IF to_regclass('public.' || name) IS NULL THEN
			LOCK TABLE public.event_log_default IN ACCESS EXCLUSIVE MODE;
			EXECUTE format('CREATE TABLE public.%I (LIKE public.event_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
			EXECUTE format('WITH moved AS (DELETE FROM public.event_log_default WHERE recorded_at >= %L AND recorded_at < %L RETURNING *) '
				'INSERT INTO public.%I SELECT * FROM moved', begins, ends, name);
			EXECUTE format('ALTER TABLE public.event_log ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', name, begins, ends);
		END IF;
		month := month + interval '1 month';
	END LOOP;
END
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION event_log_months(timestamptz, integer) FROM PUBLIC;

-- +goose StatementBegin
DO $$
BEGIN
	EXECUTE format('GRANT EXECUTE ON FUNCTION event_log_months(timestamptz, integer) TO %I', substring(current_user::text FROM '^(.+)_owner$') || '_relay');
END
$$;
-- +goose StatementEnd

SELECT event_log_months(now(), 4);

-- What the relay has not put in order yet. A row lives for milliseconds.
CREATE TABLE outbox (
	position    bigint      PRIMARY KEY,
	recorded_at timestamptz NOT NULL,
	partition   smallint    NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
SELECT lingkar_grant('outbox', 'INSERT');

-- The order that consumers see: seq is 1, 2, 3, … per partition, without gaps.
CREATE TABLE event_order (
	partition   smallint    NOT NULL,
	seq         bigint      NOT NULL CHECK (seq > 0),
	position    bigint      NOT NULL,
	recorded_at timestamptz NOT NULL,
	PRIMARY KEY (partition, seq)
);
SELECT lingkar_grant('event_order', 'SELECT');

-- The end of each partition: the last seq given, and the last that the broker
-- has acknowledged.
CREATE TABLE partition_head (
	partition smallint PRIMARY KEY CHECK (partition BETWEEN 0 AND 15),
	seq       bigint   NOT NULL DEFAULT 0,
	published bigint   NOT NULL DEFAULT 0,
	CHECK (published BETWEEN 0 AND seq)
) WITH (fillfactor = 50);
INSERT INTO partition_head (partition) SELECT generate_series(0, 15);
SELECT lingkar_grant('partition_head', 'SELECT');

-- One row: the number of the relay's leader. Each leader takes the next, and only
-- the holder of the current one may give out seqs.
CREATE TABLE relay_epoch (
	one   boolean PRIMARY KEY DEFAULT true CHECK (one),
	epoch bigint  NOT NULL DEFAULT 0
);
INSERT INTO relay_epoch DEFAULT VALUES;
SELECT lingkar_grant('relay_epoch', 'SELECT');
