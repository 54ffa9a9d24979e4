-- +goose Up

-- How many calendar months a purchase may lie back that makes its customer active.
ALTER TABLE tenant ADD COLUMN lifecycle_window_months integer NOT NULL DEFAULT 12 CHECK (lifecycle_window_months BETWEEN 1 AND 120);

CREATE OR REPLACE VIEW tenant_directory AS
SELECT 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid AS tenant, id, create_time, update_time, delete_time, seq,
	partition, owner, team, source, external_ids, labels, custom_fields, display_name, currency_code, time_zone, state,
	lifecycle_window_months
FROM tenant
WHERE current_setting('app.tenant') = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
