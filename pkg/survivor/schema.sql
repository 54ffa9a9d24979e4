-- What the migrations make, as PostgreSQL 15 words it. To read, not to run.
-- What is not here is in pkg/*/schema.sql.
-- Written by go test ./services/internal/schema -update.

CREATE TABLE merged_contact (
	tenant uuid NOT NULL,
	contact uuid NOT NULL,
	survivor uuid,
	CONSTRAINT merged_contact_pkey PRIMARY KEY (tenant, contact)
);
CREATE INDEX merged_contact_survivor ON merged_contact USING btree (tenant, survivor) WHERE (survivor IS NOT NULL);
CREATE POLICY system ON merged_contact TO service_owner, service_relay USING (true);
CREATE POLICY tenant ON merged_contact TO service_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE OR REPLACE FUNCTION contact_family(of_tenant uuid, of_contact uuid)
 RETURNS uuid[]
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
	IF NOT EXISTS (SELECT FROM merged_contact WHERE tenant = of_tenant AND contact = of_contact AND survivor IS NOT NULL)
		AND NOT EXISTS (SELECT FROM merged_contact WHERE tenant = of_tenant AND survivor = of_contact) THEN
		RETURN ARRAY[of_contact];
	END IF;
	RETURN (
		WITH RECURSIVE up AS (
			SELECT of_contact AS contact, 0 AS depth
			UNION ALL
			SELECT m.survivor, up.depth + 1
			FROM up
			JOIN merged_contact AS m ON m.tenant = of_tenant AND m.contact = up.contact AND m.survivor IS NOT NULL
			WHERE up.depth < 50
		), down AS (
			(SELECT up.contact, 0 AS depth FROM up ORDER BY up.depth DESC LIMIT 1)
			UNION ALL
			SELECT m.contact, down.depth + 1
			FROM down
			JOIN merged_contact AS m ON m.tenant = of_tenant AND m.survivor = down.contact
			WHERE down.depth < 50
		)
		SELECT array_agg(family.contact ORDER BY family.depth, family.contact)
		FROM (SELECT down.contact, min(down.depth) AS depth FROM down GROUP BY down.contact) AS family
	);
END
$function$
;
