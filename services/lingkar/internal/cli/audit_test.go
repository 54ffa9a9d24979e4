package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	auditv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/audit/v1"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
)

// Every service that writes seals its audit log and verifies it, over both transports;
// what is changed behind its back is found with its area, and the head that was kept
// shows when the newest were removed. Another tenant's log is its own (I11).
func TestVerifyAudit_everyArea(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, fleet.All()...)
	testkit.Both(t, s, nil, func(t *testing.T, c *testkit.Client) {
		writing := map[string]func() error{
			"contact": func() error {
				return made(contactv1.NewContactServiceClient(c.Conn).CreateContact(c.Ctx(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: "Ani"}, AllowDuplicates: true}))
			},
			"sales": func() error {
				return made(salesv1.NewPipelineServiceClient(c.Conn).CreatePipeline(c.Ctx(), &salesv1.CreatePipelineRequest{Pipeline: &salesv1.Pipeline{DisplayName: "Direct " + t.Name(), Stages: []*salesv1.Stage{
					{Id: "new", DisplayName: "New", Kind: salesv1.StageKind_STAGE_KIND_OPEN, Probability: 10},
					{Id: "won", DisplayName: "Won", Kind: salesv1.StageKind_STAGE_KIND_WON, Probability: 100},
					{Id: "lost", DisplayName: "Lost", Kind: salesv1.StageKind_STAGE_KIND_LOST},
				}}}))
			},
			"ticket": func() error {
				return made(ticketv1.NewQueueServiceClient(c.Conn).CreateQueue(c.Ctx(), &ticketv1.CreateQueueRequest{Queue: &ticketv1.Queue{DisplayName: "Repairs " + t.Name()}}))
			},
			"campaign": func() error {
				return made(campaignv1.NewSegmentServiceClient(c.Conn).CreateSegment(c.Ctx(), &campaignv1.CreateSegmentRequest{Segment: &campaignv1.Segment{DisplayName: "All", Filter: "kind = CONTACT_KIND_PERSON"}}))
			},
			"platform": func() error {
				return made(platformv1.NewTeamServiceClient(c.Conn).CreateTeam(c.Ctx(), &platformv1.CreateTeamRequest{Team: &platformv1.Team{DisplayName: "South " + t.Name()}}))
			},
		}
		for area, write := range writing {
			if err := write(); err != nil {
				t.Fatalf("%s: %v", area, err)
			}
		}
		var found map[string]*auditv1.VerifyAuditResponse
		testkit.Eventually(t, func() (err error) {
			found, err = verifyAudit(c.Ctx(), c.Conn, nil)
			for area := range writing {
				if r := found[area]; err == nil && (!r.GetIntact() || r.GetSealedCount() == 0 || r.GetUnsealedCount() > 0) {
					err = fmt.Errorf("%s: %v", area, r)
				}
			}
			return err
		})
		theirs, err := verifyAudit(c.Other().Ctx(), c.Other().Conn, nil)
		for area, r := range theirs {
			if r.GetSealedCount()+r.GetUnsealedCount() != 0 {
				t.Errorf("another tenant sees entries of %s: %v", area, r)
			}
		}
		if err != nil {
			t.Error(err)
		}
		for area := range writing {
			demandFound(t, s, c, area, found[area].GetHead())
		}
	})
}

func made(_ proto.Message, err error) error { return err }

// demandFound changes the last entry of an area, looks whether that is found there and
// nowhere else, and puts it back.
func demandFound(t *testing.T, s *testkit.Suite, c *testkit.Client, area string, head *auditv1.AuditHead) {
	t.Helper()
	db := s.Services[area].Runtime.DB.System
	change := func(sql string) {
		t.Helper()
		if _, err := db.Exec(context.Background(), sql, c.Caller.Tenant, head.GetBlock()); err != nil {
			t.Fatal(err)
		}
	}
	change("UPDATE audit SET actor = actor || '!' WHERE tenant = $1 AND block = $2")
	defer change("UPDATE audit SET actor = left(actor, -1) WHERE tenant = $1 AND block = $2")
	found, err := verifyAudit(c.Ctx(), c.Conn, map[string]*auditv1.AuditHead{area: head})
	if err != nil {
		t.Fatal(err)
	}
	for in, r := range found {
		if r.GetIntact() == (in == area) {
			t.Errorf("an entry of %s was changed: %s says %v", area, in, r)
		}
	}
}

// What is kept in the file is read back, and demanded.
func TestHeads(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "heads.json")
	none, err := readHeads(file)
	if err != nil || len(none) != 0 {
		t.Fatalf("%v %v", none, err)
	}
	head := &auditv1.AuditHead{Block: 7, Hash: []byte("0123456789abcdef0123456789abcdef"), Key: "k"}
	older := &auditv1.AuditHead{Block: 3, Hash: head.GetHash()}
	if err := writeHeads(file, map[string]*auditv1.AuditHead{"sales": older}, map[string]*auditv1.VerifyAuditResponse{"contact": {Head: head}}); err != nil {
		t.Fatal(err)
	}
	kept, err := readHeads(file)
	if err != nil || !proto.Equal(kept["contact"], head) || !proto.Equal(kept["sales"], older) || len(kept) != 2 {
		t.Errorf("%v %v", kept, err)
	}
	sent := asked{}
	if _, err := verifyAudit(context.Background(), sent, kept); err != nil || !proto.Equal(sent["/lingkar.contact.v1.AuditService/VerifyAudit"], &auditv1.VerifyAuditRequest{KeptHead: head}) {
		t.Errorf("%v %v", sent, err)
	}
}

// asked notes what is asked of whom.
type asked map[string]proto.Message

func (a asked) Invoke(_ context.Context, method string, args, _ any, _ ...grpc.CallOption) error {
	a[method] = args.(proto.Message)
	return nil
}

func (asked) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Error(codes.Unimplemented, "no call of these streams")
}
