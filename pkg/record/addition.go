package record

import (
	"bytes"
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// addition is a call that adds a row, which it knows whole before the transaction: so it
// may share that with others (postgres.Share).
type addition struct {
	ctx    context.Context
	log    *eventlog.Log
	tenant uuid.UUID
	// first is the contact that the row concerns first; uuid.Nil where it concerns none.
	first  uuid.UUID
	answer proto.Message
	// insert adds the row to a unit.
	insert func(u *Unit)
	// unit is that of the last attempt, and lead that of the call which led it: its
	// position is that of all.
	unit, lead *Unit
}

// submit stores the row; or stores it and takes it back, where the call only asks to
// check.
func (a *addition) submit(db *postgres.DB) error {
	request := requestOf(a.ctx, a.tenant)
	var err error
	switch {
	case request.info.ValidateOnly:
		err = a.check(db)
	case request.tenant != request.within: // an operator's, of which there are few
		err = postgres.Submit(a.ctx, db, a.queueAlone)
	default:
		err = postgres.Share(a.ctx, db, a.tenant, a)
	}
	if a.unit != a.lead {
		a.unit.position = a.lead.position
	}
	return err
}

// check stores the row and takes it back.
func (a *addition) check(db *postgres.DB) error {
	var queued error
	err := postgres.Decide(a.ctx, db,
		func(b *pgx.Batch) { queued = a.queueAlone(b) },
		func(*pgx.Batch) error { return errChecked })
	if queued != nil {
		return queued
	}
	return err
}

func (a *addition) queueAlone(b *pgx.Batch) error { return a.Queue(b, nil) }

// Queue implements postgres.Part. The rows of each table go in one statement for all
// calls, then all events, the audit entries and the answers that are kept.
func (a *addition) Queue(b *pgx.Batch, further []postgres.Part) error {
	all := []*addition{a}
	for _, part := range further {
		all = append(all, part.(*addition))
	}
	// Rows of contacts are locked in one order, as everywhere (QueueLockAll).
	slices.SortStableFunc(all, func(x, y *addition) int { return bytes.Compare(x.first[:], y.first[:]) })
	postgres.QueueTenant(b, a.tenant)
	requests := make([]*request, len(all))
	for i, a := range all {
		a.unit = newUnit(a.ctx, a.log, a.tenant, b)
		a.lead = all[0].unit
		requests[i] = &a.unit.request
	}
	claim(b, requests...)
	lead := all[0].unit
	var answers []keptAnswer
	for _, a := range all {
		a.insert(a.unit)
		if a.unit.request.given() {
			answer, err := a.unit.answered(a.answer)
			if err != nil {
				return err
			}
			answers = append(answers, answer)
		}
		if a.unit != lead {
			lead.writes.Join(a.unit.writes)
			lead.happened = append(lead.happened, a.unit.happened...)
			lead.audits = append(lead.audits, a.unit.audits...)
		}
	}
	lead.gather()
	if len(answers) > 0 {
		lead.request.asCaller(b, func() { queueKept(b, answers...) })
	}
	return nil
}
