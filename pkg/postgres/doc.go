// Package postgres is how a service reaches its database: pools with limits, a
// role bound by row-level security, migrations, one net that turns SQLSTATEs
// into errors a caller understands, and Table, the typed table with filters and
// keyset pages.
//
// It promises that a statement of role app sees the rows of one tenant only,
// that a simple read or write is one round trip, and that no input makes a
// query other than the one its allow-list describes. It does not hide SQL: an
// unusual query is plain SQL in its service, through InTx or a pgx.Batch.
package postgres
