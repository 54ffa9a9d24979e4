-- What the migrations make, as PostgreSQL 15 words it. To read, not to run.
-- What is not here is in pkg/*/schema.sql.
-- Written by go test ./services/internal/schema -update.

CREATE TABLE api_key (
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
	roles jsonb NOT NULL,
	expire_time timestamp with time zone,
	hash bytea NOT NULL,
	suffix text NOT NULL,
	last_use_time timestamp with time zone,
	CONSTRAINT api_key_display_name_check CHECK ((display_name <> ''::text)),
	CONSTRAINT api_key_hash_check CHECK ((length(hash) = 32)),
	CONSTRAINT api_key_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT api_key_suffix_check CHECK ((length(suffix) = 4))
);
CREATE INDEX api_key_create_time ON api_key USING btree (tenant, create_time, id);
CREATE INDEX api_key_display_name ON api_key USING btree (tenant, display_name, id);
CREATE UNIQUE INDEX api_key_hash ON api_key USING btree (hash);
CREATE POLICY system ON api_key TO platform_owner, platform_relay USING (true);
CREATE POLICY tenant ON api_key TO platform_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE exchange_rate (
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
	from_currency_code text NOT NULL,
	to_currency_code text NOT NULL,
	date date NOT NULL,
	rate numeric(28,9) NOT NULL,
	CONSTRAINT exchange_rate_between_two CHECK ((from_currency_code <> to_currency_code)),
	CONSTRAINT exchange_rate_from_currency_code_check CHECK ((from_currency_code ~ '^[A-Z]{3}$'::text)),
	CONSTRAINT exchange_rate_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT exchange_rate_rate_check CHECK ((rate > (0)::numeric)),
	CONSTRAINT exchange_rate_to_currency_code_check CHECK ((to_currency_code ~ '^[A-Z]{3}$'::text))
);
CREATE INDEX exchange_rate_create_time ON exchange_rate USING btree (tenant, create_time, id);
CREATE INDEX exchange_rate_date ON exchange_rate USING btree (tenant, from_currency_code, to_currency_code, date, id);
CREATE UNIQUE INDEX exchange_rate_taken ON exchange_rate USING btree (tenant, from_currency_code, to_currency_code, date) WHERE (delete_time IS NULL);
CREATE POLICY system ON exchange_rate TO platform_owner, platform_relay USING (true);
CREATE POLICY tenant ON exchange_rate TO platform_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE external_id (
	tenant uuid NOT NULL,
	kind text NOT NULL,
	system text NOT NULL,
	id text NOT NULL,
	resource uuid NOT NULL,
	CONSTRAINT external_id_taken PRIMARY KEY (tenant, kind, system, id)
);
CREATE INDEX external_id_resource ON external_id USING btree (tenant, kind, resource);
CREATE POLICY system ON external_id TO platform_owner, platform_relay USING (true);
CREATE POLICY tenant ON external_id TO platform_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE field_rule (
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
	resource_type text NOT NULL,
	field text NOT NULL,
	readers jsonb NOT NULL,
	writers jsonb NOT NULL,
	reason text NOT NULL,
	CONSTRAINT field_rule_field_check CHECK ((field <> ''::text)),
	CONSTRAINT field_rule_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT field_rule_reason_check CHECK ((reason <> ''::text)),
	CONSTRAINT field_rule_resource_type_check CHECK ((resource_type <> ''::text))
);
CREATE INDEX field_rule_create_time ON field_rule USING btree (tenant, create_time, id);
CREATE INDEX field_rule_resource_type ON field_rule USING btree (tenant, resource_type, field, id);
CREATE UNIQUE INDEX field_rule_taken ON field_rule USING btree (tenant, resource_type, field) WHERE (delete_time IS NULL);
CREATE POLICY system ON field_rule TO platform_owner, platform_relay USING (true);
CREATE POLICY tenant ON field_rule TO platform_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE member (
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
	subject text NOT NULL,
	contact uuid,
	display_name text NOT NULL,
	roles jsonb NOT NULL,
	teams jsonb NOT NULL,
	CONSTRAINT member_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT member_subject_check CHECK ((subject <> ''::text))
);
CREATE INDEX member_create_time ON member USING btree (tenant, create_time, id);
CREATE INDEX member_subject ON member USING btree (tenant, subject, id);
CREATE UNIQUE INDEX member_subject_taken ON member USING btree (tenant, subject) WHERE (delete_time IS NULL);
CREATE POLICY system ON member TO platform_owner, platform_relay USING (true);
CREATE POLICY tenant ON member TO platform_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE rule (
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
	kind text NOT NULL,
	spec jsonb NOT NULL,
	version bigint NOT NULL,
	state integer NOT NULL,
	active_version bigint NOT NULL,
	CONSTRAINT rule_check CHECK (((active_version >= 0) AND (active_version <= version))),
	CONSTRAINT rule_display_name_check CHECK ((display_name <> ''::text)),
	CONSTRAINT rule_kind_check CHECK ((kind <> ''::text)),
	CONSTRAINT rule_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT rule_state_check CHECK (((state >= 1) AND (state <= 4))),
	CONSTRAINT rule_version_check CHECK ((version > 0))
);
CREATE INDEX rule_create_time ON rule USING btree (tenant, create_time, id);
CREATE INDEX rule_display_name ON rule USING btree (tenant, display_name, id);
CREATE INDEX rule_state ON rule USING btree (tenant, state, create_time, id);
CREATE POLICY system ON rule TO platform_owner, platform_relay USING (true);
CREATE POLICY tenant ON rule TO platform_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE saved_view (
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
	resource text NOT NULL,
	filter text NOT NULL,
	order_by text NOT NULL,
	columns jsonb NOT NULL,
	page_size integer NOT NULL,
	visibility smallint NOT NULL,
	teams jsonb NOT NULL,
	CONSTRAINT saved_view_display_name_check CHECK ((display_name <> ''::text)),
	CONSTRAINT saved_view_owner_check CHECK ((owner <> ''::text)),
	CONSTRAINT saved_view_page_size_check CHECK ((page_size >= 0)),
	CONSTRAINT saved_view_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT saved_view_resource_check CHECK ((resource <> ''::text)),
	CONSTRAINT saved_view_visibility_check CHECK (((visibility >= 1) AND (visibility <= 3)))
);
CREATE INDEX saved_view_create_time ON saved_view USING btree (tenant, create_time, id);
CREATE INDEX saved_view_display_name ON saved_view USING btree (tenant, display_name, id);
CREATE INDEX saved_view_owner ON saved_view USING btree (tenant, owner, display_name, id);
CREATE INDEX saved_view_resource ON saved_view USING btree (tenant, resource, display_name, id);
CREATE INDEX saved_view_update_time ON saved_view USING btree (tenant, update_time, id);
CREATE POLICY system ON saved_view TO platform_owner, platform_relay USING (true);
CREATE POLICY tenant ON saved_view TO platform_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE saved_view_default (
	tenant uuid NOT NULL,
	subject text NOT NULL,
	resource text NOT NULL,
	view uuid NOT NULL,
	CONSTRAINT saved_view_default_pkey PRIMARY KEY (tenant, subject, resource),
	CONSTRAINT saved_view_default_tenant_view_fkey FOREIGN KEY (tenant, view) REFERENCES saved_view(tenant, id)
);
CREATE INDEX saved_view_default_view ON saved_view_default USING btree (tenant, view);
CREATE POLICY system ON saved_view_default TO platform_owner, platform_relay USING (true);
CREATE POLICY tenant ON saved_view_default TO platform_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE team (
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
	CONSTRAINT team_display_name_check CHECK ((display_name <> ''::text)),
	CONSTRAINT team_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX team_create_time ON team USING btree (tenant, create_time, id);
CREATE INDEX team_display_name ON team USING btree (tenant, display_name, id);
CREATE UNIQUE INDEX team_name_taken ON team USING btree (tenant, lower(display_name)) WHERE (delete_time IS NULL);
CREATE POLICY system ON team TO platform_owner, platform_relay USING (true);
CREATE POLICY tenant ON team TO platform_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE tenant (
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
	currency_code text NOT NULL,
	time_zone text NOT NULL,
	state integer NOT NULL,
	lifecycle_window_months integer DEFAULT 12 NOT NULL,
	CONSTRAINT tenant_currency_code_check CHECK ((currency_code ~ '^[A-Z]{3}$'::text)),
	CONSTRAINT tenant_display_name_check CHECK ((display_name <> ''::text)),
	CONSTRAINT tenant_lifecycle_window_months_check CHECK (((lifecycle_window_months >= 1) AND (lifecycle_window_months <= 120))),
	CONSTRAINT tenant_own CHECK ((tenant = id)),
	CONSTRAINT tenant_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT tenant_state_check CHECK (((state >= 1) AND (state <= 2))),
	CONSTRAINT tenant_time_zone_check CHECK ((time_zone <> ''::text))
);
CREATE INDEX tenant_create_time ON tenant USING btree (create_time, id);
CREATE POLICY system ON tenant TO platform_owner, platform_relay USING (true);
CREATE POLICY tenant ON tenant TO platform_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE webhook_delivery (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	create_time timestamp with time zone NOT NULL,
	update_time timestamp with time zone NOT NULL,
	endpoint uuid NOT NULL,
	event uuid NOT NULL,
	event_type text NOT NULL,
	state smallint NOT NULL,
	block_reason text NOT NULL,
	tries integer NOT NULL,
	next_attempt_time timestamp with time zone,
	attempts jsonb NOT NULL,
	CONSTRAINT webhook_delivery_check CHECK (((block_reason = ''::text) OR (state = 4))),
	CONSTRAINT webhook_delivery_check1 CHECK (((next_attempt_time IS NOT NULL) = (state = 1))),
	CONSTRAINT webhook_delivery_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT webhook_delivery_state_check CHECK (((state >= 1) AND (state <= 4)))
);
CREATE INDEX webhook_delivery_create_time ON webhook_delivery USING btree (tenant, create_time, id);
CREATE INDEX webhook_delivery_due ON webhook_delivery USING btree (tenant, endpoint, next_attempt_time, id) WHERE (state = 1);
CREATE INDEX webhook_delivery_endpoint ON webhook_delivery USING btree (tenant, endpoint, create_time, id);
CREATE INDEX webhook_delivery_endpoint_state ON webhook_delivery USING btree (tenant, endpoint, state, create_time, id);
CREATE INDEX webhook_delivery_state ON webhook_delivery USING btree (tenant, state, create_time, id);
CREATE UNIQUE INDEX webhook_delivery_once ON webhook_delivery USING btree (tenant, event, endpoint);
CREATE POLICY system ON webhook_delivery TO platform_owner, platform_relay USING (true);
CREATE POLICY tenant ON webhook_delivery TO platform_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE webhook_endpoint (
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
	url text NOT NULL,
	event_types jsonb NOT NULL,
	recipient_class smallint NOT NULL,
	recipient text NOT NULL,
	description text NOT NULL,
	state smallint NOT NULL,
	state_reason text NOT NULL,
	secret bytea NOT NULL,
	secret_suffix text NOT NULL,
	previous_secret bytea,
	previous_secret_end_time timestamp with time zone,
	CONSTRAINT webhook_endpoint_check CHECK (((recipient <> ''::text) OR (recipient_class <> 3))),
	CONSTRAINT webhook_endpoint_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT webhook_endpoint_recipient_class_check CHECK (((recipient_class >= 2) AND (recipient_class <= 4))),
	CONSTRAINT webhook_endpoint_secret_check CHECK ((secret <> '\x'::bytea)),
	CONSTRAINT webhook_endpoint_state_check CHECK (((state >= 1) AND (state <= 3))),
	CONSTRAINT webhook_endpoint_url_check CHECK ((url <> ''::text))
);
CREATE INDEX webhook_endpoint_create_time ON webhook_endpoint USING btree (tenant, create_time, id);
CREATE INDEX webhook_endpoint_state ON webhook_endpoint USING btree (tenant, state, create_time, id);
CREATE POLICY system ON webhook_endpoint TO platform_owner, platform_relay USING (true);
CREATE POLICY tenant ON webhook_endpoint TO platform_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE webhook_event (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	type text NOT NULL,
	record_time timestamp with time zone NOT NULL,
	aggregate text NOT NULL,
	event bytea NOT NULL,
	CONSTRAINT webhook_event_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX webhook_event_record_time ON webhook_event USING btree (tenant, record_time, id);
CREATE POLICY system ON webhook_event TO platform_owner, platform_relay USING (true);
CREATE POLICY tenant ON webhook_event TO platform_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE webhook_event_contact (
	tenant uuid NOT NULL,
	contact uuid NOT NULL,
	event uuid NOT NULL,
	CONSTRAINT webhook_event_contact_event FOREIGN KEY (tenant, event) REFERENCES webhook_event(tenant, id) ON DELETE CASCADE,
	CONSTRAINT webhook_event_contact_pkey PRIMARY KEY (tenant, contact, event)
);
CREATE INDEX webhook_event_contact_of ON webhook_event_contact USING btree (tenant, event);
CREATE POLICY system ON webhook_event_contact TO platform_owner, platform_relay USING (true);
CREATE POLICY tenant ON webhook_event_contact TO platform_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
