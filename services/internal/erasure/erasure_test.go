// Package erasure holds the test of I12: nothing of an erased person is left in the
// open, in any service, and everything that was counted is counted still.
package erasure

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// canary is written into every personal field. It is found nowhere by chance.
const canary = "zqcanaryzq"

// TestErase writes the canary through every personal field of every service, erases
// the person, and looks for the canary in every table of every database, in what the
// broker stores, in the log, and in every answer (I12, reliability.md §4.7).
func TestErase(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, fleet.All()...)
	testkit.Prove(t, testkit.GRPC, "CON-44")
	a := of(s.Client(t, s.As(auth.Admin, auth.Operator)), s)
	p := a.furnish(t)
	before := a.totals(t, p)
	for area, least := range map[string]int{"contact": 8, "sales": 3, "ticket": 2, "campaign": 3, "analytics": 3} {
		if found := hits(t, s, area); len(found) < least {
			t.Errorf("%s shows the canary in %v only: the test has lost its sight", area, found)
		}
	}
	for _, table := range []string{"custom_value", "document", "employee_record", "fact", "information_request", "portal_access"} {
		if found := hits(t, s, "contact"); !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, table) }) {
			t.Errorf("%s does not show the canary: %v", table, found)
		}
	}
	answers := a.answers(t, p)
	if n := strings.Count(answers, canary); n < 20 {
		t.Errorf("the answers show the canary %d times", n)
	}

	left := must(a.EraseContact(a.Ctx(), &contactv1.EraseContactRequest{Name: p.contact, Reason: contactv1.ErasureReason_ERASURE_REASON_SUBJECT_REQUEST, RequestId: "erase"}))(t)
	if left.GetCustomerId() != p.customerID || left.GetEraseTime() == nil || left.GetDeleteTime() == nil {
		t.Errorf("left is %v", left)
	}
	testkit.Eventually(t, func() error {
		for area := range s.Services {
			if found := hits(t, s, area); len(found) > 0 {
				return fmt.Errorf("%s: the canary is in %v", area, found)
			}
		}
		return nil
	})
	if found := scan(t, s, "contact", "keys"); len(found) > 0 {
		t.Errorf("keys: the canary is in %v", found)
	}
	if n := strings.Count(brokers(t, s), canary); n != 0 {
		t.Errorf("the broker stores the canary %d times", n)
	}
	if answers := a.answers(t, p); strings.Contains(answers, canary) {
		t.Errorf("the canary is answered: %.400s", answers[strings.Index(answers, canary)-200:])
	}
	if after := a.totals(t, p); after != before {
		t.Errorf("the totals are %s, and were %s", after, before)
	}
	a.demandSealed(t, p)
	a.demandRebuilt(t)
	if answers := a.answers(t, p); strings.Contains(answers, canary) {
		t.Error("after a rebuild the canary is answered")
	}
	a.demandGone(t, p)
}

// hits answers where the canary stands in the open in the database of an area.
func hits(t *testing.T, s *testkit.Suite, area string) []string {
	t.Helper()
	return scan(t, s, area, "")
}

// scan looks for the canary in every row of every table, as their owner reads them; in
// a further database of the service where one is named.
func scan(t *testing.T, s *testkit.Suite, area, further string) (found []string) {
	t.Helper()
	rt := s.Services[area].Runtime
	db, role := rt.DB, area
	if further != "" {
		db, role = rt.Databases[further], further
	}
	conn := testkit.Owner(t, role, db)
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), `
		SELECT format('%I.%I', n.nspname, c.relname)
		FROM pg_class c
		JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')`)
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	for _, table := range tables {
		var n int
		sql := fmt.Sprintf(`SELECT count(*) FROM %s AS t WHERE t::text ILIKE '%%' || $1 || '%%' OR t::text LIKE '%%' || $2 || '%%'`, table)
		if err := conn.QueryRow(t.Context(), sql, canary, hex.EncodeToString([]byte(canary))).Scan(&n); err != nil {
			t.Fatal(table, err)
		}
		if n > 0 {
			found = append(found, fmt.Sprintf("%s (%d)", table, n))
		}
	}
	return found
}

// brokers answers all that the broker stores.
func brokers(t *testing.T, s *testkit.Suite) string {
	t.Helper()
	js, err := jetstream.New(s.NATS)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), eventlog.StreamName)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
		m, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s %v %s\n", m.Subject, m.Header, m.Data)
	}
	return all.String()
}

// answers is all that calls tell of the person, as JSON.
func (a *api) answers(t *testing.T, p *person) string {
	t.Helper()
	ctx := a.Ctx()
	var all strings.Builder
	tell := func(m proto.Message, err error) {
		t.Helper()
		if err != nil && errs.Code(err) != codes.NotFound {
			t.Errorf("%T: %v", m, err)
		}
		body, err := protojson.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(body)
		all.WriteByte('\n')
	}
	for _, ask := range p.asks(ctx, a) {
		tell(ask())
	}
	return all.String()
}

// totals are what is counted with the person among others.
func (a *api) totals(t *testing.T, p *person) string {
	t.Helper()
	pyramid := must(a.GetCustomerPyramid(a.Ctx(), &analyticsv1.GetCustomerPyramidRequest{}))(t)
	var b strings.Builder
	fmt.Fprintf(&b, "%d customers, %s;", pyramid.GetCount(), pyramid.GetRevenue())
	for _, l := range pyramid.GetLayers() {
		fmt.Fprintf(&b, " %s %d %s;", l.GetLayer(), l.GetCount(), l.GetRevenue())
	}
	view := must(a.GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: "customers/" + p.customerID}))(t)
	fmt.Fprintf(&b, " the person's: %s, %s, %s, %d leads, %d tickets, %d touches", view.GetLifecycleClass(), view.GetValueTier(), view.GetPurchases().GetTotals(),
		len(view.GetLeads().GetItems()), len(view.GetTickets().GetItems()), len(view.GetTouches().GetItems()))
	return b.String()
}

// demandSealed demands that the events are all there, sealed under a key that is gone.
func (a *api) demandSealed(t *testing.T, p *person) {
	t.Helper()
	keys := contactv1.NewKeyServiceClient(a.suite.Conn("contact", a.suite.AsService("analytics")))
	got := must(keys.FetchKeys(a.Ctx(), &contactv1.FetchKeysRequest{Contacts: []string{p.contact}}))(t)
	if len(got.GetKeys()) != 1 || len(got.GetKeys()[0].GetSecret()) != 0 {
		t.Errorf("the key is %v", got)
	}
	var sealed, stored int
	db := a.suite.Services["contact"].Runtime.DB.System
	row := db.QueryRow(t.Context(), "SELECT count(*) FROM event_log WHERE position(convert_to($1, 'UTF8') IN event) > 0", p.contact)
	if err := row.Scan(&sealed); err != nil || sealed < 8 {
		t.Errorf("the log holds %d events of the contact, %v", sealed, err)
	}
	id := uuid.MustParse(strings.TrimPrefix(p.contact, "contacts/"))
	if err := a.suite.Services["contact"].Runtime.Databases["keys"].System.QueryRow(t.Context(), "SELECT count(*) FROM destroyed_key WHERE contact = $1", id).Scan(&stored); err != nil || stored != 1 {
		t.Errorf("beside the keys stand %d erasures, %v", stored, err)
	}
	list := must(a.ListErasures(a.Ctx(), &contactv1.ListErasuresRequest{}))(t).GetErasures()
	if len(list) != 1 || list[0].GetContact() != p.contact || list[0].GetKeyDestroyTime() == nil || list[0].GetActor() != a.Caller.Subject {
		t.Errorf("the erasures are %v", list)
	}
	if theirs := must(of(a.Other(), a.suite).ListErasures(a.Ctx(), &contactv1.ListErasuresRequest{}))(t).GetErasures(); len(theirs) != 0 {
		t.Errorf("another tenant reads %v", theirs)
	}
}

// demandRebuilt demands that a rebuild gives what the projections hold: to the byte.
func (a *api) demandRebuilt(t *testing.T) {
	t.Helper()
	op := must(a.RebuildProjections(a.Ctx(), &analyticsv1.RebuildProjectionsRequest{Compare: true}))(t)
	testkit.Eventually(t, func() error {
		got, err := a.GetRebuild(a.Ctx(), &analyticsv1.GetRebuildRequest{Name: op.GetName()})
		if err == nil && !got.GetDone() {
			err = fmt.Errorf("the rebuild is %v", got)
		}
		op = got
		return err
	})
	result := &analyticsv1.RebuildProjectionsResponse{}
	if err := op.GetResponse().UnmarshalTo(result); err != nil {
		t.Fatal(op, err)
	}
	for _, projection := range result.GetProjections() {
		if projection.GetLiveSha256() != projection.GetRebuiltSha256() {
			t.Errorf("%v differs from the rebuilt one", projection)
		}
	}
}

// demandGone demands that nothing brings the person back or adds to it.
func (a *api) demandGone(t *testing.T, p *person) {
	t.Helper()
	ctx := a.Ctx()
	for what, err := range map[string]error{
		"undelete": second(a.UndeleteContact(ctx, &contactv1.UndeleteContactRequest{Name: p.contact})),
		"record": second(a.RecordInteraction(ctx, &contactv1.RecordInteractionRequest{Interaction: &contactv1.Interaction{
			Contact: p.contact, Channel: phone, Direction: inbound, Title: canary,
		}})),
		"consent": second(a.GrantConsent(ctx, &contactv1.GrantConsentRequest{Consent: &contactv1.Consent{Contact: p.contact, Purpose: "marketing"}})),
		"hold":    second(a.CreateLegalHold(ctx, &contactv1.CreateLegalHoldRequest{LegalHold: &contactv1.LegalHold{Contact: p.contact, Matter: canary}})),
		"repeat":  second(a.CreateContact(ctx, p.creation)),
	} {
		if errs.Reason(err) != "CONTACT_ERASED" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if check := must(a.CheckConsent(ctx, &contactv1.CheckConsentRequest{Contact: p.contact, Purpose: "transactional"}))(t); check.GetReason() != contactv1.ConsentReason_CONSENT_REASON_CONTACT_ERASED {
		t.Errorf("consent: %v", check)
	}
	again := must(a.EraseContact(ctx, &contactv1.EraseContactRequest{Name: p.contact, Reason: contactv1.ErasureReason_ERASURE_REASON_UNLAWFUL}))(t)
	if got := must(a.GetContact(ctx, &contactv1.GetContactRequest{Name: p.contact}))(t); !proto.Equal(again, got) {
		t.Errorf("erased again: %v, and it is %v", again, got)
	}
	fresh := proto.CloneOf(p.creation)
	fresh.RequestId = ""
	if next := must(a.CreateContact(ctx, fresh))(t); next.GetCustomerId() == p.customerID || next.GetName() == p.contact {
		t.Errorf("the number was given again: %v", next)
	}
	_, err := of(a.Other(), a.suite).EraseContact(ctx, &contactv1.EraseContactRequest{Name: p.contact, Reason: contactv1.ErasureReason_ERASURE_REASON_SUBJECT_REQUEST})
	if errs.Reason(err) != "CONTACT_NOT_FOUND" {
		t.Errorf("another tenant: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }
