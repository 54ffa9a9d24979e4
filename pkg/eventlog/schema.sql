-- What the migrations make, as PostgreSQL 15 words it. To read, not to run.
-- What is not here is in pkg/*/schema.sql.
-- Written by go test ./services/internal/schema -update.

CREATE TABLE audit (
	tenant uuid NOT NULL,
	position bigint GENERATED AS IDENTITY NOT NULL,
	recorded_at timestamp with time zone NOT NULL,
	actor text NOT NULL,
	method text NOT NULL,
	resource text NOT NULL,
	seq bigint NOT NULL,
	request_id text NOT NULL,
	correlation_id text NOT NULL,
	note text NOT NULL,
	leaf bytea NOT NULL,
	block bigint,
	CONSTRAINT audit_leaf_check CHECK ((octet_length(leaf) = 32)),
	CONSTRAINT audit_pkey PRIMARY KEY (tenant, "position")
);
CREATE INDEX audit_unsealed ON audit USING btree (tenant, "position") WHERE (block IS NULL);
CREATE POLICY system ON audit TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON audit TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE audit_block (
	tenant uuid NOT NULL,
	number bigint NOT NULL,
	previous bytea NOT NULL,
	root bytea NOT NULL,
	entries bigint NOT NULL,
	first bigint NOT NULL,
	last bigint NOT NULL,
	seal_time timestamp with time zone NOT NULL,
	hash bytea NOT NULL,
	key text NOT NULL,
	signature bytea NOT NULL,
	CONSTRAINT audit_block_check CHECK ((last >= first)),
	CONSTRAINT audit_block_entries_check CHECK ((entries > 0)),
	CONSTRAINT audit_block_hash_check CHECK ((octet_length(hash) = 32)),
	CONSTRAINT audit_block_number_check CHECK ((number > 0)),
	CONSTRAINT audit_block_pkey PRIMARY KEY (tenant, number),
	CONSTRAINT audit_block_previous_check CHECK ((octet_length(previous) = 32)),
	CONSTRAINT audit_block_root_check CHECK ((octet_length(root) = 32)),
	CONSTRAINT audit_block_signature_check CHECK ((octet_length(signature) = 64))
);
CREATE POLICY system ON audit_block TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON audit_block TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE erased_contact (
	projection text NOT NULL,
	tenant uuid NOT NULL,
	contact uuid NOT NULL,
	apply_time timestamp with time zone DEFAULT now() NOT NULL,
	settled boolean DEFAULT false NOT NULL,
	CONSTRAINT erased_contact_pkey PRIMARY KEY (projection, tenant, contact)
);
CREATE INDEX erased_contact_unsettled ON erased_contact USING btree (projection, apply_time) WHERE (NOT settled);
CREATE POLICY system ON erased_contact TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON erased_contact TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE event_log (
	tenant uuid NOT NULL,
	aggregate text NOT NULL,
	aggregate_seq bigint NOT NULL,
	recorded_at timestamp with time zone NOT NULL,
	position bigint DEFAULT nextval('event_position'::regclass) NOT NULL,
	id uuid NOT NULL,
	partition smallint NOT NULL,
	type text NOT NULL,
	event bytea NOT NULL,
	CONSTRAINT event_log_aggregate_seq_check CHECK ((aggregate_seq > 0)),
	CONSTRAINT event_log_partition_check CHECK (((partition >= 0) AND (partition <= 15))),
	CONSTRAINT event_log_pkey PRIMARY KEY (tenant, aggregate, aggregate_seq, recorded_at)
) PARTITION BY RANGE (recorded_at);
CREATE UNIQUE INDEX event_log_position ON event_log USING btree ("position", recorded_at);
CREATE POLICY system ON event_log TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON event_log TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE event_order (
	partition smallint NOT NULL,
	seq bigint NOT NULL,
	position bigint NOT NULL,
	recorded_at timestamp with time zone NOT NULL,
	CONSTRAINT event_order_pkey PRIMARY KEY (partition, seq),
	CONSTRAINT event_order_seq_check CHECK ((seq > 0))
);

CREATE TABLE idempotency (
	tenant uuid NOT NULL,
	subject text NOT NULL,
	method text NOT NULL,
	key text NOT NULL,
	hash bytea NOT NULL,
	response bytea,
	contacts uuid[] NOT NULL,
	position bigint,
	create_time timestamp with time zone NOT NULL,
	CONSTRAINT idempotency_pkey PRIMARY KEY (tenant, subject, method, key)
);
CREATE INDEX idempotency_age ON idempotency USING brin (create_time) WITH (pages_per_range='32');
CREATE POLICY system ON idempotency TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON idempotency TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE outbox (
	position bigint NOT NULL,
	recorded_at timestamp with time zone NOT NULL,
	partition smallint NOT NULL,
	CONSTRAINT outbox_pkey PRIMARY KEY ("position")
);

CREATE TABLE parked_event (
	projection text NOT NULL,
	area text NOT NULL,
	partition smallint NOT NULL,
	seq bigint NOT NULL,
	tenant uuid NOT NULL,
	key text NOT NULL,
	id uuid NOT NULL,
	event bytea NOT NULL,
	cause text NOT NULL,
	attempts integer NOT NULL,
	create_time timestamp with time zone DEFAULT now() NOT NULL,
	update_time timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT parked_event_pkey PRIMARY KEY (projection, area, partition, seq)
);
CREATE INDEX parked_event_id ON parked_event USING btree (projection, id);
CREATE INDEX parked_event_key ON parked_event USING btree (projection, area, partition, tenant, key);
CREATE POLICY system ON parked_event TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON parked_event TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE partition_head (
	partition smallint NOT NULL,
	seq bigint DEFAULT 0 NOT NULL,
	published bigint DEFAULT 0 NOT NULL,
	CONSTRAINT partition_head_check CHECK (((published >= 0) AND (published <= seq))),
	CONSTRAINT partition_head_partition_check CHECK (((partition >= 0) AND (partition <= 15))),
	CONSTRAINT partition_head_pkey PRIMARY KEY (partition)
);

CREATE TABLE projection_cursor (
	projection text NOT NULL,
	area text NOT NULL,
	partition smallint NOT NULL,
	seq bigint DEFAULT 0 NOT NULL,
	recorded_at timestamp with time zone,
	CONSTRAINT projection_cursor_pkey PRIMARY KEY (projection, area, partition)
);

CREATE TABLE relay_epoch (
	one boolean DEFAULT true NOT NULL,
	epoch bigint DEFAULT 0 NOT NULL,
	CONSTRAINT relay_epoch_one_check CHECK (one),
	CONSTRAINT relay_epoch_pkey PRIMARY KEY (one)
);

CREATE OR REPLACE FUNCTION event_log_months(first timestamp with time zone, months integer)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
		IF to_regclass('' || name) IS NULL THEN
			LOCK TABLE event_log_default IN ACCESS EXCLUSIVE MODE;
			EXECUTE format('CREATE TABLE %I (LIKE event_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
			EXECUTE format('WITH moved AS (DELETE FROM event_log_default WHERE recorded_at >= %L AND recorded_at < %L RETURNING *) '
				'INSERT INTO %I SELECT * FROM moved', begins, ends, name);
			EXECUTE format('ALTER TABLE event_log ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, begins, ends);
		END IF;
		month := month + interval '1 month';
	END LOOP;
END
$function$
;
