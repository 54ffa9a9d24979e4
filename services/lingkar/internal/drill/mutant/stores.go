package mutant

import "time"

// keeping are the mutants of tenancy and of what the stores promise.
func keeping() []Mutant {
	const secure = "pkg/postgres/migrations/00001_secure.sql"
	open := []Edit{
		{secure, "	EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);\n", ""},
		{secure, "	EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);\n", ""},
	}
	return []Mutant{
		{
			Name: "row-security-off", Breaks: "tables do not hide the rows of other tenants",
			Invariants: []string{"I10"}, Focus: stumbling, Edits: open,
		},
		{
			Name: "tenant-forgotten", Breaks: "rows are read by their id alone, from tables that do not hide those of other tenants",
			Invariants: []string{"I13"}, Focus: stumbling,
			Edits: append(open[:2:2], Edit{
				"pkg/postgres/table.go", `	t.getSQL = t.listSQL + " AND t.id = $2"`,
				`	t.getSQL = fmt.Sprintf("SELECT %s FROM %s t WHERE $1::uuid IS NOT NULL AND t.id = $2", t.plan.list("t."), name)`,
			}),
		},
		{
			Name: "commit-not-synced", Breaks: "PostgreSQL acknowledges a commit before it is on the disk",
			Invariants: []string{"I13b", "I13", "I1"}, Focus: Focus{Faults: []string{"F08"}, Duration: 15 * time.Second},
			Edits: []Edit{{"pkg/pgserver/settings.go", `		"jit":                        "off",`, `		"synchronous_commit": "off", "wal_writer_delay": "10000", "jit": "off",`}},
		},
		{
			Name: "broker-not-synced", Breaks: "the broker acknowledges an event before it is on the disk",
			Invariants: []string{"I13b"}, Focus: Focus{Faults: []string{"F07"}, Duration: 15 * time.Second},
			Edits: []Edit{{"pkg/natsserver/natsserver.go", "SyncAlways:         true,", "SyncAlways:         false,"}},
		},
	}
}
