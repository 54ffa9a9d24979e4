-- +goose Up

-- An erased contact keeps its number, its kind and its dates, and nothing brings it
-- back.
ALTER TABLE contact ADD COLUMN erase_time timestamptz;
ALTER TABLE contact ADD CONSTRAINT contact_erased_check CHECK (erase_time IS NULL OR delete_time IS NOT NULL) NOT VALID;
ALTER TABLE contact VALIDATE CONSTRAINT contact_erased_check;

-- Few contacts are erased: whoever adds something looks here whether one of its was.
CREATE INDEX contact_erased ON contact (tenant, id) WHERE erase_time IS NOT NULL;

-- What an interaction was about is not known any more of an erased contact; that it
-- was is.
ALTER TABLE interaction DROP CONSTRAINT interaction_title_check;

-- Who was erased, when and why.
CREATE TABLE erasure (
	tenant           uuid NOT NULL,
	contact          uuid NOT NULL,
	customer_id      text NOT NULL,
	key_id           uuid NOT NULL,
	reason           integer NOT NULL CHECK (reason > 0),
	actor            text NOT NULL,
	erase_time       timestamptz NOT NULL,
	-- Null until the key is destroyed, in a database of its own.
	key_destroy_time timestamptz,
	PRIMARY KEY (tenant, contact)
);
CREATE INDEX erasure_time ON erasure (tenant, erase_time, contact);
CREATE INDEX erasure_unfinished ON erasure (erase_time) WHERE key_destroy_time IS NULL;
SELECT lingkar_secure('erasure', 'SELECT, INSERT, UPDATE');

-- Why a contact must not be erased for now.
CREATE TABLE legal_hold (
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
	matter       text NOT NULL,
	end_time     timestamptz,

	PRIMARY KEY (tenant, id),
	CONSTRAINT legal_hold_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact (tenant, id)
);
CREATE INDEX legal_hold_contact ON legal_hold (tenant, contact, create_time, id);
CREATE INDEX legal_hold_create_time ON legal_hold (tenant, create_time, id);
CREATE INDEX legal_hold_update_time ON legal_hold (tenant, update_time, id);
SELECT lingkar_secure('legal_hold', 'SELECT, INSERT, UPDATE');

-- +goose StatementBegin
-- erase_contact removes what stands beside a contact's row in the open. It runs as the
-- owner of the tables, because role app may not change what was said, and takes the
-- tenant from the setting that the policies read. The caller holds the lock of the
-- contact's row: whoever was about to add something of it has done so, or waits.
CREATE FUNCTION erase_contact(gone uuid)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
	of_tenant uuid := current_setting('app.tenant')::uuid;
	label     text := 'contacts/' || gone;
BEGIN
	DELETE FROM document WHERE tenant = of_tenant AND contact = gone;
	UPDATE interaction
	SET title = '', body = '', summary = '', attachments = '[]', external_ids = '{}', labels = '{}'
	WHERE tenant = of_tenant AND contact = gone;
	UPDATE consent SET evidence = '', ip_address = '' WHERE tenant = of_tenant AND contact = gone;
	UPDATE legal_hold SET matter = '' WHERE tenant = of_tenant AND contact = gone;
	UPDATE relationship
	SET role = '', note = '', custom_fields = '{}', external_ids = '{}', labels = '{}'
	WHERE tenant = of_tenant AND from_contact = gone;
	UPDATE contact_merge
	SET before = '{}', after = '{}', conflicts = '[]', external_ids = '{}', labels = '{}', custom_fields = '{}'
	WHERE tenant = of_tenant AND gone IN (survivor, contact);
	UPDATE idempotency SET response = NULL WHERE tenant = of_tenant AND gone = ANY (contacts);
	DELETE FROM import_chunk AS c
	USING import AS i
	WHERE c.tenant = of_tenant AND i.tenant = of_tenant AND i.id = c.import AND i.end_time IS NOT NULL
		AND c.import IN (SELECT r.import FROM import_row AS r WHERE r.tenant = of_tenant AND r.resource = label);
	UPDATE import_row SET message = '' WHERE tenant = of_tenant AND resource = label;
END
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION erase_contact(uuid) FROM PUBLIC;

-- +goose StatementBegin
-- refuse_erased ends a statement that adds something of an erased contact: the rows
-- that were added have passed the foreign key, and so waited for an erasure under way.
CREATE FUNCTION refuse_erased()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
	IF EXISTS (
		SELECT
		FROM added AS a
		JOIN contact AS c ON c.tenant = a.tenant AND c.id = a.contact
		WHERE c.erase_time IS NOT NULL
	) THEN
		RAISE foreign_key_violation USING CONSTRAINT = 'contact_erased', TABLE = TG_TABLE_NAME, MESSAGE = 'the contact was erased';
	END IF;
	RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER refuse_erased AFTER INSERT ON interaction REFERENCING NEW TABLE AS added
	FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased();
CREATE TRIGGER refuse_erased AFTER INSERT ON legal_hold REFERENCING NEW TABLE AS added
	FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased();
CREATE TRIGGER refuse_erased AFTER INSERT ON consent REFERENCING NEW TABLE AS added
	FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased();

-- +goose StatementBegin
-- refuse_erased_ends is refuse_erased for relationships, which have two contacts.
CREATE FUNCTION refuse_erased_ends()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
	IF EXISTS (
		SELECT
		FROM added AS a
		JOIN contact AS c ON c.tenant = a.tenant AND c.id IN (a.from_contact, a.to_contact)
		WHERE c.erase_time IS NOT NULL
	) THEN
		RAISE foreign_key_violation USING CONSTRAINT = 'contact_erased', TABLE = TG_TABLE_NAME, MESSAGE = 'the contact was erased';
	END IF;
	RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER refuse_erased AFTER INSERT ON relationship REFERENCING NEW TABLE AS added
	FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased_ends();

-- +goose StatementBegin
DO $$
DECLARE
	app text := regexp_replace(current_user, '_owner$', '_app');
BEGIN
	EXECUTE format('GRANT EXECUTE ON FUNCTION erase_contact(uuid) TO %I', app);
END
$$;
-- +goose StatementEnd
