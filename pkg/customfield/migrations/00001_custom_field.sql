-- +goose Up

-- The fields that tenants add to their records.
CREATE TABLE custom_field (
	tenant       uuid NOT NULL,
	id           uuid NOT NULL,
	create_time  timestamptz NOT NULL,
	update_time  timestamptz NOT NULL,
	delete_time  timestamptz,
	seq          bigint NOT NULL,
	partition    smallint NOT NULL,
	owner        text NOT NULL,
	team         text NOT NULL,
	source       text NOT NULL,
	external_ids jsonb NOT NULL,
	labels       jsonb NOT NULL,
	custom_fields jsonb NOT NULL,

	resource      text NOT NULL CHECK (resource <> ''),
	key           text NOT NULL CHECK (key <> ''),
	kinds         jsonb NOT NULL,
	display_names jsonb NOT NULL,
	help_texts    jsonb NOT NULL,
	type          smallint NOT NULL CHECK (type BETWEEN 1 AND 14),
	options       jsonb NOT NULL,
	required      boolean NOT NULL,
	default_value text NOT NULL,
	minimum       text NOT NULL,
	maximum       text NOT NULL,
	max_length    integer NOT NULL,
	pattern       text NOT NULL,
	is_unique     boolean NOT NULL,
	indexed       boolean NOT NULL,
	searchable    boolean NOT NULL,
	-- 0 none, 1 being filled, 2 holds every value.
	index_state   smallint NOT NULL CHECK (index_state BETWEEN 0 AND 2),
	in_use        boolean NOT NULL,
	pack          text NOT NULL,

	PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX custom_field_key ON custom_field (tenant, resource, key) WHERE delete_time IS NULL;
CREATE INDEX custom_field_create_time ON custom_field (tenant, create_time, id);
CREATE INDEX custom_field_update_time ON custom_field (tenant, update_time, id);
CREATE INDEX custom_field_by_key ON custom_field (tenant, key, id);
CREATE INDEX custom_field_by_resource ON custom_field (tenant, resource, key, id);
SELECT lingkar_secure('custom_field', 'SELECT, INSERT, UPDATE');

-- What a tenant has decided on keys that no field is on file for: 1 open, 2 strict.
CREATE TABLE custom_field_policy (
	tenant       uuid NOT NULL,
	id           uuid NOT NULL,
	create_time  timestamptz NOT NULL,
	update_time  timestamptz NOT NULL,
	delete_time  timestamptz,
	seq          bigint NOT NULL,
	partition    smallint NOT NULL,
	owner        text NOT NULL,
	team         text NOT NULL,
	source       text NOT NULL,
	external_ids jsonb NOT NULL,
	labels       jsonb NOT NULL,
	custom_fields jsonb NOT NULL,

	unknown_keys smallint NOT NULL CHECK (unknown_keys IN (1, 2)),

	PRIMARY KEY (tenant, id)
);
SELECT lingkar_secure('custom_field_policy', 'SELECT, INSERT, UPDATE');

-- Counts the changes of each tenant's fields and policy, so that the replicas learn of
-- them. The time is the database's.
CREATE TABLE custom_schema (
	tenant  uuid PRIMARY KEY,
	version bigint NOT NULL,
	changed timestamptz NOT NULL
);
CREATE INDEX custom_schema_changed ON custom_schema (changed);
SELECT lingkar_secure('custom_schema', 'SELECT, INSERT, UPDATE');

-- The values of indexed fields, in a form whose order byte by byte is that of the
-- values: the operators of jsonb and numeric are not leakproof, and so of no use under
-- row-level security. Where alone is set, no other record may have the value.
CREATE TABLE custom_value (
	tenant uuid NOT NULL,
	id     uuid NOT NULL,
	field  uuid NOT NULL,
	value  text COLLATE "C" NOT NULL,
	alone  boolean NOT NULL,
	PRIMARY KEY (tenant, id, field, value)
);
CREATE INDEX custom_value_value ON custom_value (tenant, field, value, id);
CREATE UNIQUE INDEX custom_value_alone ON custom_value (tenant, field, value) WHERE alone;
SELECT lingkar_secure('custom_value');

-- What is to be done about the index of a field in the background: fill it, or empty it.
CREATE TABLE custom_build (
	tenant  uuid NOT NULL,
	field   uuid NOT NULL,
	since   timestamptz NOT NULL,
	-- Transactions before it may not have known of the field.
	horizon bigint,
	-- The last record that was looked at.
	after   uuid,
	PRIMARY KEY (tenant, field)
);
SELECT lingkar_secure('custom_build', 'SELECT, INSERT, UPDATE');

-- +goose StatementBegin
-- custom_number_key answers a number as text that sorts as the number does; NULL where
-- it is none of up to 18 digits before and 9 behind the point.
CREATE FUNCTION custom_number_key(value text)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
	digits text;
BEGIN
	IF value !~ '^-?[0-9]{1,18}(\.[0-9]{1,9})?$' THEN
		RETURN NULL;
	END IF;
	digits := lpad(split_part(ltrim(value, '-'), '.', 1), 18, '0') || rpad(split_part(value, '.', 2), 9, '0');
	IF left(value, 1) = '-' AND digits ~ '[1-9]' THEN
		RETURN 'a' || translate(digits, '0123456789', '9876543210');
	END IF;
	RETURN 'b' || digits;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- custom_key answers one value of a field of the type as it stands in custom_value; NULL
-- where it is no value of the type.
CREATE FUNCTION custom_key(type smallint, value jsonb)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
	kind   text := jsonb_typeof(value);
	plain  text := value #>> '{}';
	nanos  text;
	amount text;
BEGIN
	CASE
		WHEN value IS NULL OR kind = 'null' THEN
			RETURN NULL;
		WHEN type IN (3, 4) AND kind IN ('number', 'string') THEN
			RETURN custom_number_key(plain);
		WHEN type = 5 AND kind = 'object' AND value ->> 'currencyCode' ~ '^[A-Z]{3}$' THEN
			amount := coalesce(value ->> 'units', '0');
			nanos := coalesce(value ->> 'nanos', '0');
			IF nanos !~ '^-?[0-9]{1,9}$' THEN
				RETURN NULL;
			END IF;
			IF left(nanos, 1) = '-' AND left(amount, 1) <> '-' THEN
				amount := '-' || amount;
			END IF;
			RETURN (value ->> 'currencyCode') || custom_number_key(amount || '.' || lpad(ltrim(nanos, '-'), 9, '0'));
		WHEN type = 6 AND kind = 'boolean' THEN
			RETURN plain;
		WHEN type = 7 AND kind = 'string' AND plain ~ '^\d{4}-\d{2}-\d{2}$' THEN
			RETURN plain;
		WHEN type = 8 AND kind = 'string' AND plain ~ '^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$' THEN
			RETURN left(plain, 19) || rpad(rtrim(substr(plain, 21), 'Z'), 6, '0');
		WHEN type IN (1, 9, 10, 11, 12, 13, 14) AND kind = 'string' AND length(plain) <= 500 THEN
			RETURN plain;
		ELSE
			RETURN NULL;
	END CASE;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- custom_keys answers the values of a field that a record has: several where it may hold
-- a list.
CREATE FUNCTION custom_keys(type smallint, value jsonb)
RETURNS SETOF text
LANGUAGE sql
IMMUTABLE PARALLEL SAFE
ROWS 2
AS $$
	SELECT DISTINCT custom_key(type, one)
	FROM jsonb_array_elements(CASE WHEN type = 10 AND jsonb_typeof(value) = 'array' THEN value ELSE jsonb_build_array(value) END) AS one
	WHERE custom_key(type, one) IS NOT NULL
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- custom_values_drop runs before a record changes: all old values are gone before the
-- first new one is added, so that records of one statement can pass a unique value on.
CREATE FUNCTION custom_values_drop()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
	DELETE FROM custom_value AS v WHERE v.tenant = OLD.tenant AND v.id = OLD.id;
	RETURN NEW;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- custom_values_add enters the values of a record, and notes which fields are in use.
CREATE FUNCTION custom_values_add()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
	UPDATE custom_field AS f SET in_use = true
	WHERE f.tenant = NEW.tenant AND f.resource = TG_ARGV[0] AND f.delete_time IS NULL AND NOT f.in_use AND NEW.custom_fields ? f.key;
	INSERT INTO custom_value (tenant, id, field, value, alone)
	SELECT NEW.tenant, NEW.id, f.id, k.value, f.is_unique AND NEW.delete_time IS NULL
	FROM custom_field AS f
	CROSS JOIN LATERAL custom_keys(f.type, NEW.custom_fields -> f.key) AS k (value)
	WHERE f.tenant = NEW.tenant AND f.resource = TG_ARGV[0] AND f.delete_time IS NULL AND f.index_state > 0;
	RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- lingkar_custom_fields keeps custom_value in step with the custom_fields of a table, by
-- triggers that cost nothing where there are none or they stay the same. The table needs
-- tenant, id and delete_time.
CREATE FUNCTION lingkar_custom_fields(target regclass, resource text)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	changed text := '(NEW.custom_fields IS DISTINCT FROM OLD.custom_fields OR (NEW.delete_time IS NULL) <> (OLD.delete_time IS NULL))';
BEGIN
	EXECUTE format('CREATE TRIGGER custom_values_insert AFTER INSERT ON %s FOR EACH ROW
		WHEN (NEW.custom_fields <> ''{}'') EXECUTE FUNCTION custom_values_add(%L)', target, resource);
	EXECUTE format('CREATE TRIGGER custom_values_drop BEFORE UPDATE ON %s FOR EACH ROW
		WHEN (OLD.custom_fields <> ''{}'' AND %s) EXECUTE FUNCTION custom_values_drop()', target, changed);
	EXECUTE format('CREATE TRIGGER custom_values_update AFTER UPDATE ON %s FOR EACH ROW
		WHEN (NEW.custom_fields <> ''{}'' AND %s) EXECUTE FUNCTION custom_values_add(%L)', target, changed, resource);
	EXECUTE format('CREATE TRIGGER custom_values_delete AFTER DELETE ON %s FOR EACH ROW
		WHEN (OLD.custom_fields <> ''{}'') EXECUTE FUNCTION custom_values_drop()', target);
END
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION lingkar_custom_fields(regclass, text) FROM PUBLIC;

-- +goose StatementBegin
-- custom_schema_count counts a change of a field or of the policy.
CREATE FUNCTION custom_schema_count()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
	INSERT INTO custom_schema AS s (tenant, version, changed)
	VALUES (NEW.tenant, 1, clock_timestamp())
	ON CONFLICT (tenant) DO UPDATE SET version = s.version + 1, changed = clock_timestamp();
	RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER custom_schema_insert AFTER INSERT ON custom_field FOR EACH ROW EXECUTE FUNCTION custom_schema_count();
CREATE TRIGGER custom_schema_update AFTER UPDATE ON custom_field FOR EACH ROW
	WHEN (NEW.seq <> OLD.seq OR NEW.index_state <> OLD.index_state) EXECUTE FUNCTION custom_schema_count();
CREATE TRIGGER custom_schema_policy AFTER INSERT OR UPDATE ON custom_field_policy FOR EACH ROW EXECUTE FUNCTION custom_schema_count();

-- +goose StatementBegin
-- custom_build_ask asks for the index of a field to be filled, or emptied.
CREATE FUNCTION custom_build_ask()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
	INSERT INTO custom_build (tenant, field, since)
	VALUES (NEW.tenant, NEW.id, clock_timestamp())
	ON CONFLICT (tenant, field) DO UPDATE SET since = clock_timestamp(), horizon = NULL, after = NULL;
	RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER custom_build_insert AFTER INSERT ON custom_field FOR EACH ROW
	WHEN (NEW.index_state = 1) EXECUTE FUNCTION custom_build_ask();
CREATE TRIGGER custom_build_update AFTER UPDATE ON custom_field FOR EACH ROW
	WHEN (NEW.index_state <> OLD.index_state AND NEW.index_state <> 2) EXECUTE FUNCTION custom_build_ask();
