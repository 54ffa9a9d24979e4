-- +goose Up

-- The tenants' rules about single fields, as the events of area platform tell them;
-- those that were taken back stay, so that an older event does not bring them back.
CREATE TABLE field_access (
	tenant        uuid    NOT NULL,
	id            uuid    NOT NULL,
	seq           bigint  NOT NULL,
	deleted       boolean NOT NULL,
	resource_type text    NOT NULL,
	field         text    NOT NULL,
	readers       text[]  NOT NULL,
	writers       text[]  NOT NULL,
	CONSTRAINT field_access_pkey PRIMARY KEY (tenant, id)
);
SELECT lingkar_secure('field_access', 'SELECT');
