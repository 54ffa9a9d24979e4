-- The catalogue, prices and pipelines, and what becomes of them: leads,
-- opportunities, orders. Amounts are numeric(28,9) beside their currency; an
-- empty currency says that there is no amount.
-- +goose Up

CREATE EXTENSION IF NOT EXISTS btree_gist;

-- What this service must know of contacts: a projection of their events.
CREATE TABLE contact_state (
	tenant  uuid    NOT NULL,
	id      uuid    NOT NULL,
	-- The number of the contact's event that this follows from; 0 where the
	-- contact service was asked before any event came.
	seq     bigint  NOT NULL,
	deleted boolean NOT NULL,
	PRIMARY KEY (tenant, id)
);
SELECT lingkar_secure('contact_state');

-- +goose StatementBegin
-- require_contact refuses a contact that is not known, or deleted, in the batch
-- that writes a record of it.
CREATE FUNCTION require_contact(of uuid, contact uuid) RETURNS void
LANGUAGE plpgsql STABLE
AS $$
DECLARE
	gone boolean := (SELECT s.deleted FROM contact_state s WHERE s.tenant = of AND s.id = contact);
BEGIN
	IF gone IS NULL THEN
		RAISE foreign_key_violation USING CONSTRAINT = 'contact_known', MESSAGE = 'the contact is not known';
	ELSIF gone THEN
		RAISE foreign_key_violation USING CONSTRAINT = 'contact_alive', MESSAGE = 'the contact is deleted';
	END IF;
END
$$;
-- +goose StatementEnd

-- Ids in other systems, each held by one resource of its kind.
CREATE TABLE external_id (
	tenant   uuid NOT NULL,
	kind     text NOT NULL,
	system   text NOT NULL,
	id       text NOT NULL,
	resource uuid NOT NULL,
	CONSTRAINT external_id_taken PRIMARY KEY (tenant, kind, system, id)
);
CREATE INDEX external_id_resource ON external_id (tenant, kind, resource);
SELECT lingkar_secure('external_id');

CREATE TABLE product (
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
	code          text        NOT NULL,
	display_name  text        NOT NULL,
	description   text        NOT NULL,
	category      text        NOT NULL,
	series        text        NOT NULL,
	unit          text        NOT NULL,
	active        boolean     NOT NULL,
	PRIMARY KEY (tenant, id),
	CONSTRAINT product_code_taken UNIQUE (tenant, code)
);
CREATE INDEX product_create_time ON product (tenant, create_time, id);
CREATE INDEX product_update_time ON product (tenant, update_time, id);
CREATE INDEX product_code ON product (tenant, code, id);
CREATE INDEX product_category_code ON product (tenant, category, code, id);
CREATE INDEX product_series_code ON product (tenant, series, code, id);
SELECT lingkar_secure('product');

CREATE TABLE price_list (
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
	code          text        NOT NULL,
	display_name  text        NOT NULL,
	currency      text        NOT NULL,
	standard      boolean     NOT NULL,
	PRIMARY KEY (tenant, id),
	CONSTRAINT price_list_code_taken UNIQUE (tenant, code)
);
CREATE UNIQUE INDEX price_list_standard_taken ON price_list (tenant, currency) WHERE standard AND delete_time IS NULL;
CREATE INDEX price_list_code ON price_list (tenant, code, id);
CREATE INDEX price_list_create_time ON price_list (tenant, create_time, id);
CREATE INDEX price_list_update_time ON price_list (tenant, update_time, id);
SELECT lingkar_secure('price_list');

CREATE TABLE price (
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
	price_list    uuid        NOT NULL,
	product       uuid        NOT NULL,
	currency      text        NOT NULL,
	unit_price    numeric(28,9) NOT NULL CHECK (unit_price >= 0 AND unit_price < 'NaN'),
	start_time    timestamptz NOT NULL,
	end_time      timestamptz CHECK (end_time > start_time),
	PRIMARY KEY (tenant, id),
	CONSTRAINT price_list_known FOREIGN KEY (tenant, price_list) REFERENCES price_list,
	CONSTRAINT price_product_known FOREIGN KEY (tenant, product) REFERENCES product,
	-- One price of a product holds in a list at any time.
	CONSTRAINT price_overlaps EXCLUDE USING gist (
		tenant WITH =, price_list WITH =, product WITH =, tstzrange(start_time, end_time) WITH &&
	) WHERE (delete_time IS NULL)
);
CREATE INDEX price_create_time ON price (tenant, create_time, id);
CREATE INDEX price_update_time ON price (tenant, update_time, id);
CREATE INDEX price_price_list_create_time ON price (tenant, price_list, create_time, id);
CREATE INDEX price_product_create_time ON price (tenant, product, create_time, id);
CREATE INDEX price_price_list_product_start_time ON price (tenant, price_list, product, start_time, id);
SELECT lingkar_secure('price');

CREATE TABLE pipeline (
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
	display_name  text        NOT NULL,
	stages        jsonb       NOT NULL,
	is_default    boolean     NOT NULL,
	skip_allowed  boolean     NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX pipeline_one_default ON pipeline (tenant) WHERE is_default AND delete_time IS NULL;
CREATE INDEX pipeline_create_time ON pipeline (tenant, create_time, id);
CREATE INDEX pipeline_update_time ON pipeline (tenant, update_time, id);
SELECT lingkar_secure('pipeline');

-- The stages by their ids, for opportunities to point at.
CREATE TABLE pipeline_stage (
	tenant   uuid NOT NULL,
	pipeline uuid NOT NULL,
	stage    text NOT NULL,
	PRIMARY KEY (tenant, pipeline, stage)
);
SELECT lingkar_secure('pipeline_stage');

CREATE TABLE lead (
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
	contact       uuid        NOT NULL,
	display_name  text        NOT NULL,
	status        integer     NOT NULL CHECK (status BETWEEN 1 AND 5),
	channel       integer     NOT NULL,
	products      jsonb       NOT NULL,
	currency      text        NOT NULL,
	estimate      numeric(28,9) NOT NULL CHECK (estimate >= 0 AND estimate < 'NaN'),
	note          text        NOT NULL,
	capture_time  timestamptz NOT NULL,
	close_time    timestamptz,
	disqualify_reason text    NOT NULL,
	opportunity   uuid        CHECK ((opportunity IS NOT NULL) = (status = 4)),
	PRIMARY KEY (tenant, id)
);
CREATE INDEX lead_create_time ON lead (tenant, create_time, id);
CREATE INDEX lead_update_time ON lead (tenant, update_time, id);
CREATE INDEX lead_contact_create_time ON lead (tenant, contact, create_time, id);
CREATE INDEX lead_status_create_time ON lead (tenant, status, create_time, id);
CREATE INDEX lead_owner_create_time ON lead (tenant, owner, create_time, id);
SELECT lingkar_secure('lead');

CREATE TABLE opportunity (
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
	contact       uuid        NOT NULL,
	display_name  text        NOT NULL,
	status        integer     NOT NULL CHECK (status BETWEEN 1 AND 3),
	pipeline      uuid        NOT NULL,
	stage         text        NOT NULL,
	stage_time    timestamptz NOT NULL,
	probability   integer     NOT NULL CHECK (probability BETWEEN 0 AND 100),
	currency      text        NOT NULL,
	amount        numeric(28,9) NOT NULL CHECK (amount >= 0 AND amount < 'NaN'),
	lines         jsonb       NOT NULL,
	price_list    uuid,
	close_date    date,
	open_time     timestamptz NOT NULL,
	close_time    timestamptz CHECK ((close_time IS NULL) = (status = 1)),
	close_reason  text        NOT NULL,
	lead          uuid,
	order_id      uuid        CHECK ((order_id IS NOT NULL) = (status = 2)),
	description   text        NOT NULL,
	note          text        NOT NULL,
	PRIMARY KEY (tenant, id),
	CONSTRAINT opportunity_stage FOREIGN KEY (tenant, pipeline, stage) REFERENCES pipeline_stage
);
CREATE INDEX opportunity_create_time ON opportunity (tenant, create_time, id);
CREATE INDEX opportunity_update_time ON opportunity (tenant, update_time, id);
CREATE INDEX opportunity_contact_create_time ON opportunity (tenant, contact, create_time, id);
CREATE INDEX opportunity_status_create_time ON opportunity (tenant, status, create_time, id);
CREATE INDEX opportunity_owner_create_time ON opportunity (tenant, owner, create_time, id);
CREATE INDEX opportunity_pipeline_stage_create_time ON opportunity (tenant, pipeline, stage, create_time, id);
SELECT lingkar_secure('opportunity');

CREATE TABLE sales_order (
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
	contact       uuid        NOT NULL,
	status        integer     NOT NULL CHECK (status BETWEEN 1 AND 3),
	kind          integer     NOT NULL CHECK (kind BETWEEN 1 AND 2),
	opportunity   uuid,
	channel       integer     NOT NULL,
	lines         jsonb       NOT NULL,
	price_list    uuid,
	currency      text        NOT NULL,
	total         numeric(28,9) NOT NULL CHECK (total >= 0 AND total < 'NaN'),
	order_time    timestamptz CHECK (status <> 2 OR order_time IS NOT NULL),
	cancel_time   timestamptz CHECK ((cancel_time IS NOT NULL) = (status = 3)),
	cancel_reason text        NOT NULL,
	note          text        NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE INDEX sales_order_create_time ON sales_order (tenant, create_time, id);
CREATE INDEX sales_order_update_time ON sales_order (tenant, update_time, id);
CREATE INDEX sales_order_contact_create_time ON sales_order (tenant, contact, create_time, id);
CREATE INDEX sales_order_status_create_time ON sales_order (tenant, status, create_time, id);
CREATE INDEX sales_order_owner_create_time ON sales_order (tenant, owner, create_time, id);
-- A won opportunity makes one order.
CREATE UNIQUE INDEX sales_order_one_per_opportunity ON sales_order (tenant, opportunity) WHERE opportunity IS NOT NULL;
SELECT lingkar_secure('sales_order');
