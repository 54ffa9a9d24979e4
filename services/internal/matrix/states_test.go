package matrix

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/internal/fuzz"
)

var update = flag.Bool("update", false, "write testdata/states.tsv anew")

const (
	statesFile = "testdata/states.tsv"
	heading    = "# What each RPC answers about a record that is deleted, merged into another or erased,\n" +
		"# by the field that names it; - where that cannot be, varies where other things decide. A line\n" +
		"# that changes is a promise that changes: read it before it is committed.\n" +
		"# go test ./services/internal/matrix -update\n"
	contacts  = "contacts/*"
	customers = "customers/*"
	none      = "-"
)

// states are what may become of a record, in the order of the columns.
var states = []string{"deleted", "merged", "erased"}

// What an RPC answers about a record that is deleted, merged or erased is what the table
// says; one without a row is refused. Whoever keeps a table of its own of what others own
// is given time to hear of it; and as a request may be refused for something else that
// chance put into it, others are made up.
func testStates(t *testing.T, b *board) {
	testkit.Prove(t, testkit.GRPC, "PLT-15")
	promised := readStates(t)
	found, mu := map[string]string{}, sync.Mutex{}
	f := b.fixtures
	b.each(t, func(m fuzz.Method) {
		for _, r := range rowsOf(m) {
			key := strings.TrimPrefix(m.Full, "/") + "\t" + fieldOf(r)
			want, known := promised[key]
			got := f.reproduce(t, b, m, r, want)
			switch {
			case got != want && *update:
				got = f.commonest(t, b, m, r)
			case got != want || !known:
				t.Errorf("%s\n  answers  %s\n  promised %s", key, got, want)
			}
			mu.Lock()
			found[key] = got
			mu.Unlock()
		}
	})
	if *update {
		writeStates(t, found)
		return
	}
	for key := range promised {
		if _, ok := found[key]; !ok {
			t.Errorf("there is no %s any more", key)
		}
	}
}

// reproduce answers what is promised of a row where one of several requests is answered
// so, and what another is answered where none is.
func (f *fixtures) reproduce(t *testing.T, b *board, m fuzz.Method, r *fuzz.Reference, want string) string {
	t.Helper()
	if want == varying {
		return want
	}
	base := b.ours.base.Of(t.Context(), m)
	got := f.observe(t, b, m, r, base)
	for end := time.Now().Add(settling); got != want && want != "" && time.Now().Before(end); got = f.observe(t, b, m, r, base) {
		time.Sleep(retry)
		base = b.ours.base.Another(t.Context(), m)
	}
	return got
}

// commonest answers what most of several requests with a row's field are answered.
func (f *fixtures) commonest(t *testing.T, b *board, m fuzz.Method, r *fuzz.Reference) string {
	t.Helper()
	answered := map[string]int{}
	for range witnesses {
		answered[f.observe(t, b, m, r, b.ours.base.Another(t.Context(), m))]++
	}
	return slices.MaxFunc(slices.Sorted(maps.Keys(answered)), func(x, y string) int { return answered[x] - answered[y] })
}

// varying stands for a row about which nothing is promised: it is written by hand, where
// something else in the request decides.
var varying = strings.TrimSuffix(strings.Repeat("varies\t", len(states)), "\t")

const (
	// witnesses is how many requests are made to see what is answered mostly.
	witnesses = 9
	// settling is how long a service may take to hear of another's record, retry the time
	// between two looks.
	settling = 5 * time.Second
	retry    = 50 * time.Millisecond
)

func fieldOf(r *fuzz.Reference) string {
	if r == nil {
		return none
	}
	return r.String()
}

// rowsOf are the rows of a method: one for the field in its path and for each that names
// a contact, or one that says that there is none. What stands deep in a request seldom
// decides what becomes of it.
func rowsOf(m fuzz.Method) []*fuzz.Reference {
	var rows []*fuzz.Reference
	for _, r := range m.References() {
		field, _ := m.Named()
		if field == r.String() || len(r.Path) <= 2 && (r.Patterns[0] == contacts || r.Patterns[0] == customers) {
			rows = append(rows, &r)
		}
	}
	if len(rows) == 0 {
		return []*fuzz.Reference{nil}
	}
	return rows
}

// fixtures are contacts in each state, and how to make more.
type fixtures struct {
	contacts contactv1.ContactServiceClient
	identity contactv1.IdentityServiceClient
	privacy  contactv1.PrivacyServiceClient
	// kept are those that no trial changes.
	kept map[string]string
	// survivor is what the kept merged contact became part of.
	survivor string
}

func (b *board) newFixtures(t *testing.T) *fixtures {
	t.Helper()
	conn := b.Conn("contact", b.head)
	f := &fixtures{contacts: contactv1.NewContactServiceClient(conn), identity: contactv1.NewIdentityServiceClient(conn), privacy: contactv1.NewPrivacyServiceClient(conn), kept: map[string]string{}}
	f.kept["merged"], f.survivor = f.merged(t)
	f.kept["erased"] = f.erased(t)
	return f
}

func (f *fixtures) person(t *testing.T) string {
	t.Helper()
	c, err := f.contacts.CreateContact(t.Context(), &contactv1.CreateContactRequest{AllowDuplicates: true, Contact: &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: "Wulan", LanguageCode: "id",
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c.GetName()
}

func (f *fixtures) merged(t *testing.T) (merged, survivor string) {
	t.Helper()
	merged, survivor = f.person(t), f.person(t)
	if _, err := f.identity.MergeContacts(t.Context(), &contactv1.MergeContactsRequest{Name: survivor, Contacts: []string{merged}}); err != nil {
		t.Fatal(err)
	}
	return merged, survivor
}

func (f *fixtures) erased(t *testing.T) string {
	t.Helper()
	name := f.person(t)
	if _, err := f.privacy.EraseContact(t.Context(), &contactv1.EraseContactRequest{Name: name, Reason: contactv1.ErasureReason_ERASURE_REASON_SUBJECT_REQUEST}); err != nil {
		t.Fatal(err)
	}
	return name
}

// observe answers the columns of a row: what the method says of a record in each state.
func (f *fixtures) observe(t *testing.T, b *board, m fuzz.Method, r *fuzz.Reference, base proto.Message) string {
	t.Helper()
	columns := make([]string, len(states))
	for i, state := range states {
		columns[i] = none
		if r == nil || m.Streams() || installations(m) {
			continue
		}
		request := proto.Clone(base)
		keep := changesNothing(m, request)
		name, survivor := f.record(t, b, *r, state, keep)
		if name == "" {
			continue
		}
		b.about(m, request, r)
		b.ours.base.Refer(m, request, *r, name)
		columns[i] = outcome(b.ask(t, b.head, m, request), name, survivor)
	}
	return strings.Join(columns, "\t")
}

// about lets a request whose path names another record than the row is about be about one
// that there is.
func (b *board) about(m fuzz.Method, request proto.Message, r *fuzz.Reference) {
	field, pattern := m.Named()
	if field == r.String() || b.ours.own[pattern] == "" {
		return
	}
	for _, path := range m.References() {
		if path.String() == field {
			b.ours.base.Refer(m, request, path, b.ours.own[pattern])
		}
	}
}

// changesNothing lets a request be a check where the method can, and says whether the
// record is afterwards as it was.
func changesNothing(m fuzz.Method, request proto.Message) bool {
	in := request.ProtoReflect()
	if in.Descriptor().Fields().ByName("validate_only") != nil {
		return harmless(m, request)
	}
	return m.Reads()
}

// record answers the name of a record in a state: one that is kept for all, or a new one;
// empty where a record of the field cannot be in it.
func (f *fixtures) record(t *testing.T, b *board, r fuzz.Reference, state string, keep bool) (name, survivor string) {
	t.Helper()
	pattern := r.Patterns[0]
	if pattern == customers { // a customer is a contact by another name
		pattern = contacts
	}
	switch {
	case state == "deleted" && keep:
		name = b.ours.deleted[pattern]
	case state == "deleted":
		if b.ours.deleted[pattern] != "" {
			name = b.ours.create(t, b, b.ours.creators[pattern], self, "")
			b.ours.remove(t, b, pattern, name)
		}
	case pattern != contacts:
		return "", ""
	case keep:
		name, survivor = f.kept[state], f.survivor
	case state == "merged":
		name, survivor = f.merged(t)
	default:
		name = f.erased(t)
	}
	if r.Patterns[0] == customers {
		name = "customers/" + idOf(name)
	}
	return name, survivor
}

// outcome words an answer. Of a success about a merged record it is said whom it names.
func outcome(a fuzz.Answer, name, survivor string) string {
	if a.Status.Code() != codes.OK {
		return strings.TrimSpace(a.Status.Code().String() + " " + errs.Reason(a.Status.Err()))
	}
	said := "OK"
	if survivor == "" {
		return said
	}
	if bytes.Contains(a.Raw, []byte(idOf(name))) {
		said += " itself"
	}
	if bytes.Contains(a.Raw, []byte(idOf(survivor))) {
		said += " survivor"
	}
	return said
}

// readStates reads the table: the columns by method and field.
func readStates(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(statesFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3)
		if len(parts) != 3 {
			t.Fatalf("%s: %q has no three parts", statesFile, line)
		}
		rows[parts[0]+"\t"+parts[1]] = parts[2]
	}
	return rows
}

func writeStates(t *testing.T, rows map[string]string) {
	t.Helper()
	var text strings.Builder
	text.WriteString(heading + "# RPC\tfield\t" + strings.Join(states, "\t") + "\n")
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(&text, "%s\t%s\n", key, rows[key])
	}
	if err := os.WriteFile(statesFile, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
