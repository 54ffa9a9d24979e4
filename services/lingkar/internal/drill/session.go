package drill

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/check"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/ledger"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/nemesis"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/receiver"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/workload"
)

const (
	// tenants is how many companies share the suite.
	tenants = 3
	// clientPause is the mean pause of a client between two operations: a drill is
	// about faults, not about load.
	clientPause = 40 * time.Millisecond
	// convergence is how long after the last heal the suite may take to be well.
	convergence = 30 * time.Second
	// wellRounds is how many rounds of the probe must pass in a row.
	wellRounds = 5
	// patience is how long settling and draining may each take.
	patience  = 60 * time.Second
	stopLimit = 30 * time.Second
	// grace is what a call may take beyond its deadline on a machine at work.
	grace = 1500 * time.Millisecond
)

// caller is a fault that makes calls of its own, as a tenant.
type caller interface{ CallAs(t workload.Tenant) }

// session is one drill at work.
type session struct {
	cfg     Config
	faults  []nemesis.Fault
	report  Report
	cluster *cluster.Cluster
	ledger  *ledger.Ledger
	load    *workload.Load
	probe   *workload.Probe
	tenants []workload.Tenant
	// receiver is where the tenants' webhooks arrive.
	receiver *receiver.Receiver
}

func (s *session) run(ctx context.Context) error {
	if err := s.start(ctx); err != nil {
		return err
	}
	s.report.Ready = time.Now()
	if s.cfg.Soak {
		s.soak(ctx)
	} else if err := s.breakThings(ctx); err != nil {
		return err
	}
	s.receiver.Heal()
	s.cfg.Progress("waiting until all is well")
	well := s.converge(ctx)
	unresolved, err := s.load.Stop(ctx, s.cfg.Patience)
	if err != nil {
		return err
	}
	s.probe.Stop()
	took, drained := check.Drain(ctx, s.cluster, s.cfg.Patience)
	s.report.Drained = took
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.cfg.Progress("checking")
	s.count()
	s.report.Invariants = append(s.report.Invariants, well, s.told(unresolved), s.deadlines())
	if drained != nil {
		s.report.Invariants = append(s.report.Invariants, check.Result{ID: "I14", Title: "projections catch up", Broken: []string{drained.Error()}})
	}
	s.report.Invariants = append(append(s.report.Invariants, s.verified()...), s.stability())
	if slices.ContainsFunc(s.report.Invariants, s.enough) {
		return ctx.Err()
	}
	run := &check.Run{
		Cluster: s.cluster, Load: s.load, Receiver: s.receiver, Tenants: s.tenants, Ops: s.ledger.Ops(), Random: rand.New(rand.NewPCG(s.cfg.Seed, 3)),
		Patience: s.cfg.Patience, Enough: s.enough,
	}
	s.report.Invariants = append(s.report.Invariants, run.All(ctx)...)
	return ctx.Err()
}

// enough says that an invariant is broken that the drill was to find broken.
func (s *session) enough(r check.Result) bool {
	return !r.Holds() && slices.Contains(s.cfg.Enough, r.ID)
}

// start starts the suite and the callers.
func (s *session) start(ctx context.Context) (err error) {
	volumes := map[string]cluster.Volume{}
	for _, f := range s.faults {
		if v, ok := f.(nemesis.Volumed); ok {
			for store, volume := range v.Volumes() {
				volumes[store] = volume
			}
		}
	}
	s.cluster, err = cluster.Start(ctx, cluster.Options{
		Dir: s.cfg.Dir, Program: s.cfg.Program, Replicas: s.cfg.Replicas, Volumes: volumes,
		Environment: s.cfg.Environment, Progress: s.cfg.Progress,
	})
	if err != nil {
		return err
	}
	if err := s.makeTenants(ctx); err != nil {
		return err
	}
	for _, f := range s.faults {
		if f, ok := f.(caller); ok {
			f.CallAs(s.tenants[0])
		}
	}
	if err := s.subscribe(ctx); err != nil {
		return err
	}
	if s.ledger, err = ledger.Open(filepath.Join(s.cfg.Dir, "ledger.jsonl")); err != nil {
		return err
	}
	s.load, err = workload.Start(ctx, s.cluster, workload.Options{
		Seed: s.cfg.Seed, Clients: s.cfg.Clients, Pause: clientPause, Tenants: s.tenants, Ledger: s.ledger,
	})
	if err != nil {
		return err
	}
	s.probe, err = workload.StartProbe(ctx, s.load.Doors(0))
	return err
}

// makeTenants makes the companies, as an operator does, in the database itself.
func (s *session) makeTenants(ctx context.Context) error {
	_, passwords, err := s.cluster.Secrets.Provision()
	if err != nil {
		return err
	}
	urls, err := postgres.ServiceURLs(s.cluster.Postgres.URL("postgres"), fleet.Database("platform"), "platform", passwords["platform"])
	if err != nil {
		return err
	}
	db, err := postgres.Open(ctx, urls.App, urls.System, postgres.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	for n := range tenants {
		made, err := gateway.CreateTenant(ctx, db, &platformv1.Tenant{
			DisplayName: fmt.Sprintf("Company %d", n+1), CurrencyCode: "IDR", TimeZone: "Asia/Jakarta",
		}, auth.Admin, auth.Operator)
		if err != nil {
			return fmt.Errorf("make a tenant: %w", err)
		}
		s.tenants = append(s.tenants, workload.Tenant{Name: made.Tenant, ID: strings.TrimPrefix(made.Tenant, "tenants/"), Token: made.Secret})
	}
	return nil
}

// subscribe lets every tenant have events sent to the drill's own receiver.
func (s *session) subscribe(ctx context.Context) (err error) {
	if s.receiver, err = receiver.Listen(s.cfg.Seed); err != nil {
		return err
	}
	for _, t := range s.tenants {
		doors, err := workload.Open(s.cluster, t)
		if err != nil {
			return err
		}
		err = s.receiver.Subscribe(ctx, doors.GRPC, t.Name)
		if err = errors.Join(err, doors.GRPC.Close()); err != nil {
			return err
		}
	}
	return nil
}

// soak measures, under load and without faults.
func (s *session) soak(ctx context.Context) {
	s.cfg.Progress("load without faults for " + s.cfg.Duration.String())
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Duration)
	defer cancel()
	s.report.Uses = measure(ctx, s.cluster, s.cfg.Duration/soakSamples)
	s.report.Invariants = append(s.report.Invariants, flat(s.report.Uses))
}

// breakThings lets the nemesis loose for as long as the drill lasts.
func (s *session) breakThings(ctx context.Context) error {
	n := &nemesis.Nemesis{
		Faults: s.faults, Hold: s.cfg.Hold, Rest: s.cfg.Rest, Random: rand.New(rand.NewPCG(s.cfg.Seed, 1)), Tell: s.cfg.Progress,
	}
	breaking, cancel := context.WithTimeout(ctx, s.cfg.Duration)
	defer cancel()
	n.Run(breaking, s.cluster)
	for _, p := range n.Periods() {
		period := Period{Period: p}
		if after, ok := s.probe.After(p.Healed, p.End); ok {
			period.Recovery = &after
		}
		s.report.Periods = append(s.report.Periods, period)
	}
	return ctx.Err()
}

// converge waits until the suite is well under load (I14).
func (s *session) converge(ctx context.Context) check.Result {
	r := check.Result{ID: "I14", Title: "the suite is well within 30 s after the last fault: a write is seen within a second"}
	healed := time.Now()
	if n := len(s.report.Periods); n > 0 {
		healed = s.report.Periods[n-1].Healed
	}
	for s.probe.Rounds(healed) < wellRounds && time.Since(healed) < convergence && ctx.Err() == nil {
		time.Sleep(100 * time.Millisecond)
	}
	after, ok := s.probe.After(healed, time.Now())
	if !ok || s.probe.Rounds(healed) < wellRounds {
		r.Broken = []string{fmt.Sprintf("not well %s after the last fault was healed", time.Since(healed).Round(time.Millisecond))}
	}
	r.Evidence = "the first write was seen in time " + after.Round(time.Millisecond).String() + " after the last fault was healed"
	return r
}

// told answers what callers were told that must not be.
func (s *session) told(unresolved int) check.Result {
	r := check.Result{ID: "I15", Title: "callers read their own writes, and no fault makes an answer wrong", Broken: s.load.Broken()}
	if unresolved > 0 {
		r.Broken = append(r.Broken, fmt.Sprintf("the outcome of %d calls cannot be found out", unresolved))
	}
	r.Evidence = fmt.Sprintf("%d reads with the token of a write; every answer of every call", s.report.Operations["read 360"].OK)
	return r
}

// deadlines checks that no call hung.
func (s *session) deadlines() check.Result {
	r := check.Result{ID: "F10", Title: "every call returns by its deadline"}
	longest := s.load.Longest()
	r.Evidence = fmt.Sprintf("the longest took %s of %s", longest.Round(time.Millisecond), s.load.Deadline())
	if longest > s.load.Deadline()+grace {
		r.Broken = []string{r.Evidence}
	}
	return r
}

// verified answers what some faults found out by themselves when they were healed, by
// invariant.
func (s *session) verified() []check.Result {
	var all []check.Result
	times := map[string]int{}
	for _, f := range s.faults {
		v, ok := f.(nemesis.Verifier)
		if !ok {
			continue
		}
		id, title := v.Invariant()
		if !slices.ContainsFunc(all, func(r check.Result) bool { return r.ID == id }) {
			all = append(all, check.Result{ID: id, Title: title})
		}
		r := &all[slices.IndexFunc(all, func(r check.Result) bool { return r.ID == id })]
		for _, p := range s.report.Periods {
			if slices.Contains(p.Faults, f.ID()) {
				times[id]++
			}
			for _, lost := range p.Lost {
				if strings.HasPrefix(lost, f.ID()+":") {
					r.Broken = append(r.Broken, lost)
				}
			}
		}
		r.Evidence = fmt.Sprintf("verified after %d periods", times[id])
	}
	return all
}

// stability checks that nothing ended that was not ended, and that the faults
// themselves did what they say.
func (s *session) stability() check.Result {
	r := check.Result{ID: "F", Title: "no process ended by itself, and every fault could be injected and healed", Broken: s.cluster.Crashes()}
	for _, p := range s.report.Periods {
		r.Broken = append(r.Broken, p.Broken...)
	}
	r.Evidence = fmt.Sprintf("%d periods", len(s.report.Periods))
	return r
}

// count sums up the ledger.
func (s *session) count() {
	for _, op := range s.ledger.Ops() {
		o := s.report.Operations[op.Kind]
		o.Calls += op.Calls
		switch op.Outcome {
		case ledger.OK:
			o.OK++
		case ledger.Failed:
			o.Failed++
		default:
			o.Unknown++
		}
		if op.Calls > 1 && op.Outcome != ledger.Unknown {
			o.Resolved++
		}
		s.report.Operations[op.Kind] = o
	}
}

// close ends everything that was started.
func (s *session) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
	defer cancel()
	var err error
	if s.load != nil {
		s.load.Halt()
		s.load.Close()
	}
	if s.probe != nil {
		s.probe.Stop()
	}
	if s.cluster != nil {
		err = s.cluster.Stop(ctx)
	}
	if s.receiver != nil {
		err = errors.Join(err, s.receiver.Close())
	}
	if s.ledger != nil {
		err = errors.Join(err, s.ledger.Close())
	}
	return err
}
