package mutant

// projecting are the mutants of projections and of what they show.
func projecting() []Mutant {
	const restOfFresh = `		if gaps[at] || a.event.GetPosition() < next[at] {
			continue
		}
`
	const gap = `		if a.event.GetPosition() > next[at] {
			gaps[at] = true
			behind = append(behind, at)
			continue
		}
		next[at]++
`
	const continues = `		if i.event.GetPosition() == next[at] {
			items = append(items, i)
			next[at]++
		}
`
	const catchUp = `	if s.isAway(b.area) {
		return nil
	}
	catchUps`
	return []Mutant{
		{
			Name: "cursor-before-events", Breaks: "a projection moves on in a transaction before the one that applies the events",
			Invariants: []string{"I1", "I3"}, Focus: stumbling,
			Edits: []Edit{{applyFile, `	if err := a.applyItems(ctx, tx, items); err != nil {
		return err
	}
	if err := a.erase(ctx, tx, items); err != nil {
		return err
	}
	if err := a.at(failpoint.ProjectionBeforeCommit); err != nil {
		return err
	}
	if err := a.commit(ctx, tx, items); err != nil {
		return err
	}
`, `	if err := a.commit(ctx, tx, items); err != nil {
		return err
	}
	if tx, err = conn.Begin(ctx); err != nil {
		return err
	}
	defer rollback(ctx, conn, tx)
	if err := a.applyItems(ctx, tx, items); err != nil {
		return err
	}
	if err := a.erase(ctx, tx, items); err != nil {
		return err
	}
	if err := a.at(failpoint.ProjectionBeforeCommit); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
`}},
		},
		{
			Name: "duplicates-applied", Breaks: "a projection applies what comes, also again and in another order",
			Invariants: []string{"I1", "I3", "I8", "I14", "I14a"}, Focus: repeated,
			Edits: []Edit{
				{runnerFile, restOfFresh, ""},
				{runnerFile, gap, "		gaps[at] = false\n"},
				{applyFile, continues, "		items = append(items, i)\n		next[at]++\n"},
			},
		},
		{
			Name: "gaps-not-closed", Breaks: "a projection does not read the log where the broker left something out",
			Invariants: []string{"I14", "I14a", "I1"}, Focus: killed,
			Edits: []Edit{{catchUpFile, catchUp, `	if len(s.Areas) > 0 {
		return nil
	}
	catchUps`}},
		},
		{
			Name: "broker-trusted", Breaks: "a projection goes on after a gap, as if the broker never lost anything",
			Invariants: []string{"I1", "I3"}, Focus: killed,
			Edits: []Edit{
				{runnerFile, gap, "		next[at] = a.event.GetPosition() + 1\n"},
				{applyFile, continues, `		if i.event.GetPosition() >= next[at] {
			items = append(items, i)
			next[at] = i.event.GetPosition() + 1
		}
`},
				{catchUpFile, catchUp, `	if len(s.Areas) > 0 {
		return nil
	}
	catchUps`},
			},
		},
		{
			Name: "poison-passed", Breaks: "events are applied although one before them, of the same contact, was put aside",
			Invariants: []string{"F28c"}, Focus: poisoned,
			Edits: []Edit{{parkFile, "if k := keyOfEvent(i.event); a.blocked[k] {", "if k := keyOfEvent(i.event); a.blocked[k] && k.key == \"\" {"}},
		},
		{
			Name: "own-writes-not-awaited", Breaks: "a read with the token of a write does not wait for it",
			Invariants: []string{"I15", "I14"},
			Focus:      Focus{Faults: stumbling.Faults, Duration: stumbling.Duration, Failpoints: "projection.before_apply=sleep:200ms"},
			Edits: []Edit{{waitFile, `	if token == "" {
		return nil
	}
	area, _, err`, `	if token == "" || len(token) > 0 {
		return nil
	}
	area, _, err`}},
		},
		{
			Name: "clock-in-a-projection", Breaks: "a projection depends on when it applied an event",
			Invariants: []string{"I8"}, Focus: stumbling, CI: true,
			Edits: []Edit{{"services/analytics/internal/store/projection/projection.go", "recorded: e.GetRecordedAt().AsTime(),", "recorded: time.Now(),"}},
		},
		{
			Name: "money-as-float", Breaks: "an amount goes through a floating point number on its way to analytics",
			Invariants: []string{"I9"}, Focus: stumbling,
			Edits: []Edit{{"services/analytics/internal/store/projection/special.go",
				"	return &Fact{Kind: Purchase, Contact: h.contacts[0], At: at, Currency: total.Currency, Amount: total.Decimal()}",
				`	amount := total.Decimal()
	const rate = float32(16_250)
	amount.Units = int64(float32(amount.Units) * rate / rate)
	return &Fact{Kind: Purchase, Contact: h.contacts[0], At: at, Currency: total.Currency, Amount: amount}`}},
		},
	}
}
