package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
)

const askedFor = contactv1.ErasureReason_ERASURE_REASON_SUBJECT_REQUEST

// CON-44: an erased contact keeps its number and nothing of the person, and nothing
// brings it back. What it is to other services is tested with all of them.
func testEraseContact(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-44"}, func(t *testing.T, a, other *api) {
		ctx, r := a.Ctx(), rightsOf(a)
		siti := a.holder(t, "Siti", email, "siti@example.com")
		talk := must(a.RecordInteraction(ctx, &contactv1.RecordInteractionRequest{Interaction: &contactv1.Interaction{
			Contact: siti.GetName(), Channel: byPhone, Direction: 1, Title: "About the divorce",
		}}))(t)
		request := &contactv1.EraseContactRequest{Name: siti.GetName(), Reason: askedFor, ValidateOnly: true}
		must(r.EraseContact(ctx, request))(t)
		if got := must(a.GetContact(ctx, &contactv1.GetContactRequest{Name: siti.GetName()}))(t); !proto.Equal(got, siti) {
			t.Errorf("what was only checked was done: %v", got)
		}
		request.ValidateOnly, request.Etag = false, "7"
		_, err := r.EraseContact(ctx, request)
		refused(t, err, codes.Aborted, "ETAG_MISMATCH")
		request.Etag, request.RequestId = siti.GetEtag(), "erase"
		left := must(r.EraseContact(ctx, request))(t)
		want := &contactv1.Contact{
			Name: siti.GetName(), CustomerId: siti.GetCustomerId(), Kind: person, DisplayName: siti.GetCustomerId(), Etag: left.GetEtag(),
			CreateTime: siti.GetCreateTime(), UpdateTime: left.GetUpdateTime(), DeleteTime: left.GetEraseTime(), EraseTime: left.GetEraseTime(),
		}
		if !proto.Equal(left, want) {
			t.Errorf("left is %v, want %v", left, want)
		}
		if again := must(r.EraseContact(ctx, request))(t); !proto.Equal(again, left) {
			t.Errorf("asked again: %v", again)
		}
		if got := must(a.GetInteraction(ctx, &contactv1.GetInteractionRequest{Name: talk.GetName()}))(t); got.GetTitle() != "" || got.GetChannel() != byPhone {
			t.Errorf("the interaction is %v", got)
		}
		for _, query := range []string{"Siti", siti.GetCustomerId()} {
			if found := must(a.SearchContacts(ctx, &contactv1.SearchContactsRequest{Query: query}))(t).GetContacts(); len(found) != 0 {
				t.Errorf("%q finds %v", query, found)
			}
		}
		_, err = a.UndeleteContact(ctx, &contactv1.UndeleteContactRequest{Name: siti.GetName()})
		refused(t, err, codes.FailedPrecondition, "CONTACT_ERASED")
		_, err = a.UpdateContact(ctx, &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: siti.GetName(), Note: "x"}})
		refused(t, err, codes.FailedPrecondition, "DELETED")
		friend := a.named(t, "Budi")
		kind := must(a.CreateRelationshipType(ctx, &contactv1.CreateRelationshipTypeRequest{RelationshipType: &contactv1.RelationshipType{ForwardName: "knows", ReverseName: "is known"}}))(t)
		_, err = a.CreateRelationship(ctx, &contactv1.CreateRelationshipRequest{Relationship: &contactv1.Relationship{Type: kind.GetName(), FromContact: friend.GetName(), ToContact: siti.GetName()}})
		refused(t, err, codes.FailedPrecondition, "")

		must(a.DeleteContact(ctx, &contactv1.DeleteContactRequest{Name: friend.GetName()}))(t)
		if got := must(r.EraseContact(ctx, &contactv1.EraseContactRequest{Name: friend.GetName(), Reason: askedFor}))(t); !got.GetDeleteTime().AsTime().Before(got.GetEraseTime().AsTime()) {
			t.Errorf("a deleted contact is erased as %v", got)
		}
		list := must(r.ListErasures(ctx, &contactv1.ListErasuresRequest{PageSize: 1}))(t)
		if e := list.GetErasures(); len(e) != 1 || e[0].GetContact() != friend.GetName() || e[0].GetKeyDestroyTime() == nil {
			t.Errorf("the latest erasure is %v", e)
		}
		list = must(r.ListErasures(ctx, &contactv1.ListErasuresRequest{PageSize: 1, PageToken: list.GetNextPageToken()}))(t)
		if e := list.GetErasures(); len(e) != 1 || e[0].GetContact() != siti.GetName() || e[0].GetReason() != askedFor || list.GetNextPageToken() != "" {
			t.Errorf("the first erasure is %v", list)
		}
		_, err = rightsOf(other).EraseContact(ctx, &contactv1.EraseContactRequest{Name: siti.GetName(), Reason: askedFor})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
		_, err = r.EraseContact(ctx, &contactv1.EraseContactRequest{Name: siti.GetName()})
		violates(t, err, "reason", "")
		for _, role := range []auth.Role{auth.Sales, auth.Agent, auth.Marketer, auth.Analyst} {
			_, err = rightsOf(of(a.As(s.User(a.Caller.Tenant, "someone", role)))).EraseContact(ctx, request)
			refused(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
		}
	})
}

// CON-44: a legal hold, and what must be kept by law, stand against an erasure for as
// long as they last; consent that ended does not.
func testEraseContact_retention(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-44"}, func(t *testing.T, a, other *api) {
		ctx, r := a.Ctx(), rightsOf(a)
		books := r.purpose(t, a, &contactv1.Purpose{Code: "bookkeeping", LegalBasis: byLaw, RetentionDays: 3650, Roles: []contactv1.RoleKind{customer}})
		r.purpose(t, a, &contactv1.Purpose{Code: "newsletter", LegalBasis: byConsent, RetentionDays: 30})
		started := s.Clock.Now().AddDate(-12, 0, 0)
		siti := a.create(t, &contactv1.Contact{Kind: person, DisplayName: "Siti", Roles: []*contactv1.Role{{Kind: customer, StartTime: timestamppb.New(started)}}}).GetName()
		a.grant(t, &contactv1.Consent{Contact: siti, Purpose: "newsletter", OccurredAt: timestamppb.New(s.Clock.Now().AddDate(0, 0, -40))})
		erase := func() error {
			_, err := r.EraseContact(ctx, &contactv1.EraseContactRequest{Name: siti, Reason: askedFor, ValidateOnly: true})
			return err
		}
		kept := func() *contactv1.ContactRetention {
			t.Helper()
			return must(r.GetContactRetention(ctx, &contactv1.GetContactRetentionRequest{Name: siti + "/retention"}))(t)
		}
		refused(t, erase(), codes.FailedPrecondition, "RETENTION_DEMANDED")
		if got := kept(); !got.GetErasureRefused() || got.GetDue() || len(got.GetPurposes()) != 2 || got.GetPurposes()[0].GetPurpose() != books.GetName() || got.GetPurposes()[0].GetKeepUntilTime() != nil {
			t.Errorf("while a customer: %v", got)
		}
		ended := s.Clock.Now().AddDate(-9, 0, 0)
		must(a.EndRole(ctx, &contactv1.EndRoleRequest{Name: siti, Kind: customer, EndTime: timestamppb.New(ended)}))(t)
		refused(t, erase(), codes.FailedPrecondition, "RETENTION_DEMANDED")
		if got := kept().GetPurposes()[0]; got.GetKeepUntilTime().AsTime().Sub(got.GetEndTime().AsTime()) != 3650*24*time.Hour {
			t.Errorf("kept until %v", got)
		}
		must(r.UpdatePurpose(ctx, &contactv1.UpdatePurposeRequest{Purpose: &contactv1.Purpose{Name: books.GetName(), RetentionDays: 365}, UpdateMask: mask("retention_days")}))(t)
		if err := erase(); err != nil {
			t.Errorf("after retention has ended: %v", err)
		}
		if got := kept(); got.GetErasureRefused() || got.GetDue() {
			t.Errorf("with consent: %v", got)
		}
		a.revoke(t, &contactv1.Consent{Contact: siti, Purpose: "newsletter", OccurredAt: timestamppb.New(s.Clock.Now().AddDate(0, 0, -31))})
		if got := kept(); !got.GetDue() {
			t.Errorf("a month after consent was withdrawn: %v", got)
		}
		hold := must(r.CreateLegalHold(ctx, &contactv1.CreateLegalHoldRequest{LegalHold: &contactv1.LegalHold{Contact: siti, Matter: "case 7"}}))(t)
		refused(t, erase(), codes.FailedPrecondition, "LEGAL_HOLD")
		if got := kept(); got.GetDue() || len(got.GetLegalHolds()) != 1 {
			t.Errorf("under a hold: %v", got)
		}
		_, err := rightsOf(other).GetLegalHold(ctx, &contactv1.GetLegalHoldRequest{Name: hold.GetName()})
		refused(t, err, codes.NotFound, "LEGAL_HOLD_NOT_FOUND")
		_, err = rightsOf(other).GetContactRetention(ctx, &contactv1.GetContactRetentionRequest{Name: siti + "/retention"})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
		must(r.UpdateLegalHold(ctx, &contactv1.UpdateLegalHoldRequest{
			LegalHold: &contactv1.LegalHold{Name: hold.GetName(), EndTime: timestamppb.New(s.Clock.Now().Add(-time.Hour))}, UpdateMask: mask("end_time"),
		}))(t)
		if err := erase(); err != nil {
			t.Errorf("after the hold: %v", err)
		}
		if list := must(r.ListLegalHolds(ctx, &contactv1.ListLegalHoldsRequest{Filter: `contact = "` + siti + `"`}))(t).GetLegalHolds(); len(list) != 1 {
			t.Errorf("listed %v", list)
		}
		must(r.DeleteLegalHold(ctx, &contactv1.DeleteLegalHoldRequest{Name: hold.GetName()}))(t)
		must(r.UndeleteLegalHold(ctx, &contactv1.UndeleteLegalHoldRequest{Name: hold.GetName()}))(t)
		if got := must(r.GetLegalHold(ctx, &contactv1.GetLegalHoldRequest{Name: hold.GetName()}))(t); got.GetMatter() != "case 7" {
			t.Errorf("read %v", got)
		}
	})
}

// An erasure is done again before anybody is served where a database was restored from
// a backup taken before it: that of the contacts, or that of the keys.
func TestEraseContact_replayed(t *testing.T) {
	t.Parallel()
	s := start(t)
	testkit.Prove(t, testkit.GRPC, "CON-44")
	a, _ := fresh(t, s)
	r := rightsOf(a)
	siti := a.holder(t, "Siti Zubaidah", email, "siti@example.com")
	must(r.EraseContact(a.Ctx(), &contactv1.EraseContactRequest{Name: siti.GetName(), Reason: askedFor}))(t)
	id := strings.TrimPrefix(siti.GetName(), "contacts/")
	rt := s.Services["contact"].Runtime
	contacts, keys := testkit.Owner(t, "contact", rt.DB), testkit.Owner(t, "keys", rt.Databases["keys"])
	var key string
	if err := contacts.QueryRow(t.Context(), "SELECT key_id::text FROM contact WHERE id = $1", id).Scan(&key); err != nil {
		t.Fatal(err)
	}
	restore := func(sql string) {
		t.Helper()
		if _, err := contacts.Exec(t.Context(), sql, id); err != nil {
			t.Fatal(err)
		}
	}
	keyBack := func() {
		t.Helper()
		if _, err := keys.Exec(t.Context(), "INSERT INTO contact_key (id, kek, wrapped) SELECT $1, kek, wrapped FROM contact_key LIMIT 1", key); err != nil {
			t.Fatal(err)
		}
	}
	keyGone := func() error {
		var n int
		err := keys.QueryRow(t.Context(), "SELECT count(*) FROM contact_key WHERE id = $1", key).Scan(&n)
		if err == nil && n != 0 {
			err = fmt.Errorf("the key is there")
		}
		return err
	}
	if err := keyGone(); err != nil {
		t.Error(err)
	}
	// The keys come back, from before the erasure.
	keyBack()
	replica := s.Replica(t, contact.Definition, 0)
	if err := keyGone(); err != nil {
		t.Errorf("after a restore of the keys: %v", err)
	}
	replica.Stop(t)
	// The contacts come back, and with them the keys; the note beside the keys stays.
	restore("UPDATE contact SET erase_time = NULL, delete_time = NULL, display_name = 'Siti Zubaidah', note = 'risen' WHERE id = $1")
	restore("DELETE FROM erasure WHERE contact = $1")
	keyBack()
	replica.Start(t)
	got := must(a.GetContact(a.Ctx(), &contactv1.GetContactRequest{Name: siti.GetName()}))(t)
	if got.GetEraseTime() == nil || got.GetNote() != "" || got.GetDisplayName() != siti.GetCustomerId() {
		t.Errorf("after a restore of the contacts: %v", got)
	}
	if err := keyGone(); err != nil {
		t.Errorf("after a restore of the contacts: %v", err)
	}
	if list := must(r.ListErasures(a.Ctx(), &contactv1.ListErasuresRequest{}))(t).GetErasures(); len(list) != 1 || list[0].GetActor() != "services/contact" {
		t.Errorf("the erasures are %v", list)
	}
	// A process ended between the erasure and the end of the key.
	keyBack()
	restore("UPDATE erasure SET key_destroy_time = NULL WHERE contact = $1")
	must(r.EraseContact(a.Ctx(), &contactv1.EraseContactRequest{Name: siti.GetName(), Reason: askedFor}))(t)
	if err := keyGone(); err != nil {
		t.Errorf("asked again: %v", err)
	}
}

// I12, F45: of those who add something while a contact is erased, each is either
// erased with it or refused.
func testEraseContact_race(t *testing.T, s *testkit.Suite) {
	a, _ := fresh(t, s)
	r := rightsOf(a)
	for range 5 {
		siti := a.named(t, "Siti").GetName()
		done := make(chan error)
		const writers = 8
		for n := range writers {
			go func() {
				_, err := a.RecordInteraction(a.Ctx(), &contactv1.RecordInteractionRequest{Interaction: &contactv1.Interaction{
					Contact: siti, Channel: byPhone, Direction: 1, Title: fmt.Sprintf("secret %d", n),
				}})
				done <- err
			}()
		}
		must(r.EraseContact(a.Ctx(), &contactv1.EraseContactRequest{Name: siti, Reason: askedFor}))(t)
		for range writers {
			if err := <-done; err != nil {
				refused(t, err, codes.FailedPrecondition, "CONTACT_ERASED")
			}
		}
		for _, i := range must(a.ListInteractions(a.Ctx(), &contactv1.ListInteractionsRequest{Contact: siti}))(t).GetInteractions() {
			if i.GetTitle() != "" {
				t.Errorf("after the erasure stands %q", i.GetTitle())
			}
		}
	}
}

// CON-44: contacts that were merged are one person, and are erased as one; nothing of
// the merge keeps what they were.
func testEraseContact_merged(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-44"}, func(t *testing.T, a, other *api) {
		ctx, r := a.Ctx(), rightsOf(a)
		one, two := a.holder(t, "Siti Zubaidah", email, "siti@example.com"), a.holder(t, "S. Zubaidah", email, "zubaidah@example.com")
		must(a.MergeContacts(ctx, &contactv1.MergeContactsRequest{Name: one.GetName(), Contacts: []string{two.GetName()}}))(t)
		must(r.EraseContact(ctx, &contactv1.EraseContactRequest{Name: two.GetName(), Reason: askedFor}))(t)
		for _, c := range []*contactv1.Contact{one, two} {
			got := must(a.GetContact(ctx, &contactv1.GetContactRequest{Name: c.GetName()}))(t)
			if got.GetEraseTime() == nil || got.GetDisplayName() != c.GetCustomerId() || len(got.GetIdentifiers()) != 0 {
				t.Errorf("%s is %v", c.GetDisplayName(), got)
			}
		}
		_, err := a.UnmergeContact(ctx, &contactv1.UnmergeContactRequest{Name: two.GetName()})
		refused(t, err, codes.FailedPrecondition, "")
		merges := must(a.ListContactMerges(ctx, &contactv1.ListContactMergesRequest{}))(t)
		if text := merges.String(); strings.Contains(strings.ToLower(text), "zubaidah") {
			t.Errorf("the merge keeps %s", text)
		}
		conn := testkit.Owner(t, "contact", s.Services["contact"].Runtime.DB)
		var n int
		if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM contact_merge AS m WHERE m.tenant = $1 AND m::text ILIKE '%zubaidah%'", a.Caller.Tenant).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d merges keep the name, %v", n, err)
		}
	})
}
