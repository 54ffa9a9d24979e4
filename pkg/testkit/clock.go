package testkit

import (
	"sync"
	"time"
)

// Clock is the time of a Suite. It runs with that of the world until Set stops it;
// Advance moves it either way. The zero Clock is ready.
type Clock struct {
	mu    sync.Mutex
	ahead time.Duration
	fixed time.Time
}

// Now answers the time in UTC, to the microsecond that PostgreSQL keeps.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.fixed.IsZero() {
		return c.fixed
	}
	return time.Now().Add(c.ahead).UTC().Truncate(time.Microsecond)
}

// Set stops the clock at a time.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fixed = t.UTC().Truncate(time.Microsecond)
}

// Advance moves the clock forward. A clock that was stopped stays so.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fixed.IsZero() {
		c.ahead += d
	} else {
		c.fixed = c.fixed.Add(d)
	}
}
