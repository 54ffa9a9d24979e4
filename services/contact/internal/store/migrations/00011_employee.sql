-- +goose Up

-- The directory: who is or was an employee, by what it is looked for. Written with the
-- contact in the same batch. A role without an end ends in the year 9999.
CREATE TABLE employee (
	tenant     uuid NOT NULL,
	contact    uuid NOT NULL,
	start_time timestamptz NOT NULL,
	end_time   timestamptz NOT NULL,
	name_key   text NOT NULL,
	account    text NOT NULL,
	unit_key   text NOT NULL,
	job_key    text NOT NULL,
	manager    uuid NOT NULL,
	PRIMARY KEY (tenant, contact, start_time)
);
CREATE INDEX employee_name ON employee (tenant, name_key, contact);
CREATE INDEX employee_unit ON employee (tenant, unit_key, name_key, contact);
CREATE INDEX employee_job ON employee (tenant, job_key, name_key, contact);
CREATE INDEX employee_manager ON employee (tenant, manager, name_key, contact);
CREATE INDEX employee_account ON employee (tenant, account, contact);
SELECT lingkar_secure('employee');

-- What each of them can. The last day of a certificate is a number such as 20261122.
CREATE TABLE employee_skill (
	tenant          uuid NOT NULL,
	skill_key       text NOT NULL,
	contact         uuid NOT NULL,
	start_time      timestamptz NOT NULL,
	level           integer NOT NULL,
	certified_until integer NOT NULL,
	PRIMARY KEY (tenant, skill_key, contact, start_time)
);
CREATE INDEX employee_skill_contact ON employee_skill (tenant, contact);
SELECT lingkar_secure('employee_skill');

-- What is agreed and found between an employee and the company. Personal: the content,
-- external ids and labels.
CREATE TABLE employee_record (
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
	kind         smallint NOT NULL CHECK (kind BETWEEN 1 AND 4),
	content      jsonb NOT NULL,

	PRIMARY KEY (tenant, id),
	CONSTRAINT employee_record_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact (tenant, id)
);
CREATE INDEX employee_record_create_time ON employee_record (tenant, create_time, id);
CREATE INDEX employee_record_update_time ON employee_record (tenant, update_time, id);
CREATE INDEX employee_record_contact ON employee_record (tenant, contact, create_time, id);
CREATE INDEX employee_record_kind ON employee_record (tenant, kind, create_time, id);
SELECT lingkar_secure('employee_record', 'SELECT, INSERT, UPDATE');
CREATE TRIGGER refuse_erased AFTER INSERT ON employee_record REFERENCING NEW TABLE AS added
	FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased();

-- +goose StatementBegin
-- erase_employee removes what is on file of an employee in the open, as erase_contact
-- does for the rest, and under the same lock.
CREATE FUNCTION erase_employee(gone uuid)
RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
	UPDATE employee_record
	SET content = '{}', external_ids = '{}', labels = '{}'
	WHERE tenant = current_setting('app.tenant')::uuid AND contact = gone
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION erase_employee(uuid) FROM PUBLIC;

-- +goose StatementBegin
DO $$
DECLARE
	app text := regexp_replace(current_user, '_owner$', '_app');
BEGIN
	EXECUTE format('GRANT EXECUTE ON FUNCTION erase_employee(uuid) TO %I', app);
END
$$;
-- +goose StatementEnd
