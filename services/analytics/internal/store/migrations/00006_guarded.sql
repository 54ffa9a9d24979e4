-- Which resource an entry of the timeline is about, where not everybody may read it who may
-- read the history of its area.
-- +goose Up

ALTER FUNCTION projection_create(text) RENAME TO projection_create_unguarded;

-- +goose StatementBegin
-- projection_create, with what is new of the tables.
CREATE FUNCTION projection_create(target text)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
	PERFORM projection_create_unguarded(target);
	-- The search path is the target's first by now.
	ALTER TABLE timeline ADD COLUMN guarded text NOT NULL DEFAULT '';
END
$$;
-- +goose StatementEnd

REVOKE EXECUTE ON FUNCTION projection_create(text) FROM PUBLIC;

ALTER TABLE timeline ADD COLUMN guarded text NOT NULL DEFAULT '';

-- The name of the resource is the last text of the entry: the field of tag 0x6a, of one
-- byte's length.
WITH named AS (
	SELECT t.tenant, t.contact, t.occurred_at, t.event_id,
	       substring(encode(t.entry, 'hex') FROM '.*6a[0-9a-f]{2}((?:' ||
	           '6c6567616c486f6c6473|' || -- legalHolds
	           '6f70706f7274756e6974696573|' || -- opportunities
	           '6f7264657273|' || -- orders
	           '706f7274616c4163636573736573' || -- portalAccesses
	           ')2f[0-9a-f]{72})70') AS hex
	FROM timeline t
	WHERE t.area = 'sales' OR t.type LIKE 'lingkar.contact.v1.LegalHold%' OR t.type LIKE 'lingkar.contact.v1.Portal%'
)
UPDATE timeline t
SET guarded = convert_from(decode(named.hex, 'hex'), 'UTF8')
FROM named
WHERE named.hex IS NOT NULL AND (t.tenant, t.contact, t.occurred_at, t.event_id) = (named.tenant, named.contact, named.occurred_at, named.event_id);
