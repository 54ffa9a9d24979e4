-- The order in which contacts last changed, for those who keep copies.
-- +goose Up

-- One row a contact, filled by a projection of the service's own log. A number is
-- given when the change is read from the log, by one transaction at a time: whoever has
-- seen a number has seen all below it.
CREATE TABLE contact_change (
	tenant  uuid   NOT NULL,
	contact uuid   NOT NULL,
	number  bigint NOT NULL,
	-- Whose it was, ever: who may be told that it is theirs no more.
	owners  text[] NOT NULL,
	teams   text[] NOT NULL,
	PRIMARY KEY (tenant, contact)
);
CREATE UNIQUE INDEX contact_change_number ON contact_change (tenant, number);
SELECT lingkar_secure('contact_change', 'SELECT');
