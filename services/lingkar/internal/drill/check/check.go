// Package check compares what callers were told with what is there, once nothing
// moves any more.
//
// Each invariant has the number it has in the catalogue and answers with evidence:
// how much was compared, and what was broken. A check reads through the doors where
// the promise is made to callers, and the databases themselves, as their
// superuser, where it is made to operators.
package check

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/ledger"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/receiver"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/workload"
)

// maxBroken is how many breaches of one invariant are told.
const maxBroken = 20

// Result is what became of an invariant.
type Result struct {
	// ID is its number, Title what it says.
	ID    string `json:"id"`
	Title string `json:"title"`
	// Evidence says what was compared.
	Evidence string `json:"evidence"`
	// Broken are the breaches, the first twenty; none when it holds.
	Broken []string `json:"broken,omitempty"`
}

// Holds says whether nothing was broken.
func (r *Result) Holds() bool { return len(r.Broken) == 0 }

func (r *Result) breach(format string, args ...any) {
	if len(r.Broken) < maxBroken {
		r.Broken = append(r.Broken, fmt.Sprintf(format, args...))
	}
}

// Run is what is checked.
type Run struct {
	Cluster *cluster.Cluster
	Load    *workload.Load
	// Receiver is where the tenants' webhooks arrive.
	Receiver *receiver.Receiver
	Tenants  []workload.Tenant
	Ops      []*ledger.Op
	// Random chooses samples.
	Random *rand.Rand
	// Patience is how long projections may take to reach the end.
	Patience time.Duration
	// Enough says after which result no other is asked for.
	Enough func(Result) bool
}

// All makes every check, one after the other, until it is enough. Replaying comes first:
// it must leave no trace for the others. What may have to wait comes last.
func (r *Run) All(ctx context.Context) []Result {
	checks := []func(context.Context) Result{
		r.replay, r.settled, r.portals, r.views, r.acknowledged, r.families, r.commits, r.order, r.audited, r.forgotten, r.rebuild, r.money, r.tenancy, r.webhooks,
	}
	var results []Result
	for _, check := range checks {
		result := check(ctx)
		if results = append(results, result); r.Enough(result) {
			break
		}
	}
	return results
}

// settled waits until what replaying may have caused has arrived.
func (r *Run) settled(ctx context.Context) Result {
	result := Result{ID: "I14a", Title: "every projection reaches the end of every log"}
	took, err := Drain(ctx, r.Cluster, r.Patience)
	if err != nil {
		result.breach("%v", err)
	}
	result.Evidence = "lag 0 after " + took.Round(time.Millisecond).String()
	return result
}

// with runs fn on a database of the cluster, as its superuser.
func with(ctx context.Context, c *cluster.Cluster, database string, fn func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, c.Postgres.URL(database))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return fn(conn)
}

// areas are those of all services.
func areas() []string {
	var all []string
	for _, d := range fleet.All() {
		all = append(all, d.Area)
	}
	return all
}

// texts answers the first column of a query, as text.
func texts(ctx context.Context, conn *pgx.Conn, sql string, args ...any) ([]string, error) {
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
