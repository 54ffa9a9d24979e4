-- What the migrations make, as PostgreSQL 15 words it. To read, not to run.
-- What is not here is in pkg/*/schema.sql.
-- Written by go test ./services/internal/schema -update.

CREATE TABLE aggregate_state (
	tenant uuid NOT NULL,
	aggregate text NOT NULL,
	seq bigint NOT NULL,
	contact uuid NOT NULL,
	section smallint NOT NULL,
	area text NOT NULL,
	open boolean NOT NULL,
	deleted boolean NOT NULL,
	owner text NOT NULL,
	team text NOT NULL,
	changed_at timestamp with time zone NOT NULL,
	recorded_at timestamp with time zone NOT NULL,
	replaced_at timestamp with time zone NOT NULL,
	peer uuid,
	refers text,
	state bytea NOT NULL,
	CONSTRAINT aggregate_state_pkey PRIMARY KEY (tenant, aggregate, seq, contact)
);
CREATE INDEX aggregate_state_contact ON aggregate_state USING btree (tenant, contact, section, replaced_at, open DESC, changed_at DESC, aggregate, recorded_at);
CREATE POLICY system ON aggregate_state TO analytics_owner, analytics_relay USING (true);
CREATE POLICY tenant ON aggregate_state TO analytics_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE customer (
	tenant uuid NOT NULL,
	aggregate text NOT NULL,
	seq bigint NOT NULL,
	contact uuid NOT NULL,
	customer_id text NOT NULL,
	display_name text NOT NULL,
	owner text NOT NULL,
	team text NOT NULL,
	partition smallint NOT NULL,
	deleted boolean NOT NULL,
	no_need boolean NOT NULL,
	recorded_at timestamp with time zone NOT NULL,
	replaced_at timestamp with time zone NOT NULL,
	merged_into uuid,
	CONSTRAINT customer_pkey PRIMARY KEY (tenant, aggregate, seq)
);
CREATE INDEX customer_contact ON customer USING btree (tenant, contact, replaced_at) INCLUDE (recorded_at, deleted, no_need);
CREATE INDEX customer_merged_into ON customer USING btree (tenant, merged_into, replaced_at) WHERE (merged_into IS NOT NULL);
CREATE INDEX customer_number ON customer USING btree (tenant, customer_id, replaced_at);
CREATE POLICY system ON customer TO analytics_owner, analytics_relay USING (true);
CREATE POLICY tenant ON customer TO analytics_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE event_contact (
	tenant uuid NOT NULL,
	contact uuid NOT NULL,
	recorded_at timestamp with time zone NOT NULL,
	event_id uuid NOT NULL,
	arrival bigint NOT NULL,
	CONSTRAINT event_contact_pkey PRIMARY KEY (tenant, contact, recorded_at, event_id)
);
CREATE POLICY system ON event_contact TO analytics_owner, analytics_relay USING (true);
CREATE POLICY tenant ON event_contact TO analytics_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE event_store (
	tenant uuid NOT NULL,
	event_id uuid NOT NULL,
	recorded_at timestamp with time zone NOT NULL,
	arrival bigint NOT NULL,
	area text NOT NULL,
	partition smallint NOT NULL,
	position bigint NOT NULL,
	type text NOT NULL,
	event bytea NOT NULL,
	CONSTRAINT event_store_pkey PRIMARY KEY (tenant, event_id, recorded_at)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX event_store_arrival ON event_store USING btree (tenant, arrival);
CREATE POLICY system ON event_store TO analytics_owner, analytics_relay USING (true);
CREATE POLICY tenant ON event_store TO analytics_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE exchange_rate (
	tenant uuid NOT NULL,
	aggregate text NOT NULL,
	seq bigint NOT NULL,
	from_currency text NOT NULL,
	to_currency text NOT NULL,
	day date NOT NULL,
	rate numeric(28,9) NOT NULL,
	recorded_at timestamp with time zone NOT NULL,
	replaced_at timestamp with time zone NOT NULL,
	CONSTRAINT exchange_rate_pkey PRIMARY KEY (tenant, aggregate, seq)
);
CREATE INDEX exchange_rate_day ON exchange_rate USING btree (tenant, from_currency, to_currency, day);
CREATE POLICY system ON exchange_rate TO analytics_owner, analytics_relay USING (true);
CREATE POLICY tenant ON exchange_rate TO analytics_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE fact (
	tenant uuid NOT NULL,
	aggregate text NOT NULL,
	seq bigint NOT NULL,
	kind smallint NOT NULL,
	contact uuid NOT NULL,
	at timestamp with time zone NOT NULL,
	currency text NOT NULL,
	amount numeric(28,9) NOT NULL,
	recorded_at timestamp with time zone NOT NULL,
	replaced_at timestamp with time zone NOT NULL,
	CONSTRAINT fact_pkey PRIMARY KEY (tenant, aggregate, seq)
);
CREATE INDEX fact_contact ON fact USING btree (tenant, kind, contact, replaced_at) INCLUDE (at, recorded_at, currency, amount);
CREATE POLICY system ON fact TO analytics_owner, analytics_relay USING (true);
CREATE POLICY tenant ON fact TO analytics_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE first_relation (
	tenant uuid NOT NULL,
	contact uuid NOT NULL,
	since timestamp with time zone NOT NULL,
	CONSTRAINT first_relation_pkey PRIMARY KEY (tenant, contact)
);
CREATE POLICY system ON first_relation TO analytics_owner, analytics_relay USING (true);
CREATE POLICY tenant ON first_relation TO analytics_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE rebuild (
	id uuid NOT NULL,
	state text NOT NULL,
	batch_size integer NOT NULL,
	compare boolean NOT NULL,
	done bigint DEFAULT 0 NOT NULL,
	total bigint DEFAULT 0 NOT NULL,
	attempts integer DEFAULT 0 NOT NULL,
	create_time timestamp with time zone NOT NULL,
	start_time timestamp with time zone,
	end_time timestamp with time zone,
	cause text DEFAULT ''::text NOT NULL,
	digests jsonb,
	CONSTRAINT rebuild_batch_size_check CHECK ((batch_size > 0)),
	CONSTRAINT rebuild_pkey PRIMARY KEY (id),
	CONSTRAINT rebuild_state_check CHECK ((state = ANY (ARRAY['RUNNING'::text, 'DONE'::text, 'FAILED'::text])))
);
CREATE UNIQUE INDEX rebuild_running ON rebuild USING btree ((true)) WHERE (state = 'RUNNING'::text);

CREATE TABLE tenant_setting (
	tenant uuid NOT NULL,
	seq bigint NOT NULL,
	currency text NOT NULL,
	zone text NOT NULL,
	window_months integer DEFAULT 12 NOT NULL,
	CONSTRAINT tenant_setting_pkey PRIMARY KEY (tenant)
);
CREATE POLICY system ON tenant_setting TO analytics_owner, analytics_relay USING (true);
CREATE POLICY tenant ON tenant_setting TO analytics_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE timeline (
	tenant uuid NOT NULL,
	contact uuid NOT NULL,
	occurred_at timestamp with time zone NOT NULL,
	event_id uuid NOT NULL,
	recorded_at timestamp with time zone NOT NULL,
	area text NOT NULL,
	type text NOT NULL,
	channel smallint NOT NULL,
	conversation text NOT NULL,
	interaction boolean NOT NULL,
	related boolean NOT NULL,
	entry bytea NOT NULL,
	guarded text DEFAULT ''::text NOT NULL,
	CONSTRAINT timeline_pkey PRIMARY KEY (tenant, contact, occurred_at, event_id)
);
CREATE INDEX timeline_conversation ON timeline USING btree (tenant, contact, conversation, occurred_at, event_id) WHERE (conversation <> ''::text);
CREATE POLICY system ON timeline TO analytics_owner, analytics_relay USING (true);
CREATE POLICY tenant ON timeline TO analytics_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE OR REPLACE FUNCTION event_store_month(instant timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
	month timestamp := date_trunc('month', instant AT TIME ZONE 'UTC');
	name  text := 'event_store_' || to_char(month, 'YYYY_MM');
BEGIN
	IF to_regclass('' || name) IS NOT NULL THEN
		RETURN;
	END IF;
	PERFORM pg_advisory_xact_lock(hashtext('event_store_month'));
	IF to_regclass('' || name) IS NOT NULL THEN
		RETURN;
	END IF;
	EXECUTE format('CREATE TABLE %I (LIKE event_store INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
	EXECUTE format('ALTER TABLE event_store ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
		name, month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
END
$function$
;

CREATE OR REPLACE FUNCTION projection_create(target text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
	PERFORM projection_create_unguarded(target);
	-- The search path is the target's first by now.
	ALTER TABLE timeline ADD COLUMN guarded text NOT NULL DEFAULT '';
END
$function$
;

CREATE OR REPLACE FUNCTION projection_create_unguarded(target text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
	PERFORM projection_create_unwindowed(target);
	-- The search path is the target's first by now.
	ALTER TABLE tenant_setting ADD COLUMN window_months integer NOT NULL DEFAULT 12;
END
$function$
;

CREATE OR REPLACE FUNCTION projection_create_unmerged(target text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
	PERFORM set_config('search_path', format('%I, public', target), true);

	-- What happened to a contact. The column entry is the message TimelineEntry.
	CREATE TABLE timeline (
		tenant       uuid        NOT NULL,
		contact      uuid        NOT NULL,
		occurred_at  timestamptz NOT NULL,
		event_id     uuid        NOT NULL,
		recorded_at  timestamptz NOT NULL,
		area         text        NOT NULL,
		type         text        NOT NULL,
		channel      smallint    NOT NULL,
		conversation text        NOT NULL,
		interaction  boolean     NOT NULL,
		related      boolean     NOT NULL,
		entry        bytea       NOT NULL,
		CONSTRAINT timeline_pkey PRIMARY KEY (tenant, contact, occurred_at, event_id)
	);
	CREATE INDEX timeline_conversation ON timeline (tenant, contact, conversation, occurred_at, event_id)
		WHERE conversation <> '';

	-- Every version of a resource, for each contact it concerns. The column state
	-- is the resource for contacts, relationships and their types, and a WorkItem
	-- for everything else.
	CREATE TABLE aggregate_state (
		tenant      uuid        NOT NULL,
		aggregate   text        NOT NULL,
		seq         bigint      NOT NULL,
		contact     uuid        NOT NULL,
		section     smallint    NOT NULL,
		area        text        NOT NULL,
		open        boolean     NOT NULL,
		deleted     boolean     NOT NULL,
		owner       text        NOT NULL,
		team        text        NOT NULL,
		changed_at  timestamptz NOT NULL,
		recorded_at timestamptz NOT NULL,
		replaced_at timestamptz NOT NULL,
		-- What a relationship leads to: the other contact, and its type.
		peer        uuid,
		refers      text,
		state       bytea       NOT NULL,
		CONSTRAINT aggregate_state_pkey PRIMARY KEY (tenant, aggregate, seq, contact)
	);
	CREATE INDEX aggregate_state_contact ON aggregate_state
		(tenant, contact, section, replaced_at, open DESC, changed_at DESC, aggregate, recorded_at);

	-- Who can be looked up and listed.
	CREATE TABLE customer (
		tenant       uuid        NOT NULL,
		aggregate    text        NOT NULL,
		seq          bigint      NOT NULL,
		contact      uuid        NOT NULL,
		customer_id  text        NOT NULL,
		display_name text        NOT NULL,
		owner        text        NOT NULL,
		team         text        NOT NULL,
		partition    smallint    NOT NULL,
		deleted      boolean     NOT NULL,
		no_need      boolean     NOT NULL,
		recorded_at  timestamptz NOT NULL,
		replaced_at  timestamptz NOT NULL,
		CONSTRAINT customer_pkey PRIMARY KEY (tenant, aggregate, seq)
	);
	CREATE INDEX customer_contact ON customer (tenant, contact, replaced_at) INCLUDE (recorded_at, deleted, no_need);
	CREATE INDEX customer_number ON customer (tenant, customer_id, replaced_at);

	-- Numbers known of a contact. Kind 1 is a purchase with its amount, 2 how
	-- satisfied it said it was, from 1 to 5.
	CREATE TABLE fact (
		tenant      uuid          NOT NULL,
		aggregate   text          NOT NULL,
		seq         bigint        NOT NULL,
		kind        smallint      NOT NULL,
		contact     uuid          NOT NULL,
		at          timestamptz   NOT NULL,
		currency    text          NOT NULL,
		amount      numeric(28,9) NOT NULL,
		recorded_at timestamptz   NOT NULL,
		replaced_at timestamptz   NOT NULL,
		CONSTRAINT fact_pkey PRIMARY KEY (tenant, aggregate, seq)
	);
	-- The pyramid sums up all purchases of a tenant, in the order of this index and
	-- from it alone.
	CREATE INDEX fact_contact ON fact (tenant, kind, contact, replaced_at) INCLUDE (at, recorded_at, currency, amount);

	-- The earliest instant at which a contact is known to have to do with us: the
	-- later one of when it happened and when it was recorded.
	CREATE TABLE first_relation (
		tenant  uuid        NOT NULL,
		contact uuid        NOT NULL,
		since   timestamptz NOT NULL,
		CONSTRAINT first_relation_pkey PRIMARY KEY (tenant, contact)
	);

	-- What a currency is worth in another, from a day on.
	CREATE TABLE exchange_rate (
		tenant        uuid          NOT NULL,
		aggregate     text          NOT NULL,
		seq           bigint        NOT NULL,
		from_currency text          NOT NULL,
		to_currency   text          NOT NULL,
		day           date          NOT NULL,
		rate          numeric(28,9) NOT NULL,
		recorded_at   timestamptz   NOT NULL,
		replaced_at   timestamptz   NOT NULL,
		CONSTRAINT exchange_rate_pkey PRIMARY KEY (tenant, aggregate, seq)
	);
	CREATE INDEX exchange_rate_day ON exchange_rate (tenant, from_currency, to_currency, day);

	-- What holds for all of a tenant.
	CREATE TABLE tenant_setting (
		tenant   uuid   NOT NULL,
		seq      bigint NOT NULL,
		currency text   NOT NULL,
		zone     text   NOT NULL,
		CONSTRAINT tenant_setting_pkey PRIMARY KEY (tenant)
	);

	PERFORM lingkar_secure(format('%I.%I', target, name)::regclass, 'SELECT')
	FROM unnest(projection_tables()) AS name;
END
$function$
;

CREATE OR REPLACE FUNCTION projection_create_unwindowed(target text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
	PERFORM projection_create_unmerged(target);
	-- The search path is the target's first by now.
	ALTER TABLE customer ADD COLUMN merged_into uuid;
	CREATE INDEX customer_merged_into ON customer (tenant, merged_into, replaced_at) WHERE merged_into IS NOT NULL;
END
$function$
;

CREATE OR REPLACE FUNCTION projection_tables()
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE
AS $function$ SELECT ARRAY['aggregate_state', 'customer', 'exchange_rate', 'fact', 'first_relation', 'tenant_setting', 'timeline'] $function$
;

CREATE OR REPLACE FUNCTION rebuild_analyze()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
	name       text;
	definition text;
BEGIN
	FOR name, definition IN
		SELECT t.relname, pg_get_indexdef(i.indexrelid)
		FROM pg_index i
		JOIN pg_class c ON c.oid = i.indexrelid
		JOIN pg_class t ON t.oid = i.indrelid
		WHERE t.relnamespace = 'public'::regnamespace AND t.relname = ANY (projection_tables())
		  AND to_regclass(format('shadow.%I', c.relname)) IS NULL
	LOOP
		EXECUTE replace(definition, format(' ON %I ', name), format(' ON shadow.%I ', name));
	END LOOP;
	FOREACH name IN ARRAY projection_tables() LOOP
		EXECUTE format('ANALYZE shadow.%I', name);
	END LOOP;
END
$function$
;

CREATE OR REPLACE FUNCTION rebuild_begin()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY projection_tables() LOOP
		EXECUTE format('DROP TABLE IF EXISTS shadow.%I', name);
	END LOOP;
	PERFORM projection_create('shadow');
	FOR name IN
		SELECT c.relname
		FROM pg_index i
		JOIN pg_class c ON c.oid = i.indexrelid
		WHERE c.relnamespace = 'shadow'::regnamespace AND NOT i.indisunique
	LOOP
		EXECUTE format('DROP INDEX shadow.%I', name);
	END LOOP;
END
$function$
;

CREATE OR REPLACE FUNCTION rebuild_swap()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY projection_tables() LOOP
		EXECUTE format('DROP TABLE %I', name);
		EXECUTE format('ALTER TABLE shadow.%I SET SCHEMA public', name);
	END LOOP;
END
$function$
;

CREATE OR REPLACE FUNCTION round_half_even(amount numeric, digits integer)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN ((abs((amount - trunc(amount, digits))) * power((10)::numeric, (digits)::numeric)) = 0.5) THEN ((2)::numeric * round((amount * 0.5), digits)) ELSE round(amount, digits) END
;
