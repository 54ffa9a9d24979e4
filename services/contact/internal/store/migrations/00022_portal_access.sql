-- +goose Up

-- Who may act for a contact through a portal. Personal: subject, external ids and labels.
CREATE TABLE portal_access (
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
	roles        jsonb NOT NULL,
	subject      text NOT NULL,
	state        smallint NOT NULL CHECK (state IN (1, 2, 3)),
	expire_time  timestamptz,
	token_time   timestamptz,

	PRIMARY KEY (tenant, id),
	CONSTRAINT portal_access_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact (tenant, id)
);
-- A user of the identity provider is one contact: who comes in by its token is found here.
CREATE UNIQUE INDEX portal_access_subject_key ON portal_access (tenant, subject) WHERE subject <> '' AND state <> 3;
CREATE INDEX portal_access_create_time ON portal_access (tenant, create_time, id);
CREATE INDEX portal_access_update_time ON portal_access (tenant, update_time, id);
CREATE INDEX portal_access_contact ON portal_access (tenant, contact, create_time, id);
CREATE INDEX portal_access_state ON portal_access (tenant, state, create_time, id);
SELECT lingkar_secure('portal_access', 'SELECT, INSERT, UPDATE');
CREATE TRIGGER refuse_erased AFTER INSERT ON portal_access REFERENCING NEW TABLE AS added
	FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased();

-- +goose StatementBegin
-- erase_portal removes who acted for a contact, as erase_contact does for the rest, and
-- under the same lock. What is left opens nothing.
CREATE FUNCTION erase_portal(gone uuid)
RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
	UPDATE portal_access
	SET subject = '', external_ids = '{}', labels = '{}', state = 3
	WHERE tenant = current_setting('app.tenant')::uuid AND contact = gone
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION erase_portal(uuid) FROM PUBLIC;

-- +goose StatementBegin
DO $$
DECLARE
	app text := regexp_replace(current_user, '_owner$', '_app');
BEGIN
	EXECUTE format('GRANT EXECUTE ON FUNCTION erase_portal(uuid) TO %I', app);
END
$$;
-- +goose StatementEnd
