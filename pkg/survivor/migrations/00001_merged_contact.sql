-- +goose Up

-- The contact that each merged one was merged into; null where it is one of its own
-- again.
CREATE TABLE merged_contact (
	tenant   uuid NOT NULL,
	contact  uuid NOT NULL,
	survivor uuid,
	CONSTRAINT merged_contact_pkey PRIMARY KEY (tenant, contact)
);
CREATE INDEX merged_contact_survivor ON merged_contact (tenant, survivor) WHERE survivor IS NOT NULL;
SELECT lingkar_secure('merged_contact', 'SELECT');

-- +goose StatementBegin
-- contact_family answers all contacts that are one with a contact, itself among them, the
-- survivor first. It reads as the role that calls it, under row-level security. Events of
-- contacts in different partitions may be applied the other way round, so that for a
-- moment two may seem to be merged into each other: it follows 50 merges at most.
CREATE FUNCTION contact_family(of_tenant uuid, of_contact uuid)
RETURNS uuid[]
LANGUAGE sql
STABLE
AS $$
	WITH RECURSIVE up AS (
		SELECT of_contact AS contact, 0 AS depth
		UNION ALL
		SELECT m.survivor, up.depth + 1
		FROM up
		JOIN merged_contact AS m ON m.tenant = of_tenant AND m.contact = up.contact AND m.survivor IS NOT NULL
		WHERE up.depth < 50
	), down AS (
		(SELECT contact, 0 AS depth FROM up ORDER BY up.depth DESC LIMIT 1)
		UNION ALL
		SELECT m.contact, down.depth + 1
		FROM down
		JOIN merged_contact AS m ON m.tenant = of_tenant AND m.survivor = down.contact
		WHERE down.depth < 50
	)
	SELECT array_agg(family.contact ORDER BY family.depth, family.contact)
	FROM (SELECT contact, min(depth) AS depth FROM down GROUP BY contact) AS family
$$;
-- +goose StatementEnd

REVOKE EXECUTE ON FUNCTION contact_family(uuid, uuid) FROM PUBLIC;

-- +goose StatementBegin
DO $$
DECLARE
	service text := regexp_replace(current_user, '_owner$', '');
BEGIN
	EXECUTE format('GRANT EXECUTE ON FUNCTION contact_family(uuid, uuid) TO %I, %I', service || '_app', service || '_relay');
END
$$;
-- +goose StatementEnd
