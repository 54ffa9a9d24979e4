-- +goose Up

-- How contacts of a tenant are recognised as duplicates: one row, or none while the
-- defaults hold. The modes are numbered as in the contract.
CREATE TABLE identity_policy (
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

	duplicate_mode smallint NOT NULL CHECK (duplicate_mode IN (1, 2, 3)),
	probable_score double precision NOT NULL CHECK (probable_score > 0),

	PRIMARY KEY (tenant, id)
);
SELECT lingkar_secure('identity_policy');

-- Under which numbers living contacts are looked for as duplicates, written with the
-- contact in the same batch. Identifiers are looked up in their own table.
CREATE TABLE blocking_key (
	tenant  uuid NOT NULL,
	key     bigint NOT NULL,
	contact uuid NOT NULL,
	PRIMARY KEY (tenant, key, contact)
);
SELECT lingkar_secure('blocking_key');

-- +goose StatementBegin
-- refuse_duplicates ends the transaction where one of the contacts that it added
-- seems to be of a person who is known already. It runs as the role that calls it,
-- under row-level security, and reads nothing of a tenant that refuses no duplicates.
--
-- A row of the arrays is one identifier of an added contact, or its contact alone with
-- kind 0. In mode 2 a duplicate has the name and the identifier, the same kind, and no
-- other birthday: the error is a violation of contact_duplicate_certain, its detail
-- the ids of those found. In mode 3 the error is one of contact_duplicate_uncompared:
-- the caller compares, and comes again with compared set. Those added together are not
-- compared with one another.
--
-- Each LIMIT keeps the planner from another order: by the name first, it would read all
-- who are called so.
CREATE FUNCTION refuse_duplicates(of_tenant uuid, added uuid[], contact_kinds smallint[], name_keys text[], birthdays text[],
	kinds smallint[], keys text[], compared boolean[])
RETURNS void
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
	mode  smallint := COALESCE((SELECT duplicate_mode FROM identity_policy WHERE tenant = of_tenant), 2);
	found text;
BEGIN
	IF mode = 1 OR mode = 3 AND true = ALL (compared) THEN
		RETURN;
	END IF;
	IF mode = 3 THEN
		RAISE EXCEPTION USING ERRCODE = 'unique_violation', CONSTRAINT = 'contact_duplicate_uncompared', TABLE = 'contact',
			MESSAGE = 'the contact was not compared with those there are';
	END IF;
	SELECT string_agg(DISTINCT c.id::text, ',') INTO found
	FROM unnest(added, contact_kinds, name_keys, birthdays, kinds, keys) AS a (id, contact_kind, name_key, birthday, kind, key)
	CROSS JOIN LATERAL (
		SELECT i.contact
		FROM identifier AS i
		WHERE i.tenant = of_tenant AND i.kind = a.kind AND i.key = a.key AND i.contact <> ALL (added)
		LIMIT 100
	) AS holder
	CROSS JOIN LATERAL (
		SELECT id, kind, name_key, birthday, delete_time
		FROM contact
		WHERE tenant = of_tenant AND id = holder.contact
		LIMIT 1
	) AS c
	WHERE c.kind = a.contact_kind AND c.name_key = a.name_key AND c.delete_time IS NULL
		AND (c.birthday = '' OR a.birthday = '' OR c.birthday = a.birthday);
	IF found IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'unique_violation', CONSTRAINT = 'contact_duplicate_certain', TABLE = 'contact',
			MESSAGE = 'the contact seems to be there already', DETAIL = found;
	END IF;
END
$$;
-- +goose StatementEnd

REVOKE EXECUTE ON FUNCTION refuse_duplicates(uuid, uuid[], smallint[], text[], text[], smallint[], text[], boolean[]) FROM PUBLIC;

-- +goose StatementBegin
DO $$
DECLARE
	app text := regexp_replace(current_user, '_owner$', '_app');
BEGIN
	EXECUTE format('GRANT EXECUTE ON FUNCTION refuse_duplicates(uuid, uuid[], smallint[], text[], text[], smallint[], text[], boolean[]) TO %I', app);
END
$$;
-- +goose StatementEnd
