package gateway_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

// heard is one server-sent event.
type heard struct {
	id, kind string
	event    struct {
		ID, Tenant, Aggregate string
		Payload               map[string]any
		Sealed                map[string]any
	}
}

// listener reads a stream of events.
type listener struct {
	t      *testing.T
	events chan heard
}

// listen opens a stream and waits until it is open.
func listen(t *testing.T, suite *testkit.Suite, c auth.Caller, query url.Values, last string) listener {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, suite.HTTP+"/v1/events:stream?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+suite.Token(c))
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("the stream answers %d %v", res.StatusCode, res.Header)
	}
	l := listener{t, make(chan heard, 100)}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	lines.Scan() // "retry: 2000": it is open
	go l.read(lines)
	return l
}

func (l listener) read(lines *bufio.Scanner) {
	var h heard
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			h.id = value
		case "event":
			h.kind = value
		case "data":
			_ = json.Unmarshal([]byte(value), &h.event)
		case "":
			if h.kind != "" {
				l.events <- h
			}
			h = heard{}
		}
	}
}

// next waits for the next event.
func (l listener) next() heard {
	l.t.Helper()
	select {
	case h := <-l.events:
		return h
	case <-time.After(15 * time.Second):
		l.t.Fatal("no event came")
		return heard{}
	}
}

// createTeam makes a team and answers its name.
func createTeam(t *testing.T, suite *testkit.Suite, c auth.Caller, name string) string {
	t.Helper()
	return must(platformv1.NewTeamServiceClient(suite.Conn("platform", c)).CreateTeam(t.Context(), &platformv1.CreateTeamRequest{
		Team: &platformv1.Team{DisplayName: name},
	}))(t).GetName()
}

const teamCreated = "lingkar.platform.v1.TeamCreated"

func TestLive_tellsOnlyTheTenant(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	testkit.Prove(t, testkit.OverREST, "PLT-28")
	admin, other := suite.As(auth.Admin), suite.AsOther(auth.Admin)
	all := listen(t, suite, admin, nil, "")
	some := listen(t, suite, suite.As(auth.Analyst), url.Values{"type": {"lingkar.platform.v1.TeamUpdated", "lingkar.sales.*"}}, "")
	foreign := listen(t, suite, other, nil, "")

	mine := createTeam(t, suite, admin, "Mine")
	theirs := createTeam(t, suite, other, "Theirs")
	must(platformv1.NewTeamServiceClient(suite.Conn("platform", admin)).UpdateTeam(t.Context(), &platformv1.UpdateTeamRequest{
		Team: &platformv1.Team{Name: mine, Description: "changed"},
	}))(t)

	first, second := all.next(), all.next()
	if first.kind != teamCreated || first.event.Aggregate != mine || first.id != first.event.ID || first.event.Tenant != "tenants/"+suite.Tenant.String() {
		t.Errorf("heard %+v", first)
	}
	if team := first.event.Payload["team"].(map[string]any); team["displayName"] != "Mine" {
		t.Errorf("the payload is %v", first.event.Payload)
	}
	if second.kind != "lingkar.platform.v1.TeamUpdated" || second.event.Aggregate != mine {
		t.Errorf("then heard %+v", second)
	}
	if only := some.next(); only.kind != "lingkar.platform.v1.TeamUpdated" {
		t.Errorf("the filter let %s through", only.kind)
	}
	if h := foreign.next(); h.event.Aggregate != theirs {
		t.Errorf("the other tenant heard %+v", h)
	}
}

// CON-29, CON-44: a field that a rule keeps from a role is in no event that it hears.
func TestLive_leavesOutWhatARuleHides(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, contact.Definition, gateway.Definition)
	admin := suite.As(auth.Admin)
	must(platformv1.NewFieldRuleServiceClient(suite.Conn("platform", admin)).CreateFieldRule(t.Context(), &platformv1.CreateFieldRuleRequest{
		FieldRule: &platformv1.FieldRule{ResourceType: "lingkar.dev/Contact", Field: "note", Reason: "Notes are the managers'.", Readers: []string{"roles/manager"}},
	}))(t)
	contacts := contactv1.NewContactServiceClient(suite.Conn("contact", admin))
	noteHeard := func(l listener) bool {
		h := l.next()
		_, there := h.event.Payload["contact"].(map[string]any)["note"]
		return there
	}
	only := url.Values{"type": {"lingkar.contact.v1.ContactCreated"}}
	managers, analysts := listen(t, suite, suite.As(auth.Manager), only, ""), listen(t, suite, suite.As(auth.Analyst), only, "")
	hidden := false
	for end := time.Now().Add(time.Minute); !hidden && time.Now().Before(end); {
		must(contacts.CreateContact(t.Context(), &contactv1.CreateContactRequest{AllowDuplicates: true, Contact: &contactv1.Contact{
			Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: "Ani", Note: "likes tea",
		}}))(t)
		hidden = !noteHeard(analysts)
		if !noteHeard(managers) {
			t.Fatal("the manager does not hear the note")
		}
	}
	if !hidden {
		t.Error("the analyst hears the note")
	}
}

// Who may not get a record does not hear of it: reviews of employees are for managers
// and administrators (CON-41, CON-44).
func TestLive_tellsOnlyWhoMayRead(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, contact.Definition, gateway.Definition)
	admin := suite.As(auth.Admin)
	managers, analysts := listen(t, suite, suite.As(auth.Manager), nil, ""), listen(t, suite, suite.As(auth.Analyst), nil, "")
	conn := suite.Conn("contact", admin)
	employee := must(contactv1.NewContactServiceClient(conn).CreateContact(t.Context(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: "Ani",
	}}))(t)
	must(contactv1.NewContactServiceClient(conn).AssignRole(t.Context(), &contactv1.AssignRoleRequest{
		Name: employee.GetName(), Role: &contactv1.Role{Kind: contactv1.RoleKind_ROLE_KIND_EMPLOYEE},
	}))(t)
	must(contactv1.NewEmployeeServiceClient(conn).CreateEmployeeRecord(t.Context(), &contactv1.CreateEmployeeRecordRequest{EmployeeRecord: &contactv1.EmployeeRecord{
		Contact: employee.GetName(), Content: &contactv1.EmployeeRecord_PerformanceReview{PerformanceReview: &contactv1.PerformanceReview{Score: 4.5, Reviewer: "users/ani"}},
	}}))(t)
	// The events of one contact come in their order, those of two need not.
	must(contactv1.NewContactServiceClient(conn).UpdateContact(t.Context(), &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{
		Name: employee.GetName(), Note: "the last that is heard",
	}}))(t)
	heardOf := func(l listener) (kinds []string) {
		for {
			h := l.next()
			if h.kind == "lingkar.contact.v1.ContactUpdated" {
				return kinds
			}
			kinds = append(kinds, h.kind)
		}
	}
	const secret = "lingkar.contact.v1.EmployeeRecordCreated"
	if kinds := heardOf(managers); !slices.Contains(kinds, secret) {
		t.Errorf("the manager heard %v", kinds)
	}
	if kinds := heardOf(analysts); slices.Contains(kinds, secret) || !slices.Contains(kinds, "lingkar.contact.v1.ContactCreated") {
		t.Errorf("the analyst heard %v", kinds)
	}
}

// Who comes back with the id of the last event hears what came after it, in order
// and once; who comes with one that is not known is told to read afresh.
func TestLive_resumes(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	testkit.Prove(t, testkit.OverREST, "PLT-14")
	admin := suite.As(auth.Admin)
	before := listen(t, suite, admin, nil, "")
	createTeam(t, suite, admin, "A")
	last := before.next().id
	names := []string{createTeam(t, suite, admin, "B"), createTeam(t, suite, admin, "C")}
	createTeam(t, suite, suite.AsOther(auth.Admin), "Theirs")
	before.next()
	before.next()

	after := listen(t, suite, admin, nil, last)
	names = append(names, createTeam(t, suite, admin, "D"))
	var heard []string
	for range names {
		h := after.next()
		if h.kind != teamCreated {
			t.Errorf("heard %+v", h)
		}
		heard = append(heard, h.event.Aggregate)
	}
	slices.Sort(names) // the order of two teams' events is not promised
	slices.Sort(heard)
	if !slices.Equal(heard, names) {
		t.Errorf("heard of %v, want %v", heard, names)
	}
	lost := listen(t, suite, admin, nil, entity.NewID().String())
	if h := lost.next(); h.kind != "reset" {
		t.Errorf("an unknown event answers %+v", h)
	}
	name := createTeam(t, suite, admin, "E")
	if h := lost.next(); h.event.Aggregate != name {
		t.Errorf("after the reset came %+v", h)
	}
}

func TestLive_opensPersonalFields(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition, contact.Definition)
	contacts := contactv1.NewContactServiceClient(suite.Conn("contact", suite.As(auth.Admin)))
	l := listen(t, suite, suite.As(auth.Manager), url.Values{"type": {"lingkar.contact.v1.ContactCreated"}}, "")
	made := must(contacts.CreateContact(t.Context(), &contactv1.CreateContactRequest{Contact: person("Siti")}))(t)
	h := l.next()
	if told := h.event.Payload["contact"].(map[string]any); told["displayName"] != "Siti" || told["name"] != made.GetName() || h.event.Sealed != nil {
		t.Errorf("heard %+v", h.event)
	}
	of := listen(t, suite, suite.As(auth.Manager), url.Values{"contact": {made.GetName()}}, "")
	must(contacts.CreateContact(t.Context(), &contactv1.CreateContactRequest{Contact: person("Budi")}))(t)
	must(contacts.UpdateContact(t.Context(), &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: made.GetName(), Note: "x"}}))(t)
	if h := of.next(); h.event.Aggregate != made.GetName() {
		t.Errorf("the filter by contact let %+v through", h)
	}
}

// CON-14, PLT-28: a move of a contact is heard as it happens, by whoever may read contacts,
// and by nobody of another tenant.
func TestLive_tellsOfMoves(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition, contact.Definition)
	testkit.Prove(t, testkit.OverREST, "CON-14", "PLT-28")
	only := url.Values{"type": {"lingkar.contact.v1.LifecycleChanged"}}
	mine, theirs := listen(t, suite, suite.As(auth.Manager), only, ""), listen(t, suite, suite.AsOther(auth.Manager), only, "")
	meets := func(c auth.Caller, name string) string {
		conn := suite.Conn("contact", c)
		met := must(contactv1.NewContactServiceClient(conn).CreateContact(t.Context(), &contactv1.CreateContactRequest{Contact: person(name)}))(t)
		must(contactv1.NewInteractionServiceClient(conn).RecordInteraction(t.Context(), &contactv1.RecordInteractionRequest{Interaction: &contactv1.Interaction{
			Contact: met.GetName(), Channel: eventv1.Channel_CHANNEL_EMAIL, Direction: eventv1.Direction_DIRECTION_INBOUND, Title: "Brochure, please",
		}}))(t)
		return met.GetName()
	}
	siti := meets(suite.As(auth.Admin), "Siti")
	h := mine.next()
	told, _ := h.event.Payload["lifecycle"].(map[string]any)
	if h.kind != only.Get("type") || told["contact"] != siti || told["lifecycleClass"] != "LIFECYCLE_CLASS_PROSPECT" || told["phase"] != "LIFECYCLE_PHASE_ACQUISITION" {
		t.Errorf("heard %+v", h)
	}
	if why, _ := told["transition"].(map[string]any); why["fromClass"] != "LIFECYCLE_CLASS_SUSPECT" || why["eventType"] != "lingkar.contact.v1.InteractionRecorded" {
		t.Errorf("moved by %v", told["transition"])
	}
	foreign := meets(suite.AsOther(auth.Admin), "Budi")
	if told, _ := theirs.next().event.Payload["lifecycle"].(map[string]any); told["contact"] != foreign {
		t.Errorf("the other tenant heard of %v first", told["contact"])
	}
}

func TestLive_refuses(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	b := newBrowser(t, suite, auth.Sales)
	b.refused(b.do("GET", "/v1/events:stream", ""), 403, "RPC_NOT_ALLOWED")
	b = newBrowser(t, suite, auth.Manager)
	b.refused(b.do("GET", "/v1/events:stream?colour=red", ""), 400, "FIELD_UNKNOWN")
	b.refused(b.do("GET", "/v1/events:stream?type=%27", ""), 400, "FIELD_INVALID")
	b.refused(b.do("GET", "/v1/events:stream?contact=x", ""), 400, "FIELD_INVALID")
	b.refused(b.do("GET", "/v1/events:stream", "", "Last-Event-ID", "yesterday"), 400, "FIELD_INVALID")
	b.refused(b.do("POST", "/v1/events:stream", ""), 404, "ROUTE_UNKNOWN")
	for range 16 {
		listen(t, suite, suite.As(auth.Manager), nil, "")
	}
	b.refused(b.do("GET", "/v1/events:stream", ""), 429, "TOO_MANY_STREAMS")
	listen(t, suite, suite.User(suite.Tenant, "another", auth.Manager), nil, "")
	b.token = ""
	b.refused(b.do("GET", "/v1/events:stream", ""), 401, "TOKEN_MISSING")
}
