-- What the migrations make, as PostgreSQL 15 words it. To read, not to run.
-- What is not here is in pkg/*/schema.sql.
-- Written by go test ./services/internal/schema -update.

CREATE TABLE map_entry (
	tenant uuid NOT NULL,
	source text NOT NULL,
	id uuid NOT NULL,
	key text NOT NULL,
	value text NOT NULL,
	alone boolean NOT NULL,
	CONSTRAINT map_entry_pkey PRIMARY KEY (tenant, source, id, key)
);
CREATE INDEX map_entry_value ON map_entry USING btree (tenant, source, key, value, id);
CREATE UNIQUE INDEX map_entry_alone ON map_entry USING btree (tenant, source, key, value) WHERE alone;
CREATE POLICY system ON map_entry TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON map_entry TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE OR REPLACE FUNCTION lingkar_grant(target regclass, app_may text DEFAULT 'SELECT, INSERT, UPDATE, DELETE'::text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
	owner text := (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = target);
	service text := substring(owner from '^(.+)_owner$');
BEGIN
	IF service IS NULL THEN
		RAISE EXCEPTION 'the owner of %, %, is not named <service>_owner', target, owner;
	END IF;
	EXECUTE format('GRANT %s ON %s TO %I', app_may, target, service || '_app');
	EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I', target, service || '_relay');
END
$function$
;

CREATE OR REPLACE FUNCTION lingkar_index_map(target regclass, col text, alone boolean DEFAULT false)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION lingkar_search(target regclass, col text, words text[], most integer)
 RETURNS TABLE(id uuid, score real)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER ROWS 50
 SET search_path TO 'public', 'pg_temp'
 SET "pg_trgm.word_similarity_threshold" TO '0.5'
AS $function$
DECLARE
	matches text := '';
	scores text := '';
BEGIN
	FOR i IN 1 .. cardinality(words) LOOP
		matches := matches || format(' AND ($2)[%s] <%% t.%I', i, col);
		scores := scores || format(' + word_similarity(($2)[%s], found.%I)', i, col);
	END LOOP;
	IF matches = '' THEN
		RETURN;
	END IF;
	RETURN QUERY EXECUTE format(
		'SELECT found.id, ((0 %s) / %s)::real AS score
		FROM (SELECT t.id, t.%I FROM %s t WHERE t.tenant = $1 %s LIMIT 1000) found
		ORDER BY score DESC, found.id LIMIT $3',
		scores, cardinality(words), col, target, matches)
	USING current_setting('app.tenant')::uuid, words, most;
END
$function$
;

CREATE OR REPLACE FUNCTION lingkar_secure(target regclass, app_may text DEFAULT 'SELECT, INSERT, UPDATE, DELETE'::text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
	owner text := (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = target);
	service text := substring(owner from '^(.+)_owner$');
	own text := $own$tenant = current_setting('app.tenant')::uuid$own$;
BEGIN
	PERFORM lingkar_grant(target, app_may);
	EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
	EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
	EXECUTE format('DROP POLICY IF EXISTS tenant ON %s', target);
	EXECUTE format('DROP POLICY IF EXISTS system ON %s', target);
	EXECUTE format('CREATE POLICY tenant ON %s TO %I USING (%s) WITH CHECK (%s)',
		target, service || '_app', own, own);
	EXECUTE format('CREATE POLICY system ON %s TO %I, %I USING (true) WITH CHECK (true)',
		target, service || '_relay', owner);
END
$function$
;
