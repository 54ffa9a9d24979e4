-- How many calendar months a purchase may lie back that makes its customer active: what
-- the tenant says.
-- +goose Up

ALTER FUNCTION projection_create(text) RENAME TO projection_create_unwindowed;

-- +goose StatementBegin
-- projection_create, with what is new of the tables.
CREATE FUNCTION projection_create(target text)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
	PERFORM projection_create_unwindowed(target);
	-- The search path is the target's first by now.
	ALTER TABLE tenant_setting ADD COLUMN window_months integer NOT NULL DEFAULT 12;
END
$$;
-- +goose StatementEnd

REVOKE EXECUTE ON FUNCTION projection_create(text) FROM PUBLIC;

ALTER TABLE tenant_setting ADD COLUMN window_months integer NOT NULL DEFAULT 12;
