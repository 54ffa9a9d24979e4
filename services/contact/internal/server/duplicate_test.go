package server_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
)

const (
	modeOff      = contactv1.DuplicateMode_DUPLICATE_MODE_OFF
	modeCertain  = contactv1.DuplicateMode_DUPLICATE_MODE_REFUSE_CERTAIN
	modeProbable = contactv1.DuplicateMode_DUPLICATE_MODE_REFUSE_PROBABLE
)

// mode writes what the tenant does about duplicates.
func (a *api) mode(t testing.TB, m contactv1.DuplicateMode) *contactv1.IdentityPolicy {
	t.Helper()
	return must(a.UpdateIdentityPolicy(a.Ctx(), &contactv1.UpdateIdentityPolicyRequest{
		IdentityPolicy: &contactv1.IdentityPolicy{Name: "identityPolicy", DuplicateMode: m},
	}))(t)
}

func budi(kind contactv1.IdentifierKind, value string) *contactv1.Contact {
	c := holding("Budi Santoso", kind, value)
	c.GivenName, c.FamilyName = "Budi", "Santoso"
	return c
}

// metadata answers what an error tells beside its reason.
func metadata(err error) map[string]string {
	var hop interface{ GRPCStatus() *status.Status }
	if errors.As(err, &hop) {
		for _, d := range hop.GRPCStatus().Details() {
			if info, ok := d.(*errdetails.ErrorInfo); ok {
				return info.GetMetadata()
			}
		}
	}
	return nil
}

// A contact of a person who is known already is refused, with the names of those it
// may be; it can be created all the same.
func testCreateContact_duplicate(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		first := a.create(t, budi(email, "budi@example.id"))
		again := func(c *contactv1.Contact, more func(*contactv1.CreateContactRequest)) error {
			req := &contactv1.CreateContactRequest{Contact: c}
			if more != nil {
				more(req)
			}
			_, err := a.CreateContact(ctx, req)
			return err
		}
		same := budi(email, "BUDI@example.id")
		err := again(same, nil)
		refused(t, err, codes.AlreadyExists, "CONTACT_DUPLICATE")
		if got := metadata(err); got["candidates"] != first.GetName() || got["count"] != "1" {
			t.Errorf("the error names %v, want %s", got, first.GetName())
		}
		refused(t, again(same, func(r *contactv1.CreateContactRequest) { r.ValidateOnly = true }), codes.AlreadyExists, "CONTACT_DUPLICATE")
		_, err = a.BatchCreateContacts(ctx, &contactv1.BatchCreateContactsRequest{Requests: []*contactv1.CreateContactRequest{
			{Contact: holding("Ani", email, "ani@example.id")}, {Contact: same},
		}})
		refused(t, err, codes.AlreadyExists, "CONTACT_DUPLICATE")
		// An e-mail address that spouses share, a namesake, a son: all these are others.
		younger, older := budi(phone, "+62 812 1111 2222"), budi(phone, "+62 812 1111 2222")
		younger.Birthday, older.Birthday = &date.Date{Year: 1999, Month: 1, Day: 1}, &date.Date{Year: 1969, Month: 1, Day: 1}
		for name, c := range map[string]*contactv1.Contact{
			"spouse": holding("Siti Nurhaliza", email, "budi@example.id"), "namesake": budi(email, "other@example.id"), "son": younger, "father": older,
		} {
			if err := again(c, nil); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := again(same, func(r *contactv1.CreateContactRequest) { r.AllowDuplicates = true }); err != nil {
			t.Error("with allow_duplicates:", err)
		}
		if _, err := other.CreateContact(other.Ctx(), &contactv1.CreateContactRequest{Contact: same}); err != nil {
			t.Error("another tenant knows nobody of ours:", err)
		}
		must(a.DeleteContact(ctx, &contactv1.DeleteContactRequest{Name: first.GetName()}))(t)
	})
}

// Each creation with a request id is answered once, also where it would be a duplicate
// of itself by now.
func testCreateContact_duplicateReplay(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, _ *api) {
		for _, mode := range []contactv1.DuplicateMode{modeCertain, modeProbable} {
			a.mode(t, mode)
			req := &contactv1.CreateContactRequest{Contact: budi(email, "budi"+mode.String()+"@example.id"), RequestId: "r" + mode.String()}
			first := must(a.CreateContact(a.Ctx(), req))(t)
			if again := must(a.CreateContact(a.Ctx(), req))(t); again.GetName() != first.GetName() {
				t.Errorf("%s: repeated as %s, first %s", mode, again.GetName(), first.GetName())
			}
		}
	})
}

// The tenant's policy says what is done about duplicates.
func testIdentityPolicy(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		get := func(a *api) *contactv1.IdentityPolicy {
			return must(a.GetIdentityPolicy(a.Ctx(), &contactv1.GetIdentityPolicyRequest{Name: "identityPolicy"}))(t)
		}
		if p := get(a); p.GetDuplicateMode() != modeCertain || p.GetProbableScore() != 13 || p.GetCreateTime() != nil {
			t.Errorf("the defaults are %v", p)
		}
		a.create(t, budi(email, "budi@example.id"))
		fuzzy := holding("Budi Santosa", email, "budi@example.id")
		a.mode(t, modeProbable)
		_, err := a.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: fuzzy})
		refused(t, err, codes.AlreadyExists, "CONTACT_DUPLICATE")
		_, err = a.BatchCreateContacts(ctx, &contactv1.BatchCreateContactsRequest{Requests: []*contactv1.CreateContactRequest{{Contact: fuzzy}}})
		refused(t, err, codes.AlreadyExists, "CONTACT_DUPLICATE")
		a.named(t, "Nobody Like Him")
		written := a.mode(t, modeOff)
		a.create(t, budi(email, "budi@example.id"))
		if p := get(a); p.GetDuplicateMode() != modeOff || p.GetEtag() != written.GetEtag() || p.GetCreateTime() == nil {
			t.Errorf("after writing: %v", p)
		}
		if p := get(other); p.GetDuplicateMode() != modeCertain {
			t.Errorf("another tenant has %v", p)
		}
		update := func(p *contactv1.IdentityPolicy, paths ...string) error {
			_, err := a.UpdateIdentityPolicy(ctx, &contactv1.UpdateIdentityPolicyRequest{IdentityPolicy: p, UpdateMask: mask(paths...)})
			return err
		}
		refused(t, update(&contactv1.IdentityPolicy{Name: "identityPolicy", ProbableScore: 20, Etag: "stale"}, "probable_score"), codes.Aborted, "ETAG_MISMATCH")
		refused(t, update(&contactv1.IdentityPolicy{Name: "identityPolicy"}, "nothing"), codes.InvalidArgument, "")
		refused(t, update(&contactv1.IdentityPolicy{Name: "identityPolicy", ProbableScore: -1}), codes.InvalidArgument, "")
		if err := update(&contactv1.IdentityPolicy{Name: "identityPolicy", ProbableScore: 20, Etag: written.GetEtag()}, "probable_score"); err != nil {
			t.Error(err)
		}
		if p := get(a); p.GetProbableScore() != 20 || p.GetDuplicateMode() != modeOff {
			t.Errorf("one field written: %v", p)
		}
	})
}

// Duplicates of a stored contact and of data that is not stored, with the reasons;
// B08: those that only look alike are shown, with no score.
func testFindDuplicates(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		a.mode(t, modeOff)
		whole := budi(email, "budi@example.id")
		whole.Addresses = []*contactv1.Address{{Lines: []string{"Jl. Braga 7"}, Locality: "Bandung", PostalCode: "40111"}}
		first := a.create(t, whole)
		moved := budi(phone, "+62 812 3333 4444")
		moved.FamilyName, moved.DisplayName, moved.Addresses = "Santosa", "", whole.Addresses
		second := a.create(t, moved)
		a.create(t, holding("Siti Nurhaliza", email, "siti@example.id"))
		other.create(t, whole)
		find := func(a *api, req *contactv1.FindDuplicatesRequest) ([]string, *contactv1.FindDuplicatesResponse) {
			resp := must(a.FindDuplicates(a.Ctx(), req))(t)
			var found []string
			for _, c := range resp.GetCandidates() {
				found = append(found, c.GetContact().GetName())
			}
			return found, resp
		}
		byName := &contactv1.FindDuplicatesRequest{Subject: &contactv1.FindDuplicatesRequest_Name{Name: first.GetName()}}
		found, resp := find(a, byName)
		if !slices.Equal(found, []string{second.GetName()}) || resp.GetHiddenCount() != 0 {
			t.Fatalf("found %v", resp)
		}
		fields, sum := map[string]contactv1.Agreement{}, 0.0
		for _, r := range resp.GetCandidates()[0].GetReasons() {
			fields[r.GetField()] = r.GetAgreement()
			sum += r.GetWeight()
		}
		if fields["given_name"] != contactv1.Agreement_AGREEMENT_EQUAL || fields["family_name"] != contactv1.Agreement_AGREEMENT_SIMILAR ||
			fields["address"] != contactv1.Agreement_AGREEMENT_EQUAL || sum != resp.GetCandidates()[0].GetScore() ||
			resp.GetCandidates()[0].GetStrength() != contactv1.MatchStrength_MATCH_STRENGTH_PROBABLE {
			t.Errorf("reasons: %v", resp)
		}
		unsaved := &contactv1.FindDuplicatesRequest{Subject: &contactv1.FindDuplicatesRequest_Contact{Contact: budi(email, "BUDI@example.ID")}, MinScore: 5}
		if found, _ := find(a, unsaved); !slices.Equal(found, []string{first.GetName(), second.GetName()}) {
			t.Errorf("of data that is not stored: %v", found)
		}
		if found, _ := find(other, unsaved); len(found) != 1 || slices.Contains(found, first.GetName()) {
			t.Errorf("another tenant finds %v", found)
		}
		_, err := other.FindDuplicates(other.Ctx(), byName)
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
		forged := &contactv1.FindDuplicatesRequest{Subject: &contactv1.FindDuplicatesRequest_Contact{Contact: holding("Вudi Sаntоsо", email, "budi@еxample.id")}, MinScore: 1}
		if found, _ := find(a, forged); len(found) != 0 {
			t.Errorf("what only looks alike matches %v", found)
		}
		for name, req := range map[string]*contactv1.FindDuplicatesRequest{
			"nobody": {}, "no name": {Subject: &contactv1.FindDuplicatesRequest_Name{Name: "people/1"}},
			"no contact": {Subject: &contactv1.FindDuplicatesRequest_Contact{Contact: &contactv1.Contact{}}},
		} {
			_, err := a.FindDuplicates(ctx, req)
			if status.Code(err) != codes.InvalidArgument {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// A sweep finds each pair once, page by page.
func testListDuplicates(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		a.mode(t, modeOff)
		want := map[string]bool{}
		names := []string{"Budi Santoso", "Siti Nurhaliza", "Joko Widodo"}
		for n := range 20 { // more than one step looks at
			names = append(names, strings.Repeat(string(rune('A'+n)), 5)+" "+strings.Repeat(string(rune('Z'-n)), 7))
		}
		for _, name := range names {
			mail := strings.ReplaceAll(name, " ", ".") + "@example.id"
			var made []string
			for range 3 {
				made = append(made, a.holder(t, name, email, mail).GetName())
			}
			want[made[0]+made[1]], want[made[0]+made[2]], want[made[1]+made[2]] = true, true, true
		}
		a.named(t, "Alone")
		other.holder(t, "Budi Santoso", email, "budi.santoso@example.id")
		found := map[string]bool{}
		req := &contactv1.ListDuplicatesRequest{PageSize: 2}
		for range len(want) {
			resp := must(a.ListDuplicates(a.Ctx(), req))(t)
			if len(resp.GetPairs()) > 2 {
				t.Fatalf("a page of %d", len(resp.GetPairs()))
			}
			for _, p := range resp.GetPairs() {
				if found[p.GetContact()+p.GetDuplicate()] {
					t.Errorf("twice: %v", p)
				}
				found[p.GetContact()+p.GetDuplicate()] = true
			}
			if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
				break
			}
		}
		if !maps.Equal(found, want) {
			t.Errorf("found %d pairs, want %d: %v", len(found), len(want), found)
		}
		if resp := must(a.ListDuplicates(a.Ctx(), &contactv1.ListDuplicatesRequest{PageSize: 1000}))(t); len(resp.GetPairs()) != len(want) {
			t.Errorf("one page finds %d pairs, want %d", len(resp.GetPairs()), len(want))
		}
		if resp := must(other.ListDuplicates(other.Ctx(), &contactv1.ListDuplicatesRequest{}))(t); len(resp.GetPairs()) != 0 {
			t.Errorf("another tenant finds %v", resp)
		}
		first := must(a.ListDuplicates(a.Ctx(), &contactv1.ListDuplicatesRequest{PageSize: 1}))(t)
		_, err := a.ListDuplicates(a.Ctx(), &contactv1.ListDuplicatesRequest{PageToken: first.GetNextPageToken(), MinScore: 3})
		refused(t, err, codes.InvalidArgument, "PAGE_TOKEN_INVALID")
		_, err = other.ListDuplicates(other.Ctx(), &contactv1.ListDuplicatesRequest{PageToken: first.GetNextPageToken()})
		refused(t, err, codes.InvalidArgument, "PAGE_TOKEN_INVALID")
	})
}

// What lies outside the caller's record scope is counted and not named.
func TestDuplicates_scope(t *testing.T) {
	t.Parallel()
	def := contact.Definition
	def.Policy = maps.Clone(def.Policy)
	for method, rule := range def.Policy {
		def.Policy[method] = maps.Clone(rule)
		def.Policy[method][auth.Sales] = auth.Own
	}
	s := testkit.Start(t, def)
	admin, seller := of(s.Client(t, s.User(s.Tenant, "ann", auth.Admin))), of(s.Client(t, s.User(s.Tenant, "budi", auth.Sales)))
	theirs := budi(email, "budi@example.id")
	theirs.Owner = "users/ann"
	hidden := admin.create(t, theirs)
	_, err := seller.CreateContact(seller.Ctx(), &contactv1.CreateContactRequest{Contact: budi(email, "budi@example.id")})
	refused(t, err, codes.AlreadyExists, "CONTACT_DUPLICATE")
	if got := metadata(err); got["count"] != "1" || got["candidates"] != "" || strings.Contains(err.Error(), hidden.GetName()) {
		t.Errorf("the error tells %v", got)
	}
	resp := must(seller.FindDuplicates(seller.Ctx(), &contactv1.FindDuplicatesRequest{
		Subject: &contactv1.FindDuplicatesRequest_Contact{Contact: budi(email, "budi@example.id")},
	}))(t)
	if len(resp.GetCandidates()) != 0 || resp.GetHiddenCount() != 1 {
		t.Errorf("found %v", resp)
	}
	mine := budi(email, "budi@example.id")
	mine.Owner = "users/budi"
	must(seller.CreateContact(seller.Ctx(), &contactv1.CreateContactRequest{Contact: mine, AllowDuplicates: true}))(t)
	if list := must(seller.ListDuplicates(seller.Ctx(), &contactv1.ListDuplicatesRequest{}))(t); len(list.GetPairs()) != 0 {
		t.Errorf("the sweep tells %v", list)
	}
}
