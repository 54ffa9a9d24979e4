package fleet_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
)

// probe is one call, and the code it answers while all is well.
type probe struct {
	method  string
	request proto.Message
	want    codes.Code
}

// Where PostgreSQL is down, every read and a write of every area say so, over gRPC
// and over REST, in a way that lets a client try again; when it is back, all of
// them work again without a restart (F09, F13).
func TestOutage_isToldAsSuch(t *testing.T) {
	postgres := testkit.StartPostgres(t)
	s := testkit.StartOn(t, postgres.PostgresServer, fleet.All()...)
	testkit.Both(t, s, nil, func(t *testing.T, c *testkit.Client) {
		c = c.As(s.As(auth.Admin, auth.Operator))
		probes := append(reads(t), writes(t, c)...)
		each(t, probes, func(p *probe) error {
			p.want = status.Code(ask(c, p))
			if p.want == codes.Internal || p.want == codes.Unknown || p.want == codes.Unavailable {
				return fmt.Errorf("answers %v while all is well", p.want)
			}
			return nil
		})
		postgres.Stop(t)
		each(t, probes, func(p *probe) error { return tellsOutage(p, ask(c, p)) })
		each(t, streams(), func(p *probe) error { return tellsOutage(p, first(c, p)) })
		postgres.Start(t)
		each(t, probes, func(p *probe) error {
			testkit.Eventually(t, func() error {
				if err := ask(c, p); status.Code(err) != p.want {
					return fmt.Errorf("%s after the outage: %w", p.method, err)
				}
				return nil
			})
			return nil
		})
	})
}

// each runs a check on all probes, some at once.
func each(t *testing.T, probes []*probe, check func(*probe) error) {
	t.Helper()
	group := errgroup.Group{}
	group.SetLimit(8)
	for _, p := range probes {
		group.Go(func() error {
			if err := check(p); err != nil {
				t.Errorf("%s: %v", p.method, err)
			}
			return nil
		})
	}
	_ = group.Wait() // checks report to the test
}

func ask(c *testkit.Client, p *probe) error {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(answerOf(p.method))
	if err != nil {
		return err
	}
	return c.Conn.Invoke(c.Ctx(), p.method, proto.Clone(p.request), kind.New().Interface())
}

// needsNone are calls that are answered without a database: roles and industry packs
// are the program's own, another tenant's name is refused by itself, and so is whoever is
// no portal where one is asked who it is.
var needsNone = regexp.MustCompile(`/lingkar\.(platform\.v1\.(RoleService/|TenantService/GetTenant)|contact\.v1\.(CustomFieldService/(List|Get)IndustryPack|PortalService/GetPortalSession))`)

// tellsOutage checks the answer of a call that cannot be served. What needs no
// database is answered as ever.
func tellsOutage(p *probe, err error) error {
	switch code := status.Code(err); code {
	case codes.Unavailable, codes.DeadlineExceeded:
		st, _ := status.FromError(err)
		var info *errdetails.ErrorInfo
		var retry *errdetails.RetryInfo
		for _, d := range st.Details() {
			switch d := d.(type) {
			case *errdetails.ErrorInfo:
				info = d
			case *errdetails.RetryInfo:
				retry = d
			}
		}
		if info.GetReason() == "" || code == codes.Unavailable && retry == nil {
			return fmt.Errorf("%w: details %v", err, st.Details())
		}
		return nil
	case p.want:
		if code == codes.InvalidArgument || code == codes.PermissionDenied || needsNone.MatchString(p.method) {
			return nil
		}
	}
	return fmt.Errorf("during the outage: %v, %s", err, errs.Reason(err))
}

// reads are all calls that read and that are reached from outside.
func reads(t *testing.T) []*probe {
	var probes []*probe
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			methods := f.Services().Get(i).Methods()
			for j := range methods.Len() {
				if p := readOf(methods.Get(j)); p != nil {
					probes = append(probes, p)
				}
			}
		}
		return true
	})
	if len(probes) < 40 {
		t.Fatalf("only %d calls that read were found", len(probes))
	}
	return probes
}

var variable = regexp.MustCompile(`\{(\w+)=([^}]*)\}`)

// readOf answers the probe of a method that reads, with names of nothing in its
// path; nil for other methods.
func readOf(m protoreflect.MethodDescriptor) *probe {
	rule, _ := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
	if rule.GetGet() == "" || m.IsStreamingServer() || !strings.HasPrefix(string(m.FullName()), "lingkar.") {
		return nil
	}
	kind, err := protoregistry.GlobalTypes.FindMessageByName(m.Input().FullName())
	if err != nil {
		return nil
	}
	request := kind.New()
	for _, v := range variable.FindAllStringSubmatch(rule.GetGet(), -1) {
		for strings.Contains(v[2], "*") {
			v[2] = strings.Replace(v[2], "*", uuid.Must(uuid.NewV7()).String(), 1)
		}
		request.Set(request.Descriptor().Fields().ByName(protoreflect.Name(v[1])), protoreflect.ValueOfString(v[2]))
	}
	return &probe{method: "/" + string(m.Parent().FullName()) + "/" + string(m.Name()), request: request.Interface()}
}

func answerOf(method string) protoreflect.FullName {
	name := strings.ReplaceAll(strings.TrimPrefix(method, "/"), "/", ".")
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return ""
	}
	return d.(protoreflect.MethodDescriptor).Output().FullName()
}

// streams are the calls that answer a stream, of a contact that nobody knows.
func streams() []*probe {
	return []*probe{
		{method: analyticsv1.CustomerViewService_WatchCustomer_FullMethodName, request: &analyticsv1.WatchCustomerRequest{
			Name: "customers/" + uuid.Must(uuid.NewV7()).String()}},
		{method: analyticsv1.EventStoreService_WatchEvents_FullMethodName, request: &analyticsv1.WatchEventsRequest{}},
	}
}

// first opens a stream and answers the error that comes in place of its first
// message.
func first(c *testkit.Client, p *probe) error {
	ctx, cancel := context.WithTimeout(c.Ctx(), 10*time.Second)
	defer cancel()
	stream, err := c.Conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, p.method)
	if err != nil {
		return err
	}
	kind, err := protoregistry.GlobalTypes.FindMessageByName(answerOf(p.method))
	if err != nil {
		return err
	}
	if err := stream.SendMsg(p.request); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return stream.RecvMsg(kind.New().Interface())
}

// writes are a write or more of every area, of a contact that exists.
func writes(t *testing.T, c *testkit.Client) []*probe {
	t.Helper()
	person := &contactv1.Contact{Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: "Rina"}
	made, err := contactv1.NewContactServiceClient(c.Conn).CreateContact(c.Ctx(), &contactv1.CreateContactRequest{Contact: person})
	if err != nil {
		t.Fatal(err)
	}
	unique := func(text string) string { return text + " " + c.Transport }
	name := made.GetName()
	return []*probe{
		{method: contactv1.ContactService_CreateContact_FullMethodName, request: &contactv1.CreateContactRequest{Contact: person}},
		{method: contactv1.ContactService_UpdateContact_FullMethodName, request: &contactv1.UpdateContactRequest{
			Contact: &contactv1.Contact{Name: name, Note: "changed"}}},
		{method: contactv1.InteractionService_RecordInteraction_FullMethodName, request: &contactv1.RecordInteractionRequest{
			Interaction: &contactv1.Interaction{Contact: name, Channel: eventv1.Channel_CHANNEL_PHONE, Direction: eventv1.Direction_DIRECTION_INBOUND, Title: "x"}}},
		{method: salesv1.LeadService_CreateLead_FullMethodName, request: &salesv1.CreateLeadRequest{Lead: &salesv1.Lead{Contact: name, DisplayName: "x"}}},
		{method: ticketv1.TicketService_CreateTicket_FullMethodName, request: &ticketv1.CreateTicketRequest{Ticket: &ticketv1.Ticket{Contact: name, Subject: "x"}}},
		{method: campaignv1.SegmentService_CreateSegment_FullMethodName, request: &campaignv1.CreateSegmentRequest{
			Segment: &campaignv1.Segment{DisplayName: unique("x"), Contacts: []string{name}}}},
		{method: analyticsv1.EventStoreService_RetryDeadLetter_FullMethodName, request: &analyticsv1.RetryDeadLetterRequest{
			Name: "deadLetters/" + uuid.Must(uuid.NewV7()).String()}},
		{method: platformv1.MemberService_CreateMember_FullMethodName, request: &platformv1.CreateMemberRequest{
			Member: &platformv1.Member{Subject: "users/x", Roles: []string{"agent"}}, RequestId: unique("member")}},
	}
}
