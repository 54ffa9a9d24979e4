package fuzz

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

// mark is what stands in the texts of the second tenant.
const mark = "Kanarienvogel"

// Run is a fuzz run over a suite of services.
type Run struct {
	Suite *testkit.Suite
	// Seed decides what is sent.
	Seed uint64
	// Inputs is how many requests are sent at most, Time for how long; 0 of either
	// sets no limit.
	Inputs int64
	Time   time.Duration
	// Workers send at the same time.
	Workers int
}

// Finding is an answer that no caller may get.
type Finding struct {
	// Method and Transport say where, Wrong says what.
	Method, Transport, Wrong string
	// Input and Answer are the first of them, shortened.
	Input, Answer string
	// Count is how often it was seen.
	Count int
}

// Report is what a run saw.
type Report struct {
	Inputs   int64
	Findings []*Finding
	// Answers counts the answers of each RPC by what they said: "OK", or the code,
	// the reason and the first field that is wrong.
	Answers map[string]map[string]int
}

// Unreached answers the RPCs that were never answered with success.
func (r *Report) Unreached() []string {
	var names []string
	for _, m := range Methods() {
		if r.Answers[m.Full]["OK"] == 0 {
			names = append(names, m.Full)
		}
	}
	return names
}

// collector gathers what the workers see.
type collector struct {
	mu     sync.Mutex
	report Report
	known  map[string]*Finding
	sent   atomic.Int64
}

var digits = regexp.MustCompile(`[0-9a-f]{8,}|[0-9]+`)

func (c *collector) note(m Method, transport, input string, a Answer, wrong string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	said := "OK"
	if a.Status.Err() != nil {
		info, told := detailsOf(a.Status)
		said = digits.ReplaceAllString(strings.TrimSpace(a.Status.Code().String()+" "+info.GetReason()+" "+told.field), "#")
	}
	if c.report.Answers[m.Full] == nil {
		c.report.Answers[m.Full] = map[string]int{}
	}
	c.report.Answers[m.Full][said]++
	if wrong == "" {
		return
	}
	key := m.Full + transport + digits.ReplaceAllString(wrong, "#")
	if f := c.known[key]; f != nil {
		f.Count++
		return
	}
	f := &Finding{Method: m.Full, Transport: transport, Wrong: wrong, Input: shorten(input), Answer: shorten(fmt.Sprintf("%v %v", a.Status, a.Status.Details())), Count: 1}
	c.known[key], c.report.Findings = f, append(c.report.Findings, f)
}

// shown is how much of an input or an answer a finding shows.
const shown = 3000

func shorten(s string) string {
	if len(s) <= shown {
		return s
	}
	return fmt.Sprintf("%q… (%d bytes)", s[:shown], len(s))
}

// Do fills both tenants, sends, and answers what came back.
func (r Run) Do(ctx context.Context) *Report {
	c := &collector{known: map[string]*Finding{}, report: Report{Answers: map[string]map[string]int{}}}
	// The calls themselves have no such deadline: none is cut off by the end.
	end := time.Now().Add(r.Time)
	goesOn := func() bool {
		return ctx.Err() == nil && (r.Time == 0 || time.Now().Before(end)) && (r.Inputs == 0 || c.sent.Load() < r.Inputs)
	}
	all := []auth.Role{auth.Admin, auth.Manager, auth.Operator, auth.Service}
	// An operator sees all tenants: the other tenant's is none, and makes none.
	caller, other := r.Suite.As(all...), r.Suite.AsOther(auth.Admin, auth.Service)

	theirs := r.worker(r.Seed, NewPool(), other, c, Judge{})
	theirs.g.Mark = mark
	theirs.seed(ctx)
	ours := r.worker(r.Seed+1, NewPool(), caller, c, Judge{Secrets: []string{mark}})
	ours.seed(ctx)
	ours.g.Pool.foreign = theirs.g.Pool.everything() // what must not be reached is asked for too

	var group sync.WaitGroup
	for i := range max(1, r.Workers) {
		w := r.worker(r.Seed+2+uint64(i), ours.g.Pool.Clone(), caller, c, ours.judge)
		group.Go(func() {
			for goesOn() {
				w.step(ctx)
			}
		})
	}
	group.Wait()
	c.report.Inputs = c.sent.Load()
	slices.SortFunc(c.report.Findings, func(a, b *Finding) int { return b.Count - a.Count })
	return &c.report
}

func (r Run) worker(seed uint64, pool *Pool, caller auth.Caller, c *collector, judge Judge) *worker {
	return &worker{
		g: NewGenerator(seed, pool), collector: c, judge: judge,
		direct: r.Suite.Route(caller), door: r.Suite.Conn("platform", caller),
		base: r.Suite.HTTP, token: r.Suite.Token(caller), methods: Methods(),
	}
}

// Furnish makes resources of all kinds as the caller, and answers a generator that
// knows them.
func Furnish(ctx context.Context, suite *testkit.Suite, caller auth.Caller, seed uint64) *Generator {
	c := &collector{known: map[string]*Finding{}, report: Report{Answers: map[string]map[string]int{}}}
	w := Run{Suite: suite}.worker(seed, NewPool(), caller, c, Judge{})
	w.seed(ctx)
	return w.g
}
