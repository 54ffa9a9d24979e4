package postgres

import "context"

// Passwords of the three roles of a service.
type Passwords struct{ Owner, App, Relay string }

// URLs are the three ways into a service's database.
type URLs struct {
	// Owner migrates: it may change the schema.
	Owner string
	// App serves requests, bound by row-level security.
	App string
	// System is role relay: all tenants, no schema changes.
	System string
}

// Provision creates the database and the roles <service>_owner, <service>_app
// and <service>_relay, or brings existing ones to this state.
func Provision(ctx context.Context, adminURL, database, service string, p Passwords) (URLs, error) {
	panic("not implemented")
}
