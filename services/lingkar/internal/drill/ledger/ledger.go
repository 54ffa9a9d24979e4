// Package ledger keeps what callers know: what they asked for, when, and what
// became of it. It lies outside of what a drill breaks.
//
// Every line is on the disk before Invoke or Return answers, so that it can be
// read after the drill itself was killed. A call has one of three outcomes: it was
// done, it was refused, or nobody knows.
package ledger

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
)

// Outcome is what a caller knows of a call.
type Outcome string

// The outcomes.
const (
	OK      Outcome = "ok"
	Failed  Outcome = "failed"
	Unknown Outcome = "unknown"
)

// Op is one operation of a client: a call and its repetitions.
type Op struct {
	// ID is its request id.
	ID string
	// Kind is what it does, such as "record interaction".
	Kind string
	// Method is the RPC, Request what is asked for.
	Method  string
	Request proto.Message
	// Tenant and Client are who asks; REST says over which door.
	Tenant, Client int
	REST           bool
	// Subject is the resource that it is about, such as "contacts/{uuid}".
	Subject string
	// Writes says that it changes something.
	Writes bool
	// Refusal is the reason for which it must be refused; "" where it must not.
	Refusal string
	// Family names the two contacts that it is one of, which are merged, taken apart
	// and erased; "" for all other contacts.
	Family string
	// Portal is the contact whose token is shown, through a portal; "" where the tenant's
	// own is.
	Portal string
	// Loses says that another call at the same moment may have come first, and that it
	// is refused then as a state that does not allow it.
	Loses bool

	// Invoke and Return bound the operation, its repetitions included.
	Invoke, Return time.Time
	// Calls is how often it was called.
	Calls int
	// Outcome is what the caller knows; Code and Reason are of the last answer
	// that was none.
	Outcome      Outcome
	Code, Reason string
	// Answer is what it answered, Position the place of its change in the log.
	Answer   proto.Message
	Position string
}

// line is one entry of the file.
type line struct {
	Time     time.Time `json:"time"`
	Event    string    `json:"event"`
	ID       string    `json:"request_id"`
	Kind     string    `json:"op,omitempty"`
	Method   string    `json:"method,omitempty"`
	Subject  string    `json:"subject,omitempty"`
	Client   *int      `json:"client,omitempty"`
	Tenant   *int      `json:"tenant,omitempty"`
	Door     string    `json:"door,omitempty"`
	Call     int       `json:"call"`
	Outcome  Outcome   `json:"outcome,omitempty"`
	Code     string    `json:"code,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Position string    `json:"position,omitempty"`
}

// Ledger is the file and, in memory, the operations.
type Ledger struct {
	file *os.File

	mu      sync.Mutex
	ops     []*Op
	pending []byte
	written *sync.Cond
	next    uint64 // the number of the last line that was handed in
	synced  uint64 // the number of the last line that is on the disk
	syncing bool
	failed  error
}

// Open makes a ledger.
func Open(path string) (*Ledger, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the ledger: %w", err)
	}
	l := &Ledger{file: f}
	l.written = sync.NewCond(&l.mu)
	return l, nil
}

// Invoke notes that an operation is called, for the first time or again.
func (l *Ledger) Invoke(op *Op) error {
	l.mu.Lock()
	if op.Calls == 0 {
		op.Invoke = time.Now()
		l.ops = append(l.ops, op)
	}
	op.Calls++
	entry := line{Time: time.Now(), Event: "invoke", ID: op.ID, Call: op.Calls}
	if op.Calls == 1 {
		entry.Kind, entry.Method, entry.Subject, entry.Door = op.Kind, op.Method, op.Subject, "grpc"
		entry.Client, entry.Tenant = &op.Client, &op.Tenant
		if op.REST {
			entry.Door = "rest"
		}
	}
	return l.append(entry)
}

// Return notes what the caller knows now.
func (l *Ledger) Return(op *Op, outcome Outcome, code, reason string, answer proto.Message, position string) error {
	l.mu.Lock()
	op.Return, op.Outcome, op.Code, op.Reason, op.Answer, op.Position = time.Now(), outcome, code, reason, answer, position
	return l.append(line{
		Time: op.Return, Event: "return", ID: op.ID, Call: op.Calls, Outcome: outcome, Code: code, Reason: reason, Position: position,
	})
}

// append writes a line and returns when it is on the disk; those who come
// meanwhile share the next sync. The lock is held, and given back.
func (l *Ledger) append(entry line) error {
	defer l.mu.Unlock()
	raw, err := json.Marshal(entry)
	if err != nil {
		return err
	}
	l.pending = append(append(l.pending, raw...), '\n')
	l.next++
	mine := l.next
	for l.synced < mine && l.failed == nil {
		if l.syncing {
			l.written.Wait()
			continue
		}
		l.sync()
	}
	return l.failed
}

// sync writes what is pending. The lock is held, except while the disk works.
func (l *Ledger) sync() {
	batch, upTo := l.pending, l.next
	l.pending, l.syncing = nil, true
	l.mu.Unlock()
	_, err := l.file.Write(batch)
	if err == nil {
		err = l.file.Sync()
	}
	l.mu.Lock()
	l.syncing = false
	if err != nil {
		l.failed = fmt.Errorf("write the ledger: %w", err)
	} else {
		l.synced = upTo
	}
	l.written.Broadcast()
}

// Ops answers all operations, in the order in which they were invoked first. They
// are at rest only when the workload is.
func (l *Ledger) Ops() []*Op {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*Op(nil), l.ops...)
}

// Close closes the file.
func (l *Ledger) Close() error { return l.file.Close() }
