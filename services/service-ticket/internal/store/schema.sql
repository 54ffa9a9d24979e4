-- What the migrations make, as PostgreSQL 15 words it. To read, not to run.
-- What is not here is in pkg/*/schema.sql.
-- Written by go test ./services/internal/schema -update.

CREATE TABLE known_contact (
	tenant uuid NOT NULL,
	contact uuid NOT NULL,
	deleted boolean NOT NULL,
	CONSTRAINT known_contact_pkey PRIMARY KEY (tenant, contact)
);
CREATE POLICY system ON known_contact TO ticket_owner, ticket_relay USING (true);
CREATE POLICY tenant ON known_contact TO ticket_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE message (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	ticket uuid NOT NULL,
	author_kind integer NOT NULL,
	author text NOT NULL,
	channel integer NOT NULL,
	direction integer NOT NULL,
	internal boolean NOT NULL,
	body text NOT NULL,
	say_time timestamp with time zone NOT NULL,
	create_time timestamp with time zone NOT NULL,
	CONSTRAINT message_author_kind_check CHECK ((author_kind = ANY (ARRAY[1, 2]))),
	CONSTRAINT message_channel_check CHECK ((channel > 0)),
	CONSTRAINT message_direction_check CHECK (((direction >= 1) AND (direction <= 3))),
	CONSTRAINT message_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT message_ticket_fkey FOREIGN KEY (tenant, ticket) REFERENCES ticket(tenant, id)
);
CREATE INDEX message_ticket ON message USING btree (tenant, ticket, create_time, id);
CREATE POLICY system ON message TO ticket_owner, ticket_relay USING (true);
CREATE POLICY tenant ON message TO ticket_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE queue (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	create_time timestamp with time zone NOT NULL,
	update_time timestamp with time zone NOT NULL,
	delete_time timestamp with time zone,
	seq bigint NOT NULL,
	partition smallint NOT NULL,
	owner text NOT NULL,
	team text NOT NULL,
	source text NOT NULL,
	external_ids jsonb NOT NULL,
	labels jsonb NOT NULL,
	custom_fields jsonb NOT NULL,
	display_name text NOT NULL,
	description text NOT NULL,
	CONSTRAINT queue_display_name_check CHECK ((display_name <> ''::text)),
	CONSTRAINT queue_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX queue_create_time ON queue USING btree (tenant, create_time, id);
CREATE INDEX queue_display_name ON queue USING btree (tenant, display_name, id);
CREATE UNIQUE INDEX queue_display_name_key ON queue USING btree (tenant, lower(display_name)) WHERE (delete_time IS NULL);
CREATE POLICY system ON queue TO ticket_owner, ticket_relay USING (true);
CREATE POLICY tenant ON queue TO ticket_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE ticket (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	create_time timestamp with time zone NOT NULL,
	update_time timestamp with time zone NOT NULL,
	delete_time timestamp with time zone,
	seq bigint NOT NULL,
	partition smallint NOT NULL,
	owner text NOT NULL,
	team text NOT NULL,
	source text NOT NULL,
	external_ids jsonb NOT NULL,
	labels jsonb NOT NULL,
	custom_fields jsonb NOT NULL,
	number text NOT NULL,
	contact uuid NOT NULL,
	kind integer NOT NULL,
	severity integer NOT NULL,
	channel integer NOT NULL,
	subject text NOT NULL,
	cause_code text NOT NULL,
	queue uuid,
	status integer NOT NULL,
	conversation text NOT NULL,
	order_id uuid,
	asset_id uuid,
	resolution_code text NOT NULL,
	resolution text NOT NULL,
	satisfaction integer NOT NULL,
	satisfaction_comment text NOT NULL,
	customer_confirmed boolean NOT NULL,
	open_time timestamp with time zone NOT NULL,
	first_response_time timestamp with time zone,
	resolve_time timestamp with time zone,
	close_time timestamp with time zone,
	reopen_count integer NOT NULL,
	status_time timestamp with time zone NOT NULL,
	open_for bigint NOT NULL,
	pending_for bigint NOT NULL,
	resolved_for bigint NOT NULL,
	closed_for bigint NOT NULL,
	CONSTRAINT ticket_channel_check CHECK ((channel > 0)),
	CONSTRAINT ticket_closed CHECK (((close_time IS NOT NULL) = (status = 4))),
	CONSTRAINT ticket_closed_for_check CHECK ((closed_for >= 0)),
	CONSTRAINT ticket_conversation_check CHECK ((conversation <> ''::text)),
	CONSTRAINT ticket_kind_check CHECK (((kind >= 1) AND (kind <= 4))),
	CONSTRAINT ticket_number_key UNIQUE (tenant, number),
	CONSTRAINT ticket_open_for_check CHECK ((open_for >= 0)),
	CONSTRAINT ticket_pending_for_check CHECK ((pending_for >= 0)),
	CONSTRAINT ticket_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT ticket_queue_fkey FOREIGN KEY (tenant, queue) REFERENCES queue(tenant, id) DEFERRABLE INITIALLY DEFERRED,
	CONSTRAINT ticket_rated CHECK (((satisfaction = 0) OR (status >= 3))),
	CONSTRAINT ticket_resolved CHECK (((resolve_time IS NOT NULL) = (status >= 3))),
	CONSTRAINT ticket_resolved_for_check CHECK ((resolved_for >= 0)),
	CONSTRAINT ticket_satisfaction_check CHECK (((satisfaction >= 0) AND (satisfaction <= 5))),
	CONSTRAINT ticket_severity_check CHECK (((severity >= 1) AND (severity <= 4))),
	CONSTRAINT ticket_status_check CHECK (((status >= 1) AND (status <= 4)))
);
CREATE INDEX ticket_contact ON ticket USING btree (tenant, contact, create_time, id);
CREATE INDEX ticket_conversation ON ticket USING btree (tenant, conversation, create_time, id);
CREATE INDEX ticket_create_time ON ticket USING btree (tenant, create_time, id);
CREATE INDEX ticket_owner ON ticket USING btree (tenant, owner, create_time, id);
CREATE INDEX ticket_owner_status ON ticket USING btree (tenant, owner, status, create_time, id);
CREATE INDEX ticket_queue_status ON ticket USING btree (tenant, queue, status, create_time, id);
CREATE INDEX ticket_status ON ticket USING btree (tenant, status, create_time, id);
CREATE INDEX ticket_update_time ON ticket USING btree (tenant, update_time, id);
CREATE POLICY system ON ticket TO ticket_owner, ticket_relay USING (true);
CREATE POLICY tenant ON ticket TO ticket_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
CREATE TRIGGER custom_values_delete AFTER DELETE ON ticket FOR EACH ROW WHEN ((old.custom_fields <> '{}'::jsonb)) EXECUTE FUNCTION custom_values_drop();
CREATE TRIGGER custom_values_drop BEFORE UPDATE ON ticket FOR EACH ROW WHEN (((old.custom_fields <> '{}'::jsonb) AND ((new.custom_fields IS DISTINCT FROM old.custom_fields) OR ((new.delete_time IS NULL) <> (old.delete_time IS NULL))))) EXECUTE FUNCTION custom_values_drop();
CREATE TRIGGER custom_values_insert AFTER INSERT ON ticket FOR EACH ROW WHEN ((new.custom_fields <> '{}'::jsonb)) EXECUTE FUNCTION custom_values_add('tickets');
CREATE TRIGGER custom_values_update AFTER UPDATE ON ticket FOR EACH ROW WHEN (((new.custom_fields <> '{}'::jsonb) AND ((new.custom_fields IS DISTINCT FROM old.custom_fields) OR ((new.delete_time IS NULL) <> (old.delete_time IS NULL))))) EXECUTE FUNCTION custom_values_add('tickets');

CREATE TABLE ticket_external_id (
	tenant uuid NOT NULL,
	system text NOT NULL,
	id text NOT NULL,
	ticket uuid NOT NULL,
	CONSTRAINT ticket_external_id_fkey FOREIGN KEY (tenant, ticket) REFERENCES ticket(tenant, id),
	CONSTRAINT ticket_external_id_key PRIMARY KEY (tenant, system, id)
);
CREATE INDEX ticket_external_id_ticket ON ticket_external_id USING btree (tenant, ticket);
CREATE POLICY system ON ticket_external_id TO ticket_owner, ticket_relay USING (true);
CREATE POLICY tenant ON ticket_external_id TO ticket_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE ticket_number (
	tenant uuid NOT NULL,
	last bigint NOT NULL,
	CONSTRAINT ticket_number_pkey PRIMARY KEY (tenant)
);
CREATE POLICY system ON ticket_number TO ticket_owner, ticket_relay USING (true);
CREATE POLICY tenant ON ticket_number TO ticket_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE OR REPLACE FUNCTION require_contact(of uuid, wanted uuid)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
AS $function$
DECLARE
	gone boolean := (SELECT k.deleted FROM known_contact k WHERE k.tenant = of AND k.contact = wanted);
BEGIN
	IF gone IS NULL THEN
		RAISE foreign_key_violation USING CONSTRAINT = 'contact_known', MESSAGE = 'the contact is not known';
	ELSIF gone THEN
		RAISE foreign_key_violation USING CONSTRAINT = 'contact_alive', MESSAGE = 'the contact is deleted';
	END IF;
END
$function$
;

CREATE OR REPLACE FUNCTION require_queue(of uuid, wanted uuid)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
	found queue;
BEGIN
	SELECT * INTO found FROM queue q WHERE q.tenant = of AND q.id = wanted FOR SHARE;
	IF found.id IS NULL THEN
		RAISE foreign_key_violation USING CONSTRAINT = 'queue_known', MESSAGE = 'the queue is not known';
	ELSIF found.delete_time IS NOT NULL THEN
		RAISE foreign_key_violation USING CONSTRAINT = 'queue_alive', MESSAGE = 'the queue is deleted';
	END IF;
END
$function$
;
