package postgres

import (
	"time"

	"github.com/google/uuid"
)

// ShareOneByOne lets one transaction of a tenant run at a time, while calls share well, and
// hold up the others as long as the patience is.
func (db *DB) ShareOneByOne(patience time.Duration) {
	db.shares.usual, db.shares.patience = 1, patience
}

// Waiting answers how many calls of a tenant wait in Share, and how many may share the
// next transaction.
func (db *DB) Waiting(tenant uuid.UUID) (waiting, most int) {
	db.shares.mu.Lock()
	defer db.shares.mu.Unlock()
	l := db.shares.lanes[tenant]
	if l == nil {
		return 0, sharers
	}
	return len(l.waiting), l.most
}
