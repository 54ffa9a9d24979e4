package mutant

import "time"

// sending are the mutants of what is sent outside.
func sending() []Mutant {
	return []Mutant{{
		Name: "delivered-before-sent", Breaks: "a webhook is noted as delivered before it was sent",
		Invariants: []string{"I16"}, Focus: Focus{Faults: []string{"F26"}, Duration: 25 * time.Second},
		Edits: []Edit{{
			"services/gateway/internal/store/deliveries.go", "		SET next_attempt_time = $5\n		FROM due, webhook_event e",
			"		SET state = 2, next_attempt_time = CASE WHEN $5::timestamptz IS NULL THEN d.create_time END\n		FROM due, webhook_event e",
		}},
	}}
}
