-- +goose Up

-- Both come with PostgreSQL and are trusted: the owner of the database may create
-- them.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- +goose StatementBegin
-- lingkar_search answers the ids of the tenant's rows whose column of normalised
-- text holds every word, or one written nearly like it, the best first. It runs
-- as the owner, since the operators of full text are not leakproof and have no
-- index under row-level security: so it takes the tenant from the same setting as
-- the policies, never from its caller. The table needs
--   CREATE INDEX … USING gin (tenant, <col> gin_trgm_ops).
-- It ranks the first 1,000 rows it finds.
CREATE FUNCTION lingkar_search(target regclass, col text, words text[], most int)
RETURNS TABLE (id uuid, score real)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
SET search_path = public, pg_temp
SET pg_trgm.word_similarity_threshold = 0.5
AS $$
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
$$;
-- +goose StatementEnd

REVOKE EXECUTE ON FUNCTION lingkar_search(regclass, text, text[], int) FROM PUBLIC;

-- +goose StatementBegin
DO $$
BEGIN
	EXECUTE format('GRANT EXECUTE ON FUNCTION lingkar_search(regclass, text, text[], int) TO %I',
		substring(current_user from '^(.+)_owner$') || '_app');
END
$$;
-- +goose StatementEnd
