package imports

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/pkg/customfield"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/text"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/pipeline"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/product"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

const (
	// atOnce is how many look-ups go to contact at a time.
	atOnce = 8
	// namesPerCall is how many names one list of contacts is filtered by.
	namesPerCall = 20
	// contactsPerCall is how many contacts one call creates, and patience how long
	// that may take.
	contactsPerCall = 200
	patience        = 25 * time.Second
)

// findings are what a job has learnt so far.
type findings struct {
	// contacts holds the contact of each party; uuid.Nil stands for one that a
	// trial would create.
	contacts map[string]uuid.UUID
	// refused holds why a party cannot be used.
	refused map[string]error
	// products holds the product of each key; nil where there is none.
	products  map[string]*product.Product
	pipelines []*pipeline.Pipeline
	// custom are the rules of the custom fields of what the rows become.
	custom *customfield.Rules
}

func findingsOf(job *bulk.Job) *findings {
	f, ok := job.State.(*findings)
	if !ok {
		f = &findings{contacts: map[string]uuid.UUID{}, refused: map[string]error{}, products: map[string]*product.Product{}, custom: &customfield.Rules{}}
		job.State = f
	}
	return f
}

// contact answers whose a row is.
func (f *findings) contact(p party) (uuid.UUID, error) {
	key := p.key()
	if err := f.refused[key]; err != nil {
		return uuid.Nil, err
	}
	id, ok := f.contacts[key]
	if !ok {
		return uuid.Nil, errNobody
	}
	return id, nil
}

// becomes says what the rows of a file become, by its kind.
var becomes = map[string]string{"leads": "leads", "opportunities": "opportunities", "purchases": "orders"}

// named answers the custom field that the heading of a column names, of what the rows of
// a kind become.
func (i *Importer) named(kind string) func(ctx context.Context, tenant uuid.UUID, heading string) (string, error) {
	return func(ctx context.Context, tenant uuid.UUID, heading string) (string, error) {
		schema, err := i.Store.Schemas.Of(ctx, tenant)
		if err != nil {
			return "", err
		}
		if key, ok := schema.Of(becomes[kind]).Named(heading); ok {
			return inCustom + key, nil
		}
		return "", nil
	}
}

// prepare finds, before the transaction of a step, the contacts and products that
// its rows name. It asks as the service: an import is not bound to what its caller
// owns.
func (i *Importer) prepare(ctx context.Context, job *bulk.Job, rows []bulk.Row) error {
	f := findingsOf(job)
	schema, err := i.Store.Schemas.Of(ctx, job.Tenant)
	if err != nil {
		return err
	}
	f.custom = schema.Of(becomes[job.Import.GetKind()])
	if err := i.findProducts(ctx, job, f, rows); err != nil {
		return err
	}
	open := map[string]party{}
	for _, row := range rows {
		p := partyOf(row)
		key := p.key()
		if _, known := f.contacts[key]; !known && f.refused[key] == nil {
			open[key] = p
		}
	}
	if len(open) == 0 {
		return nil
	}
	if ctx, err = i.AsService(ctx, job.Tenant); err != nil {
		return err
	}
	found, err := i.lookUp(ctx, job.Import.GetSystem(), open)
	if err != nil {
		return err
	}
	if err := i.lookUpNames(ctx, open, found); err != nil {
		return err
	}
	if err := i.create(ctx, job, f, open, found); err != nil {
		return err
	}
	if !job.DryRun() {
		if err := i.refuse(ctx, f, found); err != nil {
			return err
		}
	}
	maps.Copy(f.contacts, found)
	return nil
}

// refuse notes the contacts that cannot be used, and makes the others known here.
func (i *Importer) refuse(ctx context.Context, f *findings, found map[string]uuid.UUID) error {
	ids := slices.Collect(maps.Values(found))
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return strings.Compare(string(a[:]), string(b[:])) })
	verdicts, err := i.Usable(ctx, slices.Compact(ids))
	if err != nil {
		return err
	}
	for key, id := range found {
		if verdicts[id] != nil {
			f.refused[key] = verdicts[id]
		}
	}
	return nil
}

// lookUp asks contact for the parties by ids and addresses, some at a time.
func (i *Importer) lookUp(ctx context.Context, system string, open map[string]party) (map[string]uuid.UUID, error) {
	found := map[string]uuid.UUID{}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for key, p := range open {
		group.Go(func() error {
			if id, err := i.self(ctx, system, p); err != nil {
				return err
			} else if id != uuid.Nil {
				mu.Lock()
				defer mu.Unlock()
				found[key] = id
				return nil
			}
			for _, way := range p.ways(system) {
				id, err := i.ask(ctx, way)
				if err != nil {
					return err
				}
				if id != uuid.Nil {
					mu.Lock()
					defer mu.Unlock()
					found[key] = id
					return nil
				}
			}
			return nil
		})
	}
	return found, group.Wait()
}

// self answers the living contact that a row of an export of Lingkar names by its id,
// or uuid.Nil where this tenant has none.
func (i *Importer) self(ctx context.Context, system string, p party) (uuid.UUID, error) {
	if system != ourselves {
		return uuid.Nil, nil
	}
	for _, reference := range p.references {
		id, ok := entity.ParseID(strings.ToLower(reference))
		if !ok {
			continue
		}
		c, err := i.Contacts.GetContact(ctx, &contactv1.GetContactRequest{Name: store.ContactName(id)})
		switch {
		case errs.Code(err) == codes.NotFound || err == nil && c.GetDeleteTime() != nil:
			continue
		case err != nil:
			return uuid.Nil, err
		}
		return id, nil
	}
	return uuid.Nil, nil
}

// ways are how to ask for a party, the surest first.
func (p party) ways(system string) []*contactv1.LookupContactRequest {
	var ways []*contactv1.LookupContactRequest
	for _, id := range append([]string{p.number}, p.references...) {
		if id != "" {
			ways = append(ways, &contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_ExternalId{
				ExternalId: &contactv1.ExternalId{System: system, Id: id},
			}})
		}
	}
	if p.email != "" {
		ways = append(ways, &contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_Email{Email: p.email}})
	}
	return ways
}

// ask answers the contact that a look-up finds, or uuid.Nil.
func (i *Importer) ask(ctx context.Context, way *contactv1.LookupContactRequest) (uuid.UUID, error) {
	answer, err := i.Contacts.LookupContact(ctx, way)
	switch code := errs.Code(err); {
	case code == codes.NotFound || code == codes.InvalidArgument || err == nil && len(answer.GetContacts()) == 0:
		return uuid.Nil, nil
	case err != nil:
		return uuid.Nil, err
	}
	return store.ContactID(answer.GetContacts()[0].GetName())
}

// lookUpNames finds the parties that are known by name among contacts of their
// kind. Of several of one name the oldest is taken.
func (i *Importer) lookUpNames(ctx context.Context, open map[string]party, found map[string]uuid.UUID) error {
	byName := map[string][]string{}
	for key, p := range open {
		if _, ok := found[key]; !ok && p.byName() {
			at := strconv.Itoa(int(p.kind())) + text.SearchKey(p.name())
			byName[at] = append(byName[at], key)
		}
	}
	for names := range slices.Chunk(slices.Sorted(maps.Keys(byName)), namesPerCall) {
		terms := make([]string, len(names))
		for n, name := range names {
			terms[n] = fmt.Sprintf("display_name = %s", quoted(open[byName[name][0]].name()))
		}
		page, err := i.Contacts.ListContacts(ctx, &contactv1.ListContactsRequest{
			Filter: strings.Join(terms, " OR "), OrderBy: "create_time", PageSize: 1000,
		})
		if err != nil {
			return err
		}
		for _, c := range slices.Backward(page.GetContacts()) {
			id, err := store.ContactID(c.GetName())
			if err != nil {
				return err
			}
			for _, key := range byName[strconv.Itoa(int(c.GetKind()))+text.SearchKey(c.GetDisplayName())] {
				found[key] = id
			}
		}
	}
	return nil
}

// quoted writes a string as a filter holds it.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ").Replace(s) + `"`
}

// create makes contacts of the parties that are named and found nowhere; in a
// trial only their places. Each replica that prepares the same step sends the same
// request_id, so that a contact is made once.
func (i *Importer) create(ctx context.Context, job *bulk.Job, f *findings, open map[string]party, found map[string]uuid.UUID) error {
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(open)) {
		if _, ok := found[key]; !ok && open[key].named() {
			keys = append(keys, key)
		}
	}
	if job.DryRun() {
		for _, key := range keys {
			f.contacts[key] = uuid.Nil
		}
		return nil
	}
	for some := range slices.Chunk(keys, contactsPerCall) {
		if err := i.createSome(ctx, job, f, some, open, found); err != nil {
			return err
		}
	}
	return nil
}

func (i *Importer) createSome(ctx context.Context, job *bulk.Job, f *findings, keys []string, open map[string]party, found map[string]uuid.UUID) error {
	all := &contactv1.BatchCreateContactsRequest{RequestId: requestID(job, keys...)}
	for _, key := range keys {
		all.Requests = append(all.Requests, &contactv1.CreateContactRequest{
			Contact: open[key].contact(job.Import.GetSystem()), AllowDuplicates: true, // they were looked for by the rules of imports
		})
	}
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := i.Contacts.BatchCreateContacts(patient, all)
	switch code := errs.Code(err); {
	case code == codes.InvalidArgument || code == codes.AlreadyExists:
		return i.createEach(ctx, job, f, keys, open, found)
	case err != nil:
		return err
	}
	for n, c := range answer.GetContacts() {
		if found[keys[n]], err = store.ContactID(c.GetName()); err != nil {
			return err
		}
	}
	return nil
}

// createEach makes the contacts one by one, so that one that cannot be made spoils
// only its own rows.
func (i *Importer) createEach(ctx context.Context, job *bulk.Job, f *findings, keys []string, open map[string]party, found map[string]uuid.UUID) error {
	for _, key := range keys {
		c, err := i.Contacts.CreateContact(ctx, &contactv1.CreateContactRequest{
			Contact: open[key].contact(job.Import.GetSystem()), RequestId: requestID(job, key), AllowDuplicates: true,
		})
		switch code := errs.Code(err); {
		case code == codes.InvalidArgument || code == codes.AlreadyExists:
			f.refused[key] = err
			continue
		case err != nil:
			return err
		}
		if found[key], err = store.ContactID(c.GetName()); err != nil {
			return err
		}
	}
	return nil
}

// requestID answers an id of the request that makes contacts of some parties, the
// same whenever this import asks for the same.
func requestID(job *bulk.Job, keys ...string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(job.Import.GetName()+"\x00"+strings.Join(keys, "\x01"))).String()
}

// findProducts reads the products that the rows name and that were not looked for
// yet.
func (i *Importer) findProducts(ctx context.Context, job *bulk.Job, f *findings, rows []bulk.Row) error {
	var keys []string
	for _, row := range rows {
		for _, name := range productsOf(row) {
			key := store.ProductKey(name)
			if _, known := f.products[key]; key != "" && !known {
				f.products[key] = nil
				keys = append(keys, key)
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	found, err := i.Store.ProductsByKey(auth.WithScope(ctx, auth.All), job.Tenant, keys)
	if err != nil {
		return err
	}
	for _, key := range keys {
		f.products[key] = found[key]
	}
	return nil
}

// productsOf answers what a row calls the products it names.
func productsOf(row bulk.Row) []string {
	names := append([]string{row.First(fieldProduct)}, list(row.First(fieldProduct))...)
	details, err := detailsOf(row)
	if err != nil {
		return names // the row is refused when it is read
	}
	for _, l := range details.GetLines() {
		names = append(names, l.GetProductCode())
	}
	return names
}
