-- +goose Up

-- Full text, as lingkar_search does it for names: the function runs as the owner of
-- the tables, because row-level security keeps role app from every index whose
-- operator is not leakproof, and takes the tenant from the setting that the
-- policies read.

-- +goose StatementBegin
-- search_interaction answers the interactions whose title, body or document holds
-- the words of the query (as websearch_to_tsquery reads it), the latest first; a
-- contact limits it to those with that contact.
CREATE FUNCTION search_interaction(query text, with_contact uuid, max_rows integer)
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
			AND to_tsvector('simple', title || ' ' || body) @@ websearch_to_tsquery('simple', query)
		UNION
		SELECT interaction
		FROM document
		WHERE tenant = current_setting('app.tenant')::uuid
			AND to_tsvector('simple', left(text, 100000)) @@ websearch_to_tsquery('simple', query)
	) AS found ON found.id = i.id
	WHERE i.tenant = current_setting('app.tenant')::uuid
		AND (with_contact IS NULL OR i.contact = with_contact)
	ORDER BY i.occurred_at DESC, i.id DESC
	LIMIT max_rows
$$;
-- +goose StatementEnd

REVOKE EXECUTE ON FUNCTION search_interaction(text, uuid, integer) FROM PUBLIC;

-- +goose StatementBegin
DO $$
DECLARE
	app text := regexp_replace(current_user, '_owner$', '_app');
BEGIN
	EXECUTE format('GRANT EXECUTE ON FUNCTION search_interaction(text, uuid, integer) TO %I', app);
END
$$;
-- +goose StatementEnd
