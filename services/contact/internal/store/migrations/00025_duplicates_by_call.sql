-- +goose Up

-- refuse_duplicates of several calls, which share a transaction: contacts of one call are
-- what the caller wants side by side, those of two calls are compared.
-- +goose StatementBegin
CREATE FUNCTION refuse_duplicates(of_tenant uuid, added uuid[], contact_kinds smallint[], name_keys text[], birthdays text[],
	kinds smallint[], keys text[], compared boolean[], calls uuid[])
RETURNS void
LANGUAGE plpgsql
STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
DECLARE
	mode  smallint := COALESCE((SELECT duplicate_mode FROM identity_policy WHERE tenant = of_tenant), 2);
	own   uuid[];
	found_ids text;
BEGIN
	IF mode = 1 OR mode = 3 AND true = ALL (compared) THEN
		RETURN;
	END IF;
	IF mode = 3 THEN
		RAISE EXCEPTION USING ERRCODE = 'unique_violation', CONSTRAINT = 'contact_duplicate_uncompared', TABLE = 'contact',
			MESSAGE = 'the contact was not compared with those there are';
	END IF;
	FOR n IN 1 .. cardinality(keys) LOOP
		CONTINUE WHEN kinds[n] = 0;
		PERFORM FROM identifier AS i
		WHERE i.tenant = of_tenant AND i.kind = kinds[n] AND i.key = keys[n] AND i.contact <> added[n]
		LIMIT 1;
		CONTINUE WHEN NOT FOUND;
		own := ARRAY(SELECT a.contact FROM unnest(added, calls) AS a (contact, call) WHERE a.call = calls[n]);
		SELECT string_agg(c.id::text, ',') INTO found_ids
		FROM (
			SELECT i.contact
			FROM identifier AS i
			WHERE i.tenant = of_tenant AND i.kind = kinds[n] AND i.key = keys[n] AND i.contact <> ALL (own)
			LIMIT 100
		) AS holder
		CROSS JOIN LATERAL (
			SELECT id, kind, name_key, birthday, delete_time
			FROM contact
			WHERE tenant = of_tenant AND id = holder.contact
			LIMIT 1
		) AS c
		WHERE c.kind = contact_kinds[n] AND c.name_key = name_keys[n] AND c.delete_time IS NULL
			AND (c.birthday = '' OR birthdays[n] = '' OR c.birthday = birthdays[n]);
		IF found_ids IS NOT NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'unique_violation', CONSTRAINT = 'contact_duplicate_certain', TABLE = 'contact',
				MESSAGE = 'the contact seems to be there already', DETAIL = found_ids;
		END IF;
	END LOOP;
END
$$;
-- +goose StatementEnd

-- As replicas of the version before call it: for one call.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION refuse_duplicates(of_tenant uuid, added uuid[], contact_kinds smallint[], name_keys text[], birthdays text[],
	kinds smallint[], keys text[], compared boolean[])
RETURNS void
LANGUAGE sql
STABLE
AS $$
	SELECT refuse_duplicates(of_tenant, added, contact_kinds, name_keys, birthdays, kinds, keys, compared,
		array_fill(of_tenant, ARRAY[cardinality(added)]))
$$;
-- +goose StatementEnd
