-- Files that bring records, and the report on their rows.
-- +goose Up

CREATE TABLE import (
	tenant      uuid        NOT NULL,
	id          uuid        NOT NULL,
	kind        text        NOT NULL,
	state       smallint    NOT NULL,
	-- The message lingkar.bulk.v1.Import as uploaded: what does not change.
	spec        bytea       NOT NULL,
	-- Who uploaded it: the rows are brought in as this caller.
	subject     text        NOT NULL,
	roles       text[]      NOT NULL,
	teams       text[]      NOT NULL,
	size_bytes  bigint      NOT NULL DEFAULT 0,
	-- The line of the last row that was worked through, and how many rows.
	done_line   bigint      NOT NULL DEFAULT 0,
	done_bytes  bigint      NOT NULL DEFAULT 0,
	rows        bigint      NOT NULL DEFAULT 0,
	created     bigint      NOT NULL DEFAULT 0,
	updated     bigint      NOT NULL DEFAULT 0,
	skipped     bigint      NOT NULL DEFAULT 0,
	failed      bigint      NOT NULL DEFAULT 0,
	error       text        NOT NULL DEFAULT '',
	create_time timestamptz NOT NULL,
	update_time timestamptz NOT NULL,
	end_time    timestamptz,
	PRIMARY KEY (tenant, id),
	CHECK (rows = created + updated + skipped + failed)
);
CREATE INDEX import_working ON import (tenant, update_time) WHERE state IN (2, 6);
SELECT lingkar_secure('import', 'SELECT, INSERT, UPDATE');

-- The file, in pieces of 256 KiB.
CREATE TABLE import_chunk (
	tenant uuid    NOT NULL,
	import uuid    NOT NULL,
	n      integer NOT NULL,
	data   bytea   NOT NULL,
	PRIMARY KEY (tenant, import, n),
	FOREIGN KEY (tenant, import) REFERENCES import (tenant, id) ON DELETE CASCADE
);
ALTER TABLE import_chunk ALTER COLUMN data SET STORAGE EXTERNAL;
SELECT lingkar_secure('import_chunk', 'SELECT, INSERT');

CREATE TABLE import_row (
	tenant   uuid     NOT NULL,
	import   uuid     NOT NULL,
	line     bigint   NOT NULL,
	outcome  smallint NOT NULL,
	resource text     NOT NULL,
	reason   text     NOT NULL,
	message  text     NOT NULL,
	undone   boolean  NOT NULL DEFAULT false,
	PRIMARY KEY (tenant, import, line),
	FOREIGN KEY (tenant, import) REFERENCES import (tenant, id) ON DELETE CASCADE
);
CREATE INDEX import_row_outcome ON import_row (tenant, import, outcome, line);
SELECT lingkar_secure('import_row', 'SELECT, INSERT, UPDATE');
