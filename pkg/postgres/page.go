package postgres

import "time"

// PageToken answers the page token of a list that is plain SQL in its service.
// The cursor holds texts and int64s; the binding names the tenant, the subject and
// everything else of the query that the next page must share.
func (db *DB) PageToken(cursor []any, binding []byte) (string, error) {
	return db.pages.seal(cursor, binding)
}

// PageCursor answers the cursor of a token made for this binding. Any other token
// is INVALID_ARGUMENT PAGE_TOKEN_INVALID.
func (db *DB) PageCursor(token string, binding []byte) ([]any, error) {
	return db.pages.open(token, binding)
}

// LastingToken is PageToken of a token that does not expire by itself, for callers who
// come back after weeks: whoever reads it by PageCursor looks at its age.
func (db *DB) LastingToken(cursor []any, binding []byte) (string, error) {
	return db.pages.sealUntil(never, cursor, binding)
}

// never is later than any token is read.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
