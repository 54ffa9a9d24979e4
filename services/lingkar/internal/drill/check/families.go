package check

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/encoding/protojson"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/ledger"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/workload"
)

// erased answers the families that were erased, or may have been.
func (r *Run) erased() map[string]bool {
	gone := map[string]bool{}
	for _, op := range r.Ops {
		if op.Kind == workload.EraseKind && op.Outcome != ledger.Failed {
			gone[op.Family] = true
		}
	}
	return gone
}

// families checks the contacts that were merged and taken apart: those that are one
// have one timeline under both names, with all that was said to either; those that are
// apart have each what was said to it; none is merged into one that is merged into it
// (I7, F45).
func (r *Run) families(ctx context.Context) Result {
	result := Result{ID: "I7", Title: "merged contacts have one history under both names, and taken apart each its own"}
	said := map[string]map[string]int{} // of a family: what was said, to how many acknowledged
	to := map[string]string{}           // what was said: to whom
	for _, op := range r.Ops {
		if op.Family == "" || op.Method != interactionMethod || op.Outcome != ledger.OK {
			continue
		}
		title := op.Answer.(*contactv1.Interaction).GetTitle()
		if said[op.Family] == nil {
			said[op.Family] = map[string]int{}
		}
		said[op.Family][title]++
		to[title] = op.Subject
	}
	one, apart, entries := 0, 0, 0
	for _, f := range r.Load.Families() {
		if !f.Settled() || f.Erased {
			continue
		}
		if f.Into >= 0 {
			one++
		} else {
			apart++
		}
		r.names(ctx, &result, f)
		for _, name := range f.Names {
			want := map[string]int{}
			for title, n := range said[f.Canary] {
				if f.Into >= 0 || to[title] == name {
					want[title] = n
				}
			}
			entries += len(want)
			r.history(ctx, &result, f, name, want)
		}
	}
	result.Evidence = fmt.Sprintf("%d families that are one and %d apart, %d entries", one, apart, entries)
	return result
}

// names checks what the two say of each other.
func (r *Run) names(ctx context.Context, result *Result, f *workload.Family) {
	for n, name := range f.Names {
		got, err := contactv1.NewContactServiceClient(r.Load.Doors(f.Tenant).GRPC).GetContact(ctx, &contactv1.GetContactRequest{Name: name})
		want := ""
		if f.Into == 1-n {
			want = f.Names[f.Into]
		}
		if err != nil || got.GetMergedInto() != want {
			result.breach("%s is merged into %q, and was told to be into %q (%v)", name, got.GetMergedInto(), want, err)
		}
	}
}

// history compares the timeline of a contact with what was said to it.
func (r *Run) history(ctx context.Context, result *Result, f *workload.Family, name string, want map[string]int) {
	all, err := timeline(ctx, r.Load.Doors(f.Tenant), name)
	if err != nil {
		result.breach("the timeline of %s: %v", name, err)
		return
	}
	got := map[string]int{}
	for _, e := range all {
		if strings.HasPrefix(e.GetResource(), "interactions/") {
			got[e.GetTitle()]++
		}
	}
	for title, n := range want {
		if got[title] != n {
			result.breach("%s (merged: %t): %q was said %d times and is there %d times", name, f.Into >= 0, title, n, got[title])
		}
	}
	for title, n := range got {
		if want[title] == 0 {
			result.breach("%s (merged: %t): %q is there %d times and belongs to another", name, f.Into >= 0, title, n)
		}
	}
}

// forgotten looks for what was said to erased families in every table of every
// service, and in what the suite answers (I12).
func (r *Run) forgotten(ctx context.Context) Result {
	result := Result{ID: "I12", Title: "nothing that was said to an erased person is left"}
	var canaries []string
	for _, f := range r.Load.Families() {
		if f.Settled() && f.Erased {
			canaries = append(canaries, f.Canary)
			r.silent(ctx, &result, f)
		}
	}
	tables := 0
	if len(canaries) > 0 {
		databases := []string{fleet.Keys}
		for _, area := range areas() {
			databases = append(databases, fleet.Database(area))
		}
		for _, database := range databases {
			if err := with(ctx, r.Cluster, database, func(conn *pgx.Conn) error { return search(ctx, &result, conn, database, canaries, &tables) }); err != nil {
				result.breach("%s cannot be searched: %v", database, err)
			}
		}
	}
	result.Evidence = fmt.Sprintf("%d erased persons, %d tables", len(canaries), tables)
	return result
}

// silent asks for an erased family by both names.
func (r *Run) silent(ctx context.Context, result *Result, f *workload.Family) {
	for _, name := range f.Names {
		all, err := timeline(ctx, r.Load.Doors(f.Tenant), name)
		if err != nil {
			result.breach("the timeline of %s: %v", name, err)
			continue
		}
		told, err := protojson.Marshal(&analyticsv1.ListTimelineResponse{Timeline: all})
		if err != nil || strings.Contains(string(told), f.Canary) {
			result.breach("the timeline of %s, who was erased, tells %s (%v)", name, f.Canary, err)
		}
	}
}

// everyTable are the tables of a database, with their schemas.
const everyTable = `
	SELECT format('%I.%I', n.nspname, c.relname)
	FROM pg_class c
	JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
	ORDER BY 1`

// search looks for the canaries in all rows of a database, as text and as bytes. It asks
// for whatever may be one: an expression of them all takes PostgreSQL minutes for a table.
func search(ctx context.Context, result *Result, conn *pgx.Conn, database string, canaries []string, tables *int) error {
	names, err := texts(ctx, conn, everyTable)
	if err != nil {
		return err
	}
	sought := map[string]bool{}
	for _, c := range canaries {
		sought[c], sought[hex.EncodeToString([]byte(c))] = true, true
	}
	for _, name := range names {
		*tables++
		found, err := texts(ctx, conn, fmt.Sprintf(`SELECT DISTINCT said[1] FROM %s AS t, regexp_matches(t::text, $1, 'g') AS said`, name), "("+workload.CanaryPattern+")")
		if err != nil {
			return err
		}
		for _, f := range found {
			if sought[f] {
				result.breach("%s.%s holds %s of a person who was erased", database, name, f)
			}
		}
	}
	return nil
}
