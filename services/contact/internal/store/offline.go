package store

import (
	"context"
	"crypto/sha256"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/offline"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// maxSince is how many events a contact may have had since a client read it.
const maxSince = 1000

var (
	errBase = errs.Refused("BASE_UNKNOWN", "there is no such version of the contact, or it is more than 1,000 changes ago: fetch the contact and decide again")
	// errNoBase refuses a change that cannot be merged.
	errNoBase = errs.Invalid("changes.base_etag", "BASE_MISSING", "want the etag of the version that was changed")
)

// changePart follows the method in the audit log, and where answers are kept, of one
// change of several.
const changePart = ".change"

// deletion is the path that a deletion conflicts at.
const deletion = "delete_time"

// pushing is the work on one request of changes that were made offline.
type pushing struct {
	*Store
	tenant   uuid.UUID
	strategy contactv1.ConflictStrategy
	// own are the versions of contacts that the client had after its earlier changes:
	// what it changes next it changed from there.
	own map[string]version
}

// version is a contact as a client had it, and the etag that it began with.
type version struct {
	etag    string
	contact *contactv1.Contact
}

// Push does changes that a client made offline, one after the other, each in a
// transaction of its own. An error says that it stopped midway for want of something:
// sent again, what was done is answered and the rest is done.
func (s *Store) Push(ctx context.Context, tenant uuid.UUID, req *contactv1.PushContactsRequest) ([]*contactv1.OfflineContactResult, error) {
	p := &pushing{Store: s, tenant: tenant, strategy: req.GetStrategy(), own: map[string]version{}}
	var results []*contactv1.OfflineContactResult
	for _, c := range req.GetChanges() {
		one, err := p.as(ctx, c)
		if err != nil {
			return nil, err
		}
		result, err := p.do(one, c)
		switch errs.Code(err) {
		case codes.OK:
		case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.FailedPrecondition, codes.OutOfRange, codes.PermissionDenied:
			result = &contactv1.OfflineContactResult{
				Outcome: contactv1.OfflineOutcome_OFFLINE_OUTCOME_REFUSED, Error: status.Convert(err).Proto(),
			}
		default:
			return nil, err
		}
		result.ChangeId = c.GetChangeId()
		results = append(results, result)
	}
	return results, nil
}

// as makes one change a request of its own.
func (p *pushing) as(ctx context.Context, c *contactv1.OfflineContactChange) (context.Context, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(c)
	if err != nil {
		return nil, err
	}
	info := call.From(ctx)
	info.Method += changePart // its answer is one of the parts of the call's
	info.RequestID, info.Hash = c.GetChangeId(), sha256.Sum256(append(raw, byte(p.strategy)))
	return call.With(ctx, info), nil
}

func (p *pushing) do(ctx context.Context, c *contactv1.OfflineContactChange) (*contactv1.OfflineContactResult, error) {
	if _, ok := entity.ParseID(c.GetChangeId()); !ok {
		return nil, errs.Invalid("changes.change_id", "", "want a UUID of version 7 in lower case")
	}
	id, err := p.Contacts.ParseName(c.GetContact().GetName())
	if err != nil {
		return nil, record.At("changes.contact.name", err)
	}
	if c.GetAction() == contactv1.OfflineAction_OFFLINE_ACTION_CREATE {
		return p.create(ctx, id, c)
	}
	base, err := p.base(ctx, id, c)
	if err != nil {
		return nil, err
	}
	result, err := record.Write(ctx, p.db, p.log, p.tenant, func(u *record.Unit) (*contactv1.OfflineContactResult, error) {
		rows, err := p.Contacts.LockAllIn(u, []uuid.UUID{id})
		if err != nil {
			return nil, err
		}
		row := rows[id]
		if row == nil {
			return nil, errs.NotFound("contact", c.GetContact().GetName())
		}
		h, err := p.since(ctx, u, row, base)
		if err != nil {
			return nil, err
		}
		if c.GetAction() == contactv1.OfflineAction_OFFLINE_ACTION_DELETE {
			return p.remove(u, row, h)
		}
		return p.update(u, row, h, c)
	})
	if err != nil {
		return nil, err
	}
	next, err := base.after(result, c)
	p.own[c.GetContact().GetName()] = next
	return result, err
}

// base answers the version that the client changed: as the log has it, or as the
// client's own earlier change left it.
func (p *pushing) base(ctx context.Context, id uuid.UUID, c *contactv1.OfflineContactChange) (version, error) {
	name := c.GetContact().GetName()
	own, known := p.own[name]
	if known && (c.GetBaseEtag() == "" || c.GetBaseEtag() == own.etag) {
		return own, nil
	}
	if c.GetBaseEtag() == "" {
		return version{}, errNoBase
	}
	seq, err := strconv.ParseInt(c.GetBaseEtag(), 36, 64)
	if err != nil || seq <= 0 {
		return version{}, errBase
	}
	h := &history{}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, p.tenant)
	h.queue(b, p.tenant, id, seq, 1)
	if err := postgres.Run(ctx, p.db, b); err != nil {
		return version{}, err
	}
	if err := h.open(ctx, p.log.Keys, seq); err != nil {
		return version{}, err
	}
	return version{etag: c.GetBaseEtag(), contact: h.states[0]}, nil
}

// create makes a contact under the name that the client gave it. One that is there
// already was made by this change, longer ago than answers are kept.
func (p *pushing) create(ctx context.Context, id uuid.UUID, c *contactv1.OfflineContactChange) (*contactv1.OfflineContactResult, error) {
	made := proto.CloneOf(c.GetContact())
	made.Name, made.Etag = "", ""
	if err := rpc.CheckInput(made); err != nil {
		return nil, err
	}
	created, err := p.CreateContact(ctx, p.tenant, id.String(), made, contact.Unguarded)
	if errs.Reason(err) == "CONTACT_EXISTS" {
		created, err = p.Contacts.Read(ctx, p.tenant, c.GetContact().GetName())
	}
	if err != nil {
		return nil, within("changes.", err)
	}
	p.own[created.GetName()] = version{etag: created.GetEtag(), contact: created}
	return &contactv1.OfflineContactResult{Outcome: contactv1.OfflineOutcome_OFFLINE_OUTCOME_APPLIED, Contact: created}, nil
}

// history is what happened to a contact since a client read it.
type history struct {
	base   *contactv1.Contact
	events []*eventv1.Event
	states []*contactv1.Contact
}

// since reads what happened after the version that the client began with.
func (p *pushing) since(ctx context.Context, u *record.Unit, row *contact.Contact, base version) (*history, error) {
	seq, err := strconv.ParseInt(base.etag, 36, 64)
	if err != nil || seq > row.Seq || row.Seq-seq >= maxSince {
		return nil, errBase
	}
	h := &history{base: base.contact}
	if err := u.Read(func(b *pgx.Batch) { h.queue(b, p.tenant, row.ID, seq, maxSince) }); err != nil {
		return nil, err
	}
	return h, h.open(ctx, p.log.Keys, seq)
}

// queue reads events of a contact from a number on.
func (h *history) queue(b *pgx.Batch, tenant, id uuid.UUID, seq int64, limit int) {
	b.Queue(`
		SELECT event FROM event_log
		WHERE tenant = $1 AND aggregate = $2 AND aggregate_seq >= $3
		ORDER BY aggregate_seq
		LIMIT $4`, tenant, named(contacts, id), seq, limit).Query(func(rows pgx.Rows) error {
		var raw []byte
		_, err := pgx.ForEachRow(rows, []any{&raw}, func() error {
			e := &eventv1.Event{}
			h.events = append(h.events, e)
			return proto.Unmarshal(raw, e)
		})
		return err
	})
}

// open reads the states of the contact out of its events.
func (h *history) open(ctx context.Context, keys eventlog.Keys, seq int64) error {
	if len(h.events) == 0 || h.events[0].GetAggregateSeq() != seq {
		return errBase
	}
	for _, e := range h.events {
		if err := eventlog.Unseal(ctx, keys, e); err != nil {
			return err
		}
		state, err := contactIn(e)
		if err != nil {
			return err
		}
		if state == nil {
			return errBase
		}
		h.states = append(h.states, state)
	}
	return nil
}

// author says who gave a path the value that it has, and when.
func (h *history) author(path string, conflict *contactv1.FieldConflict) {
	for i := len(h.states) - 1; i > 0; i-- {
		if slices.Contains(offline.Differ(h.states[i-1], h.states[i]), path) {
			conflict.Actor, conflict.ChangeTime = h.events[i].GetActor(), h.events[i].GetRecordedAt()
			return
		}
	}
}

// conflicts words the fields that both sides changed.
func (h *history) conflicts(merge offline.Merge) []*contactv1.FieldConflict {
	var all []*contactv1.FieldConflict
	for _, c := range merge.Conflicts {
		conflict := &contactv1.FieldConflict{Path: c.Path, Base: c.Base, Client: c.Client, Server: c.Server}
		h.author(c.Path, conflict)
		all = append(all, conflict)
	}
	return all
}

// update merges the fields that the client changed with those that others did.
func (p *pushing) update(u *record.Unit, row *contact.Contact, h *history, c *contactv1.OfflineContactChange) (*contactv1.OfflineContactResult, error) {
	server := contactProto(row)
	client, err := p.wanted(row, h.base, c)
	if err != nil {
		return nil, err
	}
	theirs, err := record.Overlay(h.base, server, whole)
	if err != nil {
		return nil, err
	}
	merge := offline.Of(h.base, client, theirs)
	result := &contactv1.OfflineContactResult{Outcome: contactv1.OfflineOutcome_OFFLINE_OUTCOME_APPLIED, Conflicts: h.conflicts(merge)}
	write := merge.Clear
	switch {
	case len(merge.Conflicts) > 0 && p.strategy <= contactv1.ConflictStrategy_CONFLICT_STRATEGY_ASK:
		result.Outcome = contactv1.OfflineOutcome_OFFLINE_OUTCOME_CONFLICT
	case len(offline.Differ(h.base, theirs)) > 0:
		result.Outcome = contactv1.OfflineOutcome_OFFLINE_OUTCOME_MERGED
	}
	if p.strategy == contactv1.ConflictStrategy_CONFLICT_STRATEGY_CLIENT_WINS {
		write = append(write, merge.Paths()...)
	}
	if len(write) > 0 {
		if err := p.Contacts.UpdateIn(u, row, client, &fieldmaskpb.FieldMask{Paths: write}); err != nil {
			return nil, err
		}
	}
	result.Contact = contactProto(row)
	return result, nil
}

// wanted answers the version that the client has, in the form in which it would be
// stored.
func (p *pushing) wanted(row *contact.Contact, base *contactv1.Contact, c *contactv1.OfflineContactChange) (*contactv1.Contact, error) {
	said, err := record.Overlay(base, c.GetContact(), maskOf(c))
	if err != nil {
		return nil, err
	}
	if err := rpc.CheckInput(said); err != nil {
		return nil, err
	}
	formed := *row
	if err := p.fillContact(&formed, said); err != nil {
		return nil, err
	}
	client, err := record.Overlay(base, contactProto(&formed), whole)
	if err != nil {
		return nil, err
	}
	client.Etag = "" // which version it is was looked at already
	return client, nil
}

// remove deletes a contact that nobody changed meanwhile, or whatever was changed where
// the client wins. One that is deleted already stays so.
func (p *pushing) remove(u *record.Unit, row *contact.Contact, h *history) (*contactv1.OfflineContactResult, error) {
	result := &contactv1.OfflineContactResult{Outcome: contactv1.OfflineOutcome_OFFLINE_OUTCOME_APPLIED}
	theirs, err := record.Overlay(h.base, contactProto(row), whole)
	if err != nil {
		return nil, err
	}
	changed := offline.Differ(h.base, theirs)
	if len(changed) > 0 && !row.Deleted() {
		conflict := &contactv1.FieldConflict{Path: deletion}
		h.author(changed[0], conflict)
		result.Conflicts = []*contactv1.FieldConflict{conflict}
		result.Outcome = contactv1.OfflineOutcome_OFFLINE_OUTCOME_MERGED
		if p.strategy <= contactv1.ConflictStrategy_CONFLICT_STRATEGY_ASK {
			result.Outcome = contactv1.OfflineOutcome_OFFLINE_OUTCOME_CONFLICT
		}
	}
	if !row.Deleted() && (len(changed) == 0 || p.strategy == contactv1.ConflictStrategy_CONFLICT_STRATEGY_CLIENT_WINS) {
		err := p.Contacts.DecideIn(u, row, func(c *contact.Contact) ([]entity.Event, error) {
			now := p.Now()
			c.DeleteTime = &now
			return []entity.Event{entity.Deleted{}}, nil
		})
		if err != nil {
			return nil, err
		}
	}
	result.Contact = contactProto(row)
	return result, nil
}

// after answers the version that the client has after a change: what it wrote, as it
// was stored, and what waits for a decision as the client has it. What others changed
// the client has not seen.
func (v version) after(result *contactv1.OfflineContactResult, c *contactv1.OfflineContactChange) (version, error) {
	if c.GetAction() == contactv1.OfflineAction_OFFLINE_ACTION_DELETE {
		return v, nil
	}
	said, err := record.Overlay(v.contact, c.GetContact(), maskOf(c))
	if err != nil {
		return v, err
	}
	next := v.contact
	for _, path := range offline.Differ(v.contact, said) {
		from := result.GetContact()
		if slices.ContainsFunc(result.GetConflicts(), func(f *contactv1.FieldConflict) bool { return f.GetPath() == path }) {
			from = said
		}
		if next, err = record.Overlay(next, from, &fieldmaskpb.FieldMask{Paths: []string{path}}); err != nil {
			return v, err
		}
	}
	return version{etag: v.etag, contact: next}, nil
}

// whole is the mask of all that can be written.
var whole = &fieldmaskpb.FieldMask{Paths: []string{"*"}}

// maskOf answers the fields that a change is about.
func maskOf(c *contactv1.OfflineContactChange) *fieldmaskpb.FieldMask {
	if len(c.GetPaths()) == 0 {
		return whole
	}
	return &fieldmaskpb.FieldMask{Paths: c.GetPaths()}
}
