-- Which fields of contacts the segments of campaigns and the lists that people share name.
-- +goose Up

CREATE TABLE field_use (
	tenant  uuid   NOT NULL,
	-- "segments/{uuid}" or "savedViews/{uuid}", and the number of its last event.
	used_by text   NOT NULL,
	seq     bigint NOT NULL,
	-- A bit for each field, as in contact_quality.missing.
	fields  bigint NOT NULL,
	PRIMARY KEY (tenant, used_by)
);
SELECT lingkar_secure('field_use', 'SELECT');
