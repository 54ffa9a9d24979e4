-- Every event of every area, as it was published: what all projections of
-- analytics can be built from again.
-- +goose Up

-- One number per batch of events. The arrival of an event is this number and its
-- place in the batch; batches are stored one at a time, so that an arrival once
-- seen is never followed by a smaller one.
CREATE SEQUENCE event_arrival;

-- The column event is the message lingkar.event.v1.Event, personal fields sealed.
CREATE TABLE event_store (
	tenant      uuid        NOT NULL,
	event_id    uuid        NOT NULL,
	recorded_at timestamptz NOT NULL,
	arrival     bigint      NOT NULL,
	area        text        NOT NULL,
	partition   smallint    NOT NULL,
	position    bigint      NOT NULL,
	type        text        NOT NULL,
	event       bytea       NOT NULL,
	-- An event has one time of recording, so this holds its id unique.
	PRIMARY KEY (tenant, event_id, recorded_at)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX event_store_arrival ON event_store (tenant, arrival);
SELECT lingkar_secure('event_store', 'SELECT');

-- The events that concern a contact.
CREATE TABLE event_contact (
	tenant      uuid        NOT NULL,
	contact     uuid        NOT NULL,
	recorded_at timestamptz NOT NULL,
	event_id    uuid        NOT NULL,
	arrival     bigint      NOT NULL,
	PRIMARY KEY (tenant, contact, recorded_at, event_id)
);
SELECT lingkar_secure('event_contact', 'SELECT');

-- +goose StatementBegin
-- event_store_month makes the partition of the month that holds the instant. It
-- may run beside readers and writers.
CREATE FUNCTION event_store_month(instant timestamptz)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	month timestamp := date_trunc('month', instant AT TIME ZONE 'UTC');
	name  text := 'event_store_' || to_char(month, 'YYYY_MM');
BEGIN
	IF to_regclass('public.' || name) IS NOT NULL THEN
		RETURN;
	END IF;
	PERFORM pg_advisory_xact_lock(hashtext('event_store_month'));
	IF to_regclass('public.' || name) IS NOT NULL THEN
		RETURN;
	END IF;
	EXECUTE format('CREATE TABLE public.%I (LIKE public.event_store INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
	EXECUTE format('ALTER TABLE public.event_store ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
		name, month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
END
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION event_store_month(timestamptz) FROM PUBLIC;

-- +goose StatementBegin
DO $$
DECLARE
	relay text := substring(current_user::text FROM '^(.+)_owner$') || '_relay';
BEGIN
	EXECUTE format('GRANT USAGE ON SEQUENCE event_arrival TO %I', relay);
	EXECUTE format('GRANT EXECUTE ON FUNCTION event_store_month(timestamptz) TO %I', relay);
END
$$;
-- +goose StatementEnd
