package postgres

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
