-- +goose Up

-- Keys of contacts, wrapped by the key-encryption key named in kek. A row is here
-- before anything is sealed under its key; deleting it erases what was. Nothing
-- says whose key it is: the contact names its key.
CREATE TABLE contact_key (
	id          uuid PRIMARY KEY,
	kek         text NOT NULL,
	wrapped     bytea NOT NULL,
	create_time timestamptz NOT NULL DEFAULT now()
);
SELECT lingkar_grant('contact_key', 'SELECT, INSERT, DELETE');
