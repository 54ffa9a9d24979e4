package eventlog

import "time"

const (
	// paceEvent is how long what follows waits for each event: who is calm waits for
	// nobody.
	paceEvent = 2 * time.Millisecond
	// paceShare is how many times as long as a transaction took its successor waits, up
	// to paceMost: where the cores are short a transaction takes long, and fewer of them
	// with more events each leave the cores to the calls.
	paceShare = 4
	paceMost  = 50 * time.Millisecond
)

// pace answers how far two transactions lie apart, from beginning to beginning, of which
// the first took so many events and so long. Busy ones lie as far apart as usual, or
// further, so that each takes more events at a time.
func pace(events int, took, usual time.Duration) time.Duration {
	return min(time.Duration(events)*paceEvent, max(usual, min(paceShare*took, paceMost)))
}
