-- The values of custom fields stand in table custom_value as well, for filters and orders.
-- +goose Up
SELECT lingkar_custom_fields('lead', 'leads');
SELECT lingkar_custom_fields('opportunity', 'opportunities');
SELECT lingkar_custom_fields('sales_order', 'orders');
SELECT lingkar_custom_fields('product', 'products');
