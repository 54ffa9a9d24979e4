package testkit

import "github.com/lingkar-crm/lingkar/pkg/postgres"

// Trips counts the round trips to databases that a piece of work makes.
type Trips struct{ postgres.Trips }

// Of counts the round trips that are made while fn runs, for an RPC by its full
// method, or for whatever it is where the method is empty.
func (c *Trips) Of(method string, fn func()) int {
	before := c.made(method)
	fn()
	return int(c.made(method) - before)
}

func (c *Trips) made(method string) (made int64) {
	for of, n := range c.Made() {
		if method == "" || method == of {
			made += n
		}
	}
	return made
}
