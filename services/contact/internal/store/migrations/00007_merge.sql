-- +goose Up

-- A merged contact stays as it is, hidden; the survivor can be found by what it
-- absorbed.
ALTER TABLE contact
	ADD COLUMN merged_into uuid,
	ADD COLUMN absorbed jsonb NOT NULL DEFAULT '[]',
	ADD CONSTRAINT contact_merged_into_fkey FOREIGN KEY (tenant, merged_into) REFERENCES contact (tenant, id),
	ADD CONSTRAINT contact_merged_into_itself_check CHECK (merged_into <> id),
	ADD CONSTRAINT contact_merged_hidden_check CHECK (merged_into IS NULL OR delete_time IS NOT NULL);
CREATE INDEX contact_merged_into ON contact (tenant, merged_into) WHERE merged_into IS NOT NULL;

ALTER TABLE identity_policy
	ADD COLUMN survivorship_rules jsonb NOT NULL DEFAULT '[]',
	ADD COLUMN trusted_sources jsonb NOT NULL DEFAULT '[]';

-- The contact in which each merged one ends, over any number of merges. Written under
-- the lock of the contacts that are merged or taken apart.
CREATE TABLE merged_contact (
	tenant  uuid NOT NULL,
	contact uuid NOT NULL,
	root    uuid NOT NULL,
	PRIMARY KEY (tenant, contact)
);
CREATE INDEX merged_contact_root ON merged_contact (tenant, root);
SELECT lingkar_secure('merged_contact');

-- What was decided, and what the survivor was before and after. Personal: both
-- snapshots and the conflicts.
CREATE TABLE contact_merge (
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

	survivor     uuid NOT NULL,
	contact      uuid NOT NULL,
	before       jsonb NOT NULL,
	after        jsonb NOT NULL,
	wins         jsonb NOT NULL,
	conflicts    jsonb NOT NULL,
	policy_version bigint NOT NULL,
	actor        text NOT NULL,
	undo_time    timestamptz,

	PRIMARY KEY (tenant, id),
	CONSTRAINT contact_merge_survivor_fkey FOREIGN KEY (tenant, survivor) REFERENCES contact (tenant, id),
	CONSTRAINT contact_merge_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact (tenant, id)
);
-- A contact is merged into one other at a time.
CREATE UNIQUE INDEX contact_merge_open_key ON contact_merge (tenant, contact) WHERE undo_time IS NULL;
CREATE INDEX contact_merge_create_time ON contact_merge (tenant, create_time, id);
CREATE INDEX contact_merge_survivor ON contact_merge (tenant, survivor, create_time, id);
CREATE INDEX contact_merge_contact ON contact_merge (tenant, contact, create_time, id);
SELECT lingkar_secure('contact_merge');

-- +goose StatementBegin
-- contact_family answers all contacts that are one with a contact, itself among them:
-- whose history is one. It reads as the role that calls it, under row-level security.
CREATE FUNCTION contact_family(of_tenant uuid, of_contact uuid)
RETURNS uuid[]
LANGUAGE sql
STABLE
AS $$
	WITH top AS (
		SELECT COALESCE((SELECT root FROM merged_contact WHERE tenant = of_tenant AND contact = of_contact), of_contact) AS id
	)
	SELECT array_agg(family.id)
	FROM (
		SELECT id FROM top
		UNION ALL
		SELECT m.contact FROM merged_contact AS m JOIN top ON m.root = top.id WHERE m.tenant = of_tenant
	) AS family
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- search_interaction, as before; with_contact stands for all contacts that are one with
-- it.
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
			AND to_tsvector('simple', title || ' ' || body) @@ websearch_to_tsquery('simple', query)
		UNION
		SELECT interaction
		FROM document
		WHERE tenant = current_setting('app.tenant')::uuid
			AND to_tsvector('simple', left(text, 100000)) @@ websearch_to_tsquery('simple', query)
	) AS found ON found.id = i.id
	WHERE i.tenant = current_setting('app.tenant')::uuid
		AND (with_contact IS NULL OR i.contact = ANY (contact_family(i.tenant, with_contact)))
	ORDER BY i.occurred_at DESC, i.id DESC
	LIMIT max_rows
$$;
-- +goose StatementEnd

REVOKE EXECUTE ON FUNCTION contact_family(uuid, uuid) FROM PUBLIC;

-- +goose StatementBegin
DO $$
DECLARE
	app text := regexp_replace(current_user, '_owner$', '_app');
BEGIN
	EXECUTE format('GRANT EXECUTE ON FUNCTION contact_family(uuid, uuid) TO %I', app);
END
$$;
-- +goose StatementEnd
