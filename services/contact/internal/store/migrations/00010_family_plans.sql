-- +goose Up

-- +goose StatementBegin
-- contact_family, as before, in a language whose plans a session keeps: it is asked by
-- every check of consent.
CREATE OR REPLACE FUNCTION contact_family(of_tenant uuid, of_contact uuid)
RETURNS uuid[]
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
	top uuid := COALESCE((SELECT root FROM merged_contact WHERE tenant = of_tenant AND contact = of_contact), of_contact);
BEGIN
	RETURN top || ARRAY(SELECT m.contact FROM merged_contact AS m WHERE m.tenant = of_tenant AND m.root = top ORDER BY m.contact);
END
$$;
-- +goose StatementEnd
