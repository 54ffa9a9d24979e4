package ledger_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/ledger"
)

// Every line is in the file when the call that wrote it returns, whoever writes
// beside.
func TestLedger(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	l, err := ledger.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			op := &ledger.Op{ID: fmt.Sprintf("op-%02d", n), Kind: "create contact"}
			if err := l.Invoke(op); err != nil {
				t.Error(err)
			}
			inFile(t, path, `"event":"invoke","request_id":"`+op.ID)
			if err := l.Return(op, ledger.Unknown, "Unavailable", "", nil, ""); err != nil {
				t.Error(err)
			}
			if err := l.Invoke(op); err != nil {
				t.Error(err)
			}
			if err := l.Return(op, ledger.OK, "", "", nil, "contact.7"); err != nil {
				t.Error(err)
			}
			inFile(t, path, `"request_id":"`+op.ID+`","call":2,"outcome":"ok"`)
			if op.Calls != 2 || op.Outcome != ledger.OK || op.Position != "contact.7" {
				t.Errorf("%+v", op)
			}
		})
	}
	all.Wait()
	if n := len(l.Ops()); n != 20 {
		t.Errorf("%d operations, want 20", n)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := ledger.Open(path); err == nil {
		t.Error("a ledger was written over")
	}
}

func inFile(t *testing.T, path, part string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	if !bytes.Contains(raw, []byte(part)) {
		t.Errorf("the file lacks %s", part)
	}
}
