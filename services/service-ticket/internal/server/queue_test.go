package server_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
)

func TestQueue_standardMethods(t *testing.T) {
	t.Parallel()
	testkit.Both(t, start(t), nil, func(t *testing.T, c *testkit.Client) {
		a := of(c)
		name := "Returns " + c.Transport
		q, err := a.CreateQueue(a.Ctx(), &ticketv1.CreateQueueRequest{Queue: &ticketv1.Queue{DisplayName: " " + name + " ", Description: "What comes back"}})
		if err != nil || q.GetDisplayName() != name {
			t.Fatalf("created %v, %v", q, err)
		}
		if _, err := a.CreateQueue(a.Ctx(), &ticketv1.CreateQueueRequest{Queue: &ticketv1.Queue{DisplayName: strings.ToUpper(name)}}); errs.Reason(err) != "QUEUE_NAME_TAKEN" {
			t.Errorf("the same name in capitals answers %v", err)
		}
		if _, err := a.CreateQueue(a.Ctx(), &ticketv1.CreateQueueRequest{Queue: &ticketv1.Queue{}}); errs.Reason(err) != "FIELD_INVALID" {
			t.Errorf("no name answers %v", err)
		}
		other := of(a.Other())
		if _, err := other.GetQueue(a.Ctx(), &ticketv1.GetQueueRequest{Name: q.GetName()}); errs.Reason(err) != "QUEUE_NOT_FOUND" {
			t.Errorf("the other tenant's answer is %v", err)
		}
		if page, err := other.ListQueues(a.Ctx(), &ticketv1.ListQueuesRequest{}); err != nil || len(page.GetQueues()) != 0 {
			t.Errorf("the other tenant lists %v, %v", page, err)
		}
		if page, err := a.ListQueues(a.Ctx(), &ticketv1.ListQueuesRequest{Filter: `display_name = "` + name + `"`}); err != nil || len(page.GetQueues()) != 1 {
			t.Errorf("listed %v, %v", page, err)
		}
		renamed, err := a.UpdateQueue(a.Ctx(), &ticketv1.UpdateQueueRequest{
			Queue: &ticketv1.Queue{Name: q.GetName(), Description: "All that comes back"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"description"}},
		})
		if err != nil || renamed.GetDescription() != "All that comes back" || renamed.GetDisplayName() != name {
			t.Errorf("changed to %v, %v", renamed, err)
		}
	})
}

// A deleted queue keeps its tickets and takes no others; its name is free.
func TestQueue_deleted(t *testing.T) {
	t.Parallel()
	testkit.Both(t, start(t), nil, func(t *testing.T, c *testkit.Client) {
		a := of(c)
		q, err := a.CreateQueue(a.Ctx(), &ticketv1.CreateQueueRequest{Queue: &ticketv1.Queue{DisplayName: "Old " + c.Transport}})
		if err != nil {
			t.Fatal(err)
		}
		in, out := a.opened(t), a.opened(t)
		if _, err := a.AssignTicket(a.Ctx(), &ticketv1.AssignTicketRequest{Name: in.GetName(), Queue: q.GetName()}); err != nil {
			t.Fatal(err)
		}
		if _, err := a.DeleteQueue(a.Ctx(), &ticketv1.DeleteQueueRequest{Name: q.GetName()}); err != nil {
			t.Fatal(err)
		}
		if _, err := a.AssignTicket(a.Ctx(), &ticketv1.AssignTicketRequest{Name: out.GetName(), Queue: q.GetName()}); errs.Reason(err) != "QUEUE_DELETED" {
			t.Errorf("a deleted queue takes a ticket: %v", err)
		}
		if k, err := a.AssignTicket(a.Ctx(), &ticketv1.AssignTicketRequest{Name: in.GetName(), Queue: q.GetName(), Owner: "users/ani"}); err != nil || k.GetQueue() != q.GetName() {
			t.Errorf("its ticket is %v, %v", k, err)
		}
		if _, err := a.CreateQueue(a.Ctx(), &ticketv1.CreateQueueRequest{Queue: &ticketv1.Queue{DisplayName: q.GetDisplayName()}}); err != nil {
			t.Errorf("its name is not free: %v", err)
		}
		if _, err := a.UndeleteQueue(a.Ctx(), &ticketv1.UndeleteQueueRequest{Name: q.GetName()}); errs.Reason(err) != "QUEUE_NAME_TAKEN" {
			t.Errorf("it came back beside its namesake: %v", err)
		}
	})
}
