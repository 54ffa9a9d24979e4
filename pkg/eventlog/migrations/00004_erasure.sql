-- Which contacts were erased here, and whether that was settled.
-- +goose Up

CREATE TABLE erased_contact (
	projection text        NOT NULL,
	tenant     uuid        NOT NULL,
	contact    uuid        NOT NULL,
	apply_time timestamptz NOT NULL DEFAULT now(),
	-- True once what is kept in the open was removed a second time.
	settled    boolean     NOT NULL DEFAULT false,
	PRIMARY KEY (projection, tenant, contact)
);
CREATE INDEX erased_contact_unsettled ON erased_contact (projection, apply_time) WHERE NOT settled;
SELECT lingkar_secure('erased_contact', 'SELECT');
