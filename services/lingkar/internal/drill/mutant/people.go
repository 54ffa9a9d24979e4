package mutant

import "time"

// people are the mutants of what is kept of people who turn out to be one, or want to
// be forgotten.
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
			Name: "audit-left-out", Breaks: "changes are made without an entry in the audit log",
			Invariants: []string{"I11"}, Focus: meeting,
			Edits: []Edit{{unitFile, "	eventlog.QueueAudit(u.ctx, u.pending, u.audits...)\n", ""}},
		},
	}
}
