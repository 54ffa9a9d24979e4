package imports

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

// errTaken says that a record that the caller may not see has the row's id.
var errTaken = errs.AlreadyExists("EXTERNAL_ID_TAKEN", "another record of this kind has this id in that system")

type bulkOutcome = bulkv1.ImportOutcome

// The outcomes of a row that could be taken.
const (
	created = bulkv1.ImportOutcome_IMPORT_OUTCOME_CREATED
	updated = bulkv1.ImportOutcome_IMPORT_OUTCOME_UPDATED
	skipped = bulkv1.ImportOutcome_IMPORT_OUTCOME_SKIPPED
)

// item is a record as a row has it.
type item[T any, P proto.Message] struct {
	line    int
	key     store.ExternalID
	message P
	// stand puts the record, new or known, where it stands, and answers what
	// happened.
	stand func(*T) []entity.Event
	// rules are those of the tenant's custom fields.
	rules record.CustomRules
}

// settler brings the records of one resource in.
type settler[T any, P proto.Message] struct {
	of    *record.Store[T, P]
	store *store.Store
	// read makes an item of a row.
	read func(job *bulk.Job, f *findings, row bulk.Row) (item[T, P], error)
	// merge puts what a row says onto what is there.
	merge func(there, row P) P
}

// step brings the rows in within the unit. Known records are looked up and locked at
// once.
func (s *settler[T, P]) step(_ context.Context, u *record.Unit, job *bulk.Job, rows []bulk.Row) ([]bulk.Outcome, error) {
	var outcomes []bulk.Outcome
	var items []item[T, P]
	var keys []store.ExternalID
	f := findingsOf(job)
	for _, row := range rows {
		if row.First(fieldDeleted) == "true" {
			outcomes = append(outcomes, bulk.Outcome{Line: row.Line, What: skipped, Reason: "ROW_DELETED", Message: "the record is deleted in the other system"})
			continue
		}
		one, err := s.read(job, f, row)
		if err != nil {
			outcomes = append(outcomes, refusal(row.Line, err))
			continue
		}
		one.rules = f.custom
		items, keys = append(items, one), append(keys, one.key)
	}
	known, there, err := s.known(u, job, keys)
	if err != nil {
		return nil, err
	}
	tried, err := triedBefore(u, job, keys)
	if err != nil {
		return nil, err
	}
	for _, one := range items {
		o, err := s.settle(u, job, known, there, tried, one)
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// known answers which of the records are here, and locks them.
func (s *settler[T, P]) known(u *record.Unit, job *bulk.Job, keys []store.ExternalID) (map[store.ExternalID]uuid.UUID, map[uuid.UUID]*T, error) {
	known, err := s.store.Held(u, job.Tenant, s.of.Kind, keys)
	if err != nil {
		return nil, nil, err
	}
	ids := slices.Collect(maps.Values(known))
	selves := selvesOf(keys, known)
	there, err := s.of.LockAllIn(u, slices.AppendSeq(ids, maps.Values(selves)))
	for key, id := range selves {
		if there[id] != nil {
			known[key] = id
		}
	}
	return known, there, err
}

// triedBefore answers which of the records earlier steps of a trial would have made.
func triedBefore(u *record.Unit, job *bulk.Job, keys []store.ExternalID) (map[string]bool, error) {
	ids := make([]string, len(keys))
	for n, key := range keys {
		ids[n] = key.ID
	}
	return job.Tried(u, ids)
}

// ourselves is the system that files of Lingkar come from.
const ourselves = "lingkar"

// selvesOf answers the ids that rows of an export of Lingkar name and that no record
// has as its id in another suite: in the tenant that exported them they are the
// records' own.
func selvesOf(keys []store.ExternalID, known map[store.ExternalID]uuid.UUID) map[store.ExternalID]uuid.UUID {
	selves := map[store.ExternalID]uuid.UUID{}
	for _, key := range keys {
		if _, held := known[key]; held || key.System != ourselves {
			continue
		}
		if id, err := uuid.Parse(key.ID); err == nil {
			selves[key] = id
		}
	}
	return selves
}

// forget takes the id of a record itself out of what its row says of other systems.
func forget(key store.ExternalID, id uuid.UUID, message proto.Message) {
	if m, ok := message.(interface{ GetExternalIds() map[string]string }); ok && key.System == ourselves && key.ID == id.String() {
		delete(m.GetExternalIds(), ourselves)
	}
}

// settle adds a record, or puts the row together with the one it is.
func (s *settler[T, P]) settle(u *record.Unit, job *bulk.Job, known map[store.ExternalID]uuid.UUID, there map[uuid.UUID]*T, tried map[string]bool, one item[T, P]) (bulk.Outcome, error) {
	id, met := known[one.key]
	switch {
	case met:
		return s.meet(u, job, id, there[id], one)
	case tried[one.key.ID]:
		return bulk.Outcome{Line: one.line, What: updated}, nil
	}
	row := new(T)
	if err := s.of.Fill(row, one.message); err != nil {
		return refusal(one.line, err), nil
	}
	if err := s.of.CheckNew(one.rules, row); err != nil {
		return refusal(one.line, err), nil
	}
	events := one.stand(row)
	if job.DryRun() {
		tried[one.key.ID] = true
		job.Remember(one.key.ID)
		return bulk.Outcome{Line: one.line, What: created}, nil
	}
	if err := s.of.AddIn(u, row, events...); err != nil {
		return orRefused(bulk.Outcome{Line: one.line}, err)
	}
	id = s.of.Meta(row).ID
	known[one.key], there[id] = id, row
	return bulk.Outcome{Line: one.line, What: created, Resource: s.of.Collection + "/" + s.of.Meta(row).ID.String()}, nil
}

// meet changes a record that is here already, unless it is as the row says.
func (s *settler[T, P]) meet(u *record.Unit, job *bulk.Job, id uuid.UUID, there *T, one item[T, P]) (bulk.Outcome, error) {
	o := bulk.Outcome{Line: one.line, What: updated, Resource: s.of.Collection + "/" + id.String()}
	if there == nil {
		return refusal(one.line, errTaken), nil
	}
	forget(one.key, id, one.message)
	if s.of.Meta(there).Deleted() {
		return bulk.Outcome{Line: one.line, What: skipped, Reason: "DELETED", Message: "the record was deleted here", Resource: o.Resource}, nil
	}
	if job.DryRun() {
		_, err := s.change(there, one)
		return orRefused(o, err)
	}
	return orRefused(o, s.of.DecideIn(u, there, func(row *T) ([]entity.Event, error) { return s.change(row, one) }))
}

// change puts what the row says onto a record.
func (s *settler[T, P]) change(row *T, one item[T, P]) ([]entity.Event, error) {
	before, custom := s.of.Proto(row), s.of.Meta(row).CustomFields
	if err := s.of.Fill(row, s.merge(proto.Clone(before).(P), one.message)); err != nil {
		return nil, err
	}
	if err := s.of.CheckChanged(one.rules, custom, row); err != nil {
		return nil, err
	}
	same := proto.Equal(before, s.of.Proto(row))
	events := one.stand(row)
	if same || len(events) > 0 {
		return events, nil
	}
	return []entity.Event{entity.Updated{Paths: []string{"*"}}}, nil
}

// orRefused makes the row's failure of what is wrong with the row.
func orRefused(o bulk.Outcome, err error) (bulk.Outcome, error) {
	switch errs.Code(err) {
	case codes.OK:
		return o, nil
	case codes.InvalidArgument, codes.FailedPrecondition, codes.OutOfRange:
		return refusal(o.Line, err), nil
	}
	return o, err
}

// refusal is the outcome of a row that could not be taken, with the words of an
// error that names no field.
func refusal(line int, err error) bulk.Outcome {
	o := bulk.Failed(line, err)
	if st, ok := errs.Status(err); ok && len(errs.FieldViolations(err)) == 0 {
		o.Message = st.Message()
	}
	return o
}

// checked answers what the contract says against a message read from a row.
func checked(m proto.Message) error { return rpc.CheckInput(m) }

// identity answers the id of a record in its own system. Where the file has none it
// is made of what makes it that record.
func identity(job *bulk.Job, row bulk.Row, said ...string) store.ExternalID {
	key := store.ExternalID{System: job.Import.GetSystem(), ID: row.First(fieldID)}
	if key.ID == "" {
		sum := sha256.Sum256([]byte(strings.Join(said, "\n")))
		key.ID = "row-" + hex.EncodeToString(sum[:12])
	}
	return key
}
