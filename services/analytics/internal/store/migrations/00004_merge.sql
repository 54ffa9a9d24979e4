-- A customer that was merged into another one is part of it: reads go over all that are
-- one with it, as of the instant that is asked about.
-- +goose Up

ALTER FUNCTION projection_create(text) RENAME TO projection_create_unmerged;

-- +goose StatementBegin
-- projection_create, with what is new of the tables.
CREATE FUNCTION projection_create(target text)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
	PERFORM projection_create_unmerged(target);
	-- The search path is the target's first by now.
	ALTER TABLE customer ADD COLUMN merged_into uuid;
	CREATE INDEX customer_merged_into ON customer (tenant, merged_into, replaced_at) WHERE merged_into IS NOT NULL;
END
$$;
-- +goose StatementEnd

REVOKE EXECUTE ON FUNCTION projection_create(text) FROM PUBLIC;

ALTER TABLE customer ADD COLUMN merged_into uuid;
CREATE INDEX customer_merged_into ON customer (tenant, merged_into, replaced_at) WHERE merged_into IS NOT NULL;
