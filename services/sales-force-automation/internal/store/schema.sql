-- What the migrations make, as PostgreSQL 15 words it. To read, not to run.
-- What is not here is in pkg/*/schema.sql.
-- Written by go test ./services/internal/schema -update.

CREATE TABLE contact_state (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	seq bigint NOT NULL,
	deleted boolean NOT NULL,
	CONSTRAINT contact_state_pkey PRIMARY KEY (tenant, id)
);
CREATE POLICY system ON contact_state TO sales_owner, sales_relay USING (true);
CREATE POLICY tenant ON contact_state TO sales_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE external_id (
	tenant uuid NOT NULL,
	kind text NOT NULL,
	system text NOT NULL,
	id text NOT NULL,
	resource uuid NOT NULL,
	CONSTRAINT external_id_taken PRIMARY KEY (tenant, kind, system, id)
);
CREATE INDEX external_id_resource ON external_id USING btree (tenant, kind, resource);
CREATE POLICY system ON external_id TO sales_owner, sales_relay USING (true);
CREATE POLICY tenant ON external_id TO sales_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE lead (
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
	display_name text NOT NULL,
	status integer NOT NULL,
	channel integer NOT NULL,
	products jsonb NOT NULL,
	currency text NOT NULL,
	estimate numeric(28,9) NOT NULL,
	note text NOT NULL,
	capture_time timestamp with time zone NOT NULL,
	close_time timestamp with time zone,
	disqualify_reason text NOT NULL,
	opportunity uuid,
	CONSTRAINT lead_check CHECK (((opportunity IS NOT NULL) = (status = 4))),
	CONSTRAINT lead_estimate_check CHECK (((estimate >= (0)::numeric) AND (estimate < 'NaN'::numeric))),
	CONSTRAINT lead_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT lead_status_check CHECK (((status >= 1) AND (status <= 5)))
);
CREATE INDEX lead_contact_create_time ON lead USING btree (tenant, contact, create_time, id);
CREATE INDEX lead_create_time ON lead USING btree (tenant, create_time, id);
CREATE INDEX lead_owner_create_time ON lead USING btree (tenant, owner, create_time, id);
CREATE INDEX lead_status_create_time ON lead USING btree (tenant, status, create_time, id);
CREATE INDEX lead_update_time ON lead USING btree (tenant, update_time, id);
CREATE POLICY system ON lead TO sales_owner, sales_relay USING (true);
CREATE POLICY tenant ON lead TO sales_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
CREATE TRIGGER custom_values_delete AFTER DELETE ON lead FOR EACH ROW WHEN ((old.custom_fields <> '{}'::jsonb)) EXECUTE FUNCTION custom_values_drop();
CREATE TRIGGER custom_values_drop BEFORE UPDATE ON lead FOR EACH ROW WHEN (((old.custom_fields <> '{}'::jsonb) AND ((new.custom_fields IS DISTINCT FROM old.custom_fields) OR ((new.delete_time IS NULL) <> (old.delete_time IS NULL))))) EXECUTE FUNCTION custom_values_drop();
CREATE TRIGGER custom_values_insert AFTER INSERT ON lead FOR EACH ROW WHEN ((new.custom_fields <> '{}'::jsonb)) EXECUTE FUNCTION custom_values_add('leads');
CREATE TRIGGER custom_values_update AFTER UPDATE ON lead FOR EACH ROW WHEN (((new.custom_fields <> '{}'::jsonb) AND ((new.custom_fields IS DISTINCT FROM old.custom_fields) OR ((new.delete_time IS NULL) <> (old.delete_time IS NULL))))) EXECUTE FUNCTION custom_values_add('leads');

CREATE TABLE opportunity (
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
	display_name text NOT NULL,
	status integer NOT NULL,
	pipeline uuid NOT NULL,
	stage text NOT NULL,
	stage_time timestamp with time zone NOT NULL,
	probability integer NOT NULL,
	currency text NOT NULL,
	amount numeric(28,9) NOT NULL,
	lines jsonb NOT NULL,
	price_list uuid,
	close_date date,
	open_time timestamp with time zone NOT NULL,
	close_time timestamp with time zone,
	close_reason text NOT NULL,
	lead uuid,
	order_id uuid,
	description text NOT NULL,
	note text NOT NULL,
	CONSTRAINT opportunity_amount_check CHECK (((amount >= (0)::numeric) AND (amount < 'NaN'::numeric))),
	CONSTRAINT opportunity_check CHECK (((close_time IS NULL) = (status = 1))),
	CONSTRAINT opportunity_order CHECK (((order_id IS NULL) OR (status = 2))),
	CONSTRAINT opportunity_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT opportunity_probability_check CHECK (((probability >= 0) AND (probability <= 100))),
	CONSTRAINT opportunity_stage FOREIGN KEY (tenant, pipeline, stage) REFERENCES pipeline_stage(tenant, pipeline, stage),
	CONSTRAINT opportunity_status_check CHECK (((status >= 1) AND (status <= 3)))
);
CREATE INDEX opportunity_contact_create_time ON opportunity USING btree (tenant, contact, create_time, id);
CREATE INDEX opportunity_create_time ON opportunity USING btree (tenant, create_time, id);
CREATE INDEX opportunity_owner_create_time ON opportunity USING btree (tenant, owner, create_time, id);
CREATE INDEX opportunity_pipeline_stage_create_time ON opportunity USING btree (tenant, pipeline, stage, create_time, id);
CREATE INDEX opportunity_status_create_time ON opportunity USING btree (tenant, status, create_time, id);
CREATE INDEX opportunity_update_time ON opportunity USING btree (tenant, update_time, id);
CREATE POLICY system ON opportunity TO sales_owner, sales_relay USING (true);
CREATE POLICY tenant ON opportunity TO sales_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
CREATE TRIGGER custom_values_delete AFTER DELETE ON opportunity FOR EACH ROW WHEN ((old.custom_fields <> '{}'::jsonb)) EXECUTE FUNCTION custom_values_drop();
CREATE TRIGGER custom_values_drop BEFORE UPDATE ON opportunity FOR EACH ROW WHEN (((old.custom_fields <> '{}'::jsonb) AND ((new.custom_fields IS DISTINCT FROM old.custom_fields) OR ((new.delete_time IS NULL) <> (old.delete_time IS NULL))))) EXECUTE FUNCTION custom_values_drop();
CREATE TRIGGER custom_values_insert AFTER INSERT ON opportunity FOR EACH ROW WHEN ((new.custom_fields <> '{}'::jsonb)) EXECUTE FUNCTION custom_values_add('opportunities');
CREATE TRIGGER custom_values_update AFTER UPDATE ON opportunity FOR EACH ROW WHEN (((new.custom_fields <> '{}'::jsonb) AND ((new.custom_fields IS DISTINCT FROM old.custom_fields) OR ((new.delete_time IS NULL) <> (old.delete_time IS NULL))))) EXECUTE FUNCTION custom_values_add('opportunities');

CREATE TABLE pipeline (
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
	stages jsonb NOT NULL,
	is_default boolean NOT NULL,
	skip_allowed boolean NOT NULL,
	CONSTRAINT pipeline_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX pipeline_create_time ON pipeline USING btree (tenant, create_time, id);
CREATE INDEX pipeline_update_time ON pipeline USING btree (tenant, update_time, id);
CREATE UNIQUE INDEX pipeline_one_default ON pipeline USING btree (tenant) WHERE (is_default AND (delete_time IS NULL));
CREATE POLICY system ON pipeline TO sales_owner, sales_relay USING (true);
CREATE POLICY tenant ON pipeline TO sales_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE pipeline_stage (
	tenant uuid NOT NULL,
	pipeline uuid NOT NULL,
	stage text NOT NULL,
	CONSTRAINT pipeline_stage_pkey PRIMARY KEY (tenant, pipeline, stage)
);
CREATE POLICY system ON pipeline_stage TO sales_owner, sales_relay USING (true);
CREATE POLICY tenant ON pipeline_stage TO sales_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE price (
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
	price_list uuid NOT NULL,
	product uuid NOT NULL,
	currency text NOT NULL,
	unit_price numeric(28,9) NOT NULL,
	start_time timestamp with time zone NOT NULL,
	end_time timestamp with time zone,
	CONSTRAINT price_check CHECK ((end_time > start_time)),
	CONSTRAINT price_list_known FOREIGN KEY (tenant, price_list) REFERENCES price_list(tenant, id),
	CONSTRAINT price_overlaps EXCLUDE USING gist (tenant WITH =, price_list WITH =, product WITH =, tstzrange(start_time, end_time) WITH &&) WHERE ((delete_time IS NULL)),
	CONSTRAINT price_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT price_product_known FOREIGN KEY (tenant, product) REFERENCES product(tenant, id),
	CONSTRAINT price_unit_price_check CHECK (((unit_price >= (0)::numeric) AND (unit_price < 'NaN'::numeric)))
);
CREATE INDEX price_create_time ON price USING btree (tenant, create_time, id);
CREATE INDEX price_price_list_create_time ON price USING btree (tenant, price_list, create_time, id);
CREATE INDEX price_price_list_product_start_time ON price USING btree (tenant, price_list, product, start_time, id);
CREATE INDEX price_product_create_time ON price USING btree (tenant, product, create_time, id);
CREATE INDEX price_update_time ON price USING btree (tenant, update_time, id);
CREATE POLICY system ON price TO sales_owner, sales_relay USING (true);
CREATE POLICY tenant ON price TO sales_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE price_list (
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
	currency text NOT NULL,
	standard boolean NOT NULL,
	CONSTRAINT price_list_code_taken UNIQUE (tenant, code),
	CONSTRAINT price_list_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX price_list_code ON price_list USING btree (tenant, code, id);
CREATE INDEX price_list_create_time ON price_list USING btree (tenant, create_time, id);
CREATE INDEX price_list_update_time ON price_list USING btree (tenant, update_time, id);
CREATE UNIQUE INDEX price_list_standard_taken ON price_list USING btree (tenant, currency) WHERE (standard AND (delete_time IS NULL));
CREATE POLICY system ON price_list TO sales_owner, sales_relay USING (true);
CREATE POLICY tenant ON price_list TO sales_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));

CREATE TABLE product (
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
	category text NOT NULL,
	series text NOT NULL,
	unit text NOT NULL,
	active boolean NOT NULL,
	CONSTRAINT product_code_taken UNIQUE (tenant, code),
	CONSTRAINT product_pkey PRIMARY KEY (tenant, id)
);
CREATE INDEX product_category_code ON product USING btree (tenant, category, code, id);
CREATE INDEX product_code ON product USING btree (tenant, code, id);
CREATE INDEX product_create_time ON product USING btree (tenant, create_time, id);
CREATE INDEX product_series_code ON product USING btree (tenant, series, code, id);
CREATE INDEX product_update_time ON product USING btree (tenant, update_time, id);
CREATE POLICY system ON product TO sales_owner, sales_relay USING (true);
CREATE POLICY tenant ON product TO sales_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
CREATE TRIGGER custom_values_delete AFTER DELETE ON product FOR EACH ROW WHEN ((old.custom_fields <> '{}'::jsonb)) EXECUTE FUNCTION custom_values_drop();
CREATE TRIGGER custom_values_drop BEFORE UPDATE ON product FOR EACH ROW WHEN (((old.custom_fields <> '{}'::jsonb) AND ((new.custom_fields IS DISTINCT FROM old.custom_fields) OR ((new.delete_time IS NULL) <> (old.delete_time IS NULL))))) EXECUTE FUNCTION custom_values_drop();
CREATE TRIGGER custom_values_insert AFTER INSERT ON product FOR EACH ROW WHEN ((new.custom_fields <> '{}'::jsonb)) EXECUTE FUNCTION custom_values_add('products');
CREATE TRIGGER custom_values_update AFTER UPDATE ON product FOR EACH ROW WHEN (((new.custom_fields <> '{}'::jsonb) AND ((new.custom_fields IS DISTINCT FROM old.custom_fields) OR ((new.delete_time IS NULL) <> (old.delete_time IS NULL))))) EXECUTE FUNCTION custom_values_add('products');

CREATE TABLE sales_order (
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
	status integer NOT NULL,
	kind integer NOT NULL,
	opportunity uuid,
	channel integer NOT NULL,
	lines jsonb NOT NULL,
	price_list uuid,
	currency text NOT NULL,
	total numeric(28,9) NOT NULL,
	order_time timestamp with time zone,
	cancel_time timestamp with time zone,
	cancel_reason text NOT NULL,
	note text NOT NULL,
	CONSTRAINT sales_order_check CHECK (((status <> 2) OR (order_time IS NOT NULL))),
	CONSTRAINT sales_order_check1 CHECK (((cancel_time IS NOT NULL) = (status = 3))),
	CONSTRAINT sales_order_kind_check CHECK (((kind >= 1) AND (kind <= 2))),
	CONSTRAINT sales_order_pkey PRIMARY KEY (tenant, id),
	CONSTRAINT sales_order_status_check CHECK (((status >= 1) AND (status <= 3))),
	CONSTRAINT sales_order_total_check CHECK (((total >= (0)::numeric) AND (total < 'NaN'::numeric)))
);
CREATE INDEX sales_order_contact_create_time ON sales_order USING btree (tenant, contact, create_time, id);
CREATE INDEX sales_order_create_time ON sales_order USING btree (tenant, create_time, id);
CREATE INDEX sales_order_owner_create_time ON sales_order USING btree (tenant, owner, create_time, id);
CREATE INDEX sales_order_status_create_time ON sales_order USING btree (tenant, status, create_time, id);
CREATE INDEX sales_order_update_time ON sales_order USING btree (tenant, update_time, id);
CREATE UNIQUE INDEX sales_order_one_per_opportunity ON sales_order USING btree (tenant, opportunity) WHERE (opportunity IS NOT NULL);
CREATE POLICY system ON sales_order TO sales_owner, sales_relay USING (true);
CREATE POLICY tenant ON sales_order TO sales_app USING ((tenant = (current_setting('app.tenant'::text))::uuid));
CREATE TRIGGER custom_values_delete AFTER DELETE ON sales_order FOR EACH ROW WHEN ((old.custom_fields <> '{}'::jsonb)) EXECUTE FUNCTION custom_values_drop();
CREATE TRIGGER custom_values_drop BEFORE UPDATE ON sales_order FOR EACH ROW WHEN (((old.custom_fields <> '{}'::jsonb) AND ((new.custom_fields IS DISTINCT FROM old.custom_fields) OR ((new.delete_time IS NULL) <> (old.delete_time IS NULL))))) EXECUTE FUNCTION custom_values_drop();
CREATE TRIGGER custom_values_insert AFTER INSERT ON sales_order FOR EACH ROW WHEN ((new.custom_fields <> '{}'::jsonb)) EXECUTE FUNCTION custom_values_add('orders');
CREATE TRIGGER custom_values_update AFTER UPDATE ON sales_order FOR EACH ROW WHEN (((new.custom_fields <> '{}'::jsonb) AND ((new.custom_fields IS DISTINCT FROM old.custom_fields) OR ((new.delete_time IS NULL) <> (old.delete_time IS NULL))))) EXECUTE FUNCTION custom_values_add('orders');

CREATE OR REPLACE FUNCTION require_contact(of uuid, contact uuid)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
AS $function$
DECLARE
	gone boolean := (SELECT s.deleted FROM contact_state s WHERE s.tenant = of AND s.id = contact);
BEGIN
	IF gone IS NULL THEN
		RAISE foreign_key_violation USING CONSTRAINT = 'contact_known', MESSAGE = 'the contact is not known';
	ELSIF gone THEN
		RAISE foreign_key_violation USING CONSTRAINT = 'contact_alive', MESSAGE = 'the contact is deleted';
	END IF;
END
$function$
;
