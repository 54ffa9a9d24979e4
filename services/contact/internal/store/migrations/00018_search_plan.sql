-- +goose Up

-- A function in SQL is planned anew by each statement that writes to its index, which
-- took longer than to split the text. One in PL/pgSQL is planned once for a connection,
-- and text in ASCII has no accents to take off. What they answer is the same.

-- +goose StatementBegin
-- search_words answers the words of a text that search compares.
CREATE OR REPLACE FUNCTION search_words(body text)
RETURNS tsvector
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $$
DECLARE
	w text := body;
BEGIN
	IF octet_length(w) <> length(w) THEN
		w := regexp_replace(normalize(w, NFD), E'[\u0300-\u036f]', '', 'g');
	END IF;
	RETURN to_tsvector('pg_catalog.simple', w) || to_tsvector('pg_catalog.english', w) || to_tsvector('pg_catalog.indonesian', w);
END
$$;
-- +goose StatementEnd
