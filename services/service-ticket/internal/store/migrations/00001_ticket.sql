-- +goose Up

-- Which contacts there are, as the events of the contact area tell it. Role app
-- adds one that it asked the contact service about before its event came.
CREATE TABLE known_contact (
	tenant  uuid    NOT NULL,
	contact uuid    NOT NULL,
	deleted boolean NOT NULL,
	CONSTRAINT known_contact_pkey PRIMARY KEY (tenant, contact)
);
SELECT lingkar_secure('known_contact', 'SELECT, INSERT');

-- +goose StatementBegin
-- require_contact refuses a contact that is not known, or deleted, within the
-- batch that writes a record of it.
CREATE FUNCTION require_contact(of uuid, wanted uuid) RETURNS void
LANGUAGE plpgsql STABLE
AS $$
DECLARE
	gone boolean := (SELECT k.deleted FROM known_contact k WHERE k.tenant = of AND k.contact = wanted);
BEGIN
	IF gone IS NULL THEN
		RAISE foreign_key_violation USING CONSTRAINT = 'contact_known', MESSAGE = 'the contact is not known';
	ELSIF gone THEN
		RAISE foreign_key_violation USING CONSTRAINT = 'contact_alive', MESSAGE = 'the contact is deleted';
	END IF;
END
$$;
-- +goose StatementEnd

CREATE TABLE queue (
	tenant        uuid        NOT NULL,
	id            uuid        NOT NULL,
	create_time   timestamptz NOT NULL,
	update_time   timestamptz NOT NULL,
	delete_time   timestamptz,
	seq           bigint      NOT NULL,
	partition     smallint    NOT NULL,
	owner         text        NOT NULL,
	team          text        NOT NULL,
	source        text        NOT NULL,
	external_ids  jsonb       NOT NULL,
	labels        jsonb       NOT NULL,
	custom_fields jsonb       NOT NULL,
	display_name  text        NOT NULL CHECK (display_name <> ''),
	description   text        NOT NULL,
	CONSTRAINT queue_pkey PRIMARY KEY (tenant, id)
);
-- What people call a queue is compared without regard to case.
CREATE UNIQUE INDEX queue_display_name_key ON queue (tenant, lower(display_name)) WHERE delete_time IS NULL;
CREATE INDEX queue_create_time ON queue (tenant, create_time, id);
CREATE INDEX queue_display_name ON queue (tenant, display_name, id);
SELECT lingkar_secure('queue', 'SELECT, INSERT, UPDATE');

-- +goose StatementBegin
-- require_queue refuses a queue that is not there, or deleted, within the batch
-- that puts a ticket into it. It locks the queue, so that nobody deletes it
-- meanwhile.
CREATE FUNCTION require_queue(of uuid, wanted uuid) RETURNS void
LANGUAGE plpgsql
AS $$
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
$$;
-- +goose StatementEnd

-- The enumerations are numbered as in lingkar.ticket.v1; what a ticket spent in a
-- status is counted in nanoseconds.
CREATE TABLE ticket (
	tenant               uuid        NOT NULL,
	id                   uuid        NOT NULL,
	create_time          timestamptz NOT NULL,
	update_time          timestamptz NOT NULL,
	delete_time          timestamptz,
	seq                  bigint      NOT NULL,
	partition            smallint    NOT NULL,
	owner                text        NOT NULL,
	team                 text        NOT NULL,
	source               text        NOT NULL,
	external_ids         jsonb       NOT NULL,
	labels               jsonb       NOT NULL,
	custom_fields        jsonb       NOT NULL,
	number               text        NOT NULL,
	contact              uuid        NOT NULL,
	kind                 integer     NOT NULL CHECK (kind BETWEEN 1 AND 4),
	severity             integer     NOT NULL CHECK (severity BETWEEN 1 AND 4),
	channel              integer     NOT NULL CHECK (channel > 0),
	subject              text        NOT NULL CHECK (subject <> ''),
	cause_code           text        NOT NULL,
	queue                uuid,
	status               integer     NOT NULL CHECK (status BETWEEN 1 AND 4),
	conversation         text        NOT NULL CHECK (conversation <> ''),
	order_id             uuid,
	asset_id             uuid,
	resolution_code      text        NOT NULL,
	resolution           text        NOT NULL,
	satisfaction         integer     NOT NULL CHECK (satisfaction BETWEEN 0 AND 5),
	satisfaction_comment text        NOT NULL,
	customer_confirmed   boolean     NOT NULL,
	open_time            timestamptz NOT NULL,
	first_response_time  timestamptz,
	resolve_time         timestamptz,
	close_time           timestamptz,
	reopen_count         integer     NOT NULL,
	status_time          timestamptz NOT NULL,
	open_for             bigint      NOT NULL CHECK (open_for >= 0),
	pending_for          bigint      NOT NULL CHECK (pending_for >= 0),
	resolved_for         bigint      NOT NULL CHECK (resolved_for >= 0),
	closed_for           bigint      NOT NULL CHECK (closed_for >= 0),
	CONSTRAINT ticket_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT ticket_number_key UNIQUE (tenant, number),
	CONSTRAINT ticket_queue_fkey FOREIGN KEY (tenant, queue) REFERENCES queue (tenant, id) DEFERRABLE INITIALLY DEFERRED,
	-- A ticket is resolved exactly while it says when.
	CONSTRAINT ticket_resolved CHECK ((resolve_time IS NOT NULL) = (status >= 3)),
	CONSTRAINT ticket_closed CHECK ((close_time IS NOT NULL) = (status = 4)),
	CONSTRAINT ticket_rated CHECK (satisfaction = 0 OR status >= 3)
);
CREATE INDEX ticket_create_time ON ticket (tenant, create_time, id);
CREATE INDEX ticket_update_time ON ticket (tenant, update_time, id);
CREATE INDEX ticket_contact ON ticket (tenant, contact, create_time, id);
CREATE INDEX ticket_owner ON ticket (tenant, owner, create_time, id);
CREATE INDEX ticket_owner_status ON ticket (tenant, owner, status, create_time, id);
CREATE INDEX ticket_queue_status ON ticket (tenant, queue, status, create_time, id);
CREATE INDEX ticket_status ON ticket (tenant, status, create_time, id);
CREATE INDEX ticket_conversation ON ticket (tenant, conversation, create_time, id);
SELECT lingkar_secure('ticket', 'SELECT, INSERT, UPDATE');

CREATE TABLE ticket_external_id (
	tenant uuid NOT NULL,
	system text NOT NULL,
	id     text NOT NULL,
	ticket uuid NOT NULL,
	CONSTRAINT ticket_external_id_key PRIMARY KEY (tenant, system, id),
	CONSTRAINT ticket_external_id_fkey FOREIGN KEY (tenant, ticket) REFERENCES ticket (tenant, id)
);
CREATE INDEX ticket_external_id_ticket ON ticket_external_id (tenant, ticket);
SELECT lingkar_secure('ticket_external_id');

-- What was said is never changed.
CREATE TABLE message (
	tenant      uuid        NOT NULL,
	id          uuid        NOT NULL,
	ticket      uuid        NOT NULL,
	author_kind integer     NOT NULL CHECK (author_kind IN (1, 2)),
	author      text        NOT NULL,
	channel     integer     NOT NULL CHECK (channel > 0),
	direction   integer     NOT NULL CHECK (direction BETWEEN 1 AND 3),
	internal    boolean     NOT NULL,
	body        text        NOT NULL,
	say_time    timestamptz NOT NULL,
	create_time timestamptz NOT NULL,
	CONSTRAINT message_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT message_ticket_fkey FOREIGN KEY (tenant, ticket) REFERENCES ticket (tenant, id)
);
CREATE INDEX message_ticket ON message (tenant, ticket, create_time, id);
SELECT lingkar_secure('message', 'SELECT, INSERT');

-- Ticket numbers are given out in blocks: a block is taken once, and what is left
-- of it when a process ends is never used.
CREATE TABLE ticket_number (
	tenant uuid   NOT NULL,
	last   bigint NOT NULL,
	CONSTRAINT ticket_number_pkey PRIMARY KEY (tenant)
);
SELECT lingkar_secure('ticket_number', 'SELECT, INSERT, UPDATE');

-- +goose Down
DROP TABLE ticket_number, message, ticket_external_id, ticket, queue, known_contact;
DROP FUNCTION require_contact(uuid, uuid), require_queue(uuid, uuid);
