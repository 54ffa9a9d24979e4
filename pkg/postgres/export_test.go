package postgres

import "time"

// ShareOneByOne lets one transaction of Share run at a time, and hold up the others as
// long as the patience is.
func (db *DB) ShareOneByOne(patience time.Duration) { db.shares.free, db.shares.patience = 1, patience }

// Waiting answers how many calls wait in Share, and how many may share the next
// transaction.
func (db *DB) Waiting() (waiting, most int) {
	db.shares.mu.Lock()
	defer db.shares.mu.Unlock()
	return len(db.shares.waiting), db.shares.most
}
