-- +goose Up

-- +goose StatementBegin
-- lingkar_grant gives the roles of the service their rights on a table. The
-- service's name is that of the table's owner without "_owner"; app_may is what
-- role app may do. Role relay may change every row, and no role but the owner may
-- change the schema. For tables without tenant; others want lingkar_secure.
CREATE FUNCTION lingkar_grant(target regclass, app_may text DEFAULT 'SELECT, INSERT, UPDATE, DELETE')
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	owner text := (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = target);
	service text := substring(owner from '^(.+)_owner$');
BEGIN
	IF service IS NULL THEN
		RAISE EXCEPTION 'the owner of %, %, is not named <service>_owner', target, owner;
	END IF;
	EXECUTE format('GRANT %s ON %s TO %I', app_may, target, service || '_app');
	EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I', target, service || '_relay');
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- lingkar_secure puts a table under row-level security, and grants as
-- lingkar_grant does. Role app sees and writes the rows of one tenant, the one of
-- the setting app.tenant, and gets an error where nobody set it. Roles relay and
-- owner see all rows: forcing the security makes that a policy one can list, not
-- an exemption. On a partitioned table the policies hold for whoever comes
-- through the parent; nobody but the owner has rights on the partitions.
CREATE FUNCTION lingkar_secure(target regclass, app_may text DEFAULT 'SELECT, INSERT, UPDATE, DELETE')
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	owner text := (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = target);
	service text := substring(owner from '^(.+)_owner$');
	own text := $own$tenant = current_setting('app.tenant')::uuid$own$;
BEGIN
	PERFORM lingkar_grant(target, app_may);
	EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
	EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
	EXECUTE format('DROP POLICY IF EXISTS tenant ON %s', target);
	EXECUTE format('DROP POLICY IF EXISTS system ON %s', target);
	EXECUTE format('CREATE POLICY tenant ON %s TO %I USING (%s) WITH CHECK (%s)',
		target, service || '_app', own, own);
	EXECUTE format('CREATE POLICY system ON %s TO %I, %I USING (true) WITH CHECK (true)',
		target, service || '_relay', owner);
END
$$;
-- +goose StatementEnd

REVOKE EXECUTE ON FUNCTION lingkar_grant(regclass, text) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION lingkar_secure(regclass, text) FROM PUBLIC;
