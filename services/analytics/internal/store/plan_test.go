package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/lifecycle"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store/projection"
)

// viewOf asks for everything of a customer.
func viewOf(tenant uuid.UUID, number string, at store.Instant) store.ViewQuery {
	purchases := store.PurchaseQuery{Window: lifecycle.WindowAt(time.Now(), 12, time.UTC), Currency: "IDR", Zone: "UTC"}
	return store.ViewQuery{
		Tenant: tenant, Ref: store.Ref{Number: number}, At: at,
		Sections: []store.Section{{ID: 1}, {ID: 3}, {ID: 4}, {ID: 5}, {ID: 6}, {ID: 7}, {ID: projection.CustomFields}}, Limit: 21,
		Relationships: 51, Purchases: purchases, Facts: []projection.FactKind{projection.Purchase, projection.Satisfaction},
		// Of guarded resources, those of somebody alone: that asks for the most.
		Timeline: &store.TimelineQuery{Limit: 50, Reach: store.Reach{Own: projection.Guarded, Subject: "users/ani", Teams: []string{"teams/" + tenant.String()}}},
	}
}

// Row-level security takes indexes away from operators that are not leakproof. No
// statement of a view reads a whole table as role app, now or as of the past.
func TestView_readsByIndex(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	tenant := uuid.New()
	w.story(6000, tenant, uuid.New())
	s, db := open(t, w.keys)
	apply(t, s, db, 1000, w.events)
	asOwner(t, db, "ANALYZE")
	past := w.now.Add(-time.Hour)
	whole := store.Reach{All: projection.Guarded}
	own := viewOf(tenant, "", store.Instant{}).Timeline.Reach
	before := &store.TimelineKey{OccurredAt: past, EventID: uuid.Max}
	for name, at := range map[string]store.Instant{
		"now": {}, "what held before": {AsOf: w.now, EffectiveAt: past}, "as of": {AsOf: past, EffectiveAt: past, Past: true},
	} {
		for kind, timeline := range map[string]store.TimelineQuery{
			"the latest": {Limit: 50, Reach: whole}, "the latest that one may see": {Limit: 50, Reach: own}, "a further page": {Limit: 50, Reach: whole, Before: before},
			"of an area": {Limit: 50, Reach: own, Areas: []string{"sales"}}, "of a conversation": {Limit: 50, Reach: whole, Conversation: "calls/1"},
		} {
			view := viewOf(tenant, "C-000100", at)
			view.Timeline = &timeline
			for statement, q := range s.Statements(t.Context(), view) {
				plan, err := postgres.ExplainAs(t.Context(), db, tenant, q[0].(string), q[1:]...)
				if err != nil {
					t.Fatalf("%s, %s, %s: %v", statement, kind, name, err)
				}
				for _, table := range []string{"timeline", "aggregate_state", "customer", "fact", "first_relation"} {
					if strings.Contains(plan, "Seq Scan on "+table) {
						t.Errorf("%s, %s, %s reads all of %s:\n%s", statement, kind, name, table, plan)
					}
				}
			}
		}
	}
}
