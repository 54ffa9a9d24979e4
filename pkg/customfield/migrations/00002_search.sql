-- +goose Up

-- Values of searchable fields are found by parts of their words. They stand among those of
-- indexed fields, a long text with its first 500 characters.
ALTER TABLE custom_value ADD COLUMN searchable boolean NOT NULL DEFAULT false;
CREATE INDEX custom_value_search ON custom_value USING gin (tenant, value gin_trgm_ops) WHERE searchable;

-- +goose StatementBegin
-- custom_keys answers the values of a field that a record has: several where it may hold
-- a list.
CREATE OR REPLACE FUNCTION custom_keys(type smallint, value jsonb)
RETURNS SETOF text
LANGUAGE sql
IMMUTABLE PARALLEL SAFE
ROWS 2
AS $$
	SELECT left(value #>> '{}', 500)
	WHERE type = 2 AND jsonb_typeof(value) = 'string'
	UNION ALL
	SELECT DISTINCT custom_key(type, one)
	FROM jsonb_array_elements(CASE WHEN type = 10 AND jsonb_typeof(value) = 'array' THEN value ELSE jsonb_build_array(value) END) AS one
	WHERE type <> 2 AND custom_key(type, one) IS NOT NULL
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- custom_values_add enters the values of a record, and notes which fields are in use.
CREATE OR REPLACE FUNCTION custom_values_add()
RETURNS trigger
LANGUAGE plpgsql
AS $$
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
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- search_custom_values answers the tenant's records of which one value of a searchable
-- field holds all the patterns (of LIKE, without regard to case). It runs as the owner, as
-- lingkar_search does, and takes the tenant from the setting that the policies read.
CREATE FUNCTION search_custom_values(of_resource text, patterns text[], most int)
RETURNS SETOF uuid
LANGUAGE sql
STABLE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
	SELECT DISTINCT v.id
	FROM custom_value AS v
	JOIN custom_field AS f ON f.tenant = v.tenant AND f.id = v.field
	WHERE v.tenant = current_setting('app.tenant')::uuid AND v.searchable AND v.value ILIKE ALL (patterns)
		AND f.resource = of_resource AND f.searchable AND f.delete_time IS NULL
	LIMIT most
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION search_custom_values(text, text[], int) FROM PUBLIC;

-- +goose StatementBegin
DO $$
BEGIN
	EXECUTE format('GRANT EXECUTE ON FUNCTION search_custom_values(text, text[], int) TO %I',
		substring(current_user from '^(.+)_owner$') || '_app');
END
$$;
-- +goose StatementEnd
