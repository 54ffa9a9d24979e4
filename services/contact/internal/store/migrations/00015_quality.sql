-- +goose Up

-- A tenant's weights: one row, or none while the defaults hold.
CREATE TABLE quality_policy (
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

	person_weights       jsonb NOT NULL,
	organisation_weights jsonb NOT NULL,
	fresh_days           integer NOT NULL CHECK (fresh_days > 0),
	completeness_weight  integer NOT NULL CHECK (completeness_weight >= 0),
	freshness_weight     integer NOT NULL CHECK (freshness_weight >= 0),
	relevance_weight     integer NOT NULL CHECK (relevance_weight >= 0),
	used_fields          jsonb NOT NULL,

	PRIMARY KEY (tenant, id)
);
SELECT lingkar_secure('quality_policy', 'SELECT, INSERT, UPDATE');

-- When a field of a contact was last verified. A change of the field takes it away.
CREATE TABLE field_verification (
	tenant      uuid NOT NULL,
	contact     uuid NOT NULL,
	field       text NOT NULL,
	verify_time timestamptz NOT NULL,
	method      integer NOT NULL,
	actor       text NOT NULL,
	PRIMARY KEY (tenant, contact, field)
);
SELECT lingkar_secure('field_verification', 'SELECT');

-- How good the data of each living contact is, as a projection computed it.
CREATE TABLE contact_quality (
	tenant       uuid NOT NULL,
	id           uuid NOT NULL,
	kind         smallint NOT NULL,
	score        integer NOT NULL CHECK (score BETWEEN 0 AND 100),
	completeness integer NOT NULL,
	freshness    integer NOT NULL,
	relevance    integer NOT NULL,
	-- The missing fields, a bit for each.
	missing      bigint NOT NULL,
	compute_time timestamptz NOT NULL,
	-- When it is computed anew at the latest.
	stale_time   timestamptz NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE INDEX contact_quality_score ON contact_quality (tenant, score, id);
CREATE INDEX contact_quality_kind ON contact_quality (tenant, kind, score, id);
-- What is to be computed anew is looked for over all tenants, by role relay.
CREATE INDEX contact_quality_stale ON contact_quality (stale_time);
SELECT lingkar_secure('contact_quality', 'SELECT, UPDATE');
