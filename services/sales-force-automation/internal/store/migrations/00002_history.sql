-- A deal that was won in another system, and came with an import, made no order
-- here.
-- +goose Up

ALTER TABLE opportunity DROP CONSTRAINT opportunity_check1;
ALTER TABLE opportunity ADD CONSTRAINT opportunity_order CHECK (order_id IS NULL OR status = 2);
