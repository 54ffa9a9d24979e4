-- The projections. They are made by a function, so that a rebuild makes the same
-- tables in the schema shadow and puts them in the place of the live ones. A later
-- migration that changes a projection replaces the function and its effect.
--
-- In tables of versions a row holds from recorded_at (inclusive) to replaced_at,
-- infinity for what holds now. No column depends on when an event was applied.
-- +goose Up

-- +goose StatementBegin
CREATE FUNCTION projection_create(target text)
RETURNS void
LANGUAGE plpgsql
AS $$
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
$$;
-- +goose StatementEnd

-- The tables of projection_create.
CREATE FUNCTION projection_tables() RETURNS text[]
LANGUAGE sql IMMUTABLE
AS $$ SELECT ARRAY['aggregate_state', 'customer', 'exchange_rate', 'fact', 'first_relation', 'tenant_setting', 'timeline'] $$;

SELECT projection_create('public');

REVOKE EXECUTE ON FUNCTION projection_create(text) FROM PUBLIC;

-- Half to even, as all amounts of Lingkar are rounded.
CREATE FUNCTION round_half_even(amount numeric, digits integer) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN abs(amount - trunc(amount, digits)) * power(10::numeric, digits) = 0.5
	THEN 2 * round(amount * 0.5, digits)
	ELSE round(amount, digits)
END;
