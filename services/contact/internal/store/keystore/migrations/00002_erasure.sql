-- +goose Up

-- Who was erased, beside the keys: this database is restored apart from that of the
-- contacts, and each tells the other what it must not forget.
CREATE TABLE destroyed_key (
	tenant     uuid NOT NULL,
	contact    uuid NOT NULL,
	key_id     uuid NOT NULL,
	erase_time timestamptz NOT NULL,
	PRIMARY KEY (tenant, contact)
);
SELECT lingkar_grant('destroyed_key', 'SELECT, INSERT');
