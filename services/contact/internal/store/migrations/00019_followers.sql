-- +goose Up

-- The rules, the ratings and the order of changes follow the log together from where the
-- last of them stood; what waits parked of any of them waits for all.
INSERT INTO projection_cursor (projection, area, partition, seq, recorded_at)
SELECT 'followers', area, partition, min(seq), min(recorded_at)
FROM projection_cursor
WHERE projection IN ('rules', 'quality', 'contact_change')
GROUP BY area, partition;

DELETE FROM projection_cursor WHERE projection IN ('rules', 'quality', 'contact_change');

INSERT INTO parked_event (projection, area, partition, seq, tenant, key, id, event, cause, attempts, create_time, update_time)
SELECT DISTINCT ON (area, partition, seq)
	'followers', area, partition, seq, tenant, key, id, event, cause, attempts, create_time, update_time
FROM parked_event
WHERE projection IN ('rules', 'quality', 'contact_change')
ORDER BY area, partition, seq, cause DESC;

DELETE FROM parked_event WHERE projection IN ('rules', 'quality', 'contact_change');
