package server_test

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

const (
	changed = contactv1.ContactChangeKind_CONTACT_CHANGE_KIND_CHANGED
	deleted = contactv1.ContactChangeKind_CONTACT_CHANGE_KIND_DELETED
	merged  = contactv1.ContactChangeKind_CONTACT_CHANGE_KIND_MERGED
	removed = contactv1.ContactChangeKind_CONTACT_CHANGE_KIND_REMOVED
)

// copies are what an offline client keeps.
type copies struct {
	api    *api
	filter string
	token  string
	kept   map[string]*contactv1.Contact
	// told are the kinds of what was last told, by name.
	told map[string]contactv1.ContactChangeKind
	// heard are the names that it was told anything of.
	heard map[string]bool
}

func (a *api) copies(filter string) *copies {
	return &copies{api: a, filter: filter, kept: map[string]*contactv1.Contact{}, heard: map[string]bool{}}
}

// sync asks page by page until there is no more.
func (c *copies) sync(t testing.TB, size int32) {
	t.Helper()
	c.told = map[string]contactv1.ContactChangeKind{}
	client := contactv1.NewSyncServiceClient(c.api.Conn)
	for more := true; more; {
		resp := must(client.SyncContacts(c.api.Ctx(), &contactv1.SyncContactsRequest{SyncToken: c.token, PageSize: size, Filter: c.filter}))(t)
		if size > 0 && len(resp.GetChanges()) > int(size) {
			t.Fatalf("%d changes on a page of %d", len(resp.GetChanges()), size)
		}
		for _, change := range resp.GetChanges() {
			c.heard[change.GetName()] = true
			if c.kept[change.GetName()] == nil && change.GetKind() != changed {
				continue // nothing to forget
			}
			c.told[change.GetName()] = change.GetKind()
			if delete(c.kept, change.GetName()); change.GetKind() == changed {
				c.kept[change.GetName()] = change.GetContact()
			}
		}
		c.token, more = resp.GetNextSyncToken(), resp.GetMore()
	}
}

// await syncs until the client was told what is wanted, and fails where it was told
// more.
func (c *copies) await(t testing.TB, want map[string]contactv1.ContactChangeKind) {
	t.Helper()
	all := map[string]contactv1.ContactChangeKind{}
	testkit.Eventually(t, func() error {
		c.sync(t, 2)
		maps.Copy(all, c.told)
		if !maps.Equal(all, want) {
			return fmt.Errorf("told %v, want %v", all, want)
		}
		return nil
	})
}

// A client keeps its copies in step: what is new, changed, deleted, brought back or
// merged, each once and as it is now, and nothing of another tenant.
func testSyncContacts(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-14", "PLT-22"}, func(t *testing.T, a, other *api) {
		mine := a.copies("")
		mine.sync(t, 0)
		one, two, three := a.named(t, "One"), a.named(t, "Two"), a.named(t, "Three")
		foreign := other.named(t, "Foreign")
		mine.await(t, map[string]contactv1.ContactChangeKind{one.GetName(): changed, two.GetName(): changed, three.GetName(): changed})
		theirs := other.copies("")
		theirs.await(t, map[string]contactv1.ContactChangeKind{foreign.GetName(): changed})

		must(a.UpdateContact(a.Ctx(), &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: one.GetName(), JobTitle: "CEO"}}))(t)
		must(a.DeleteContact(a.Ctx(), &contactv1.DeleteContactRequest{Name: three.GetName()}))(t)
		must(a.MergeContacts(a.Ctx(), merging(one, two)))(t)
		mine.await(t, map[string]contactv1.ContactChangeKind{one.GetName(): changed, two.GetName(): merged, three.GetName(): deleted})
		if got := mine.kept[one.GetName()]; len(mine.kept) != 1 || got.GetJobTitle() != "CEO" {
			t.Errorf("keeps %v", mine.kept)
		}
		must(a.UndeleteContact(a.Ctx(), &contactv1.UndeleteContactRequest{Name: three.GetName()}))(t)
		mine.await(t, map[string]contactv1.ContactChangeKind{three.GetName(): changed})

		late := a.copies("") // has nothing to forget
		late.await(t, map[string]contactv1.ContactChangeKind{one.GetName(): changed, three.GetName(): changed})
		theirs.sync(t, 0)
		if len(theirs.told) > 0 {
			t.Errorf("another tenant is told %v", theirs.told)
		}
	})
}

// A filter is kept to: what no longer matches is to be forgotten.
func testSyncContacts_filter(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-14", "PLT-22"}, func(t *testing.T, a, _ *api) {
		us := a.create(t, &contactv1.Contact{Kind: person, DisplayName: "Ours", Owner: "users/budi"})
		them := a.create(t, &contactv1.Contact{Kind: person, DisplayName: "Theirs", Owner: "users/siti"})
		mine := a.copies(`owner = "users/budi"`)
		mine.await(t, map[string]contactv1.ContactChangeKind{us.GetName(): changed})
		swap := func(c *contactv1.Contact, owner string) {
			must(a.UpdateContact(a.Ctx(), &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: c.GetName(), Owner: owner}}))(t)
		}
		swap(us, "users/siti")
		swap(them, "users/budi")
		mine.await(t, map[string]contactv1.ContactChangeKind{us.GetName(): removed, them.GetName(): changed})
	})
}

// Tokens are of one caller and filter, and do not live for ever.
func testSyncContacts_tokens(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-14", "PLT-22"}, func(t *testing.T, a, other *api) {
		a.named(t, "One")
		mine := a.copies("")
		testkit.Eventually(t, func() error {
			if mine.sync(t, 0); len(mine.kept) == 0 {
				return fmt.Errorf("nothing is told")
			}
			return nil
		})
		ask := func(a *api, req *contactv1.SyncContactsRequest) error {
			_, err := contactv1.NewSyncServiceClient(a.Conn).SyncContacts(a.Ctx(), req)
			return err
		}
		colleague := of(a.As(s.User(a.Caller.Tenant, "budi", auth.Admin)))
		for name, err := range map[string]error{
			"of another tenant": ask(other, &contactv1.SyncContactsRequest{SyncToken: mine.token}),
			"of a colleague":    ask(colleague, &contactv1.SyncContactsRequest{SyncToken: mine.token}),
			"another filter":    ask(a, &contactv1.SyncContactsRequest{SyncToken: mine.token, Filter: `owner = "x"`}),
			"made up":           ask(a, &contactv1.SyncContactsRequest{SyncToken: "AQ"}),
		} {
			t.Log(name)
			refused(t, err, codes.InvalidArgument, "SYNC_TOKEN_INVALID")
		}
		refused(t, ask(a, &contactv1.SyncContactsRequest{Filter: "nonsense = 1"}), codes.InvalidArgument, "")
		refused(t, ask(a, &contactv1.SyncContactsRequest{PageSize: -1}), codes.InvalidArgument, "")
	})
}

// A client that was away for 90 days begins again.
func TestSyncContacts_expires(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, _ := fresh(t, s)
	mine := a.copies("")
	mine.sync(t, 0)
	s.Clock.Advance(91 * 24 * time.Hour)
	_, err := contactv1.NewSyncServiceClient(a.Conn).SyncContacts(a.Ctx(), &contactv1.SyncContactsRequest{SyncToken: mine.token})
	refused(t, err, codes.OutOfRange, "SYNC_TOKEN_EXPIRED")
}

// Under a policy that shows salespeople their own and their team's contacts, one that
// goes to somebody else is to be forgotten by those who had it, and is not told to
// anybody else; nor is any to those who never had it.
func TestSyncContacts_scope(t *testing.T) {
	t.Parallel()
	def := contact.Definition
	def.Policy = maps.Clone(def.Policy)
	for method, rule := range def.Policy {
		def.Policy[method] = maps.Clone(rule)
		def.Policy[method][auth.Sales], def.Policy[method][auth.Agent] = auth.Own, auth.Team
	}
	s := testkit.Start(t, def, gateway.With(gateway.Config{}))
	testkit.Both(t, s, []string{"PLT-14"}, func(t *testing.T, c *testkit.Client) {
		tenant := entity.NewID()
		admin := of(c.As(s.User(tenant, "ann", auth.Admin)))
		team := s.User(tenant, "tim", auth.Agent)
		team.Teams = []string{"teams/north"}
		budi, siti, tim := of(c.As(s.User(tenant, "budi", auth.Sales))).copies(""), of(c.As(s.User(tenant, "siti", auth.Sales))).copies(""), of(c.As(team)).copies("")
		of := admin.create(t, &contactv1.Contact{Kind: person, DisplayName: "Moves", Owner: "users/budi", Team: "teams/north"})
		hidden := admin.create(t, &contactv1.Contact{Kind: person, DisplayName: "Hidden", Owner: "users/ann"})
		told := map[string]contactv1.ContactChangeKind{of.GetName(): changed}
		budi.await(t, told)
		tim.await(t, told)
		siti.await(t, map[string]contactv1.ContactChangeKind{})
		must(admin.UpdateContact(admin.Ctx(), &contactv1.UpdateContactRequest{
			Contact: &contactv1.Contact{Name: of.GetName(), Owner: "users/siti", Team: "teams/south"}, UpdateMask: mask("owner", "team"),
		}))(t)
		must(admin.DeleteContact(admin.Ctx(), &contactv1.DeleteContactRequest{Name: hidden.GetName()}))(t)
		gone := map[string]contactv1.ContactChangeKind{of.GetName(): removed}
		budi.await(t, gone)
		tim.await(t, gone)
		siti.await(t, told)
		for _, c := range []*copies{budi, siti, tim} {
			if c.heard[hidden.GetName()] {
				t.Errorf("%s heard of another's contact", c.api.Caller.Subject)
			}
		}
	})
}

// PLT-14, PLT-22: whoever keeps a part of each contact is told no more than that.
func testSyncContacts_mask(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-14", "PLT-22"}, func(t *testing.T, a, _ *api) {
		siti := a.create(t, &contactv1.Contact{Kind: person, DisplayName: "Siti", Note: "not wanted"})
		client := contactv1.NewSyncServiceClient(a.Conn)
		testkit.Eventually(t, func() error {
			got := must(client.SyncContacts(a.Ctx(), &contactv1.SyncContactsRequest{ReadMask: mask("name", "kind", "contact.display_name")}))(t)
			if len(got.GetChanges()) != 1 || got.GetNextSyncToken() == "" {
				return fmt.Errorf("told %v", got)
			}
			want := &contactv1.ContactChange{Name: siti.GetName(), Kind: changed, Contact: &contactv1.Contact{DisplayName: "Siti"}}
			if !proto.Equal(got.GetChanges()[0], want) {
				t.Fatalf("told %v", got.GetChanges()[0])
			}
			return nil
		})
		_, err := client.SyncContacts(a.Ctx(), &contactv1.SyncContactsRequest{ReadMask: mask("contact.colour")})
		violates(t, err, "read_mask", "")
	})
}

// PLT-22: over REST changes come as server-sent events to those who accept them, and a
// reader that comes back goes on after what it saw last.
func testWatchContacts_events(t *testing.T, s *testkit.Suite) {
	a, _ := fresh(t, s)
	testkit.Prove(t, testkit.OverREST, "PLT-22")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	watch := func(query, last string) *bufio.Reader {
		req := must(http.NewRequestWithContext(ctx, http.MethodGet, s.HTTP+"/v1/contacts:watch"+query, nil))(t)
		req.Header.Set("Authorization", "Bearer "+s.Token(a.Caller))
		req.Header.Set("Accept", "text/event-stream")
		if last != "" {
			req.Header.Set("Last-Event-ID", last)
		}
		res := must(http.DefaultClient.Do(req))(t)
		t.Cleanup(func() { _ = res.Body.Close() })
		if query == "" && (res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream") {
			t.Fatalf("%s %s", res.Status, res.Header.Get("Content-Type"))
		}
		if query != "" && (res.StatusCode != http.StatusBadRequest || res.Header.Get("Content-Type") != "application/problem+json") {
			t.Errorf("%s %s", res.Status, res.Header.Get("Content-Type"))
		}
		return bufio.NewReader(res.Body)
	}
	next := func(from *bufio.Reader) (id string, answer *contactv1.WatchContactsResponse) {
		answer = &contactv1.WatchContactsResponse{}
		for {
			line := strings.TrimSuffix(must(from.ReadString('\n'))(t), "\n")
			if line == "" {
				return id, answer
			}
			if said, ok := strings.CutPrefix(line, "id: "); ok {
				id = said
			}
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				if err := protojson.Unmarshal([]byte(data), answer); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	first := watch("", "")
	begin, answer := next(first)
	if begin == "" || answer.GetChange() != nil {
		t.Fatalf("it begins with %q %v", begin, answer)
	}
	siti := a.named(t, "Siti")
	if id, answer := next(first); answer.GetChange().GetName() != siti.GetName() || id != answer.GetSyncToken() || id == begin {
		t.Errorf("told %v with the id %q", answer, id)
	}
	again := watch("", begin)
	next(again)
	if _, answer := next(again); answer.GetChange().GetName() != siti.GetName() {
		t.Errorf("resumed with %v", answer)
	}
	watch("?filter=nonsense%20%3D%201", "")
}

// A stream tells changes as they come, and goes on from any of its tokens.
func testWatchContacts(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-14", "PLT-22"}, func(t *testing.T, a, other *api) {
		client := contactv1.NewSyncServiceClient(a.Conn)
		before := a.named(t, "Before")
		mine := a.copies("")
		mine.await(t, map[string]contactv1.ContactChangeKind{before.GetName(): changed})
		ctx, cancel := context.WithTimeout(a.Ctx(), 20*time.Second)
		defer cancel()
		stream := must(client.WatchContacts(ctx, &contactv1.WatchContactsRequest{}))(t)
		first := must(stream.Recv())(t)
		if first.GetChange() != nil || first.GetSyncToken() == "" {
			t.Fatalf("it begins with %v", first)
		}
		other.named(t, "Foreign")
		var told []string
		var tokens []string
		for _, name := range []string{"One", "Two"} {
			made := a.named(t, name)
			got := must(stream.Recv())(t)
			if got.GetChange().GetName() != made.GetName() || got.GetChange().GetContact().GetDisplayName() != name {
				t.Fatalf("told %v, want %s", got, name)
			}
			told, tokens = append(told, made.GetName()), append(tokens, got.GetSyncToken())
		}
		for from, want := range map[string][]string{first.GetSyncToken(): told, tokens[0]: told[1:]} {
			again := must(client.WatchContacts(ctx, &contactv1.WatchContactsRequest{SyncToken: from}))(t)
			must(again.Recv())(t)
			var got []string
			for range want {
				got = append(got, must(again.Recv())(t).GetChange().GetName())
			}
			if !slices.Equal(got, want) {
				t.Errorf("resumed with %v, want %v", got, want)
			}
		}
		for _, req := range []*contactv1.WatchContactsRequest{{SyncToken: "AQ"}, {Filter: "nonsense = 1"}} {
			broken := must(client.WatchContacts(ctx, req))(t)
			_, err := broken.Recv()
			refused(t, err, codes.InvalidArgument, "")
		}
	})
}
