-- What the migrations make, as PostgreSQL 15 words it. To read, not to run.
-- What is not here is in pkg/*/schema.sql.
-- Written by go test ./services/internal/schema -update.

CREATE TABLE campaign (
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
	segment uuid NOT NULL,
	channel integer NOT NULL,
	subject text NOT NULL,
	body text NOT NULL,
	requires_consent boolean NOT NULL,
	display_name text NOT NULL,
	description text NOT NULL,
	kind integer NOT NULL,
	budget_currency text NOT NULL,
	budget_amount numeric(28,9) NOT NULL,
	status integer NOT NULL,
	segment_version integer NOT NULL,
	launch_time timestamp with time zone,
	finish_time timestamp with time zone,
	CONSTRAINT campaign_budget_amount_check CHECK ((budget_amount >= (0)::numeric)),
	CONSTRAINT campaign_channel_check CHECK ((channel > 0)),
	CONSTRAINT campaign_display_name_check CHECK ((display_name <> ''::text)),
	CONSTRAINT campaign_finished CHECK (((status = 4) = (finish_time IS NOT NULL))),
	CONSTRAINT campaign_kind_check CHECK (((kind >= 1) AND (kind <= 5))),
	CONSTRAINT campaign_launched CHECK ((((status > 1) = (launch_time IS NOT NULL)) AND ((status > 1) = (segment_version > 0)))),
	CONSTRAINT campaign_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT campaign_segment_fkey FOREIGN KEY (tenant, segment) REFERENCES segment(tenant, id),
	CONSTRAINT campaign_status_check CHECK (((status >= 1) AND (status <= 4)))
);
CREATE INDEX campaign_create_time ON campaign USING btree (tenant, create_time, id);
CREATE INDEX campaign_kind ON campaign USING btree (tenant, kind, create_time, id);
CREATE INDEX campaign_owner ON campaign USING btree (tenant, owner, create_time, id);
CREATE INDEX campaign_segment ON campaign USING btree (tenant, segment, create_time, id);
CREATE INDEX campaign_status ON campaign USING btree (tenant, status, create_time, id);
CREATE INDEX campaign_update_time ON campaign USING btree (tenant, update_time, id);
CREATE POLICY system ON campaign TO campaign_owner, campaign_relay USING (true);
CREATE POLICY tenant ON campaign TO campaign_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE campaign_external_id (
	tenant uuid NOT NULL,
	system text NOT NULL,
	id text NOT NULL,
	campaign uuid NOT NULL,
	CONSTRAINT campaign_external_id_fkey FOREIGN KEY (tenant, campaign) REFERENCES campaign(tenant, id),
	CONSTRAINT campaign_external_id_key PRIMARY KEY (tenant, system, id)
);
CREATE INDEX campaign_external_id_campaign ON campaign_external_id USING btree (tenant, campaign);
CREATE POLICY system ON campaign_external_id TO campaign_owner, campaign_relay USING (true);
CREATE POLICY tenant ON campaign_external_id TO campaign_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE campaign_send (
	tenant uuid NOT NULL,
	campaign uuid NOT NULL,
	segment uuid NOT NULL,
	version integer NOT NULL,
	running boolean NOT NULL,
	plan_cursor uuid DEFAULT '00000000-0000-0000-0000-000000000000'::uuid NOT NULL,
	complete_time timestamp with time zone,
	lease_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
	CONSTRAINT campaign_send_fkey FOREIGN KEY (tenant, campaign) REFERENCES campaign(tenant, id),
	CONSTRAINT campaign_send_pkey PRIMARY KEY (tenant, campaign),
	CONSTRAINT campaign_send_version_fkey FOREIGN KEY (tenant, segment, version) REFERENCES segment_version(tenant, segment, version)
);
CREATE INDEX campaign_send_lease ON campaign_send USING btree (lease_until) WHERE (running AND (complete_time IS NULL));
CREATE POLICY system ON campaign_send TO campaign_owner, campaign_relay USING (true);
CREATE POLICY tenant ON campaign_send TO campaign_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE known_contact (
	tenant uuid NOT NULL,
	contact uuid NOT NULL,
	deleted boolean NOT NULL,
	given_name text NOT NULL,
	family_name text NOT NULL,
	display_name text NOT NULL,
	organisation_name text NOT NULL,
	preferred_channel integer NOT NULL,
	CONSTRAINT known_contact_pkey PRIMARY KEY (tenant, contact)
);
CREATE POLICY system ON known_contact TO campaign_owner, campaign_relay USING (true);
CREATE POLICY tenant ON known_contact TO campaign_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE response (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	touch uuid NOT NULL,
	campaign uuid NOT NULL,
	contact uuid NOT NULL,
	kind integer NOT NULL,
	channel integer NOT NULL,
	body text NOT NULL,
	value_currency text NOT NULL,
	value_amount numeric(28,9) NOT NULL,
	respond_time timestamp with time zone NOT NULL,
	create_time timestamp with time zone NOT NULL,
	CONSTRAINT response_channel_check CHECK ((channel > 0)),
	CONSTRAINT response_kind_check CHECK (((kind >= 1) AND (kind <= 6))),
	CONSTRAINT response_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT response_touch_fkey FOREIGN KEY (tenant, touch) REFERENCES touch(tenant, id),
	CONSTRAINT response_value_amount_check CHECK ((value_amount >= (0)::numeric))
);
CREATE INDEX response_campaign ON response USING btree (tenant, campaign, create_time, id);
CREATE INDEX response_contact ON response USING btree (tenant, contact, create_time, id);
CREATE INDEX response_create_time ON response USING btree (tenant, create_time, id);
CREATE INDEX response_touch ON response USING btree (tenant, touch, create_time, id);
CREATE POLICY system ON response TO campaign_owner, campaign_relay USING (true);
CREATE POLICY tenant ON response TO campaign_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE segment (
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
	filter text NOT NULL,
	contacts uuid[] NOT NULL,
	version integer NOT NULL,
	state integer NOT NULL,
	member_count bigint NOT NULL,
	materialize_time timestamp with time zone,
	failure_reason text NOT NULL,
	CONSTRAINT segment_defined CHECK (((filter <> ''::text) OR (cardinality(contacts) > 0))),
	CONSTRAINT segment_display_name_check CHECK ((display_name <> ''::text)),
	CONSTRAINT segment_member_count_check CHECK ((member_count >= 0)),
	CONSTRAINT segment_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT segment_ready CHECK (((state = 3) = (materialize_time IS NOT NULL))),
	CONSTRAINT segment_state_check CHECK (((state >= 1) AND (state <= 4))),
	CONSTRAINT segment_version_check CHECK ((version > 0))
);
CREATE INDEX segment_create_time ON segment USING btree (tenant, create_time, id);
CREATE INDEX segment_display_name ON segment USING btree (tenant, display_name, id);
CREATE INDEX segment_owner ON segment USING btree (tenant, owner, create_time, id);
CREATE INDEX segment_update_time ON segment USING btree (tenant, update_time, id);
CREATE POLICY system ON segment TO campaign_owner, campaign_relay USING (true);
CREATE POLICY tenant ON segment TO campaign_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE segment_external_id (
	tenant uuid NOT NULL,
	system text NOT NULL,
	id text NOT NULL,
	segment uuid NOT NULL,
	CONSTRAINT segment_external_id_fkey FOREIGN KEY (tenant, segment) REFERENCES segment(tenant, id),
	CONSTRAINT segment_external_id_key PRIMARY KEY (tenant, system, id)
);
CREATE INDEX segment_external_id_segment ON segment_external_id USING btree (tenant, segment);
CREATE POLICY system ON segment_external_id TO campaign_owner, campaign_relay USING (true);
CREATE POLICY tenant ON segment_external_id TO campaign_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE segment_lookup (
	tenant uuid NOT NULL,
	segment uuid NOT NULL,
	version integer NOT NULL,
	page_token text DEFAULT ''::text NOT NULL,
	lease_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
	CONSTRAINT segment_lookup_fkey FOREIGN KEY (tenant, segment) REFERENCES segment(tenant, id),
	CONSTRAINT segment_lookup_pkey PRIMARY KEY (tenant, segment)
);
CREATE INDEX segment_lookup_lease ON segment_lookup USING btree (lease_until);
CREATE POLICY system ON segment_lookup TO campaign_owner, campaign_relay USING (true);
CREATE POLICY tenant ON segment_lookup TO campaign_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE segment_member (
	tenant uuid NOT NULL,
	segment uuid NOT NULL,
	version integer NOT NULL,
	contact uuid NOT NULL,
	CONSTRAINT segment_member_pkey PRIMARY KEY (tenant, segment, version, contact)
);
CREATE POLICY system ON segment_member TO campaign_owner, campaign_relay USING (true);
CREATE POLICY tenant ON segment_member TO campaign_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE touch (
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
	campaign uuid NOT NULL,
	contact uuid NOT NULL,
	channel integer NOT NULL,
	status integer NOT NULL,
	suppress_reason integer NOT NULL,
	consent uuid,
	subject text NOT NULL,
	body text NOT NULL,
	send_time timestamp with time zone,
	answer_time timestamp with time zone,
	response_count integer NOT NULL,
	wait_until timestamp with time zone,
	CONSTRAINT touch_answered CHECK (((response_count > 0) = (answer_time IS NOT NULL))),
	CONSTRAINT touch_campaign_contact_key UNIQUE (tenant, campaign, contact),
	CONSTRAINT touch_campaign_fkey FOREIGN KEY (tenant, campaign) REFERENCES campaign(tenant, id),
	CONSTRAINT touch_channel_check CHECK ((channel > 0)),
	CONSTRAINT touch_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT touch_sent CHECK (((status = ANY (ARRAY[2, 3, 4])) = (send_time IS NOT NULL))),
	CONSTRAINT touch_status_check CHECK (((status >= 1) AND (status <= 5))),
	CONSTRAINT touch_suppress_reason_check CHECK (((suppress_reason >= 0) AND (suppress_reason <= 5))),
	CONSTRAINT touch_suppressed CHECK (((status = 5) = (suppress_reason > 0)))
);
CREATE INDEX touch_campaign ON touch USING btree (tenant, campaign, create_time, id);
CREATE INDEX touch_campaign_status ON touch USING btree (tenant, campaign, status, create_time, id);
CREATE INDEX touch_contact ON touch USING btree (tenant, contact, create_time, id);
CREATE INDEX touch_create_time ON touch USING btree (tenant, create_time, id);
CREATE INDEX touch_update_time ON touch USING btree (tenant, update_time, id);
CREATE POLICY system ON touch TO campaign_owner, campaign_relay USING (true);
CREATE POLICY tenant ON touch TO campaign_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
