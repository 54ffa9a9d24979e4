-- +goose Up

-- The enumerations of these tables are numbered as in lingkar.campaign.v1.
CREATE TABLE segment (
	tenant           uuid        NOT NULL,
	id               uuid        NOT NULL,
	create_time      timestamptz NOT NULL,
	update_time      timestamptz NOT NULL,
	delete_time      timestamptz,
	seq              bigint      NOT NULL,
	partition        smallint    NOT NULL,
	owner            text        NOT NULL,
	team             text        NOT NULL,
	source           text        NOT NULL,
	external_ids     jsonb       NOT NULL,
	labels           jsonb       NOT NULL,
	custom_fields    jsonb       NOT NULL,
	display_name     text        NOT NULL CHECK (display_name <> ''),
	description      text        NOT NULL,
	filter           text        NOT NULL,
	contacts         uuid[]      NOT NULL,
	version          integer     NOT NULL CHECK (version > 0),
	state            integer     NOT NULL CHECK (state BETWEEN 1 AND 4),
	member_count     bigint      NOT NULL CHECK (member_count >= 0),
	materialize_time timestamptz,
	failure_reason   text        NOT NULL,
	CONSTRAINT segment_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT segment_defined CHECK (filter <> '' OR cardinality(contacts) > 0),
	CONSTRAINT segment_ready CHECK ((state = 3) = (materialize_time IS NOT NULL))
);
CREATE INDEX segment_create_time ON segment (tenant, create_time, id);
CREATE INDEX segment_update_time ON segment (tenant, update_time, id);
CREATE INDEX segment_display_name ON segment (tenant, display_name, id);
CREATE INDEX segment_owner ON segment (tenant, owner, create_time, id);
SELECT lingkar_secure('segment', 'SELECT, INSERT, UPDATE');

CREATE TABLE segment_external_id (
	tenant  uuid NOT NULL,
	system  text NOT NULL,
	id      text NOT NULL,
	segment uuid NOT NULL,
	CONSTRAINT segment_external_id_key PRIMARY KEY (tenant, system, id),
	CONSTRAINT segment_external_id_fkey FOREIGN KEY (tenant, segment) REFERENCES segment (tenant, id)
);
CREATE INDEX segment_external_id_segment ON segment_external_id (tenant, segment);
SELECT lingkar_secure('segment_external_id');

-- The members of a version stand, and never change, from the moment it is ready.
CREATE TABLE segment_version (
	tenant           uuid        NOT NULL,
	segment          uuid        NOT NULL,
	version          integer     NOT NULL,
	member_count     bigint      NOT NULL,
	materialize_time timestamptz NOT NULL,
	CONSTRAINT segment_version_pkey PRIMARY KEY (tenant, segment, version),
	CONSTRAINT segment_version_fkey FOREIGN KEY (tenant, segment) REFERENCES segment (tenant, id)
);
SELECT lingkar_secure('segment_version', 'SELECT, INSERT');

CREATE TABLE segment_member (
	tenant  uuid    NOT NULL,
	segment uuid    NOT NULL,
	version integer NOT NULL,
	contact uuid    NOT NULL,
	CONSTRAINT segment_member_pkey PRIMARY KEY (tenant, segment, version, contact)
);
SELECT lingkar_secure('segment_member', 'SELECT, INSERT, DELETE');

-- The look-ups that are under way. The page token says where the contact area's
-- list goes on; the lease keeps replicas from doing the same work, and nothing
-- else depends on it.
CREATE TABLE segment_lookup (
	tenant      uuid        NOT NULL,
	segment     uuid        NOT NULL,
	version     integer     NOT NULL,
	page_token  text        NOT NULL DEFAULT '',
	lease_until timestamptz NOT NULL DEFAULT '-infinity',
	CONSTRAINT segment_lookup_pkey PRIMARY KEY (tenant, segment),
	CONSTRAINT segment_lookup_fkey FOREIGN KEY (tenant, segment) REFERENCES segment (tenant, id)
);
CREATE INDEX segment_lookup_lease ON segment_lookup (lease_until);
SELECT lingkar_secure('segment_lookup');

CREATE TABLE campaign (
	tenant           uuid          NOT NULL,
	id               uuid          NOT NULL,
	create_time      timestamptz   NOT NULL,
	update_time      timestamptz   NOT NULL,
	delete_time      timestamptz,
	seq              bigint        NOT NULL,
	partition        smallint      NOT NULL,
	owner            text          NOT NULL,
	team             text          NOT NULL,
	source           text          NOT NULL,
	external_ids     jsonb         NOT NULL,
	labels           jsonb         NOT NULL,
	custom_fields    jsonb         NOT NULL,
	segment          uuid          NOT NULL,
	channel          integer       NOT NULL CHECK (channel > 0),
	subject          text          NOT NULL,
	body             text          NOT NULL,
	requires_consent boolean       NOT NULL,
	display_name     text          NOT NULL CHECK (display_name <> ''),
	description      text          NOT NULL,
	kind             integer       NOT NULL CHECK (kind BETWEEN 1 AND 5),
	budget_currency  text          NOT NULL,
	budget_amount    numeric(28,9) NOT NULL CHECK (budget_amount >= 0),
	status           integer       NOT NULL CHECK (status BETWEEN 1 AND 4),
	segment_version  integer       NOT NULL,
	launch_time      timestamptz,
	finish_time      timestamptz,
	CONSTRAINT campaign_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT campaign_segment_fkey FOREIGN KEY (tenant, segment) REFERENCES segment (tenant, id),
	CONSTRAINT campaign_launched CHECK ((status > 1) = (launch_time IS NOT NULL) AND (status > 1) = (segment_version > 0)),
	CONSTRAINT campaign_finished CHECK ((status = 4) = (finish_time IS NOT NULL))
);
CREATE INDEX campaign_create_time ON campaign (tenant, create_time, id);
CREATE INDEX campaign_update_time ON campaign (tenant, update_time, id);
CREATE INDEX campaign_status ON campaign (tenant, status, create_time, id);
CREATE INDEX campaign_kind ON campaign (tenant, kind, create_time, id);
CREATE INDEX campaign_owner ON campaign (tenant, owner, create_time, id);
CREATE INDEX campaign_segment ON campaign (tenant, segment, create_time, id);
SELECT lingkar_secure('campaign', 'SELECT, INSERT, UPDATE');

CREATE TABLE campaign_external_id (
	tenant   uuid NOT NULL,
	system   text NOT NULL,
	id       text NOT NULL,
	campaign uuid NOT NULL,
	CONSTRAINT campaign_external_id_key PRIMARY KEY (tenant, system, id),
	CONSTRAINT campaign_external_id_fkey FOREIGN KEY (tenant, campaign) REFERENCES campaign (tenant, id)
);
CREATE INDEX campaign_external_id_campaign ON campaign_external_id (tenant, campaign);
SELECT lingkar_secure('campaign_external_id');

-- The launched campaigns, and how far each is. Members up to plan_cursor, in the
-- order of their ids, have their touch; complete_time is set when all touches are
-- sent or withheld. The lease is as in segment_lookup.
CREATE TABLE campaign_send (
	tenant        uuid        NOT NULL,
	campaign      uuid        NOT NULL,
	segment       uuid        NOT NULL,
	version       integer     NOT NULL,
	running       boolean     NOT NULL,
	plan_cursor   uuid        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
	complete_time timestamptz,
	lease_until   timestamptz NOT NULL DEFAULT '-infinity',
	CONSTRAINT campaign_send_pkey PRIMARY KEY (tenant, campaign),
	CONSTRAINT campaign_send_fkey FOREIGN KEY (tenant, campaign) REFERENCES campaign (tenant, id),
	CONSTRAINT campaign_send_version_fkey FOREIGN KEY (tenant, segment, version)
		REFERENCES segment_version (tenant, segment, version)
);
CREATE INDEX campaign_send_lease ON campaign_send (lease_until) WHERE running AND complete_time IS NULL;
SELECT lingkar_secure('campaign_send');

CREATE TABLE touch (
	tenant          uuid        NOT NULL,
	id              uuid        NOT NULL,
	create_time     timestamptz NOT NULL,
	update_time     timestamptz NOT NULL,
	delete_time     timestamptz,
	seq             bigint      NOT NULL,
	partition       smallint    NOT NULL,
	owner           text        NOT NULL,
	team            text        NOT NULL,
	source          text        NOT NULL,
	external_ids    jsonb       NOT NULL,
	labels          jsonb       NOT NULL,
	custom_fields   jsonb       NOT NULL,
	campaign        uuid        NOT NULL,
	contact         uuid        NOT NULL,
	channel         integer     NOT NULL CHECK (channel > 0),
	status          integer     NOT NULL CHECK (status BETWEEN 1 AND 5),
	suppress_reason integer     NOT NULL CHECK (suppress_reason BETWEEN 0 AND 4),
	consent         uuid,
	subject         text        NOT NULL,
	body            text        NOT NULL,
	send_time       timestamptz,
	answer_time     timestamptz,
	response_count  integer     NOT NULL,
	CONSTRAINT touch_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT touch_campaign_contact_key UNIQUE (tenant, campaign, contact),
	CONSTRAINT touch_campaign_fkey FOREIGN KEY (tenant, campaign) REFERENCES campaign (tenant, id),
	CONSTRAINT touch_suppressed CHECK ((status = 5) = (suppress_reason > 0)),
	CONSTRAINT touch_sent CHECK ((status IN (2, 3, 4)) = (send_time IS NOT NULL)),
	CONSTRAINT touch_answered CHECK ((response_count > 0) = (answer_time IS NOT NULL))
);
CREATE INDEX touch_create_time ON touch (tenant, create_time, id);
CREATE INDEX touch_update_time ON touch (tenant, update_time, id);
CREATE INDEX touch_campaign ON touch (tenant, campaign, create_time, id);
CREATE INDEX touch_campaign_status ON touch (tenant, campaign, status, create_time, id);
CREATE INDEX touch_contact ON touch (tenant, contact, create_time, id);
SELECT lingkar_secure('touch', 'SELECT, INSERT, UPDATE');

-- What was answered is never changed.
CREATE TABLE response (
	tenant         uuid          NOT NULL,
	id             uuid          NOT NULL,
	touch          uuid          NOT NULL,
	campaign       uuid          NOT NULL,
	contact        uuid          NOT NULL,
	kind           integer       NOT NULL CHECK (kind BETWEEN 1 AND 6),
	channel        integer       NOT NULL CHECK (channel > 0),
	body           text          NOT NULL,
	value_currency text          NOT NULL,
	value_amount   numeric(28,9) NOT NULL CHECK (value_amount >= 0),
	respond_time   timestamptz   NOT NULL,
	create_time    timestamptz   NOT NULL,
	CONSTRAINT response_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT response_touch_fkey FOREIGN KEY (tenant, touch) REFERENCES touch (tenant, id)
);
CREATE INDEX response_create_time ON response (tenant, create_time, id);
CREATE INDEX response_touch ON response (tenant, touch, create_time, id);
CREATE INDEX response_campaign ON response (tenant, campaign, create_time, id);
CREATE INDEX response_contact ON response (tenant, contact, create_time, id);
SELECT lingkar_secure('response', 'SELECT, INSERT');

-- What is known of contacts, as the events of the contact area tell it: what a
-- message may call them, and how they wish to be reached. Emptied of names when a
-- contact is deleted.
CREATE TABLE known_contact (
	tenant            uuid    NOT NULL,
	contact           uuid    NOT NULL,
	deleted           boolean NOT NULL,
	given_name        text    NOT NULL,
	family_name       text    NOT NULL,
	display_name      text    NOT NULL,
	organisation_name text    NOT NULL,
	preferred_channel integer NOT NULL,
	CONSTRAINT known_contact_pkey PRIMARY KEY (tenant, contact)
);
SELECT lingkar_secure('known_contact', 'SELECT');

-- +goose Down
DROP TABLE known_contact, response, touch, campaign_send, campaign_external_id, campaign,
	segment_lookup, segment_member, segment_version, segment_external_id, segment;
