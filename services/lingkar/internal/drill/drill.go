// Package drill breaks a running Lingkar on purpose, under load, and finds out
// whether it kept its promises.
//
// It starts everything as separate processes behind fault proxies, drives a seeded
// workload whose every call goes into a ledger outside of what is broken, applies
// seeded faults, heals, waits until all has settled, and compares what callers
// were told with what is there. It shows the presence of faults, not their
// absence: a run that finds nothing is one run that found nothing.
package drill

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/fault"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/nemesis"
)

// Config says what a drill does.
type Config struct {
	// Seed decides the workload and the faults.
	Seed uint64
	// Duration is how long faults are applied under load.
	Duration time.Duration
	// Hold and Rest are how long faults last and how long the cluster has to
	// recover, each up to twice as long.
	Hold, Rest time.Duration
	// Patience is how long calls in doubt may take to be resolved, and projections to
	// reach the end, once the faults are over; 0 stands for a minute.
	Patience time.Duration
	// Enough are invariants of which one that is broken ends the drill: what else is
	// broken is not looked for.
	Enough []string
	// Soak leaves the faults out and measures whether anything grows.
	Soak bool
	// Faults are the numbers of those to apply; none stands for all but those that
	// need file systems of their own.
	Faults []string
	// Replicas is how many processes each service has, Clients how many callers.
	Replicas, Clients int
	// Dir takes ledger, logs and data; "" makes one in the system's place for
	// temporary files. It is removed after a run without a finding, unless Keep.
	Dir  string
	Keep bool
	// Program is the lingkar binary; "" is this one.
	Program string
	// Environment is added to that of every service, as NAME=value.
	Environment []string
	// Extra are faults beside those of package fault.
	Extra []nemesis.Fault
	// Progress is told one line a step; nil tells nobody.
	Progress func(string)
}

var errInterrupted = errors.New("the drill was interrupted; everything it started has ended")

// Run makes a drill. The error says that it could not be made; what it found is
// in the report.
func Run(ctx context.Context, cfg Config) (Report, error) {
	faults, err := choose(cfg)
	if err != nil {
		return Report{}, err
	}
	if err := complete(&cfg); err != nil {
		return Report{}, err
	}
	s := &session{cfg: cfg, faults: faults, report: Report{
		Seed: cfg.Seed, Replicas: cfg.Replicas, Clients: cfg.Clients, Begin: time.Now(), Operations: map[string]Outcomes{},
	}}
	err = errors.Join(s.run(ctx), s.close(ctx))
	if ctx.Err() != nil {
		err = errInterrupted // whatever else failed, failed because of it
	}
	s.report.End = time.Now()
	if err == nil && s.report.Holds() && !cfg.Keep {
		return s.report, os.RemoveAll(cfg.Dir)
	}
	if err != nil && !cfg.Keep {
		return s.report, errors.Join(err, os.RemoveAll(cfg.Dir))
	}
	s.report.Kept = cfg.Dir
	return s.report, err
}

// Known is a fault that a drill can apply.
type Known struct {
	ID, Title string
	// Impossible says why it cannot be applied here; "" where it can.
	Impossible string
}

// Faults answers all faults, by their numbers.
func Faults() []Known {
	var all []Known
	for _, f := range fault.All(rand.New(rand.NewPCG(0, 0))) {
		k := Known{ID: f.ID(), Title: f.Title()}
		if c, ok := f.(nemesis.Conditional); ok {
			if err := c.Possible(); err != nil {
				k.Impossible = err.Error()
			}
		}
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b Known) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// choose answers the faults that were asked for and are possible here.
func choose(cfg Config) ([]nemesis.Fault, error) {
	if cfg.Soak {
		return nil, nil
	}
	all := append(fault.All(rand.New(rand.NewPCG(cfg.Seed, 2))), cfg.Extra...)
	if len(cfg.Faults) == 0 {
		var possible []nemesis.Fault
		for _, f := range all {
			if _, named := f.(nemesis.Volumed); named {
				continue // all else would run on slow disks as well
			}
			if c, ok := f.(nemesis.Conditional); !ok || c.Possible() == nil {
				possible = append(possible, f)
			}
		}
		return possible, nil
	}
	byID := map[string]nemesis.Fault{}
	var known []string
	for _, f := range all {
		byID[f.ID()] = f
		known = append(known, f.ID())
	}
	sort.Strings(known)
	var chosen []nemesis.Fault
	for _, id := range cfg.Faults {
		f, ok := byID[id]
		if !ok {
			return nil, fmt.Errorf("there is no fault %q: choose of %s", id, strings.Join(known, ", "))
		}
		if c, ok := f.(nemesis.Conditional); ok {
			if err := c.Possible(); err != nil {
				return nil, fmt.Errorf("fault %s is not possible here: %w", id, err)
			}
		}
		chosen = append(chosen, f)
	}
	return chosen, nil
}

// complete fills in what may be left out.
func complete(cfg *Config) (err error) {
	if cfg.Patience == 0 {
		cfg.Patience = patience
	}
	cfg.Replicas, cfg.Clients = max(1, cfg.Replicas), max(1, cfg.Clients)
	if cfg.Program == "" {
		if cfg.Program, err = os.Executable(); err != nil {
			return err
		}
	}
	if cfg.Progress == nil {
		cfg.Progress = func(string) {}
	}
	if cfg.Dir == "" {
		if cfg.Dir, err = os.MkdirTemp("", "lingkar-drill-"); err != nil {
			return err
		}
	} else if cfg.Dir, err = filepath.Abs(cfg.Dir); err != nil {
		return err
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(cfg.Dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty: name a new directory", cfg.Dir)
	}
	return os.Chmod(cfg.Dir, 0o711) // PostgreSQL may run as another account
}
