package testkit

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// ProofDir is the variable that names where proofs are written.
const ProofDir = "LINGKAR_PROOF_DIR"

// Proof is one line of a proof file: that a test of a demand ran, and whether it
// passed. A demand may have many.
type Proof struct {
	ID        string `json:"id"`
	Test      string `json:"test"`
	Transport string `json:"transport"`
	Passed    bool   `json:"passed"`
}

// Prove notes, when the test ends, whether the demands such as "CON-08" were met
// by it. It does so only where LINGKAR_PROOF_DIR names a directory.
func Prove(t testing.TB, transport string, demands ...string) {
	t.Helper()
	dir := os.Getenv(ProofDir)
	if dir == "" {
		return
	}
	t.Cleanup(func() {
		for _, id := range demands {
			p := Proof{ID: id, Test: t.Name(), Transport: transport, Passed: !t.Failed() && !t.Skipped()}
			if err := p.append(dir); err != nil {
				t.Errorf("note the proof of %s: %v", id, err)
			}
		}
	})
}

// append adds the proof to the file of this process: processes never share one.
func (p Proof) append(dir string) error {
	line, err := json.Marshal(p)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, fmt.Sprintf("%s-%d.jsonl", filepath.Base(os.Args[0]), os.Getpid()))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		return err
	}
	return f.Close()
}

// Main runs the tests of a package and fails it when goroutines are left over:
//
//	func TestMain(m *testing.M) { testkit.Main(m) }
//
// One of the broker's client is let pass: a publisher that is cleaned up just
// after its first message may leave the goroutine that watches its connection
// waiting on a channel that is gone.
func Main(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"),
		// A pull that was let go ends by itself when it expires, within two seconds.
		goleak.IgnoreTopFunction("github.com/nats-io/nats.go/jetstream.(*pullConsumer).fetch.func1"))
}
