-- +goose Up

-- The fields that tenants add stand on contacts and on relationships.
SELECT lingkar_custom_fields('contact', 'contacts');
SELECT lingkar_custom_fields('relationship', 'relationships');
