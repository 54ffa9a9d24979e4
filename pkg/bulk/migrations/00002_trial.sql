-- What a trial remembers from step to step, and how far an import may reach.
-- +goose Up

-- What the rows of a trial would have made, by the hash of what it is recognised by.
-- Gone when the trial ends.
CREATE TABLE import_trial (
	tenant uuid NOT NULL,
	import uuid NOT NULL,
	key    uuid NOT NULL,
	PRIMARY KEY (tenant, import, key),
	FOREIGN KEY (tenant, import) REFERENCES import (tenant, id) ON DELETE CASCADE
);
SELECT lingkar_secure('import_trial', 'SELECT, INSERT, DELETE');

-- The record scope (pkg/auth) that the upload was granted; until now all was.
ALTER TABLE import ADD COLUMN scope smallint NOT NULL DEFAULT 3;
ALTER TABLE import ALTER COLUMN scope DROP DEFAULT;
