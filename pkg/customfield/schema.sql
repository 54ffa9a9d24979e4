-- What the migrations make, as PostgreSQL 15 words it. To read, not to run.
-- What is not here is in pkg/*/schema.sql.
-- Written by go test ./services/internal/schema -update.

CREATE TABLE custom_build (
	tenant uuid NOT NULL,
	field uuid NOT NULL,
	since timestamp with time zone NOT NULL,
	horizon bigint,
	after uuid,
	CONSTRAINT custom_build_pkey PRIMARY KEY (tenant, field)
);
CREATE POLICY system ON custom_build TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON custom_build TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE custom_field (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	create_time timestamp with time zone NOT NULL,
	update_time timestamp with time zone NOT NULL,
	delete_time timestamp with time zone,
	seq bigint NOT NULL,
	partition smallint NOT NULL,
	owner text NOT NULL,
	team text NOT NULL,
	source text NOT NULL,
	external_ids jsonb NOT NULL,
	labels jsonb NOT NULL,
	custom_fields jsonb NOT NULL,
	resource text NOT NULL,
	key text NOT NULL,
	kinds jsonb NOT NULL,
	display_names jsonb NOT NULL,
	help_texts jsonb NOT NULL,
	type smallint NOT NULL,
	options jsonb NOT NULL,
	required boolean NOT NULL,
	default_value text NOT NULL,
	minimum text NOT NULL,
	maximum text NOT NULL,
	max_length integer NOT NULL,
	pattern text NOT NULL,
	is_unique boolean NOT NULL,
	indexed boolean NOT NULL,
	searchable boolean NOT NULL,
	index_state smallint NOT NULL,
	in_use boolean NOT NULL,
	pack text NOT NULL,
	CONSTRAINT custom_field_index_state_check CHECK (((index_state >= 0) AND (index_state <= 2))),
	CONSTRAINT custom_field_key_check CHECK ((key <> ''::text)),
	CONSTRAINT custom_field_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT custom_field_resource_check CHECK ((resource <> ''::text)),
	CONSTRAINT custom_field_type_check CHECK (((type >= 1) AND (type <= 14)))
);
CREATE INDEX custom_field_by_key ON custom_field USING btree (tenant, key, id);
CREATE INDEX custom_field_by_resource ON custom_field USING btree (tenant, resource, key, id);
CREATE INDEX custom_field_create_time ON custom_field USING btree (tenant, create_time, id);
CREATE INDEX custom_field_update_time ON custom_field USING btree (tenant, update_time, id);
CREATE UNIQUE INDEX custom_field_key ON custom_field USING btree (tenant, resource, key) WHERE (delete_time IS NULL);
CREATE POLICY system ON custom_field TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON custom_field TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
CREATE TRIGGER custom_build_insert AFTER INSERT ON custom_field FOR EACH ROW WHEN ((new.index_state = 1)) EXECUTE FUNCTION custom_build_ask();
CREATE TRIGGER custom_build_update AFTER UPDATE ON custom_field FOR EACH ROW WHEN (((new.index_state <> old.index_state) AND (new.index_state <> 2))) EXECUTE FUNCTION custom_build_ask();
CREATE TRIGGER custom_schema_insert AFTER INSERT ON custom_field FOR EACH ROW EXECUTE FUNCTION custom_schema_count();
CREATE TRIGGER custom_schema_update AFTER UPDATE ON custom_field FOR EACH ROW WHEN (((new.seq <> old.seq) OR (new.index_state <> old.index_state))) EXECUTE FUNCTION custom_schema_count();

CREATE TABLE custom_field_policy (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	create_time timestamp with time zone NOT NULL,
	update_time timestamp with time zone NOT NULL,
	delete_time timestamp with time zone,
	seq bigint NOT NULL,
	partition smallint NOT NULL,
	owner text NOT NULL,
	team text NOT NULL,
	source text NOT NULL,
	external_ids jsonb NOT NULL,
	labels jsonb NOT NULL,
	custom_fields jsonb NOT NULL,
	unknown_keys smallint NOT NULL,
	CONSTRAINT custom_field_policy_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT custom_field_policy_unknown_keys_check CHECK ((unknown_keys = ANY (ARRAY[1, 2])))
);
CREATE POLICY system ON custom_field_policy TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON custom_field_policy TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
CREATE TRIGGER custom_schema_policy AFTER INSERT OR UPDATE ON custom_field_policy FOR EACH ROW EXECUTE FUNCTION custom_schema_count();

CREATE TABLE custom_schema (
	tenant uuid NOT NULL,
	version bigint NOT NULL,
	changed timestamp with time zone NOT NULL,
	CONSTRAINT custom_schema_pkey PRIMARY KEY (tenant)
);
CREATE INDEX custom_schema_changed ON custom_schema USING btree (changed);
CREATE POLICY system ON custom_schema TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON custom_schema TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE custom_value (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	field uuid NOT NULL,
	value text NOT NULL,
	alone boolean NOT NULL,
	searchable boolean DEFAULT false NOT NULL,
	CONSTRAINT custom_value_pkey PRIMARY KEY (tenant, id, field, value)
);
CREATE INDEX custom_value_search ON custom_value USING gin (tenant, value gin_trgm_ops) WHERE searchable;
CREATE INDEX custom_value_value ON custom_value USING btree (tenant, field, value, id);
CREATE UNIQUE INDEX custom_value_alone ON custom_value USING btree (tenant, field, value) WHERE alone;
CREATE POLICY system ON custom_value TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON custom_value TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE OR REPLACE FUNCTION custom_build_ask()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
	INSERT INTO custom_build (tenant, field, since)
	VALUES (NEW.tenant, NEW.id, clock_timestamp())
	ON CONFLICT (tenant, field) DO UPDATE SET since = clock_timestamp(), horizon = NULL, after = NULL;
	RETURN NULL;
END
$function$
;

CREATE OR REPLACE FUNCTION custom_key(type smallint, value jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION custom_keys(type smallint, value jsonb)
 RETURNS SETOF text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE ROWS 2
AS $function$
	SELECT left(value #>> '{}', 500)
	WHERE type = 2 AND jsonb_typeof(value) = 'string'
	UNION ALL
	SELECT DISTINCT custom_key(type, one)
	FROM jsonb_array_elements(CASE WHEN type = 10 AND jsonb_typeof(value) = 'array' THEN value ELSE jsonb_build_array(value) END) AS one
	WHERE type <> 2 AND custom_key(type, one) IS NOT NULL
$function$
;

CREATE OR REPLACE FUNCTION custom_number_key(value text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION custom_schema_count()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
	INSERT INTO custom_schema AS s (tenant, version, changed)
	VALUES (NEW.tenant, 1, clock_timestamp())
	ON CONFLICT (tenant) DO UPDATE SET version = s.version + 1, changed = clock_timestamp();
	RETURN NULL;
END
$function$
;

CREATE OR REPLACE FUNCTION custom_values_add()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
	UPDATE custom_field AS f SET in_use = true
	WHERE f.tenant = NEW.tenant AND f.resource = TG_ARGV[0] AND f.delete_time IS NULL AND NOT f.in_use AND NEW.custom_fields ? f.key;
	INSERT INTO custom_value (tenant, id, field, value, alone, searchable)
	SELECT NEW.tenant, NEW.id, f.id, k.value, f.is_unique AND NEW.delete_time IS NULL, f.searchable AND NEW.delete_time IS NULL
	FROM custom_field AS f
	CROSS JOIN LATERAL custom_keys(f.type, NEW.custom_fields -> f.key) AS k (value)
	WHERE f.tenant = NEW.tenant AND f.resource = TG_ARGV[0] AND f.delete_time IS NULL AND f.index_state > 0;
	RETURN NULL;
END
$function$
;

CREATE OR REPLACE FUNCTION custom_values_drop()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
	DELETE FROM custom_value AS v WHERE v.tenant = OLD.tenant AND v.id = OLD.id;
	RETURN NEW;
END
$function$
;

CREATE OR REPLACE FUNCTION lingkar_custom_fields(target regclass, resource text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION search_custom_values(of_resource text, patterns text[], most integer)
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
	SELECT DISTINCT v.id
	FROM custom_value AS v
	JOIN custom_field AS f ON f.tenant = v.tenant AND f.id = v.field
	WHERE v.tenant = current_setting('app.tenant')::uuid AND v.searchable AND v.value ILIKE ALL (patterns)
		AND f.resource = of_resource AND f.searchable AND f.delete_time IS NULL
	LIMIT most
$function$
;
