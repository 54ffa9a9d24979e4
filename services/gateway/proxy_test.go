package gateway_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

// front is the gRPC door, as the caller: every service is behind it.
func front(suite *testkit.Suite, c auth.Caller) grpc.ClientConnInterface {
	return suite.Conn("platform", c)
}

func person(name string) *contactv1.Contact {
	return &contactv1.Contact{Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: name}
}

func TestProxy_passesCallsOn(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition, contact.Definition)
	testkit.Prove(t, testkit.GRPC, "PLT-30")
	ctx := t.Context()
	contacts := contactv1.NewContactServiceClient(front(suite, suite.As(auth.Admin)))
	var header metadata.MD
	made := must(contacts.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: person("Siti"), RequestId: "r"}, grpc.Header(&header)))(t)
	if len(header.Get("lingkar-position")) != 1 {
		t.Errorf("a write answers no position: %v", header)
	}
	if again := must(contacts.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: person("Siti"), RequestId: "r"}))(t); again.GetName() != made.GetName() {
		t.Error("a repeated request made another contact")
	}
	if got := must(contacts.GetContact(ctx, &contactv1.GetContactRequest{Name: made.GetName()}))(t); got.GetDisplayName() != "Siti" {
		t.Errorf("got %v", got)
	}
	other := contactv1.NewContactServiceClient(front(suite, suite.AsOther(auth.Admin)))
	_, err := other.GetContact(ctx, &contactv1.GetContactRequest{Name: made.GetName()})
	want(t, err, codes.NotFound, "CONTACT_NOT_FOUND")

	_, err = contacts.CreateContact(ctx, &contactv1.CreateContactRequest{})
	want(t, err, codes.InvalidArgument, "FIELD_INVALID")
	if found := errs.FieldViolations(err); len(found) == 0 || found[0].Field != "contact" {
		t.Errorf("the details of the error are lost: %v", found)
	}
	_, err = contacts.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: person(strings.Repeat("a", 2<<20))})
	want(t, err, codes.ResourceExhausted, "REQUEST_TOO_LARGE")
	_, err = contactv1.NewContactServiceClient(front(suite, auth.Caller{})).GetContact(ctx, &contactv1.GetContactRequest{Name: made.GetName()})
	want(t, err, codes.Unauthenticated, "TOKEN_MISSING")
}

// Row B01: a call that ends before it brought its message is the caller's mistake.
func TestProxy_noMessage(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition, contact.Definition)
	call := must(front(suite, suite.As(auth.Admin)).NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true}, contactv1.ContactService_GetContact_FullMethodName))(t)
	if err := call.CloseSend(); err != nil {
		t.Fatal(err)
	}
	want(t, call.RecvMsg(&contactv1.Contact{}), codes.InvalidArgument, "MALFORMED_MESSAGE")
}

// Services for our own processes do not exist at the door, for nobody.
func TestProxy_hidesWhatIsInternal(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition, contact.Definition)
	ctx := t.Context()
	for _, caller := range []auth.Caller{suite.As(auth.Admin, auth.Operator), suite.AsService("sales")} {
		conn := front(suite, caller)
		_, err := contactv1.NewKeyServiceClient(conn).FetchKeys(ctx, &contactv1.FetchKeysRequest{Contacts: []string{"contacts/" + entity.NewID().String()}})
		want(t, err, codes.Unimplemented, "METHOD_UNKNOWN")
		_, err = contactv1.NewEventLogServiceClient(conn).GetLogHeads(ctx, &eventv1.GetLogHeadsRequest{})
		want(t, err, codes.Unimplemented, "METHOD_UNKNOWN")
		err = conn.Invoke(ctx, "/lingkar.contact.v1.ContactService/Nothing", &contactv1.GetContactRequest{}, &contactv1.Contact{})
		want(t, err, codes.Unimplemented, "METHOD_UNKNOWN")
		err = conn.Invoke(ctx, "/some.Service/Method", &contactv1.GetContactRequest{}, &contactv1.Contact{})
		want(t, err, codes.Unimplemented, "METHOD_UNKNOWN")
		// Reflection is told on the private listener alone.
		stream := must(reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(ctx))(t)
		_, err = stream.Recv()
		want(t, err, codes.Unimplemented, "METHOD_UNKNOWN")
	}
	_, err := platformv1.NewEventLogServiceClient(front(suite, suite.As(auth.Admin))).GetLogHeads(ctx, &eventv1.GetLogHeadsRequest{})
	want(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
}

// An area that is away answers so, and the others go on.
func TestProxy_survivesAnAreaThatIsAway(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	_, err := contactv1.NewConsentServiceClient(front(suite, suite.As(auth.Admin))).ListConsents(t.Context(), &contactv1.ListConsentsRequest{})
	if code := status.Code(err); code != codes.Unimplemented && code != codes.Unavailable {
		t.Errorf("got %v", err)
	}
	b := newBrowser(t, suite, auth.Admin)
	b.refused(b.do("GET", "/v1/tickets/"+entity.NewID().String(), ""), 503, "SERVICE_UNAVAILABLE")
	must(platformv1.NewTeamServiceClient(front(suite, suite.As(auth.Admin))).ListTeams(t.Context(), &platformv1.ListTeamsRequest{}))(t)
}

const csv = "Name;E-mail\nSiti;siti@example.com\nBudi;budi@example.com\n"

// A file comes in by a stream over gRPC and as the body over HTTP; the import is
// an operation like any other.
func TestImports_areOperations(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition, contact.Definition)
	ctx := t.Context()
	conn := front(suite, suite.As(auth.Admin))
	stream := must(contactv1.NewImportServiceClient(conn).UploadImport(ctx))(t)
	sendAll(t, stream, &bulkv1.UploadImportRequest{Part: &bulkv1.UploadImportRequest_Import{Import: &bulkv1.Import{Kind: "contacts", FileName: "a.csv"}}},
		&bulkv1.UploadImportRequest{Part: &bulkv1.UploadImportRequest_Chunk{Chunk: []byte(csv)}})
	uploaded := must(stream.CloseAndRecv())(t)

	b := newBrowser(t, suite, auth.Admin)
	over := b.do("POST", "/v1/contactImports?kind=contacts&fileName=b.csv", csv, "Content-Type", "text/csv")
	if over.StatusCode != 200 || over.body["state"] != "IMPORT_STATE_UPLOADED" || over.body["fileName"] != "b.csv" {
		t.Fatalf("uploaded into %d %s", over.StatusCode, over.text)
	}
	b.refused(b.do("POST", "/v1/contactImports?kind=contacts&colour=red", csv, "Content-Type", "text/csv"), 400, "FIELD_UNKNOWN")

	_, id, _ := strings.Cut(uploaded.GetName(), "/")
	operations := longrunningpb.NewOperationsClient(conn)
	op := must(operations.GetOperation(ctx, &longrunningpb.GetOperationRequest{Name: "operations/contact-" + id}))(t)
	var progress bulkv1.Import
	if err := op.GetMetadata().UnmarshalTo(&progress); err != nil || op.GetDone() || progress.GetName() != uploaded.GetName() {
		t.Errorf("the operation is %v, %v", op, err)
	}
	if got := b.do("GET", "/v1/operations/contact-"+id, ""); got.body["name"] != op.GetName() {
		t.Errorf("over HTTP it is %s", got.text)
	}
	foreign := longrunningpb.NewOperationsClient(front(suite, suite.AsOther(auth.Admin)))
	if _, err := foreign.GetOperation(ctx, &longrunningpb.GetOperationRequest{Name: op.GetName()}); errs.Code(err) != codes.NotFound {
		t.Errorf("another tenant gets %v", err)
	}
	_, err := operations.GetOperation(ctx, &longrunningpb.GetOperationRequest{Name: "operations/nowhere-" + id})
	want(t, err, codes.NotFound, "OPERATION_NOT_FOUND")
	b.refused(b.do("GET", "/v1/operations/"+id, ""), 400, "FIELD_INVALID")
	_, err = operations.CancelOperation(ctx, &longrunningpb.CancelOperationRequest{Name: op.GetName()})
	want(t, err, codes.FailedPrecondition, "IMPORT_NOT_RUNNING")
	b.refused(b.do("POST", "/v1/operations/contact-"+id+":cancel", "{}"), 400, "IMPORT_NOT_RUNNING")
	_, err = operations.ListOperations(ctx, &longrunningpb.ListOperationsRequest{})
	want(t, err, codes.Unimplemented, "METHOD_UNKNOWN")
}

func sendAll(t *testing.T, stream grpc.ClientStreamingClient[bulkv1.UploadImportRequest, bulkv1.Import], parts ...*bulkv1.UploadImportRequest) {
	t.Helper()
	for _, p := range parts {
		if err := stream.Send(p); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
}

// A caller that goes away ends its call behind the door too.
func TestProxy_cancels(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition, contact.Definition)
	ctx, cancel := context.WithCancel(t.Context())
	stream := must(contactv1.NewImportServiceClient(front(suite, suite.As(auth.Admin))).UploadImport(ctx))(t)
	sendAll(t, stream, &bulkv1.UploadImportRequest{Part: &bulkv1.UploadImportRequest_Import{Import: &bulkv1.Import{Kind: "contacts"}}})
	cancel()
	if _, err := stream.CloseAndRecv(); status.Code(err) != codes.Canceled {
		t.Errorf("got %v", err)
	}
}
