package bulk

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/revert"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// The reasons why something is kept that no record gives.
const (
	changedSince = "CHANGED_SINCE"
	statusKept   = "STATUS_KEPT"
	unchangeable = "FIELD_FIXED"
	logTrimmed   = "LOG_TRIMMED"
)

// TakeBack is the Undo of a resource: a record that was created is deleted by the rule,
// one that was changed gets its values from before. Fixed are fields that no caller
// writes and that an import moves all the same, such as "status": they are kept, and
// reported.
func TakeBack[T any, P proto.Message](of *record.Store[T, P], remove func(*T) ([]entity.Event, error), fixed ...string) func(context.Context, *record.Unit, Back) (map[string]Undone, error) {
	t := &taker[T, P]{of: of, remove: remove, fixed: fixed}
	return t.take
}

type taker[T any, P proto.Message] struct {
	of     *record.Store[T, P]
	remove func(*T) ([]entity.Event, error)
	fixed  []string
}

func (t *taker[T, P]) take(ctx context.Context, u *record.Unit, back Back) (map[string]Undone, error) {
	rules, err := t.of.CustomRules(ctx, u.Tenant())
	if err != nil {
		return nil, err
	}
	rows, err := t.lock(u, slices.Concat(back.Created, back.Updated))
	if err != nil {
		return nil, err
	}
	folds, err := t.read(ctx, u, back)
	if err != nil {
		return nil, err
	}
	became := map[string]Undone{}
	for _, name := range back.Created {
		if became[name], err = t.delete(u, rows[name]); err != nil {
			return nil, err
		}
	}
	for _, name := range back.Updated {
		if became[name], err = t.restore(u, rows[name], folds[name], rules); err != nil {
			return nil, err
		}
	}
	return became, nil
}

// lock answers the records that exist and that the caller may see, by name.
func (t *taker[T, P]) lock(u *record.Unit, names []string) (map[string]*T, error) {
	ids := make([]uuid.UUID, len(names))
	for i, name := range names {
		var err error
		if ids[i], err = t.of.ParseName(name); err != nil {
			return nil, err
		}
	}
	locked, err := t.of.LockAllIn(u, ids)
	rows := make(map[string]*T, len(locked))
	for i, id := range ids {
		if row := locked[id]; row != nil {
			rows[names[i]] = row
		}
	}
	return rows, err
}

// delete deletes a record that the import created. One that was deleted since stays so.
func (t *taker[T, P]) delete(u *record.Unit, row *T) (Undone, error) {
	if row == nil {
		return kept(errNotThere), nil
	}
	err := t.of.DecideIn(u, row, t.remove)
	switch {
	case err == nil || errs.Reason(err) == "DELETED":
		return Undone{What: bulkv1.ImportUndo_IMPORT_UNDO_DELETED}, nil
	case errs.Code(err) == codes.FailedPrecondition:
		return kept(err), nil
	}
	return Undone{}, err
}

var errNotThere = errs.Refused("NOT_FOUND", "the record is gone, or given to somebody else")

func kept(why error) Undone {
	return Undone{What: bulkv1.ImportUndo_IMPORT_UNDO_KEPT, Reason: errs.Reason(why)}
}

// restore gives a record its values from before the import.
func (t *taker[T, P]) restore(u *record.Unit, row *T, fold *revert.Fold[P], rules record.CustomRules) (Undone, error) {
	switch {
	case row == nil:
		return kept(errNotThere), nil
	case fold == nil:
		return Undone{What: bulkv1.ImportUndo_IMPORT_UNDO_KEPT, Reason: logTrimmed}, nil
	case fold.Created():
		return Undone{What: bulkv1.ImportUndo_IMPORT_UNDO_DELETED}, nil
	case !fold.Touched():
		return Undone{What: bulkv1.ImportUndo_IMPORT_UNDO_UNCHANGED}, nil
	}
	var refused []string
	for {
		err := t.of.DecideIn(u, row, t.revert(fold, rules))
		switch errs.Code(err) {
		case codes.OK:
			return settled(fold.Lost(), fold.Stuck(), refused), nil
		case codes.FailedPrecondition, codes.InvalidArgument:
			// The others can be given back without what cannot be changed any more.
			left := leave(fold, err)
			if len(left) == 0 {
				return kept(err), nil
			}
			refused = append(refused, left...)
		default:
			return Undone{}, err
		}
	}
}

// revert is the rule that gives a record its values from before.
func (t *taker[T, P]) revert(fold *revert.Fold[P], rules record.CustomRules) func(row *T) ([]entity.Event, error) {
	return func(row *T) ([]entity.Event, error) {
		before := t.of.Proto(row)
		wanted, err := fold.Apply(before)
		if err != nil || proto.Equal(before, wanted) {
			return nil, err
		}
		custom := t.of.Meta(row).CustomFields
		if err := t.of.Fill(row, wanted); err != nil {
			return nil, err
		}
		if err := t.of.CheckChanged(rules, custom, row); err != nil {
			return nil, err
		}
		if proto.Equal(before, t.of.Proto(row)) {
			return nil, nil
		}
		return []entity.Event{entity.Updated{Paths: fold.Fields()}}, nil
	}
}

// leave takes the fields that an error names out of what is given back, and answers
// them.
func leave[P proto.Message](fold *revert.Fold[P], why error) (left []string) {
	for _, v := range errs.FieldViolations(why) {
		_, field, _ := strings.Cut(v.Field, ".") // the resource stands first
		if end := strings.IndexAny(field, ".["); end >= 0 {
			field = field[:end]
		}
		if fold.Leave(field) {
			left = append(left, field)
		}
	}
	return left
}

// settled is what became of a record of which some fields were left: those that others
// changed since, that no caller writes, and that cannot be changed any more.
func settled(lost, stuck, refused []string) Undone {
	u := Undone{What: bulkv1.ImportUndo_IMPORT_UNDO_KEPT, Fields: slices.Concat(lost, stuck, refused)}
	switch {
	case len(lost) > 0:
		u.Reason = changedSince
	case len(stuck) > 0:
		u.Reason = statusKept
	case len(refused) > 0:
		u.Reason = unchangeable
	default:
		return Undone{What: bulkv1.ImportUndo_IMPORT_UNDO_RESTORED}
	}
	return u
}

// readHistory answers the events of records from the last one before an import on.
const readHistory = `
SELECT a.name, h.event
FROM unnest($2::text[]) WITH ORDINALITY AS a (name, n)
CROSS JOIN LATERAL (
	SELECT min(aggregate_seq) AS seq FROM event_log WHERE tenant = $1 AND aggregate = a.name AND recorded_at >= $3
) AS first
CROSS JOIN LATERAL (
	SELECT aggregate_seq, event FROM event_log WHERE tenant = $1 AND aggregate = a.name AND aggregate_seq >= first.seq - 1
) AS h
ORDER BY a.n, h.aggregate_seq`

// read folds what happened to the updated records since the import began. One whose
// state from before is no longer in the log is not among the answers.
func (t *taker[T, P]) read(ctx context.Context, u *record.Unit, back Back) (map[string]*revert.Fold[P], error) {
	folds := make(map[string]*revert.Fold[P], len(back.Updated))
	if len(back.Updated) == 0 {
		return folds, nil
	}
	trimmed := map[string]bool{}
	for _, name := range back.Updated {
		folds[name] = &revert.Fold[P]{Fixed: t.fixed}
	}
	err := u.Read(func(b *pgx.Batch) {
		b.Queue(readHistory, u.Tenant(), back.Updated, back.Since).Query(func(rows pgx.Rows) error {
			var name string
			var raw []byte
			_, err := pgx.ForEachRow(rows, []any{&name, &raw}, func() error {
				e := &eventv1.Event{}
				if err := proto.Unmarshal(raw, e); err != nil {
					return err
				}
				by := author(e, back)
				if by == revert.Mine && !folds[name].Begun() && e.GetAggregateSeq() > 1 {
					trimmed[name] = true
				}
				return t.fold(ctx, folds[name], e, by)
			})
			return err
		})
	})
	for name := range trimmed {
		delete(folds, name)
	}
	return folds, err
}

func author(e *eventv1.Event, back Back) revert.Author {
	switch {
	case e.GetCorrelationId() != back.Import:
		return revert.Other
	case e.GetCausationId() == "":
		return revert.Mine
	case e.GetCausationId() == undoing(uuid.MustParse(back.Import)):
		return revert.Taker
	}
	return revert.Other
}

// fold reads the state out of an event; one that holds none changed nothing that could
// be given back.
func (t *taker[T, P]) fold(ctx context.Context, fold *revert.Fold[P], e *eventv1.Event, by revert.Author) error {
	if contact, ok := strings.CutPrefix(e.GetSealed().GetContact(), "contacts/"); ok {
		// Nothing is fetched within the transaction.
		id, err := uuid.Parse(contact)
		if err != nil {
			return err
		}
		if err := eventlog.Missing(t.of.Log.Keys, uuid.MustParse(strings.TrimPrefix(e.GetTenant(), "tenants/")), []uuid.UUID{id}); err != nil {
			return err
		}
	}
	if err := eventlog.Unseal(ctx, t.of.Log.Keys, e); err != nil {
		return err
	}
	payload, err := e.GetPayload().UnmarshalNew()
	if err != nil {
		return err
	}
	fd := payload.ProtoReflect().Descriptor().Fields().ByNumber(1)
	if fd == nil || fd.Message() == nil {
		return nil
	}
	state, ok := payload.ProtoReflect().Get(fd).Message().Interface().(P)
	if !ok {
		return nil
	}
	return fold.Add(state, by, e.GetAggregateSeq() == 1)
}
