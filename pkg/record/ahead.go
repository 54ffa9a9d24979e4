package record

import "github.com/jackc/pgx/v5"

// Ahead sends what is to be written and does not wait for it, so that the caller makes
// the next rows while the database takes these. What goes wrong is answered by whatever
// is sent next, or by the end of the unit. Rows that come later go in statements of
// their own, so they may refer to these but not the other way round.
func (u *Unit) Ahead() error {
	if err := u.land(); err != nil {
		return err
	}
	if u.request.given() && !u.sent {
		return u.flush() // whether the request was answered before must be known first
	}
	u.gather()
	b := u.pending
	u.pending, u.sent = &pgx.Batch{}, true
	u.ahead = make(chan error, 1)
	go func(done chan<- error) { done <- u.sender.SendBatch(u.ctx, b).Close() }(u.ahead)
	return nil
}

// land waits for what is under way.
func (u *Unit) land() error {
	if u.ahead == nil {
		return nil
	}
	err := <-u.ahead
	u.ahead = nil
	return err
}

// Then has f run once the transaction is committed: not for a call that only asks to
// check, nor where the request was answered before.
func (u *Unit) Then(f func()) { u.then = append(u.then, f) }
