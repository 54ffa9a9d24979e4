//go:build drill

package server_test

import (
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
)

// A call of an operator that fails just before its commit has done nothing, and one
// that fails just after it has done all: repeated, it answers what was done, once
// (B24, F02).
func TestFailpoints_operator(t *testing.T) {
	s := start(t)
	a := of(s.Client(t, s.As(auth.Admin)))
	operator := a.as(s.As(auth.Operator))
	c := a.customer(t, "Ibu Siti")
	a.acquaint(t, c) // it moves in its lifecycle no more
	a.settle(t, number(c))
	refuse := fmt.Sprintf("ALTER TABLE timeline ADD CONSTRAINT poison CHECK (contact <> '%s') NOT VALID", c.GetName()[len("contacts/"):])
	mend := meddle(t, s, refuse, "ALTER TABLE timeline DROP CONSTRAINT poison")
	a.meet(t, c, phone, "first")
	a.meet(t, c, phone, "second")
	letter := operator.deadLetters(t, 2)[0].GetName()
	mend()

	retry := &analyticsv1.RetryDeadLetterRequest{Name: letter, RequestId: "retry"}
	discard := &analyticsv1.DiscardDeadLetterRequest{Name: letter, Reason: "of another letter", RequestId: "discard"}
	testkit.Failpoints(t, "write.before_commit=error")
	if _, err := operator.RetryDeadLetter(a.Ctx(), retry); err == nil {
		t.Error("a retry came through before its commit")
	}
	testkit.Failpoints(t, "")
	operator.deadLetters(t, 2)
	testkit.Failpoints(t, "write.after_commit=error")
	if _, err := operator.RetryDeadLetter(a.Ctx(), retry); err == nil {
		t.Error("a retry came through after its commit")
	}
	testkit.Failpoints(t, "")
	if again, err := operator.RetryDeadLetter(a.Ctx(), retry); err != nil || again.GetAppliedCount() != 2 {
		t.Errorf("repeated, the retry answers %v, %v", again, err)
	}
	_, err := operator.DiscardDeadLetter(a.Ctx(), discard)
	refused(t, "one that was applied", err, codes.NotFound, "DEAD_LETTER_NOT_FOUND")

	rebuild := &analyticsv1.RebuildProjectionsRequest{RequestId: "rebuild"}
	testkit.Failpoints(t, "write.after_commit=error")
	if _, err := operator.RebuildProjections(a.Ctx(), rebuild); err == nil {
		t.Error("a rebuild came through after its commit")
	}
	testkit.Failpoints(t, "")
	op := must(operator.RebuildProjections(a.Ctx(), rebuild))(t)
	operator.finished(t, op)
	if again := must(operator.RebuildProjections(a.Ctx(), rebuild))(t); again.GetName() != op.GetName() {
		t.Errorf("repeated, the rebuild is %s, and first %s", again.GetName(), op.GetName())
	}
	var rebuilds int
	if err := s.Services["analytics"].Runtime.DB.System.QueryRow(t.Context(), "SELECT count(*) FROM rebuild").Scan(&rebuilds); err != nil || rebuilds != 1 {
		t.Errorf("one request made %d rebuilds, %v", rebuilds, err)
	}
}
