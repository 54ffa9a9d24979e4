-- What became of the rows when an import was taken back.
-- +goose Up

ALTER TABLE import
	ADD COLUMN undo_deleted   bigint NOT NULL DEFAULT 0,
	ADD COLUMN undo_restored  bigint NOT NULL DEFAULT 0,
	ADD COLUMN undo_unchanged bigint NOT NULL DEFAULT 0,
	ADD COLUMN undo_kept      bigint NOT NULL DEFAULT 0;

ALTER TABLE import_row
	-- lingkar.bulk.v1.ImportUndo.
	ADD COLUMN undo        smallint NOT NULL DEFAULT 0,
	ADD COLUMN undo_reason text     NOT NULL DEFAULT '',
	ADD COLUMN kept_fields text[]   NOT NULL DEFAULT '{}';
CREATE INDEX import_row_undo ON import_row (tenant, import, undo, line) WHERE undo > 0;
