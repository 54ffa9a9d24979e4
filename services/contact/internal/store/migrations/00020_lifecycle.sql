-- +goose Up

-- What contacts bought, by the events of sales. An order that is no purchase any more
-- stays, without a time, so that an event of it that comes again changes nothing.
CREATE TABLE contact_purchase (
	tenant        uuid NOT NULL,
	id            uuid NOT NULL,
	contact       uuid NOT NULL,
	purchase_time timestamptz,
	-- The number of the order's latest event.
	seq           bigint NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE INDEX contact_purchase_contact ON contact_purchase (tenant, contact, purchase_time);
SELECT lingkar_secure('contact_purchase', 'SELECT');

-- What is known of contacts by events, and where they stand; those of which there is
-- none are suspects. The classes and phases are numbered as in the contract.
CREATE TABLE contact_lifecycle (
	tenant      uuid     NOT NULL,
	id          uuid     NOT NULL,
	-- True where an event showed that it has to do with us, and where it is marked as
	-- having no need.
	related     boolean  NOT NULL DEFAULT false,
	no_need     boolean  NOT NULL DEFAULT false,
	deleted     boolean  NOT NULL DEFAULT false,
	erased      boolean  NOT NULL DEFAULT false,
	-- The number of the contact's latest event that was read for this.
	contact_seq bigint   NOT NULL DEFAULT 0,
	class       smallint NOT NULL DEFAULT 4 CHECK (class BETWEEN 1 AND 5),
	phase       smallint NOT NULL DEFAULT 1 CHECK (phase BETWEEN 1 AND 4),
	since       timestamptz,
	-- How many moves were told.
	moves       bigint   NOT NULL DEFAULT 0,
	-- As of when somebody looked last, and when time moves it next.
	as_of       timestamptz,
	due         timestamptz,
	PRIMARY KEY (tenant, id)
);
SELECT lingkar_secure('contact_lifecycle', 'SELECT, INSERT, UPDATE');

-- The moves that were told.
CREATE TABLE lifecycle_transition (
	tenant        uuid        NOT NULL,
	contact       uuid        NOT NULL,
	number        bigint      NOT NULL,
	from_class    smallint    NOT NULL,
	to_class      smallint    NOT NULL,
	from_phase    smallint    NOT NULL,
	to_phase      smallint    NOT NULL,
	change_time   timestamptz NOT NULL,
	record_time   timestamptz NOT NULL,
	cause         smallint    NOT NULL CHECK (cause BETWEEN 1 AND 4),
	event_id      text        NOT NULL,
	event_type    text        NOT NULL,
	resource      text        NOT NULL,
	window_months integer     NOT NULL,
	time_zone     text        NOT NULL,
	PRIMARY KEY (tenant, contact, number)
);
SELECT lingkar_secure('lifecycle_transition', 'SELECT, INSERT');

-- What tenants count by, by the events of area platform.
CREATE TABLE lifecycle_definition (
	tenant        uuid    NOT NULL,
	seq           bigint  NOT NULL,
	time_zone     text    NOT NULL,
	window_months integer NOT NULL,
	PRIMARY KEY (tenant)
);
SELECT lingkar_secure('lifecycle_definition', 'SELECT');

-- The projection that moves contacts records events, as role relay.
-- +goose StatementBegin
DO $$
BEGIN
	EXECUTE format('GRANT USAGE ON SEQUENCE event_position TO %I', substring(current_user::text FROM '^(.+)_owner$') || '_relay');
END
$$;
-- +goose StatementEnd

-- Where the contacts stand that are there already, by what this service knows of them:
-- the projection goes on where the other followers of its own log stand. What sales,
-- service and campaigns did with them it reads from the beginning.
INSERT INTO contact_lifecycle (tenant, id, related, no_need, deleted, erased, contact_seq, class, phase, as_of)
SELECT c.tenant, c.id, of.related, of.no_need, c.delete_time IS NOT NULL AND c.merged_into IS NULL, false, c.seq,
	CASE WHEN of.no_need THEN 5 WHEN of.related THEN 3 ELSE 4 END, CASE WHEN of.related AND NOT of.no_need THEN 2 ELSE 1 END, now()
FROM contact AS c
CROSS JOIN LATERAL (
	SELECT COALESCE(c.labels ->> 'rest_of_world' = 'true', false) AS no_need,
		EXISTS (SELECT FROM interaction AS i WHERE i.tenant = c.tenant AND i.contact = c.id)
			OR EXISTS (SELECT FROM fact AS f WHERE f.tenant = c.tenant AND f.contact = c.id)
			OR EXISTS (SELECT FROM relationship AS r WHERE r.tenant = c.tenant AND (r.from_contact = c.id OR r.to_contact = c.id)) AS related
) AS of
WHERE c.erase_time IS NULL AND (of.related OR of.no_need OR c.delete_time IS NOT NULL);

INSERT INTO contact_lifecycle (tenant, id, erased, contact_seq)
SELECT tenant, id, true, seq FROM contact WHERE erase_time IS NOT NULL;
