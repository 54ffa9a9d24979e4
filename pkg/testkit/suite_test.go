package testkit_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/mesh"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// echo is a contact service that keeps its contacts in memory: what is tested here
// is the suite around it.
type echo struct {
	contactv1.UnimplementedContactServiceServer
	mu   sync.Mutex
	rows map[string]*contactv1.Contact
}

func (e *echo) CreateContact(ctx context.Context, req *contactv1.CreateContactRequest) (*contactv1.Contact, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rows[auth.From(ctx).Tenant.String()+req.GetContactId()] = req.GetContact()
	return req.GetContact(), nil
}

func (e *echo) GetContact(ctx context.Context, req *contactv1.GetContactRequest) (*contactv1.Contact, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c, ok := e.rows[auth.From(ctx).Tenant.String()+req.GetName()[len("contacts/"):]]; ok {
		return c, nil
	}
	return nil, errs.NotFound("contact", req.GetName())
}

func echoService() service.Definition {
	p := auth.Policy{}
	for _, m := range contactv1.ContactService_ServiceDesc.Methods {
		p["/lingkar.contact.v1.ContactService/"+m.MethodName] = auth.Allow(auth.All, auth.Admin)
	}
	return service.Definition{Name: "contact", Area: "contact", Policy: p, Build: func(rt *service.Runtime) error {
		contactv1.RegisterContactServiceServer(rt.Server, &echo{rows: map[string]*contactv1.Contact{}})
		return nil
	}}
}

// frontDoor is a gateway, of the generated code alone.
func frontDoor() service.Definition {
	front := mesh.Mesh{"gateway": {Area: "platform", Front: true}}
	return service.Definition{Name: "gateway", Area: "platform", Mesh: front, Build: func(rt *service.Runtime) error {
		mux := runtime.NewServeMux(runtime.WithErrorHandler(problem))
		rt.HandleHTTP(http.Handler(mux))
		return contactv1.RegisterContactServiceHandlerClient(context.Background(), mux, contactv1.NewContactServiceClient(rt.Dial("contact")))
	}}
}

// problem answers what the REST client needs of a problem document.
func problem(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, _ *http.Request, err error) {
	code := errs.Code(err)
	w.WriteHeader(runtime.HTTPStatusFromCode(code))
	names := map[codes.Code]string{codes.NotFound: "NOT_FOUND", codes.PermissionDenied: "PERMISSION_DENIED", codes.Unauthenticated: "UNAUTHENTICATED"}
	_ = json.NewEncoder(w).Encode(map[string]any{"status": runtime.HTTPStatusFromCode(code), "code": names[code]})
}

func TestBoth(t *testing.T) {
	proofs := t.TempDir()
	t.Setenv(testkit.ProofDir, proofs)
	s := testkit.Start(t, echoService(), frontDoor())
	var ran []string
	testkit.Both(t, s, []string{"CON-08", "CON-09"}, func(t *testing.T, c *testkit.Client) {
		ran = append(ran, c.Transport)
		client, id := contactv1.NewContactServiceClient(c.Conn), "0193f7a2-0000-7000-8000-00000000000"+string('1'+rune(len(ran)))
		created, err := client.CreateContact(c.Ctx(), &contactv1.CreateContactRequest{
			ContactId: id, Contact: &contactv1.Contact{Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: "Ann"},
		})
		if err != nil || created.GetDisplayName() != "Ann" {
			t.Fatalf("created %v, %v", created, err)
		}
		req := &contactv1.GetContactRequest{Name: "contacts/" + id}
		if got, err := client.GetContact(c.Ctx(), req); err != nil || got.GetDisplayName() != "Ann" {
			t.Errorf("got %v, %v", got, err)
		}
		for name, c := range map[string]struct {
			client *testkit.Client
			code   codes.Code
		}{
			"the other tenant": {c.Other(), codes.NotFound},
			"a salesperson":    {c.As(s.As(auth.Sales)), codes.PermissionDenied},
			"nobody":           {c.As(auth.Caller{}), codes.Unauthenticated},
		} {
			_, err := contactv1.NewContactServiceClient(c.client.Conn).GetContact(c.client.Ctx(), req)
			if errs.Code(err) != c.code || c.client.Transport != ran[len(ran)-1] {
				t.Errorf("%s over %s: got %v, want %v", name, c.client.Transport, err, c.code)
			}
		}
	})
	if len(ran) != 2 || ran[0] != testkit.GRPC || ran[1] != testkit.OverREST {
		t.Errorf("it ran over %v", ran)
	}
	if got := readProofs(t, proofs); len(got) != 4 || got[0] != (testkit.Proof{ID: "CON-08", Test: "TestBoth/gRPC", Transport: "gRPC", Passed: true}) || got[3].ID != "CON-09" || got[3].Transport != "REST" {
		t.Errorf("the proofs are %+v", got)
	}
}

func readProofs(t *testing.T, dir string) []testkit.Proof {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the proof files are %v, %v", files, err)
	}
	f, err := os.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var proofs []testkit.Proof
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var p testkit.Proof
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		proofs = append(proofs, p)
	}
	return proofs
}

// A test that is skipped proves nothing.
func TestProve_skipped(t *testing.T) {
	proofs := t.TempDir()
	t.Setenv(testkit.ProofDir, proofs)
	t.Run("skipped", func(t *testing.T) {
		testkit.Prove(t, testkit.GRPC, "CON-01")
		t.Skip("to see what is noted")
	})
	if got := readProofs(t, proofs); len(got) != 1 || got[0].Passed {
		t.Errorf("the proofs are %+v", got)
	}
}

func TestBoth_withoutAGateway(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t)
	var ran []string
	testkit.Both(t, s, nil, func(t *testing.T, c *testkit.Client) {
		ran = append(ran, c.Transport)
		_, err := contactv1.NewContactServiceClient(c.Conn).GetContact(c.Ctx(), &contactv1.GetContactRequest{Name: "contacts/x"})
		if errs.Code(err) != codes.Unimplemented { // the stand-in for the contact service has its keys alone
			t.Errorf("got %v", err)
		}
	})
	if len(ran) != 1 || ran[0] != testkit.GRPC {
		t.Errorf("it ran over %v", ran)
	}
	if _, err := s.Route(s.As(auth.Admin)).NewStream(t.Context(), nil, "/lingkar.sales.v1.LeadService/GetLead"); err == nil {
		t.Error("an area that was not started answers")
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	var c testkit.Clock
	if off := time.Since(c.Now()); off < 0 || off > time.Minute {
		t.Errorf("a new clock is %v off", off)
	}
	c.Advance(time.Hour)
	first := c.Now()
	if ahead := time.Until(first); ahead < 59*time.Minute || ahead > time.Hour {
		t.Errorf("an hour ahead it is %v", ahead)
	}
	time.Sleep(time.Millisecond)
	if !c.Now().After(first) {
		t.Error("it does not run")
	}
	at := time.Date(2026, 2, 28, 23, 59, 59, 123456789, time.FixedZone("WIB", 7*3600))
	c.Set(at)
	time.Sleep(time.Millisecond)
	if got := c.Now(); !got.Equal(at.Truncate(time.Microsecond)) || got.Location() != time.UTC {
		t.Errorf("set to %v it shows %v", at, got)
	}
	c.Advance(time.Second)
	if got := c.Now(); !got.Equal(at.Truncate(time.Microsecond).Add(time.Second)) {
		t.Errorf("a second later it shows %v", got)
	}
}

func TestEventually(t *testing.T) {
	t.Parallel()
	tries := 0
	testkit.Eventually(t, func() error {
		if tries++; tries < 4 {
			return errors.New("not yet")
		}
		return nil
	})
	if tries != 4 {
		t.Errorf("it tried %d times", tries)
	}
}
