-- +goose Up

-- The entries of the maps of resources (labels, external ids), so that an index
-- can find them: the operators of jsonb are not leakproof, and so of no use under
-- row-level security. source is "<table>.<column>". Where alone is set, no other
-- row of the source may have the same entry.
CREATE TABLE map_entry (
	tenant uuid NOT NULL,
	source text NOT NULL,
	id uuid NOT NULL,
	key text NOT NULL,
	value text NOT NULL,
	alone boolean NOT NULL,
	PRIMARY KEY (tenant, source, id, key)
);
CREATE INDEX map_entry_value ON map_entry (tenant, source, key, value, id);
CREATE UNIQUE INDEX map_entry_alone ON map_entry (tenant, source, key, value) WHERE alone;
SELECT lingkar_secure('map_entry');

-- +goose StatementBegin
-- lingkar_index_map keeps map_entry in step with a jsonb column from text to
-- text, by triggers that cost nothing where the map is empty or unchanged. Rows
-- that exist are entered too.
CREATE FUNCTION lingkar_index_map(target regclass, col text, alone boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	tbl text := (SELECT relname FROM pg_class WHERE oid = target);
	source text := tbl || '.' || col;
	fn text := tbl || '_' || col || '_entries';
BEGIN
	EXECUTE format($fn$
		CREATE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql AS $body$
		BEGIN
			IF TG_OP <> 'INSERT' THEN
				DELETE FROM map_entry e
				WHERE e.tenant = OLD.tenant AND e.source = %2$L AND e.id = OLD.id;
			END IF;
			IF TG_OP <> 'DELETE' THEN
				INSERT INTO map_entry (tenant, source, id, key, value, alone)
				SELECT NEW.tenant, %2$L, NEW.id, e.key, e.value, %3$L
				FROM jsonb_each_text(NEW.%4$I) e;
			END IF;
			RETURN NULL;
		END
		$body$
	$fn$, fn, source, alone, col);
	EXECUTE format('CREATE TRIGGER %1$I AFTER INSERT ON %2$s FOR EACH ROW
		WHEN (NEW.%3$I <> ''{}'') EXECUTE FUNCTION %4$I()', fn || '_insert', target, col, fn);
	EXECUTE format('CREATE TRIGGER %1$I AFTER UPDATE OF %3$I ON %2$s FOR EACH ROW
		WHEN (NEW.%3$I IS DISTINCT FROM OLD.%3$I) EXECUTE FUNCTION %4$I()', fn || '_update', target, col, fn);
	EXECUTE format('CREATE TRIGGER %1$I AFTER DELETE ON %2$s FOR EACH ROW
		WHEN (OLD.%3$I <> ''{}'') EXECUTE FUNCTION %4$I()', fn || '_delete', target, col, fn);
	EXECUTE format('INSERT INTO map_entry (tenant, source, id, key, value, alone)
		SELECT t.tenant, %1$L, t.id, e.key, e.value, %2$L FROM %3$s t, jsonb_each_text(t.%4$I) e',
		source, alone, target, col);
END
$$;
-- +goose StatementEnd

REVOKE EXECUTE ON FUNCTION lingkar_index_map(regclass, text, boolean) FROM PUBLIC;
