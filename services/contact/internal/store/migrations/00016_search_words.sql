-- +goose Up

-- Search reads English and Indonesian, and no accents: a text is indexed as it is
-- written and by its stems in both languages, whatever its own is.

-- +goose StatementBegin
-- search_words answers the words of a text that search compares.
CREATE FUNCTION search_words(body text)
RETURNS tsvector
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
	SELECT to_tsvector('pg_catalog.simple', w) || to_tsvector('pg_catalog.english', w) || to_tsvector('pg_catalog.indonesian', w)
	FROM (SELECT regexp_replace(normalize(body, NFD), E'[\u0300-\u036f]', '', 'g')) AS folded (w)
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- search_query answers a query, as websearch_to_tsquery reads it, in the same form.
CREATE FUNCTION search_query(query text)
RETURNS tsquery
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
	SELECT websearch_to_tsquery('pg_catalog.simple', w) || websearch_to_tsquery('pg_catalog.english', w) || websearch_to_tsquery('pg_catalog.indonesian', w)
	FROM (SELECT regexp_replace(normalize(query, NFD), E'[\u0300-\u036f]', '', 'g')) AS folded (w)
$$;
-- +goose StatementEnd

DROP INDEX interaction_search;
CREATE INDEX interaction_search ON interaction USING gin (search_words(title || ' ' || body));
DROP INDEX document_search;
CREATE INDEX document_search ON document USING gin (search_words(left(text, 100000)));

-- +goose StatementBegin
-- search_interaction, as before, in both languages.
CREATE OR REPLACE FUNCTION search_interaction(query text, with_contact uuid, max_rows integer)
RETURNS SETOF uuid
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
	SELECT i.id
	FROM interaction AS i
	JOIN (
		SELECT id
		FROM interaction
		WHERE tenant = current_setting('app.tenant')::uuid
			AND search_words(title || ' ' || body) @@ search_query(query)
		UNION
		SELECT interaction
		FROM document
		WHERE tenant = current_setting('app.tenant')::uuid
			AND search_words(left(text, 100000)) @@ search_query(query)
	) AS found ON found.id = i.id
	WHERE i.tenant = current_setting('app.tenant')::uuid
		AND (with_contact IS NULL OR i.contact = ANY (contact_family(i.tenant, with_contact)))
	ORDER BY i.occurred_at DESC, i.id DESC
	LIMIT max_rows
$$;
-- +goose StatementEnd
