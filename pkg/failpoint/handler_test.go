//go:build drill

package failpoint_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/failpoint"
)

// The handler sets the plan of a process that runs, shows it with what was hit,
// and takes it back.
func TestHandle(t *testing.T) {
	mux := http.NewServeMux()
	failpoint.Handle(mux)
	ask := func(method, body string) (int, string) {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(method, "/debug/failpoints", strings.NewReader(body)))
		return w.Code, w.Body.String()
	}
	if code, body := ask("PUT", "nowhere=exit"); code != http.StatusBadRequest || !strings.Contains(body, "nowhere") {
		t.Errorf("an unknown point: %d %s", code, body)
	}
	if code, body := ask("PUT", "write.replay=error@2"); code != http.StatusNoContent {
		t.Fatalf("%d %s", code, body)
	}
	if err := failpoint.Hit(failpoint.WriteReplay); err != nil {
		t.Errorf("the first hit: %v", err)
	}
	if err := failpoint.Hit(failpoint.WriteReplay); errs.Reason(err) != "FAILPOINT" {
		t.Errorf("the second hit: %v", err)
	}
	if _, body := ask("GET", ""); !strings.Contains(body, "write.replay 2 error@2\n") || !strings.Contains(body, "write.after_commit 0\n") {
		t.Errorf("shown:\n%s", body)
	}
	if code, _ := ask("DELETE", ""); code != http.StatusNoContent {
		t.Errorf("taken back: %d", code)
	}
	if _, body := ask("GET", ""); !strings.Contains(body, "write.replay 0\n") {
		t.Errorf("shown after it was taken back:\n%s", body)
	}
}
