-- Files beside long bodies, as documents of a contact.
-- +goose Up

-- The pieces of a file belong to this row. It is there before the first of them, and
-- complete when the document is.
CREATE TABLE document_file (
	tenant      uuid        NOT NULL,
	id          uuid        NOT NULL,
	contact     uuid        NOT NULL,
	complete    boolean     NOT NULL DEFAULT false,
	create_time timestamptz NOT NULL,
	PRIMARY KEY (tenant, id),
	CONSTRAINT document_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact (tenant, id)
);
CREATE INDEX document_file_contact ON document_file (tenant, contact);
CREATE INDEX document_file_unfinished ON document_file (create_time) WHERE NOT complete;
SELECT lingkar_secure('document_file');
CREATE TRIGGER refuse_erased AFTER INSERT ON document_file REFERENCING NEW TABLE AS added
	FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased();

-- 256 KiB of a file each, sealed with the key of the contact.
CREATE TABLE document_chunk (
	tenant   uuid    NOT NULL,
	document uuid    NOT NULL,
	n        integer NOT NULL,
	data     bytea   NOT NULL,
	PRIMARY KEY (tenant, document, n),
	CONSTRAINT document_chunk_file_fkey FOREIGN KEY (tenant, document) REFERENCES document_file (tenant, id) ON DELETE CASCADE
);
ALTER TABLE document_chunk ALTER COLUMN data SET STORAGE EXTERNAL;
SELECT lingkar_secure('document_chunk', 'SELECT, INSERT, DELETE');

ALTER TABLE document
	ALTER COLUMN interaction DROP NOT NULL,
	ADD COLUMN file          uuid,
	ADD COLUMN update_time   timestamptz NOT NULL DEFAULT now(),
	ADD COLUMN delete_time   timestamptz,
	ADD COLUMN seq           bigint      NOT NULL DEFAULT 0,
	ADD COLUMN partition     smallint    NOT NULL DEFAULT 0,
	ADD COLUMN owner         text        NOT NULL DEFAULT '',
	ADD COLUMN team          text        NOT NULL DEFAULT '',
	ADD COLUMN source        text        NOT NULL DEFAULT '',
	ADD COLUMN external_ids  jsonb       NOT NULL DEFAULT '{}',
	ADD COLUMN labels        jsonb       NOT NULL DEFAULT '{}',
	ADD COLUMN custom_fields jsonb       NOT NULL DEFAULT '{}',
	ADD COLUMN file_name     text        NOT NULL DEFAULT '',
	ADD COLUMN sha256        text        NOT NULL DEFAULT '',
	ADD COLUMN reading       integer     NOT NULL DEFAULT 0,
	ADD COLUMN channel       integer     NOT NULL DEFAULT 0,
	ADD COLUMN direction     integer     NOT NULL DEFAULT 0,
	ADD COLUMN occurred_at   timestamptz NOT NULL DEFAULT now(),
	ADD COLUMN actor         text        NOT NULL DEFAULT '',
	ALTER COLUMN text SET DEFAULT '',
	ADD CONSTRAINT document_check CHECK ((interaction IS NULL) <> (file IS NULL)),
	ADD CONSTRAINT document_file_fkey FOREIGN KEY (tenant, file) REFERENCES document_file (tenant, id),
	ADD CONSTRAINT document_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact (tenant, id);
UPDATE document AS d
SET update_time = d.create_time, occurred_at = i.occurred_at, channel = i.channel, direction = i.direction, actor = i.actor
FROM interaction AS i
WHERE i.tenant = d.tenant AND i.id = d.interaction;
CREATE INDEX document_contact ON document (tenant, contact, occurred_at, id);
CREATE INDEX document_occurred_at ON document (tenant, occurred_at, id);
CREATE INDEX document_create_time ON document (tenant, create_time, id);
CREATE INDEX document_update_time ON document (tenant, update_time, id);
CREATE INDEX document_file_key ON document (tenant, file) WHERE file IS NOT NULL;
SELECT lingkar_secure('document', 'SELECT, INSERT, UPDATE');
CREATE TRIGGER refuse_erased AFTER INSERT ON document REFERENCING NEW TABLE AS added
	FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased();

-- +goose StatementBegin
-- erase_document removes the files of a contact, and those that are on their way.
CREATE FUNCTION erase_document(gone uuid)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
	of_tenant uuid := current_setting('app.tenant')::uuid;
BEGIN
	DELETE FROM document WHERE tenant = of_tenant AND contact = gone;
	DELETE FROM document_file WHERE tenant = of_tenant AND contact = gone;
END
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION erase_document(uuid) FROM PUBLIC;

-- Only the beginning of a text is indexed, because PostgreSQL refuses a tsvector over
-- 1 MiB.
DROP INDEX document_search;
CREATE INDEX document_search ON document USING gin (search_words(title || ' ' || file_name || ' ' || left(text, 100000)));

-- +goose StatementBegin
-- search_interaction, as before, with documents found by their names, too.
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
		WHERE tenant = current_setting('app.tenant')::uuid AND interaction IS NOT NULL
			AND search_words(title || ' ' || file_name || ' ' || left(text, 100000)) @@ search_query(query)
	) AS found ON found.id = i.id
	WHERE i.tenant = current_setting('app.tenant')::uuid
		AND (with_contact IS NULL OR i.contact = ANY (contact_family(i.tenant, with_contact)))
	ORDER BY i.occurred_at DESC, i.id DESC
	LIMIT max_rows
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- search_document answers the living documents that hold the words of the query, the
-- latest first; a contact limits it to those of that contact.
CREATE FUNCTION search_document(query text, with_contact uuid, max_rows integer)
RETURNS SETOF uuid
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
	SELECT d.id
	FROM document AS d
	WHERE d.tenant = current_setting('app.tenant')::uuid AND d.delete_time IS NULL
		AND search_words(d.title || ' ' || d.file_name || ' ' || left(d.text, 100000)) @@ search_query(query)
		AND (with_contact IS NULL OR d.contact = ANY (contact_family(d.tenant, with_contact)))
	ORDER BY d.occurred_at DESC, d.id DESC
	LIMIT max_rows
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION search_document(text, uuid, integer) FROM PUBLIC;

-- +goose StatementBegin
-- search_snippet answers where the words of a query stand in a text, each between the
-- characters U+E000 and U+E001, which the text itself then has not: first as it is
-- written, then without accents. Where the words stand nowhere it answers how the text
-- begins.
CREATE FUNCTION search_snippet(body text, query text)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $$
DECLARE
	clean   text := translate(left(body, 100000), E'\uE000\uE001', '');
	folded  text := regexp_replace(normalize(clean, NFD), E'[\u0300-\u036f]', '', 'g');
	asked   text := regexp_replace(normalize(query, NFD), E'[\u0300-\u036f]', '', 'g');
	options text := E'StartSel=\uE000, StopSel=\uE001, MaxFragments=2, MaxWords=30, MinWords=10, FragmentDelimiter=" … "';
	config  regconfig;
	form    text;
	found   text;
BEGIN
	FOREACH form IN ARRAY ARRAY[clean, folded] LOOP
		FOREACH config IN ARRAY ARRAY['pg_catalog.simple', 'pg_catalog.english', 'pg_catalog.indonesian']::regconfig[] LOOP
			found := ts_headline(config, form, websearch_to_tsquery(config, asked), options);
			IF position(E'\uE000' IN found) > 0 THEN
				RETURN found;
			END IF;
		END LOOP;
	END LOOP;
	RETURN left(clean, 200);
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
DECLARE
	app text := regexp_replace(current_user, '_owner$', '_app');
BEGIN
	EXECUTE format('GRANT EXECUTE ON FUNCTION erase_document(uuid) TO %I', app);
	EXECUTE format('GRANT EXECUTE ON FUNCTION search_document(text, uuid, integer) TO %I', app);
END
$$;
-- +goose StatementEnd
