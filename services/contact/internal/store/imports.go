package store

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/record"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// Incoming is a contact as a row of a file has it.
type Incoming struct {
	line    int
	contact *contact.Contact
	remarks Remarks
	rules   record.CustomRules
}

// Remarks are what a row says that the contact does not.
type Remarks struct {
	// Unread names the fields whose value could not be read and is kept as text.
	Unread []string
	// Dropped names what was left out, such as pictures.
	Dropped []string
}

// report words the remarks for the report on the row; empty where there are none.
func (r Remarks) report() (reason, message string) {
	var said []string
	if len(r.Dropped) > 0 {
		reason, said = "VALUE_DROPPED", append(said, "left out: "+strings.Join(r.Dropped, ", "))
	}
	if len(r.Unread) > 0 {
		reason, said = "VALUE_UNREAD", append(said, "kept as text, because it cannot be read: "+strings.Join(r.Unread, ", "))
	}
	return reason, strings.Join(said, "; ")
}

// Incoming makes one of what the row on that line says. Read are identifiers of it
// that were brought into form already, so that it is not done twice. The
// rules are those of custom fields.
func (s *Store) Incoming(line int, p *contactv1.Contact, read []contact.Identifier, remarks Remarks, rules record.CustomRules) (Incoming, error) {
	c := &contact.Contact{}
	err := s.fillIdentified(c, p, func(kind contact.IdentifierKind, value, region string) (contact.Identifier, error) {
		for _, i := range read {
			if i.Kind == kind && i.Value == value {
				return i, nil
			}
		}
		return Identify(kind, value, region)
	})
	return Incoming{line: line, contact: c, remarks: remarks, rules: rules}, err
}

// matchOrder is by which identifier an incoming contact is recognised first. A
// phone number is not among them: households and companies share theirs.
var matchOrder = []contact.IdentifierKind{contact.ExternalID, contact.Card, contact.Device, contact.Email, contact.Web}

// aheadRows is how many rows go to the database while the next ones are made.
const aheadRows = 250

// importing is one step of an import.
type importing struct {
	*Store
	unit *record.Unit
	job  *bulk.Job
	// known says whose the identifiers are, there the contacts that rows were put
	// together with or became.
	known map[contact.Handle]uuid.UUID
	// selves are the contacts that rows of an export of this tenant name.
	selves map[*contact.Contact]uuid.UUID
	there  map[uuid.UUID]*contact.Contact
	// owner is who owns new contacts that the file gives to nobody: the caller, who
	// would not see them otherwise; nobody where the caller sees all.
	owner string
	// created are the new contacts of the step.
	created []uuid.UUID
	// tried are the identifiers that earlier steps of a trial met.
	tried map[string]bool
}

// ImportContacts brings contacts in within the unit: one whose identifier is
// known is put together with what is there, the others are new. All of them are
// looked up and locked in one query each.
func (s *Store) ImportContacts(ctx context.Context, u *record.Unit, job *bulk.Job, items []Incoming) ([]bulk.Outcome, error) {
	rows := make([]*contact.Contact, len(items))
	for n, item := range items {
		row := *item.contact // which may come again
		rows[n] = &row
	}
	i := &importing{Store: s, unit: u, job: job}
	_, i.owner, _ = record.Reach(ctx)
	if err := i.meet(ctx, rows); err != nil {
		return nil, err
	}
	outcomes := make([]bulk.Outcome, len(rows))
	for n, row := range rows {
		o, err := i.bring(row, items[n])
		if err != nil {
			return nil, err
		}
		outcomes[n] = o
		if (n+1)%aheadRows == 0 {
			if err := u.Ahead(); err != nil {
				return nil, err
			}
		}
	}
	u.Then(i.confirm)
	return outcomes, nil
}

// confirm tells that the new contacts came about: the other services ask for their keys
// as soon as they hear of them.
func (i *importing) confirm() {
	for _, id := range i.created {
		i.keys.Confirm(i.job.Tenant, id)
	}
}

// meet finds the contacts that the rows are and locks them, and gives numbers and
// keys to the rows that nobody is known to be.
func (i *importing) meet(ctx context.Context, rows []*contact.Contact) (err error) {
	if i.selves, err = i.Store.selves(ctx, i.unit, i.job.Tenant, rows); err != nil {
		return err
	}
	if i.known, err = i.holders(ctx, i.unit, i.job.Tenant, rows); err != nil {
		return err
	}
	var fresh []*contact.Contact
	var ids []uuid.UUID
	for _, row := range rows {
		if id, ok := i.who(row); ok {
			ids = append(ids, id)
		} else {
			fresh = append(fresh, row)
		}
	}
	if i.there, err = i.Contacts.LockAllIn(i.unit, ids); err != nil {
		return err
	}
	if len(fresh) == 0 {
		return nil
	}
	var keys []string
	for _, row := range fresh {
		keys = append(keys, trialKeys(row)...)
	}
	if i.tried, err = i.job.Tried(i.unit, keys); err != nil {
		return err
	}
	// What is bound to contacts of a step that is taken back is never used again.
	_, err = i.equip(ctx, i.job.Tenant, fresh...)
	return err
}

// holders answers who, of those that the caller may see, holds the identifiers of the
// rows.
func (s *Store) holders(ctx context.Context, u *record.Unit, tenant uuid.UUID, rows []*contact.Contact) (map[contact.Handle]uuid.UUID, error) {
	var handles []contact.Handle
	for _, row := range rows {
		handles = append(handles, matching(row)...)
	}
	kinds, keys := columns(handles)
	known := map[contact.Handle]uuid.UUID{}
	all, owner, teams := record.Reach(ctx)
	err := u.Read(func(b *pgx.Batch) {
		b.Queue(`
			SELECT h.kind, h.key, i.contact
			FROM unnest($2::smallint[], $3::text[]) AS h (kind, key)
			CROSS JOIN LATERAL (
				SELECT contact FROM identifier
				WHERE tenant = $1 AND kind = h.kind AND key = h.key AND ($4 OR EXISTS (
					SELECT FROM contact AS c
					WHERE c.tenant = $1 AND c.id = identifier.contact AND (c.owner = $5 OR c.team = ANY ($6))))
				ORDER BY contact LIMIT 1
			) AS i`, tenant, kinds, keys, all, owner, teams).Query(func(found pgx.Rows) error {
			for found.Next() {
				var h contact.Handle
				var id uuid.UUID
				if err := found.Scan(&h.Kind, &h.Key, &id); err != nil {
					return err
				}
				known[h] = id
			}
			return found.Err()
		})
	})
	return known, err
}

// matching answers the handles that a row can be recognised by, the strongest first. A
// page is none of a person whose e-mail address is known: colleagues share that of
// their company.
func matching(row *contact.Contact) []contact.Handle {
	all := row.Handles()
	handles := make([]contact.Handle, 0, len(all))
	mailed := false
	for _, kind := range matchOrder {
		if kind == contact.Web && mailed && row.Kind == contact.Person {
			continue
		}
		for _, h := range all {
			if h.Kind == kind {
				handles = append(handles, h)
				mailed = mailed || kind == contact.Email
			}
		}
	}
	return handles
}

// who answers the contact that a row is: the one it names, else that of the strongest
// identifier that is known.
func (i *importing) who(row *contact.Contact) (uuid.UUID, bool) {
	if id, ok := i.selves[row]; ok {
		return id, true
	}
	for _, h := range matching(row) {
		if id, ok := i.known[h]; ok {
			return id, true
		}
	}
	return uuid.Nil, false
}

// trialKeys are what a trial remembers of a row.
func trialKeys(row *contact.Contact) []string {
	handles := matching(row)
	keys := make([]string, len(handles))
	for i, h := range handles {
		keys[i] = string(rune(h.Kind)) + h.Key
	}
	return keys
}

// bring adds the row, or puts it together with the contact it is. A trial remembers
// what it added, because the next step will not find it.
func (i *importing) bring(row *contact.Contact, item Incoming) (bulk.Outcome, error) {
	o := bulk.Outcome{Line: item.line, What: bulkv1.ImportOutcome_IMPORT_OUTCOME_UPDATED}
	o.Reason, o.Message = item.remarks.report()
	if id, ok := i.who(row); ok {
		there := i.there[id]
		if there == nil {
			return bulk.Failed(item.line, errs.NotFound("contact", "")), nil // gone, or given to somebody else, since it was found
		}
		o.Resource = named(contacts, id)
		return i.orFailed(o, i.merge(there, row, item.rules))
	}
	if err := i.Contacts.CheckNew(item.rules, row); err != nil {
		return i.orFailed(o, err)
	}
	keys := trialKeys(row)
	i.job.Remember(keys...)
	if slices.ContainsFunc(keys, func(key string) bool { return i.tried[key] }) {
		return o, nil
	}
	if row.Owner == "" {
		row.Owner = i.owner
	}
	o.What, o.Resource = bulkv1.ImportOutcome_IMPORT_OUTCOME_CREATED, named(contacts, row.ID)
	if err := i.Contacts.AddIn(i.unit, row); err != nil {
		return i.orFailed(o, err)
	}
	for _, h := range matching(row) {
		i.known[h] = row.ID
	}
	i.there[row.ID], i.created = row, append(i.created, row.ID)
	return o, nil
}

// orFailed makes the row's failure of what is wrong with the row.
func (i *importing) orFailed(o bulk.Outcome, err error) (bulk.Outcome, error) {
	switch errs.Code(err) {
	case codes.InvalidArgument, codes.FailedPrecondition:
		return bulk.Failed(o.Line, err), nil
	}
	return o, err
}

// UndoImport takes back what an import did to contacts.
func (s *Store) UndoImport() func(context.Context, *record.Unit, bulk.Back) (map[string]bulk.Undone, error) {
	return bulk.TakeBack(s.Contacts, func(c *contact.Contact) ([]entity.Event, error) {
		now := s.log.Now().UTC()
		c.DeleteTime = &now
		return []entity.Event{entity.Deleted{}}, nil
	})
}
