-- +goose Up

-- What the company publishes.
CREATE TABLE publication (
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

	kind         smallint NOT NULL CHECK (kind > 0),
	audience     smallint NOT NULL CHECK (audience > 0),
	code         text NOT NULL CHECK (code <> ''),
	language_code text NOT NULL,
	title        text NOT NULL,
	body         text NOT NULL,
	uri          text NOT NULL,
	author       text NOT NULL,
	start_date   text NOT NULL,
	end_date     text NOT NULL,
	publish_time timestamptz,

	PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX publication_code_key ON publication (tenant, code, language_code) WHERE delete_time IS NULL;
CREATE INDEX publication_create_time ON publication (tenant, create_time, id);
CREATE INDEX publication_update_time ON publication (tenant, update_time, id);
CREATE INDEX publication_publish_time ON publication (tenant, publish_time, id);
CREATE INDEX publication_audience ON publication (tenant, audience, kind, publish_time, id);
SELECT lingkar_secure('publication', 'SELECT, INSERT, UPDATE');

-- What investors ask. Personal: subject, question, answer, external ids and labels.
CREATE TABLE information_request (
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
	channel      integer NOT NULL,
	subject      text NOT NULL,
	question     text NOT NULL,
	state        smallint NOT NULL CHECK (state IN (1, 2)),
	answer       text NOT NULL,
	publications jsonb NOT NULL,
	answer_time  timestamptz,
	answerer     text NOT NULL,

	PRIMARY KEY (tenant, id),
	CONSTRAINT information_request_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact (tenant, id),
	CONSTRAINT information_request_answer_check CHECK (state <> 2 OR answer_time IS NOT NULL)
);
CREATE INDEX information_request_create_time ON information_request (tenant, create_time, id);
CREATE INDEX information_request_update_time ON information_request (tenant, update_time, id);
CREATE INDEX information_request_contact ON information_request (tenant, contact, create_time, id);
CREATE INDEX information_request_state ON information_request (tenant, state, create_time, id);
SELECT lingkar_secure('information_request', 'SELECT, INSERT, UPDATE');
CREATE TRIGGER refuse_erased AFTER INSERT ON information_request REFERENCING NEW TABLE AS added
	FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased();

-- +goose StatementBegin
-- erase_investor removes what an investor asked in the open, as erase_contact does for
-- the rest, and under the same lock.
CREATE FUNCTION erase_investor(gone uuid)
RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
	UPDATE information_request
	SET subject = '', question = '', answer = '', external_ids = '{}', labels = '{}'
	WHERE tenant = current_setting('app.tenant')::uuid AND contact = gone
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION erase_investor(uuid) FROM PUBLIC;

-- +goose StatementBegin
DO $$
DECLARE
	app text := regexp_replace(current_user, '_owner$', '_app');
BEGIN
	EXECUTE format('GRANT EXECUTE ON FUNCTION erase_investor(uuid) TO %I', app);
END
$$;
-- +goose StatementEnd
