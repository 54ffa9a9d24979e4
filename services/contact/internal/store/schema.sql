-- What the migrations make, as PostgreSQL 15 words it. To read, not to run.
-- What is not here is in pkg/*/schema.sql.
-- Written by go test ./services/internal/schema -update.

CREATE TABLE audit (
	tenant uuid NOT NULL,
	position bigint GENERATED AS IDENTITY NOT NULL,
	recorded_at timestamp with time zone NOT NULL,
	actor text NOT NULL,
	method text NOT NULL,
	resource text NOT NULL,
	seq bigint NOT NULL,
	request_id text NOT NULL,
	correlation_id text NOT NULL,
	note text NOT NULL,
	leaf bytea NOT NULL,
	block bigint,
	CONSTRAINT audit_leaf_check CHECK ((octet_length(leaf) = 32)),
	CONSTRAINT audit_pkey PRIMARY KEY (tenant, "position")
);
CREATE INDEX audit_resource ON audit USING btree (tenant, resource, "position");
CREATE INDEX audit_unsealed ON audit USING btree (tenant, "position") WHERE (block IS NULL);
CREATE POLICY system ON audit TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON audit TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE blocking_key (
	tenant uuid NOT NULL,
	key bigint NOT NULL,
	contact uuid NOT NULL,
	CONSTRAINT blocking_key_pkey PRIMARY KEY (tenant, key, contact)
);
CREATE POLICY system ON blocking_key TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON blocking_key TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE consent (
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
	contact uuid NOT NULL,
	purpose text NOT NULL,
	channel integer NOT NULL,
	state integer NOT NULL,
	text_version text NOT NULL,
	evidence text NOT NULL,
	ip_address text NOT NULL,
	occurred_at timestamp with time zone NOT NULL,
	expire_time timestamp with time zone,
	actor text NOT NULL,
	CONSTRAINT consent_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact(tenant, id),
	CONSTRAINT consent_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT consent_purpose_check CHECK ((purpose <> ''::text)),
	CONSTRAINT consent_state_check CHECK ((state = ANY (ARRAY[1, 2, 3])))
);
CREATE INDEX consent_contact ON consent USING btree (tenant, contact, occurred_at, id);
CREATE INDEX consent_occurred_at ON consent USING btree (tenant, occurred_at, id);
CREATE POLICY system ON consent TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON consent TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
CREATE TRIGGER refuse_erased AFTER INSERT ON consent REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased();

CREATE TABLE contact (
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
	customer_id text NOT NULL,
	key_id uuid NOT NULL,
	kind smallint NOT NULL,
	display_name text NOT NULL,
	name_key text NOT NULL,
	search_key text NOT NULL,
	given_name text NOT NULL,
	family_name text NOT NULL,
	organisation_name text NOT NULL,
	job_title text NOT NULL,
	birthday text NOT NULL,
	identifiers jsonb NOT NULL,
	addresses jsonb NOT NULL,
	preference jsonb,
	roles jsonb NOT NULL,
	roles_held jsonb NOT NULL,
	language_code text NOT NULL,
	region_code text NOT NULL,
	note text NOT NULL,
	no_third_party_sharing boolean NOT NULL,
	restrict_time timestamp with time zone,
	merged_into uuid,
	absorbed jsonb DEFAULT '[]'::jsonb NOT NULL,
	erase_time timestamp with time zone,
	CONSTRAINT contact_customer_id_check CHECK ((customer_id <> ''::text)),
	CONSTRAINT contact_customer_id_key UNIQUE (tenant, customer_id),
	CONSTRAINT contact_display_name_check CHECK ((display_name <> ''::text)),
	CONSTRAINT contact_erased_check CHECK (((erase_time IS NULL) OR (delete_time IS NOT NULL))),
	CONSTRAINT contact_kind_check CHECK ((kind = ANY (ARRAY[1, 2]))),
	CONSTRAINT contact_merged_hidden_check CHECK (((merged_into IS NULL) OR (delete_time IS NOT NULL))),
	CONSTRAINT contact_merged_into_fkey FOREIGN KEY (tenant, merged_into) REFERENCES contact(tenant, id),
	CONSTRAINT contact_merged_into_itself_check CHECK ((merged_into <> id)),
	CONSTRAINT contact_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX contact_create_time ON contact USING btree (tenant, create_time, id);
CREATE INDEX contact_erased ON contact USING btree (tenant, id) WHERE (erase_time IS NOT NULL);
CREATE INDEX contact_kind ON contact USING btree (tenant, kind, create_time, id);
CREATE INDEX contact_merged_into ON contact USING btree (tenant, merged_into) WHERE (merged_into IS NOT NULL);
CREATE INDEX contact_name ON contact USING btree (tenant, name_key, id);
CREATE INDEX contact_owner ON contact USING btree (tenant, owner, create_time, id);
CREATE INDEX contact_region ON contact USING btree (tenant, region_code, create_time, id);
CREATE INDEX contact_search ON contact USING gin (tenant, search_key gin_trgm_ops);
CREATE INDEX contact_team ON contact USING btree (tenant, team, create_time, id);
CREATE INDEX contact_update_time ON contact USING btree (tenant, update_time, id);
CREATE POLICY system ON contact TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON contact TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
CREATE TRIGGER contact_labels_entries_delete AFTER DELETE ON contact FOR EACH ROW WHEN ((old.labels <> '{}'::jsonb)) EXECUTE FUNCTION contact_labels_entries();
CREATE TRIGGER contact_labels_entries_insert AFTER INSERT ON contact FOR EACH ROW WHEN ((new.labels <> '{}'::jsonb)) EXECUTE FUNCTION contact_labels_entries();
CREATE TRIGGER contact_labels_entries_update AFTER UPDATE OF labels ON contact FOR EACH ROW WHEN ((new.labels IS DISTINCT FROM old.labels)) EXECUTE FUNCTION contact_labels_entries();
CREATE TRIGGER contact_roles_held_entries_delete AFTER DELETE ON contact FOR EACH ROW WHEN ((old.roles_held <> '{}'::jsonb)) EXECUTE FUNCTION contact_roles_held_entries();
CREATE TRIGGER contact_roles_held_entries_insert AFTER INSERT ON contact FOR EACH ROW WHEN ((new.roles_held <> '{}'::jsonb)) EXECUTE FUNCTION contact_roles_held_entries();
CREATE TRIGGER contact_roles_held_entries_update AFTER UPDATE OF roles_held ON contact FOR EACH ROW WHEN ((new.roles_held IS DISTINCT FROM old.roles_held)) EXECUTE FUNCTION contact_roles_held_entries();
CREATE TRIGGER custom_values_delete AFTER DELETE ON contact FOR EACH ROW WHEN ((old.custom_fields <> '{}'::jsonb)) EXECUTE FUNCTION custom_values_drop();
CREATE TRIGGER custom_values_drop BEFORE UPDATE ON contact FOR EACH ROW WHEN (((old.custom_fields <> '{}'::jsonb) AND ((new.custom_fields IS DISTINCT FROM old.custom_fields) OR ((new.delete_time IS NULL) <> (old.delete_time IS NULL))))) EXECUTE FUNCTION custom_values_drop();
CREATE TRIGGER custom_values_insert AFTER INSERT ON contact FOR EACH ROW WHEN ((new.custom_fields <> '{}'::jsonb)) EXECUTE FUNCTION custom_values_add('contacts');
CREATE TRIGGER custom_values_update AFTER UPDATE ON contact FOR EACH ROW WHEN (((new.custom_fields <> '{}'::jsonb) AND ((new.custom_fields IS DISTINCT FROM old.custom_fields) OR ((new.delete_time IS NULL) <> (old.delete_time IS NULL))))) EXECUTE FUNCTION custom_values_add('contacts');

CREATE TABLE contact_change (
	tenant uuid NOT NULL,
	contact uuid NOT NULL,
	number bigint NOT NULL,
	owners text[] NOT NULL,
	teams text[] NOT NULL,
	CONSTRAINT contact_change_pkey PRIMARY KEY (tenant, contact)
);
CREATE UNIQUE INDEX contact_change_number ON contact_change USING btree (tenant, number);
CREATE POLICY system ON contact_change TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON contact_change TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE contact_lifecycle (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	related boolean DEFAULT false NOT NULL,
	no_need boolean DEFAULT false NOT NULL,
	deleted boolean DEFAULT false NOT NULL,
	erased boolean DEFAULT false NOT NULL,
	contact_seq bigint DEFAULT 0 NOT NULL,
	class smallint DEFAULT 4 NOT NULL,
	phase smallint DEFAULT 1 NOT NULL,
	since timestamp with time zone,
	moves bigint DEFAULT 0 NOT NULL,
	as_of timestamp with time zone,
	due timestamp with time zone,
	CONSTRAINT contact_lifecycle_class_check CHECK (((class >= 1) AND (class <= 5))),
	CONSTRAINT contact_lifecycle_phase_check CHECK (((phase >= 1) AND (phase <= 4))),
	CONSTRAINT contact_lifecycle_pkey PRIMARY KEY (tenant, id)
);
CREATE POLICY system ON contact_lifecycle TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON contact_lifecycle TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE contact_merge (
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
	survivor uuid NOT NULL,
	contact uuid NOT NULL,
	before jsonb NOT NULL,
	after jsonb NOT NULL,
	wins jsonb NOT NULL,
	conflicts jsonb NOT NULL,
	policy_version bigint NOT NULL,
	actor text NOT NULL,
	undo_time timestamp with time zone,
	CONSTRAINT contact_merge_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact(tenant, id),
	CONSTRAINT contact_merge_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT contact_merge_survivor_fkey FOREIGN KEY (tenant, survivor) REFERENCES contact(tenant, id)
);
CREATE INDEX contact_merge_contact ON contact_merge USING btree (tenant, contact, create_time, id);
CREATE INDEX contact_merge_create_time ON contact_merge USING btree (tenant, create_time, id);
CREATE INDEX contact_merge_survivor ON contact_merge USING btree (tenant, survivor, create_time, id);
CREATE UNIQUE INDEX contact_merge_open_key ON contact_merge USING btree (tenant, contact) WHERE (undo_time IS NULL);
CREATE POLICY system ON contact_merge TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON contact_merge TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE contact_purchase (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	contact uuid NOT NULL,
	purchase_time timestamp with time zone,
	seq bigint NOT NULL,
	CONSTRAINT contact_purchase_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX contact_purchase_contact ON contact_purchase USING btree (tenant, contact, purchase_time);
CREATE POLICY system ON contact_purchase TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON contact_purchase TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE contact_quality (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	kind smallint NOT NULL,
	score integer NOT NULL,
	completeness integer NOT NULL,
	freshness integer NOT NULL,
	relevance integer NOT NULL,
	missing bigint NOT NULL,
	compute_time timestamp with time zone NOT NULL,
	stale_time timestamp with time zone NOT NULL,
	CONSTRAINT contact_quality_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT contact_quality_score_check CHECK (((score >= 0) AND (score <= 100)))
);
CREATE INDEX contact_quality_kind ON contact_quality USING btree (tenant, kind, score, id);
CREATE INDEX contact_quality_score ON contact_quality USING btree (tenant, score, id);
CREATE INDEX contact_quality_stale ON contact_quality USING btree (stale_time);
CREATE POLICY system ON contact_quality TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON contact_quality TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE customer_number (
	tenant uuid NOT NULL,
	next bigint NOT NULL,
	CONSTRAINT customer_number_next_check CHECK ((next > 0)),
	CONSTRAINT customer_number_pkey PRIMARY KEY (tenant)
);
CREATE POLICY system ON customer_number TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON customer_number TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE document (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	interaction uuid,
	contact uuid NOT NULL,
	title text NOT NULL,
	media_type text NOT NULL,
	text text DEFAULT ''::text NOT NULL,
	size_bytes bigint NOT NULL,
	create_time timestamp with time zone NOT NULL,
	file uuid,
	update_time timestamp with time zone DEFAULT now() NOT NULL,
	delete_time timestamp with time zone,
	seq bigint DEFAULT 0 NOT NULL,
	partition smallint DEFAULT 0 NOT NULL,
	owner text DEFAULT ''::text NOT NULL,
	team text DEFAULT ''::text NOT NULL,
	source text DEFAULT ''::text NOT NULL,
	external_ids jsonb DEFAULT '{}'::jsonb NOT NULL,
	labels jsonb DEFAULT '{}'::jsonb NOT NULL,
	custom_fields jsonb DEFAULT '{}'::jsonb NOT NULL,
	file_name text DEFAULT ''::text NOT NULL,
	sha256 text DEFAULT ''::text NOT NULL,
	reading integer DEFAULT 0 NOT NULL,
	channel integer DEFAULT 0 NOT NULL,
	direction integer DEFAULT 0 NOT NULL,
	occurred_at timestamp with time zone DEFAULT now() NOT NULL,
	actor text DEFAULT ''::text NOT NULL,
	CONSTRAINT document_check CHECK (((interaction IS NULL) <> (file IS NULL))),
	CONSTRAINT document_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact(tenant, id),
	CONSTRAINT document_file_fkey FOREIGN KEY (tenant, file) REFERENCES document_file(tenant, id),
	CONSTRAINT document_interaction_fkey FOREIGN KEY (tenant, interaction) REFERENCES interaction(tenant, id),
	CONSTRAINT document_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX document_contact ON document USING btree (tenant, contact, occurred_at, id);
CREATE INDEX document_create_time ON document USING btree (tenant, create_time, id);
CREATE INDEX document_file_key ON document USING btree (tenant, file) WHERE (file IS NOT NULL);
CREATE INDEX document_interaction ON document USING btree (tenant, interaction);
CREATE INDEX document_occurred_at ON document USING btree (tenant, occurred_at, id);
CREATE INDEX document_search ON document USING gin (search_words(((((title || ' '::text) || file_name) || ' '::text) || "left"(text, 100000))));
CREATE INDEX document_update_time ON document USING btree (tenant, update_time, id);
CREATE POLICY system ON document TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON document TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
CREATE TRIGGER refuse_erased AFTER INSERT ON document REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased();

CREATE TABLE document_chunk (
	tenant uuid NOT NULL,
	document uuid NOT NULL,
	n integer NOT NULL,
	data bytea NOT NULL,
	CONSTRAINT document_chunk_file_fkey FOREIGN KEY (tenant, document) REFERENCES document_file(tenant, id) ON DELETE CASCADE,
	CONSTRAINT document_chunk_pkey PRIMARY KEY (tenant, document, n)
);
CREATE POLICY system ON document_chunk TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON document_chunk TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE document_file (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	contact uuid NOT NULL,
	complete boolean DEFAULT false NOT NULL,
	create_time timestamp with time zone NOT NULL,
	CONSTRAINT document_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact(tenant, id),
	CONSTRAINT document_file_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX document_file_contact ON document_file USING btree (tenant, contact);
CREATE INDEX document_file_unfinished ON document_file USING btree (create_time) WHERE (NOT complete);
CREATE POLICY system ON document_file TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON document_file TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
CREATE TRIGGER refuse_erased AFTER INSERT ON document_file REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased();

CREATE TABLE employee (
	tenant uuid NOT NULL,
	contact uuid NOT NULL,
	start_time timestamp with time zone NOT NULL,
	end_time timestamp with time zone NOT NULL,
	name_key text NOT NULL,
	account text NOT NULL,
	unit_key text NOT NULL,
	job_key text NOT NULL,
	manager uuid NOT NULL,
	CONSTRAINT employee_pkey PRIMARY KEY (tenant, contact, start_time)
);
CREATE INDEX employee_account ON employee USING btree (tenant, account, contact);
CREATE INDEX employee_job ON employee USING btree (tenant, job_key, name_key, contact);
CREATE INDEX employee_manager ON employee USING btree (tenant, manager, name_key, contact);
CREATE INDEX employee_name ON employee USING btree (tenant, name_key, contact);
CREATE INDEX employee_unit ON employee USING btree (tenant, unit_key, name_key, contact);
CREATE POLICY system ON employee TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON employee TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE employee_record (
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
	contact uuid NOT NULL,
	kind smallint NOT NULL,
	content jsonb NOT NULL,
	CONSTRAINT employee_record_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact(tenant, id),
	CONSTRAINT employee_record_kind_check CHECK (((kind >= 1) AND (kind <= 4))),
	CONSTRAINT employee_record_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX employee_record_contact ON employee_record USING btree (tenant, contact, create_time, id);
CREATE INDEX employee_record_create_time ON employee_record USING btree (tenant, create_time, id);
CREATE INDEX employee_record_kind ON employee_record USING btree (tenant, kind, create_time, id);
CREATE INDEX employee_record_update_time ON employee_record USING btree (tenant, update_time, id);
CREATE POLICY system ON employee_record TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON employee_record TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
CREATE TRIGGER refuse_erased AFTER INSERT ON employee_record REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased();

CREATE TABLE employee_skill (
	tenant uuid NOT NULL,
	skill_key text NOT NULL,
	contact uuid NOT NULL,
	start_time timestamp with time zone NOT NULL,
	level integer NOT NULL,
	certified_until integer NOT NULL,
	CONSTRAINT employee_skill_pkey PRIMARY KEY (tenant, skill_key, contact, start_time)
);
CREATE INDEX employee_skill_contact ON employee_skill USING btree (tenant, contact);
CREATE POLICY system ON employee_skill TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON employee_skill TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE erasure (
	tenant uuid NOT NULL,
	contact uuid NOT NULL,
	customer_id text NOT NULL,
	key_id uuid NOT NULL,
	reason integer NOT NULL,
	actor text NOT NULL,
	erase_time timestamp with time zone NOT NULL,
	key_destroy_time timestamp with time zone,
	CONSTRAINT erasure_pkey PRIMARY KEY (tenant, contact),
	CONSTRAINT erasure_reason_check CHECK ((reason > 0))
);
CREATE INDEX erasure_time ON erasure USING btree (tenant, erase_time, contact);
CREATE INDEX erasure_unfinished ON erasure USING btree (erase_time) WHERE (key_destroy_time IS NULL);
CREATE POLICY system ON erasure TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON erasure TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE fact (
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
	contact uuid NOT NULL,
	kind smallint NOT NULL,
	source_id text NOT NULL,
	channel integer NOT NULL,
	observed_at timestamp with time zone NOT NULL,
	title text NOT NULL,
	content jsonb NOT NULL,
	attributes jsonb NOT NULL,
	told boolean NOT NULL,
	note_kind smallint NOT NULL,
	topic_key text NOT NULL,
	product_key text NOT NULL,
	sentiment smallint NOT NULL,
	actor text NOT NULL,
	CONSTRAINT fact_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact(tenant, id),
	CONSTRAINT fact_kind_check CHECK ((kind > 0)),
	CONSTRAINT fact_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX fact_contact ON fact USING btree (tenant, contact, observed_at, id);
CREATE INDEX fact_kind ON fact USING btree (tenant, kind, observed_at, id);
CREATE INDEX fact_observed_at ON fact USING btree (tenant, observed_at, id);
CREATE INDEX fact_source ON fact USING btree (tenant, source, observed_at, id);
CREATE INDEX fact_told ON fact USING btree (tenant, contact, observed_at) WHERE told;
CREATE UNIQUE INDEX fact_source_key ON fact USING btree (tenant, source, source_id) WHERE (source_id <> ''::text);
CREATE POLICY system ON fact TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON fact TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
CREATE TRIGGER refuse_erased AFTER INSERT ON fact REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased();

CREATE TABLE field_use (
	tenant uuid NOT NULL,
	used_by text NOT NULL,
	seq bigint NOT NULL,
	fields bigint NOT NULL,
	CONSTRAINT field_use_pkey PRIMARY KEY (tenant, used_by)
);
CREATE POLICY system ON field_use TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON field_use TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE field_verification (
	tenant uuid NOT NULL,
	contact uuid NOT NULL,
	field text NOT NULL,
	verify_time timestamp with time zone NOT NULL,
	method integer NOT NULL,
	actor text NOT NULL,
	CONSTRAINT field_verification_pkey PRIMARY KEY (tenant, contact, field)
);
CREATE POLICY system ON field_verification TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON field_verification TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE identifier (
	tenant uuid NOT NULL,
	kind smallint NOT NULL,
	key text NOT NULL,
	contact uuid NOT NULL,
	CONSTRAINT identifier_pkey PRIMARY KEY (tenant, kind, key, contact)
);
CREATE UNIQUE INDEX identifier_card_key ON identifier USING btree (tenant, key) WHERE (kind = 3);
CREATE UNIQUE INDEX identifier_device_key ON identifier USING btree (tenant, key) WHERE (kind = 4);
CREATE UNIQUE INDEX identifier_external_id_key ON identifier USING btree (tenant, key) WHERE (kind = 100);
CREATE POLICY system ON identifier TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON identifier TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE identity_policy (
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
	duplicate_mode smallint NOT NULL,
	probable_score double precision NOT NULL,
	survivorship_rules jsonb DEFAULT '[]'::jsonb NOT NULL,
	trusted_sources jsonb DEFAULT '[]'::jsonb NOT NULL,
	CONSTRAINT identity_policy_duplicate_mode_check CHECK ((duplicate_mode = ANY (ARRAY[1, 2, 3]))),
	CONSTRAINT identity_policy_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT identity_policy_probable_score_check CHECK ((probable_score > (0)::double precision))
);
CREATE POLICY system ON identity_policy TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON identity_policy TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE information_request (
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
	contact uuid NOT NULL,
	channel integer NOT NULL,
	subject text NOT NULL,
	question text NOT NULL,
	state smallint NOT NULL,
	answer text NOT NULL,
	publications jsonb NOT NULL,
	answer_time timestamp with time zone,
	answerer text NOT NULL,
	CONSTRAINT information_request_answer_check CHECK (((state <> 2) OR (answer_time IS NOT NULL))),
	CONSTRAINT information_request_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact(tenant, id),
	CONSTRAINT information_request_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT information_request_state_check CHECK ((state = ANY (ARRAY[1, 2])))
);
CREATE INDEX information_request_contact ON information_request USING btree (tenant, contact, create_time, id);
CREATE INDEX information_request_create_time ON information_request USING btree (tenant, create_time, id);
CREATE INDEX information_request_state ON information_request USING btree (tenant, state, create_time, id);
CREATE INDEX information_request_update_time ON information_request USING btree (tenant, update_time, id);
CREATE POLICY system ON information_request TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON information_request TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
CREATE TRIGGER refuse_erased AFTER INSERT ON information_request REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased();

CREATE TABLE interaction (
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
	contact uuid NOT NULL,
	channel integer NOT NULL,
	direction integer NOT NULL,
	kind integer NOT NULL,
	title text NOT NULL,
	body text NOT NULL,
	body_document uuid,
	summary text NOT NULL,
	conversation text NOT NULL,
	occurred_at timestamp with time zone NOT NULL,
	attachments jsonb NOT NULL,
	actor text NOT NULL,
	CONSTRAINT interaction_channel_check CHECK ((channel > 0)),
	CONSTRAINT interaction_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact(tenant, id),
	CONSTRAINT interaction_direction_check CHECK ((direction > 0)),
	CONSTRAINT interaction_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX interaction_contact ON interaction USING btree (tenant, contact, occurred_at, id);
CREATE INDEX interaction_conversation ON interaction USING btree (tenant, conversation, occurred_at, id);
CREATE INDEX interaction_occurred_at ON interaction USING btree (tenant, occurred_at, id);
CREATE INDEX interaction_search ON interaction USING gin (search_words(((title || ' '::text) || body)));
CREATE POLICY system ON interaction TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON interaction TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
CREATE TRIGGER refuse_erased AFTER INSERT ON interaction REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased();

CREATE TABLE legal_hold (
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
	contact uuid NOT NULL,
	matter text NOT NULL,
	end_time timestamp with time zone,
	CONSTRAINT legal_hold_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact(tenant, id),
	CONSTRAINT legal_hold_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX legal_hold_contact ON legal_hold USING btree (tenant, contact, create_time, id);
CREATE INDEX legal_hold_create_time ON legal_hold USING btree (tenant, create_time, id);
CREATE INDEX legal_hold_update_time ON legal_hold USING btree (tenant, update_time, id);
CREATE POLICY system ON legal_hold TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON legal_hold TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
CREATE TRIGGER refuse_erased AFTER INSERT ON legal_hold REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased();

CREATE TABLE lifecycle_definition (
	tenant uuid NOT NULL,
	seq bigint NOT NULL,
	time_zone text NOT NULL,
	window_months integer NOT NULL,
	CONSTRAINT lifecycle_definition_pkey PRIMARY KEY (tenant)
);
CREATE POLICY system ON lifecycle_definition TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON lifecycle_definition TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE lifecycle_transition (
	tenant uuid NOT NULL,
	contact uuid NOT NULL,
	number bigint NOT NULL,
	from_class smallint NOT NULL,
	to_class smallint NOT NULL,
	from_phase smallint NOT NULL,
	to_phase smallint NOT NULL,
	change_time timestamp with time zone NOT NULL,
	record_time timestamp with time zone NOT NULL,
	cause smallint NOT NULL,
	event_id text NOT NULL,
	event_type text NOT NULL,
	resource text NOT NULL,
	window_months integer NOT NULL,
	time_zone text NOT NULL,
	CONSTRAINT lifecycle_transition_cause_check CHECK (((cause >= 1) AND (cause <= 4))),
	CONSTRAINT lifecycle_transition_pkey PRIMARY KEY (tenant, contact, number)
);
CREATE POLICY system ON lifecycle_transition TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON lifecycle_transition TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE merged_contact (
	tenant uuid NOT NULL,
	contact uuid NOT NULL,
	root uuid NOT NULL,
	CONSTRAINT merged_contact_pkey PRIMARY KEY (tenant, contact)
);
CREATE INDEX merged_contact_root ON merged_contact USING btree (tenant, root);
CREATE POLICY system ON merged_contact TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON merged_contact TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE portal_access (
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
	contact uuid NOT NULL,
	roles jsonb NOT NULL,
	subject text NOT NULL,
	state smallint NOT NULL,
	expire_time timestamp with time zone,
	token_time timestamp with time zone,
	CONSTRAINT portal_access_contact_fkey FOREIGN KEY (tenant, contact) REFERENCES contact(tenant, id),
	CONSTRAINT portal_access_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT portal_access_state_check CHECK ((state = ANY (ARRAY[1, 2, 3])))
);
CREATE INDEX portal_access_contact ON portal_access USING btree (tenant, contact, create_time, id);
CREATE INDEX portal_access_create_time ON portal_access USING btree (tenant, create_time, id);
CREATE INDEX portal_access_state ON portal_access USING btree (tenant, state, create_time, id);
CREATE INDEX portal_access_update_time ON portal_access USING btree (tenant, update_time, id);
CREATE UNIQUE INDEX portal_access_subject_key ON portal_access USING btree (tenant, subject) WHERE ((subject <> ''::text) AND (state <> 3));
CREATE POLICY system ON portal_access TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON portal_access TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
CREATE TRIGGER refuse_erased AFTER INSERT ON portal_access REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased();

CREATE TABLE publication (
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
	kind smallint NOT NULL,
	audience smallint NOT NULL,
	code text NOT NULL,
	language_code text NOT NULL,
	title text NOT NULL,
	body text NOT NULL,
	uri text NOT NULL,
	author text NOT NULL,
	start_date text NOT NULL,
	end_date text NOT NULL,
	publish_time timestamp with time zone,
	CONSTRAINT publication_audience_check CHECK ((audience > 0)),
	CONSTRAINT publication_code_check CHECK ((code <> ''::text)),
	CONSTRAINT publication_kind_check CHECK ((kind > 0)),
	CONSTRAINT publication_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX publication_audience ON publication USING btree (tenant, audience, kind, publish_time, id);
CREATE INDEX publication_create_time ON publication USING btree (tenant, create_time, id);
CREATE INDEX publication_publish_time ON publication USING btree (tenant, publish_time, id);
CREATE INDEX publication_update_time ON publication USING btree (tenant, update_time, id);
CREATE UNIQUE INDEX publication_code_key ON publication USING btree (tenant, code, language_code) WHERE (delete_time IS NULL);
CREATE POLICY system ON publication TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON publication TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE purpose (
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
	code text NOT NULL,
	display_name text NOT NULL,
	description text NOT NULL,
	legal_basis integer NOT NULL,
	consent_days integer NOT NULL,
	retention_days integer NOT NULL,
	roles jsonb NOT NULL,
	CONSTRAINT purpose_code_check CHECK ((code <> ''::text)),
	CONSTRAINT purpose_consent_days_check CHECK ((consent_days >= 0)),
	CONSTRAINT purpose_display_name_check CHECK ((display_name <> ''::text)),
	CONSTRAINT purpose_legal_basis_check CHECK (((legal_basis >= 1) AND (legal_basis <= 4))),
	CONSTRAINT purpose_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT purpose_retention_days_check CHECK ((retention_days >= 0))
);
CREATE INDEX purpose_code ON purpose USING btree (tenant, code, id);
CREATE INDEX purpose_create_time ON purpose USING btree (tenant, create_time, id);
CREATE INDEX purpose_update_time ON purpose USING btree (tenant, update_time, id);
CREATE UNIQUE INDEX purpose_code_key ON purpose USING btree (tenant, code) WHERE (delete_time IS NULL);
CREATE POLICY system ON purpose TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON purpose TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE quality_policy (
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
	person_weights jsonb NOT NULL,
	organisation_weights jsonb NOT NULL,
	fresh_days integer NOT NULL,
	completeness_weight integer NOT NULL,
	freshness_weight integer NOT NULL,
	relevance_weight integer NOT NULL,
	used_fields jsonb NOT NULL,
	CONSTRAINT quality_policy_completeness_weight_check CHECK ((completeness_weight >= 0)),
	CONSTRAINT quality_policy_fresh_days_check CHECK ((fresh_days > 0)),
	CONSTRAINT quality_policy_freshness_weight_check CHECK ((freshness_weight >= 0)),
	CONSTRAINT quality_policy_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT quality_policy_relevance_weight_check CHECK ((relevance_weight >= 0))
);
CREATE POLICY system ON quality_policy TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON quality_policy TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE recipient (
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
	recipient_class integer NOT NULL,
	contract text NOT NULL,
	contract_end_time timestamp with time zone,
	fields jsonb NOT NULL,
	description text NOT NULL,
	CONSTRAINT recipient_contract_check CHECK (((recipient_class <> 3) OR (contract <> ''::text))),
	CONSTRAINT recipient_display_name_check CHECK ((display_name <> ''::text)),
	CONSTRAINT recipient_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT recipient_recipient_class_check CHECK ((recipient_class = ANY (ARRAY[3, 4])))
);
CREATE INDEX recipient_create_time ON recipient USING btree (tenant, create_time, id);
CREATE INDEX recipient_name ON recipient USING btree (tenant, display_name, id);
CREATE INDEX recipient_update_time ON recipient USING btree (tenant, update_time, id);
CREATE POLICY system ON recipient TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON recipient TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE relationship (
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
	type uuid NOT NULL,
	from_contact uuid NOT NULL,
	to_contact uuid NOT NULL,
	role text NOT NULL,
	start_time timestamp with time zone NOT NULL,
	end_time timestamp with time zone,
	note text NOT NULL,
	CONSTRAINT relationship_dates_check CHECK ((end_time >= start_time)),
	CONSTRAINT relationship_from_fkey FOREIGN KEY (tenant, from_contact) REFERENCES contact(tenant, id),
	CONSTRAINT relationship_itself_check CHECK ((from_contact <> to_contact)),
	CONSTRAINT relationship_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT relationship_to_fkey FOREIGN KEY (tenant, to_contact) REFERENCES contact(tenant, id),
	CONSTRAINT relationship_type_fkey FOREIGN KEY (tenant, type) REFERENCES relationship_type(tenant, id)
);
CREATE INDEX relationship_create_time ON relationship USING btree (tenant, create_time, id);
CREATE INDEX relationship_from ON relationship USING btree (tenant, from_contact, create_time, id);
CREATE INDEX relationship_of_type ON relationship USING btree (tenant, type, create_time, id);
CREATE INDEX relationship_to ON relationship USING btree (tenant, to_contact, create_time, id);
CREATE INDEX relationship_update_time ON relationship USING btree (tenant, update_time, id);
CREATE UNIQUE INDEX relationship_open_key ON relationship USING btree (tenant, type, from_contact, to_contact) WHERE ((end_time IS NULL) AND (delete_time IS NULL));
CREATE POLICY system ON relationship TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON relationship TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
CREATE TRIGGER custom_values_delete AFTER DELETE ON relationship FOR EACH ROW WHEN ((old.custom_fields <> '{}'::jsonb)) EXECUTE FUNCTION custom_values_drop();
CREATE TRIGGER custom_values_drop BEFORE UPDATE ON relationship FOR EACH ROW WHEN (((old.custom_fields <> '{}'::jsonb) AND ((new.custom_fields IS DISTINCT FROM old.custom_fields) OR ((new.delete_time IS NULL) <> (old.delete_time IS NULL))))) EXECUTE FUNCTION custom_values_drop();
CREATE TRIGGER custom_values_insert AFTER INSERT ON relationship FOR EACH ROW WHEN ((new.custom_fields <> '{}'::jsonb)) EXECUTE FUNCTION custom_values_add('relationships');
CREATE TRIGGER custom_values_update AFTER UPDATE ON relationship FOR EACH ROW WHEN (((new.custom_fields <> '{}'::jsonb) AND ((new.custom_fields IS DISTINCT FROM old.custom_fields) OR ((new.delete_time IS NULL) <> (old.delete_time IS NULL))))) EXECUTE FUNCTION custom_values_add('relationships');
CREATE TRIGGER refuse_erased AFTER INSERT ON relationship REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_erased_ends();

CREATE TABLE relationship_type (
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
	forward_name text NOT NULL,
	reverse_name text NOT NULL,
	name_key text NOT NULL,
	from_kind smallint NOT NULL,
	to_kind smallint NOT NULL,
	inactive boolean NOT NULL,
	description text NOT NULL,
	CONSTRAINT relationship_type_forward_name_check CHECK ((forward_name <> ''::text)),
	CONSTRAINT relationship_type_from_kind_check CHECK ((from_kind = ANY (ARRAY[0, 1, 2]))),
	CONSTRAINT relationship_type_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT relationship_type_reverse_name_check CHECK ((reverse_name <> ''::text)),
	CONSTRAINT relationship_type_to_kind_check CHECK ((to_kind = ANY (ARRAY[0, 1, 2])))
);
CREATE INDEX relationship_type_create_time ON relationship_type USING btree (tenant, create_time, id);
CREATE INDEX relationship_type_name ON relationship_type USING btree (tenant, name_key, id);
CREATE INDEX relationship_type_update_time ON relationship_type USING btree (tenant, update_time, id);
CREATE UNIQUE INDEX relationship_type_name_key ON relationship_type USING btree (tenant, name_key) WHERE (delete_time IS NULL);
CREATE POLICY system ON relationship_type TO contact_owner, contact_relay USING (true);
CREATE POLICY tenant ON relationship_type TO contact_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE OR REPLACE FUNCTION contact_family(of_tenant uuid, of_contact uuid)
 RETURNS uuid[]
 LANGUAGE plpgsql
 STABLE
AS $function$
DECLARE
	top uuid := COALESCE((SELECT root FROM merged_contact WHERE tenant = of_tenant AND contact = of_contact), of_contact);
BEGIN
	RETURN top || ARRAY(SELECT m.contact FROM merged_contact AS m WHERE m.tenant = of_tenant AND m.root = top ORDER BY m.contact);
END
$function$
;

CREATE OR REPLACE FUNCTION contact_labels_entries()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
		BEGIN
			IF TG_OP <> 'INSERT' THEN
				DELETE FROM map_entry e
				WHERE e.tenant = OLD.tenant AND e.source = 'contact.labels' AND e.id = OLD.id;
			END IF;
			IF TG_OP <> 'DELETE' THEN
				INSERT INTO map_entry (tenant, source, id, key, value, alone)
				SELECT NEW.tenant, 'contact.labels', NEW.id, e.key, e.value, 'f'
				FROM jsonb_each_text(NEW.labels) e;
			END IF;
			RETURN NULL;
		END
		$function$
;

CREATE OR REPLACE FUNCTION contact_roles_held_entries()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
		BEGIN
			IF TG_OP <> 'INSERT' THEN
				DELETE FROM map_entry e
				WHERE e.tenant = OLD.tenant AND e.source = 'contact.roles_held' AND e.id = OLD.id;
			END IF;
			IF TG_OP <> 'DELETE' THEN
				INSERT INTO map_entry (tenant, source, id, key, value, alone)
				SELECT NEW.tenant, 'contact.roles_held', NEW.id, e.key, e.value, 'f'
				FROM jsonb_each_text(NEW.roles_held) e;
			END IF;
			RETURN NULL;
		END
		$function$
;

CREATE OR REPLACE FUNCTION erase_contact(gone uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE
	of_tenant uuid := current_setting('app.tenant')::uuid;
	label     text := 'contacts/' || gone;
BEGIN
	DELETE FROM document WHERE tenant = of_tenant AND contact = gone;
	UPDATE interaction
	SET title = '', body = '', summary = '', attachments = '[]', external_ids = '{}', labels = '{}'
	WHERE tenant = of_tenant AND contact = gone;
	UPDATE consent SET evidence = '', ip_address = '' WHERE tenant = of_tenant AND contact = gone;
	UPDATE legal_hold SET matter = '' WHERE tenant = of_tenant AND contact = gone;
	UPDATE relationship
	SET role = '', note = '', custom_fields = '{}', external_ids = '{}', labels = '{}'
	WHERE tenant = of_tenant AND from_contact = gone;
	UPDATE contact_merge
	SET before = '{}', after = '{}', conflicts = '[]', external_ids = '{}', labels = '{}', custom_fields = '{}'
	WHERE tenant = of_tenant AND gone IN (survivor, contact);
	UPDATE idempotency SET response = NULL WHERE tenant = of_tenant AND gone = ANY (contacts);
	DELETE FROM import_chunk AS c
	USING import AS i
	WHERE c.tenant = of_tenant AND i.tenant = of_tenant AND i.id = c.import AND i.end_time IS NOT NULL
		AND c.import IN (SELECT r.import FROM import_row AS r WHERE r.tenant = of_tenant AND r.resource = label);
	UPDATE import_row SET message = '' WHERE tenant = of_tenant AND resource = label;
END
$function$
;

CREATE OR REPLACE FUNCTION erase_document(gone uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE
	of_tenant uuid := current_setting('app.tenant')::uuid;
BEGIN
	DELETE FROM document WHERE tenant = of_tenant AND contact = gone;
	DELETE FROM document_file WHERE tenant = of_tenant AND contact = gone;
END
$function$
;

CREATE OR REPLACE FUNCTION erase_employee(gone uuid)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
	UPDATE employee_record
	SET content = '{}', external_ids = '{}', labels = '{}'
	WHERE tenant = current_setting('app.tenant')::uuid AND contact = gone
$function$
;

CREATE OR REPLACE FUNCTION erase_fact(gone uuid)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
	UPDATE fact
	SET source_id = '', title = '', content = '{}', attributes = '[]', told = false, topic_key = '', product_key = ''
	WHERE tenant = current_setting('app.tenant')::uuid AND contact = gone
$function$
;

CREATE OR REPLACE FUNCTION erase_investor(gone uuid)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
	UPDATE information_request
	SET subject = '', question = '', answer = '', external_ids = '{}', labels = '{}'
	WHERE tenant = current_setting('app.tenant')::uuid AND contact = gone
$function$
;

CREATE OR REPLACE FUNCTION erase_portal(gone uuid)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
	UPDATE portal_access
	SET subject = '', external_ids = '{}', labels = '{}', state = 3
	WHERE tenant = current_setting('app.tenant')::uuid AND contact = gone
$function$
;

CREATE OR REPLACE FUNCTION refuse_duplicates(of_tenant uuid, added uuid[], contact_kinds smallint[], name_keys text[], birthdays text[], kinds smallint[], keys text[], compared boolean[])
 RETURNS void
 LANGUAGE sql
 STABLE
AS $function$
	SELECT refuse_duplicates(of_tenant, added, contact_kinds, name_keys, birthdays, kinds, keys, compared,
		array_fill(of_tenant, ARRAY[cardinality(added)]))
$function$
;

CREATE OR REPLACE FUNCTION refuse_duplicates(of_tenant uuid, added uuid[], contact_kinds smallint[], name_keys text[], birthdays text[], kinds smallint[], keys text[], compared boolean[], calls uuid[])
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
AS $function$
DECLARE
	mode  smallint := COALESCE((SELECT duplicate_mode FROM identity_policy WHERE tenant = of_tenant), 2);
	own   uuid[];
	found_ids text;
BEGIN
	IF mode = 1 OR mode = 3 AND true = ALL (compared) THEN
		RETURN;
	END IF;
	IF mode = 3 THEN
		RAISE EXCEPTION USING ERRCODE = 'unique_violation', CONSTRAINT = 'contact_duplicate_uncompared', TABLE = 'contact',
			MESSAGE = 'the contact was not compared with those there are';
	END IF;
	FOR n IN 1 .. cardinality(keys) LOOP
		CONTINUE WHEN kinds[n] = 0;
		PERFORM FROM identifier AS i
		WHERE i.tenant = of_tenant AND i.kind = kinds[n] AND i.key = keys[n] AND i.contact <> added[n]
		LIMIT 1;
		CONTINUE WHEN NOT FOUND;
		own := ARRAY(SELECT a.contact FROM unnest(added, calls) AS a (contact, call) WHERE a.call = calls[n]);
		SELECT string_agg(c.id::text, ',') INTO found_ids
		FROM (
			SELECT i.contact
			FROM identifier AS i
			WHERE i.tenant = of_tenant AND i.kind = kinds[n] AND i.key = keys[n] AND i.contact <> ALL (own)
			LIMIT 100
		) AS holder
		CROSS JOIN LATERAL (
			SELECT id, kind, name_key, birthday, delete_time
			FROM contact
			WHERE tenant = of_tenant AND id = holder.contact
			LIMIT 1
		) AS c
		WHERE c.kind = contact_kinds[n] AND c.name_key = name_keys[n] AND c.delete_time IS NULL
			AND (c.birthday = '' OR birthdays[n] = '' OR c.birthday = birthdays[n]);
		IF found_ids IS NOT NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'unique_violation', CONSTRAINT = 'contact_duplicate_certain', TABLE = 'contact',
				MESSAGE = 'the contact seems to be there already', DETAIL = found_ids;
		END IF;
	END LOOP;
END
$function$
;

CREATE OR REPLACE FUNCTION refuse_erased()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
	IF EXISTS (
		SELECT
		FROM added AS a
		JOIN contact AS c ON c.tenant = a.tenant AND c.id = a.contact
		WHERE c.erase_time IS NOT NULL
	) THEN
		RAISE foreign_key_violation USING CONSTRAINT = 'contact_erased', TABLE = TG_TABLE_NAME, MESSAGE = 'the contact was erased';
	END IF;
	RETURN NULL;
END
$function$
;

CREATE OR REPLACE FUNCTION refuse_erased_ends()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
	IF EXISTS (
		SELECT
		FROM added AS a
		JOIN contact AS c ON c.tenant = a.tenant AND c.id IN (a.from_contact, a.to_contact)
		WHERE c.erase_time IS NOT NULL
	) THEN
		RAISE foreign_key_violation USING CONSTRAINT = 'contact_erased', TABLE = TG_TABLE_NAME, MESSAGE = 'the contact was erased';
	END IF;
	RETURN NULL;
END
$function$
;

CREATE OR REPLACE FUNCTION search_document(query text, with_contact uuid, max_rows integer)
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
	SELECT d.id
	FROM document AS d
	WHERE d.tenant = current_setting('app.tenant')::uuid AND d.delete_time IS NULL
		AND search_words(d.title || ' ' || d.file_name || ' ' || left(d.text, 100000)) @@ search_query(query)
		AND (with_contact IS NULL OR d.contact = ANY (contact_family(d.tenant, with_contact)))
	ORDER BY d.occurred_at DESC, d.id DESC
	LIMIT max_rows
$function$
;

CREATE OR REPLACE FUNCTION search_interaction(query text, with_contact uuid, max_rows integer)
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
	SELECT i.id
	FROM interaction AS i
	JOIN (
		SELECT id
		FROM interaction
		WHERE tenant = current_setting('app.tenant')::uuid
			AND search_words(title || ' ' || body) @@ search_query(query)
		UNION
		SELECT interaction
		FROM document
		WHERE tenant = current_setting('app.tenant')::uuid AND interaction IS NOT NULL
			AND search_words(title || ' ' || file_name || ' ' || left(text, 100000)) @@ search_query(query)
	) AS found ON found.id = i.id
	WHERE i.tenant = current_setting('app.tenant')::uuid
		AND (with_contact IS NULL OR i.contact = ANY (contact_family(i.tenant, with_contact)))
	ORDER BY i.occurred_at DESC, i.id DESC
	LIMIT max_rows
$function$
;

CREATE OR REPLACE FUNCTION search_query(query text)
 RETURNS tsquery
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
	SELECT websearch_to_tsquery('pg_catalog.simple', w) || websearch_to_tsquery('pg_catalog.english', w) || websearch_to_tsquery('pg_catalog.indonesian', w)
	FROM (SELECT regexp_replace(normalize(query, NFD), E'[\u0300-\u036f]', '', 'g')) AS folded (w)
$function$
;

CREATE OR REPLACE FUNCTION search_snippet(body text, query text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
DECLARE
	clean   text := translate(left(body, 100000), E'\uE000\uE001', '');
	folded  text := regexp_replace(normalize(clean, NFD), E'[\u0300-\u036f]', '', 'g');
	asked   text := regexp_replace(normalize(query, NFD), E'[\u0300-\u036f]', '', 'g');
	options text := E'StartSel=\uE000, StopSel=\uE001, MaxFragments=2, MaxWords=30, MinWords=10, FragmentDelimiter=" … "';
	config  regconfig;
	form    text;
	found   text;
BEGIN
	FOREACH form IN ARRAY ARRAY[clean, folded] LOOP
		FOREACH config IN ARRAY ARRAY['pg_catalog.simple', 'pg_catalog.english', 'pg_catalog.indonesian']::regconfig[] LOOP
			found := ts_headline(config, form, websearch_to_tsquery(config, asked), options);
			IF position(E'\uE000' IN found) > 0 THEN
				RETURN found;
			END IF;
		END LOOP;
	END LOOP;
	RETURN left(clean, 200);
END
$function$
;

CREATE OR REPLACE FUNCTION search_words(body text)
 RETURNS tsvector
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
DECLARE
	w text := body;
BEGIN
	IF octet_length(w) <> length(w) THEN
		w := regexp_replace(normalize(w, NFD), E'[\u0300-\u036f]', '', 'g');
	END IF;
	RETURN to_tsvector('pg_catalog.simple', w) || to_tsvector('pg_catalog.english', w) || to_tsvector('pg_catalog.indonesian', w);
END
$function$
;
