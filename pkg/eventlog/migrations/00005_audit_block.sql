-- The blocks that seal the audit log.
-- +goose Up

-- One row a block: the entries of a tenant that were sealed together, as the root of
-- their Merkle tree (RFC 6962, 2.1), chained to the block before and signed.
CREATE TABLE audit_block (
	tenant    uuid        NOT NULL,
	-- 1, 2, 3, … of each tenant.
	number    bigint      NOT NULL CHECK (number > 0),
	-- The hash of the block before; zeros in the first.
	previous  bytea       NOT NULL CHECK (octet_length(previous) = 32),
	root      bytea       NOT NULL CHECK (octet_length(root) = 32),
	-- How many entries it seals, and the first and last of their positions.
	entries   bigint      NOT NULL CHECK (entries > 0),
	first     bigint      NOT NULL,
	last      bigint      NOT NULL CHECK (last >= first),
	seal_time timestamptz NOT NULL,
	-- The hash of all above, and its Ed25519 signature by the key of that id.
	hash      bytea       NOT NULL CHECK (octet_length(hash) = 32),
	key       text        NOT NULL,
	signature bytea       NOT NULL CHECK (octet_length(signature) = 64),
	PRIMARY KEY (tenant, number)
);
SELECT lingkar_secure('audit_block', 'SELECT');
