-- +goose Up

-- Until when the sender leaves a planned touch alone, because its contact wishes to be
-- reached at other hours. No part of the touch as callers read it.
ALTER TABLE touch ADD COLUMN wait_until timestamptz;
ALTER TABLE touch DROP CONSTRAINT touch_suppress_reason_check;
ALTER TABLE touch ADD CONSTRAINT touch_suppress_reason_check CHECK (suppress_reason BETWEEN 0 AND 5) NOT VALID;
ALTER TABLE touch VALIDATE CONSTRAINT touch_suppress_reason_check;

-- +goose Down
ALTER TABLE touch DROP COLUMN wait_until;
