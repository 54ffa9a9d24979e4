-- Building the projections anew beside the live ones.
-- +goose Up

CREATE SCHEMA shadow;

-- One row per rebuild that was asked for. The one that is RUNNING is at work, or
-- was interrupted and begins again.
CREATE TABLE rebuild (
	id          uuid        PRIMARY KEY,
	state       text        NOT NULL CHECK (state IN ('RUNNING', 'DONE', 'FAILED')),
	batch_size  integer     NOT NULL CHECK (batch_size > 0),
	compare     boolean     NOT NULL,
	done        bigint      NOT NULL DEFAULT 0,
	total       bigint      NOT NULL DEFAULT 0,
	attempts    integer     NOT NULL DEFAULT 0,
	create_time timestamptz NOT NULL,
	start_time  timestamptz,
	end_time    timestamptz,
	cause       text        NOT NULL DEFAULT '',
	-- The digests of each projection before and after; null where not asked for.
	digests     jsonb
);
CREATE UNIQUE INDEX rebuild_running ON rebuild ((true)) WHERE state = 'RUNNING';
SELECT lingkar_grant('rebuild', 'SELECT');

-- +goose StatementBegin
-- rebuild_begin makes the shadow of every projection, empty.
CREATE FUNCTION rebuild_begin()
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY public.projection_tables() LOOP
		EXECUTE format('DROP TABLE IF EXISTS shadow.%I', name);
	END LOOP;
	PERFORM public.projection_create('shadow');
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- rebuild_analyze tells the planner of what the shadows hold, so that the first
-- queries after the swap are planned like those before.
CREATE FUNCTION rebuild_analyze()
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY public.projection_tables() LOOP
		EXECUTE format('ANALYZE shadow.%I', name);
	END LOOP;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- rebuild_swap puts the shadows in the place of the live tables.
CREATE FUNCTION rebuild_swap()
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY public.projection_tables() LOOP
		EXECUTE format('DROP TABLE public.%I', name);
		EXECUTE format('ALTER TABLE shadow.%I SET SCHEMA public', name);
	END LOOP;
END
$$;
-- +goose StatementEnd

REVOKE EXECUTE ON FUNCTION rebuild_begin() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION rebuild_analyze() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION rebuild_swap() FROM PUBLIC;

-- +goose StatementBegin
DO $$
DECLARE
	relay text := substring(current_user::text FROM '^(.+)_owner$') || '_relay';
BEGIN
	EXECUTE format('GRANT USAGE ON SCHEMA shadow TO %I', relay);
	EXECUTE format('GRANT EXECUTE ON FUNCTION rebuild_begin(), rebuild_analyze(), rebuild_swap() TO %I', relay);
END
$$;
-- +goose StatementEnd
