-- The values of custom fields stand in table custom_value as well, for filters and orders.
-- +goose Up
SELECT lingkar_custom_fields('ticket', 'tickets');
