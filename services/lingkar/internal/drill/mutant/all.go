package mutant

import (
	"slices"
	"time"
)

// The runs in which mutants are tried. Each is passed by the unbroken code first.
var (
	// stumbling lets every process fail at a few points and some transactions commit
	// late, after ones that began later, without any other fault than events that
	// come twice.
	stumbling = Focus{
		Faults: []string{"F26"}, Duration: 10 * time.Second,
		Failpoints: "write.before_commit=sleep:200ms%10; write.after_commit=error@25; projection.before_commit=error%3; relay.after_sequence=error@40",
	}
	// killed kills processes, and empties the broker.
	killed = Focus{Faults: []string{"F01", "F06"}, Duration: 20 * time.Second}
	// repeated sends events again, and in another order.
	repeated = Focus{Faults: []string{"F26", "F27"}, Duration: 12 * time.Second}
	// poisoned has an event that cannot be applied.
	poisoned = Focus{Faults: []string{"F28c"}, Duration: 12 * time.Second}
)

// All are all mutants.
func All() []Mutant {
	all := append(writing(), sequencing()...)
	return slices.Concat(all, projecting(), keeping(), people(), sending())
}

const (
	unitFile     = "pkg/record/unit.go"
	additionFile = "pkg/record/addition.go"
	keptFile     = "pkg/record/kept.go"
	requestFile  = "pkg/record/request.go"
	sequenceFile = "pkg/eventlog/sequence.go"
	applyFile    = "pkg/eventlog/apply.go"
	parkFile     = "pkg/eventlog/park.go"
	runnerFile   = "pkg/eventlog/runner.go"
	catchUpFile  = "pkg/eventlog/catchup.go"
	waitFile     = "pkg/eventlog/wait.go"
)

// announcing is where a change is committed and its caller does not know.
const announcing = `		return none, err
	}
	u.announce()`

// writing are the mutants of the write path.
func writing() []Mutant {
	return []Mutant{
		{
			Name: "event-after-commit", Breaks: "the event is written in a transaction after the change's own",
			Invariants: []string{"I2"}, Focus: stumbling,
			Edits: []Edit{
				{unitFile, "	events   int\n", "	events   int\n	later    []*eventv1.Event\n"},
				{unitFile, "	u.log.Queue(u.pending, u.happened).Query(func(rows pgx.Rows) error {", "	u.later = append(u.later, u.happened...)\n	u.pending.Queue(\"SELECT nextval('event_position')\").Query(func(rows pgx.Rows) error {"},
				{unitFile, announcing, `		return none, err
	}
	if len(u.later) > 0 {
		b := &pgx.Batch{}
		postgres.QueueTenant(b, u.tenant)
		u.log.Queue(b, u.later)
		if err := postgres.Run(u.ctx, db, b); err != nil {
			return none, err
		}
	}
	u.announce()`},
			},
		},
		{
			Name: "answer-after-commit", Breaks: "the answer to a request id is kept in a transaction after the change's own",
			Invariants: []string{"I1", "I4", "I9"}, Focus: stumbling, CI: true,
			Edits: []Edit{
				{unitFile, "	events   int\n", "	events   int\n	after    *pgx.Batch\n"},
				{unitFile, "	u.request.asCaller(u.pending, func() { queueKept(u.pending, kept) })",
					"	u.after = &pgx.Batch{}\n	postgres.QueueTenant(u.after, u.tenant)\n	u.request.asCaller(u.after, func() { queueKept(u.after, kept) })"},
				{additionFile, "answers = append(answers, answer)",
					"a.unit.after = &pgx.Batch{}\n			postgres.QueueTenant(a.unit.after, a.tenant)\n			a.unit.request.asCaller(a.unit.after, func() { queueKept(a.unit.after, answer) })"},
				{keptFile, "CASE WHEN $8 THEN currval('event_position') END", "CASE WHEN $8 THEN NULL::bigint END"},
				{unitFile, announcing, `		return none, err
	}
	if u.after != nil && !u.request.found {
		if err := postgres.Run(u.ctx, db, u.after); err != nil {
			return none, err
		}
	}
	u.announce()`},
			},
		},
		{
			Name: "answer-not-kept", Breaks: "a repeated request is answered, but not with what was answered first",
			Invariants: []string{"I4"}, Focus: stumbling,
			Edits: []Edit{{unitFile, "	if response == nil {\n		response = []byte{} // null stands for an erased answer\n	}", "	response = []byte{}"}},
		},
		{
			Name: "request-id-ignored", Breaks: "a repeated request is taken for a new one",
			Invariants: []string{"I4", "I1"}, Focus: stumbling,
			Edits: []Edit{{requestFile, `return r.info.RequestID != "" && !r.info.ValidateOnly`, "return false"}},
		},
	}
}

// sequencing are the mutants of the relay.
func sequencing() []Mutant {
	return []Mutant{
		{
			Name: "naive-poller", Breaks: "the relay reads on after the last position, and never sees what commits late",
			Invariants: []string{"I3", "I14", "I14a", "I1"}, Focus: stumbling,
			Edits: []Edit{{sequenceFile, "position <= (SELECT max(position) FROM (SELECT position FROM outbox ORDER BY position LIMIT $2) AS next)",
				"position IN (SELECT position FROM outbox WHERE position > (SELECT coalesce(max(position), 0) FROM event_order) ORDER BY position LIMIT $2)"}},
		},
		{
			Name: "order-reversed", Breaks: "events that are committed together get their places in another order",
			Invariants: []string{"I3"}, Focus: stumbling, CI: true,
			Edits: []Edit{{sequenceFile, "OVER (PARTITION BY t.partition ORDER BY t.position)", "OVER (PARTITION BY t.partition ORDER BY t.position DESC)"}},
		},
		{
			Name: "outbox-emptied-first", Breaks: "events leave the outbox in a transaction before the one that gives them their places",
			Invariants: []string{"I3", "I1"}, Focus: stumbling,
			Edits: []Edit{
				{sequenceFile, `	DELETE FROM outbox
	WHERE position <= (SELECT max(position) FROM (SELECT position FROM outbox ORDER BY position LIMIT $2) AS next)
	  AND EXISTS (SELECT FROM relay_epoch WHERE epoch = $1)
	RETURNING position, recorded_at, partition
), ordered`, `	SELECT * FROM unnest($3::bigint[], $4::timestamptz[], $5::smallint[]) AS t (position, recorded_at, partition)
	WHERE $1::bigint > 0 AND $2::int > 0
), ordered`},
				{sequenceFile, "	b.Queue(fence, epoch)", `	var positions []int64
	var times []time.Time
	var slots []int16
	rows, err := r.DB.Query(ctx, "DELETE FROM outbox RETURNING position, recorded_at, partition")
	if err != nil {
		return work{}, err
	}
	var position int64
	var recorded time.Time
	var slot int16
	if _, err := pgx.ForEachRow(rows, []any{&position, &recorded, &slot}, func() error {
		positions, times, slots = append(positions, position), append(times, recorded), append(slots, slot)
		return nil
	}); err != nil {
		return work{}, err
	}
	if len(positions) > 0 {
		if err := r.at(failpoint.RelayAfterSequence); err != nil {
			return work{}, err
		}
	}
	b.Queue(fence, epoch)`},
				{sequenceFile, "b.Queue(giveSeqs, epoch, batchEvents)", "b.Queue(giveSeqs, epoch, batchEvents, positions, times, slots)"},
				{sequenceFile, "	err := r.DB.SendBatch", "	err = r.DB.SendBatch"},
				{sequenceFile, `	"fmt"

	"github.com/jackc/pgx/v5"
`, `	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/failpoint"
`},
			},
		},
	}
}
