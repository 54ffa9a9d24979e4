-- +goose Up

-- What sources told of contacts. Personal: title, content, attributes, the number of the
-- source, and what of a market note is counted by.
CREATE TABLE fact (
	tenant       uuid NOT NULL,
	id           uuid NOT NULL,
	create_time  timestamptz NOT NULL,
	update_time  timestamptz NOT NULL,
	delete_time  timestamptz,
	seq          bigint NOT NULL,
	partition    smallint NOT NULL,
	owner        text NOT NULL,
	team         text NOT NULL,
	source       text NOT NULL,
	external_ids jsonb NOT NULL,
	labels       jsonb NOT NULL,
	custom_fields jsonb NOT NULL,

	contact      uuid NOT NULL,
	kind         smallint NOT NULL CHECK (kind > 0),
	source_id    text NOT NULL,
	channel      integer NOT NULL,
	observed_at  timestamptz NOT NULL,
	title        text NOT NULL,
	content      jsonb NOT NULL,
	attributes   jsonb NOT NULL,
	told         boolean NOT NULL,
	note_kind    smallint NOT NULL,
	topic_key    text NOT NULL,
	product_key  text NOT NULL,
	sentiment    smallint NOT NULL,
	actor        text NOT NULL,

	PRIMARY KEY (tenant, id),
	CONSTRAINT fact_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact (tenant, id)
);
-- A source tells a fact once, however often it sends it.
CREATE UNIQUE INDEX fact_source_key ON fact (tenant, source, source_id) WHERE source_id <> '';
CREATE INDEX fact_observed_at ON fact (tenant, observed_at, id);
CREATE INDEX fact_contact ON fact (tenant, contact, observed_at, id);
CREATE INDEX fact_kind ON fact (tenant, kind, observed_at, id);
CREATE INDEX fact_source ON fact (tenant, source, observed_at, id);
CREATE INDEX fact_told ON fact (tenant, contact, observed_at) WHERE told;
-- Immutable: role app adds and reads.
SELECT lingkar_secure('fact', 'SELECT, INSERT');
CREATE TRIGGER refuse_erased AFTER INSERT ON fact REFERENCING NEW TABLE AS added
	FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased();

-- +goose StatementBegin
-- erase_fact removes what facts tell of a contact in the open, as erase_contact does for
-- the rest, and under the same lock. That there was a fact, of what kind and when, stays
-- counted.
CREATE FUNCTION erase_fact(gone uuid)
RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
	UPDATE fact
	SET source_id = '', title = '', content = '{}', attributes = '[]', told = false, topic_key = '', product_key = ''
	WHERE tenant = current_setting('app.tenant')::uuid AND contact = gone
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION erase_fact(uuid) FROM PUBLIC;

-- +goose StatementBegin
DO $$
DECLARE
	app text := regexp_replace(current_user, '_owner$', '_app');
BEGIN
	EXECUTE format('GRANT EXECUTE ON FUNCTION erase_fact(uuid) TO %I', app);
END
$$;
-- +goose StatementEnd
