-- A rebuild fills the shadows first and makes the indexes for readers afterwards, which
-- costs less than to keep them while rows come in by the thousand.
-- +goose Up

-- +goose StatementBegin
-- rebuild_begin makes the shadow of every projection, empty, with no index but the key.
CREATE OR REPLACE FUNCTION rebuild_begin()
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
	FOR name IN
		SELECT c.relname
		FROM pg_index i
		JOIN pg_class c ON c.oid = i.indexrelid
		WHERE c.relnamespace = 'shadow'::regnamespace AND NOT i.indisunique
	LOOP
		EXECUTE format('DROP INDEX shadow.%I', name);
	END LOOP;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- rebuild_analyze makes the shadows ready for readers: it gives them the indexes that the
-- live tables have, and tells the planner what they hold, so that the first queries after
-- the swap are planned like those before.
CREATE OR REPLACE FUNCTION rebuild_analyze()
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	name       text;
	definition text;
BEGIN
	FOR name, definition IN
		SELECT t.relname, pg_get_indexdef(i.indexrelid)
		FROM pg_index i
		JOIN pg_class c ON c.oid = i.indexrelid
		JOIN pg_class t ON t.oid = i.indrelid
		WHERE t.relnamespace = 'public'::regnamespace AND t.relname = ANY (public.projection_tables())
		  AND to_regclass(format('shadow.%I', c.relname)) IS NULL
	LOOP
		EXECUTE replace(definition, format(' ON public.%I ', name), format(' ON shadow.%I ', name));
	END LOOP;
	FOREACH name IN ARRAY public.projection_tables() LOOP
		EXECUTE format('ANALYZE shadow.%I', name);
	END LOOP;
END
$$;
-- +goose StatementEnd
