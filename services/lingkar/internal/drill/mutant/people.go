package mutant

import "time"

// people are the mutants of what is kept of people who turn out to be one, want to be
// forgotten, or look after their own through a portal.
func people() []Mutant {
	meeting := Focus{Faults: []string{"F26"}, Duration: 25 * time.Second}
	return []Mutant{
		{
			Name: "merge-not-followed", Breaks: "analytics does not follow merges down to those who were merged",
			Invariants: []string{"I7"}, Focus: meeting,
			Edits: []Edit{{
				"services/analytics/internal/store/family.go", "	JOIN customer c ON c.tenant = $1 AND c.merged_into = down.contact AND {valid:c}",
				"	JOIN customer c ON c.tenant = $1 AND c.merged_into = down.contact AND {valid:c} AND false",
			}},
		},
		{
			Name: "erased-in-name-only", Breaks: "an erasure leaves what was said to the person",
			Invariants: []string{"I12"}, Focus: meeting,
			Edits: []Edit{{"services/contact/internal/store/erasures.go", "	b.Queue(\"SELECT erase_contact($1)\", c.ID)\n", ""}},
		},
		{
			Name: "portal-list-unscoped", Breaks: "a portal lists the orders of everybody",
			Invariants: []string{"I17"}, Focus: meeting,
			Edits: []Edit{{
				"services/sales-force-automation/internal/store/order.go", "			return append(of.Where(ctx), postgres.Until(\"order_time\", now()))\n",
				"			return []postgres.Cond{postgres.Until(\"order_time\", now())}\n",
			}},
		},
		{
			Name: "withdrawal-ignored", Breaks: "an access that is suspended opens what it opened",
			Invariants: []string{"I17"}, Focus: meeting,
			Edits: []Edit{{"services/contact/internal/portal/portal.go", "	case a.State == Suspended:\n		return nil, errSuspended\n", ""}},
		},
		{
			Name: "audit-left-out", Breaks: "changes are made without an entry in the audit log",
			Invariants: []string{"I11"}, Focus: meeting,
			Edits: []Edit{{unitFile, "	eventlog.QueueAudit(u.pending, u.audits...)\n", ""}},
		},
	}
}
