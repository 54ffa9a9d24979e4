-- +goose Up

-- What a ticket was about is not known any more of an erased contact; that there was
-- one is.
ALTER TABLE ticket DROP CONSTRAINT ticket_subject_check;

-- +goose Down
ALTER TABLE ticket ADD CONSTRAINT ticket_subject_check CHECK (subject <> '') NOT VALID;
