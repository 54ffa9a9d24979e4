//go:build drill

package testkit

import (
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/failpoint"
)

// Failpoints arms a plan, such as "write.after_commit=error@1", until the test
// ends. The plan is that of the whole process: the test must not be parallel.
func Failpoints(t testing.TB, plan string) {
	t.Helper()
	parsed, err := failpoint.Parse(plan)
	if err != nil {
		t.Fatal(err)
	}
	failpoint.Arm(parsed)
	t.Cleanup(func() { failpoint.Arm(nil) })
}
