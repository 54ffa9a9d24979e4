package fleet_test

import (
	"context"
	"crypto/tls"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// allowed is who may call what, beside the gateway that passes on all that is
// offered over HTTP, and the operator. What is not listed nobody may.
var allowed = map[string][]string{
	"lingkar.contact.v1.ContactService/GetContact":           {"sales-force-automation", "service-ticket", "marketing-campaign"},
	"lingkar.contact.v1.ContactService/ListContacts":         {"sales-force-automation", "marketing-campaign"},
	"lingkar.contact.v1.ContactService/BatchGetContacts":     {"sales-force-automation", "marketing-campaign"},
	"lingkar.contact.v1.ContactService/LookupContact":        {"sales-force-automation"},
	"lingkar.contact.v1.ContactService/CreateContact":        {"sales-force-automation"},
	"lingkar.contact.v1.ContactService/BatchCreateContacts":  {"sales-force-automation"},
	"lingkar.contact.v1.ConsentService/CheckConsent":         {"marketing-campaign"},
	"lingkar.contact.v1.DisclosureService/ScreenDisclosure":  {"gateway"},
	"lingkar.contact.v1.KeyService/FetchKeys":                {"sales-force-automation", "service-ticket", "marketing-campaign", "analytics", "gateway"},
	"lingkar.contact.v1.PortalService/GetPortalSession":      {"sales-force-automation", "service-ticket"},
	"lingkar.contact.v1.RuleEngineService/CheckRule":         {"gateway"},
	"lingkar.contact.v1.RuleEngineService/TryRule":           {"gateway"},
	"lingkar.contact.v1.RuleEngineService/BackTestRule":      {"gateway"},
	"lingkar.contact.v1.RuleEngineService/GetRuleActivity":   {"gateway"},
	"lingkar.contact.v1.RuleEngineService/ListRuleDecisions": {"gateway"},
	"lingkar.contact.v1.RuleEngineService/ExplainDecision":   {"gateway"},
	"lingkar.contact.v1.EventLogService/ReadEvents":          {"contact", "sales-force-automation", "service-ticket", "marketing-campaign", "analytics", "gateway"},
	"lingkar.contact.v1.EventLogService/GetLogHeads":         {"contact", "sales-force-automation", "service-ticket", "marketing-campaign", "analytics", "gateway"},
	"lingkar.sales.v1.EventLogService/ReadEvents":            {"contact", "analytics", "gateway"},
	"lingkar.sales.v1.EventLogService/GetLogHeads":           {"contact", "analytics", "gateway"},
	"lingkar.ticket.v1.EventLogService/ReadEvents":           {"contact", "analytics", "gateway"},
	"lingkar.ticket.v1.EventLogService/GetLogHeads":          {"contact", "analytics", "gateway"},
	"lingkar.campaign.v1.EventLogService/ReadEvents":         {"contact", "analytics", "gateway"},
	"lingkar.campaign.v1.EventLogService/GetLogHeads":        {"contact", "analytics", "gateway"},
	"lingkar.platform.v1.EventLogService/ReadEvents":         {"contact", "sales-force-automation", "service-ticket", "marketing-campaign", "analytics", "gateway"},
	"lingkar.platform.v1.EventLogService/GetLogHeads":        {"contact", "sales-force-automation", "service-ticket", "marketing-campaign", "analytics", "gateway"},
}

// overHTTP says whether a service has a rule for HTTP.
func overHTTP(t *testing.T, service string) bool {
	t.Helper()
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		t.Fatal(err)
	}
	methods := d.(protoreflect.ServiceDescriptor).Methods()
	for i := range methods.Len() {
		if proto.HasExtension(methods.Get(i).Options(), annotations.E_Http) {
			return true
		}
	}
	return false
}

// call makes a call with an empty message, whatever its kind.
func call(ctx context.Context, conn *grpc.ClientConn, method string) error {
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method, grpc.ForceCodecV2(rpc.Codec()))
	if err != nil {
		return err
	}
	if err := stream.SendMsg(&rpc.Frame{}); err != nil {
		return stream.RecvMsg(&rpc.Frame{})
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return stream.RecvMsg(&rpc.Frame{})
}

// Each service's certificate, and each RPC. The user behind the calls has no role,
// so that nothing is done: what matters is who refuses first.
func TestCallers(t *testing.T) {
	t.Parallel()
	shown := append(fleet.Names(), "operator", "intruder", "")
	own := testkit.Issue(t, time.Now(), append(fleet.Names(), "operator", "intruder")...)
	s := testkit.StartApart(t, own, fleet.All()...)
	user := s.User(s.Tenant, "nobody")
	user.Token = s.Token(user)
	ctx, cancel := context.WithTimeout(auth.With(t.Context(), user), 2*time.Minute)
	defer cancel()
	cells := 0
	for area, running := range s.Services {
		for _, name := range shown {
			secured := &tls.Config{InsecureSkipVerify: true} // who shows nothing, asks nothing
			if name != "" {
				secured = own.Identity(t, name).ClientTLS()
			}
			conn, err := rpc.Dial(running.Addr, rpc.DialOptions{TLS: secured})
			if err != nil {
				t.Fatal(err)
			}
			for service, info := range running.Served() {
				if strings.HasPrefix(service, "grpc.") {
					continue
				}
				for _, m := range info.Methods {
					cells++
					short := service + "/" + m.Name
					err := call(ctx, conn, "/"+short)
					switch {
					case name == "" && area != "platform":
						if errs.Code(err) != codes.Unavailable {
							t.Errorf("without a certificate %s answers %v", short, err)
						}
						continue
					case errs.Code(err) != codes.PermissionDenied && errs.Code(err) != codes.InvalidArgument:
						t.Errorf("%q calls %s: %v", name, short, err)
					}
					want := name == "operator" || slices.Contains(allowed[short], name) || (name == "gateway" || name == "") && overHTTP(t, service)
					if got := errs.Reason(err) != "CALLER_NOT_ALLOWED"; got != want {
						t.Errorf("%q calls %s: allowed %v, want %v (%v)", name, short, got, want, err)
					}
				}
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if cells < 1000 {
		t.Errorf("only %d cells", cells)
	}
}

// A service's own token is good for what the service may, and at the front door only
// with its certificate. Another authority's certificates and those that have ended
// do not connect.
func TestCallers_tokensAndStrangers(t *testing.T) {
	t.Parallel()
	own := testkit.Issue(t, time.Now(), append(fleet.Names(), "operator")...)
	s := testkit.StartApart(t, own, fleet.All()...)
	reason := func(addr string, secured *tls.Config, subject, method string) string {
		t.Helper()
		conn, err := rpc.Dial(addr, rpc.DialOptions{TLS: secured})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		c := s.AsService(subject)
		c.Token = s.Token(c)
		ctx, cancel := context.WithTimeout(auth.With(t.Context(), c), 5*time.Second)
		defer cancel()
		return errs.Reason(call(ctx, conn, method))
	}
	const heads = "/lingkar.sales.v1.EventLogService/GetLogHeads"
	const tenants = "/lingkar.platform.v1.TenantService/ListTenants"
	sales, front := s.Services["sales"].Addr, s.Services["platform"].Addr
	if got := reason(sales, own.Identity(t, "analytics").ClientTLS(), "analytics", heads); got != "" {
		t.Errorf("analytics reads the log: %s", got)
	}
	if got := reason(sales, own.Identity(t, "service-ticket").ClientTLS(), "analytics", heads); got != "CALLER_NOT_ALLOWED" {
		t.Errorf("service-ticket with the token of analytics: %q", got)
	}
	outside := &tls.Config{InsecureSkipVerify: true}
	for _, method := range []string{tenants, "/lingkar.contact.v1.ContactService/GetContact"} {
		if got := reason(front, outside, "sales-force-automation", method); got != "CALLER_NOT_ALLOWED" {
			t.Errorf("a service's token from outside, %s: %q", method, got)
		}
	}
	foreign := testkit.Issue(t, time.Now(), "analytics")
	ended := testkit.Issue(t, time.Now().Add(-200*24*time.Hour), "analytics")
	for name, secured := range map[string]*tls.Config{
		"another authority": foreign.Identity(t, "analytics").ClientTLS(), "ended": ended.Identity(t, "analytics").ClientTLS(), "plaintext": nil,
	} {
		if got := reason(sales, secured, "analytics", heads); got != "SERVICE_UNAVAILABLE" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// In one process there are no certificates, and a service's own token tells.
func TestCallers_inOneProcess(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, fleet.All()...)
	for subject, want := range map[string]string{"analytics": "", "service-ticket": "CALLER_NOT_ALLOWED", "nobody": "CALLER_NOT_ALLOWED"} {
		conn := s.Conn("sales", s.AsService(subject))
		err := conn.Invoke(t.Context(), "/lingkar.sales.v1.EventLogService/GetLogHeads", &rpc.Frame{}, &rpc.Frame{}, grpc.ForceCodecV2(rpc.Codec()))
		if errs.Reason(err) != want {
			t.Errorf("%s: %v, want %q", subject, err, want)
		}
	}
}
