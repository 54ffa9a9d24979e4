package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/telemetry"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/bench"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/bench/seed"
)

// What a contact and an event take on the disk, in all databases together, and
// what the database needs beside.
const (
	bytesPerContact = 10_000
	bytesPerEvent   = 4_500
	// bytesAlone is a contact to whom nothing has happened.
	bytesAlone  = 2_800
	bytesBeside = 4 << 30
	// eventsInAccount is how many events a contact of a key account has on average.
	eventsInAccount = 17
)

const shapeUsage = "what customers they are: mixed, retail, or accounts (few large ones)"

// benchFlags are the flags of `bench`.
type benchFlags struct {
	quick    bool
	contacts []int
	events   int
	shape    string
	only     []string
	out      string
}

func benchCommand(g *global) *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the suite beside its limits",
		Long: `Measures the suite beside what the same work costs with nothing around it, in one
run, and says what it aims at. Makes its own data in a directory that it removes
in the end; --data-dir names one that "bench seed" made, which stays.`,
		Example: "  lingkar bench --quick\n  lingkar bench --contacts 10000,1000000 --out now.json\n  lingkar bench compare before.json now.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.bench(cmd, f)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.quick, "quick", false, "10,000 contacts and short rounds")
	flags.IntSliceVar(&f.contacts, "contacts", []int{10_000, 1_000_000}, "how many contacts, one size after the other")
	flags.IntVar(&f.events, "events", 10, "events of a contact, on average")
	flags.StringVar(&f.shape, "shape", string(seed.Mixed), shapeUsage)
	flags.StringSliceVar(&f.only, "only", nil, "only these rows: "+strings.Join(bench.IDs(), ", "))
	flags.StringVar(&f.out, "out", "", "write the results as JSON to this file too")
	cmd.AddCommand(benchSeedCommand(g), benchCompareCommand(), benchGrowthCommand(), benchReportCommand())
	return cmd
}

func (g *global) bench(cmd *cobra.Command, f benchFlags) error {
	tell := func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) }
	if err := f.check(cmd); err != nil {
		return err
	}
	if f.quick && !cmd.Flags().Changed("contacts") {
		f.contacts = []int{10_000}
	}
	results := &bench.Results{}
	for _, contacts := range f.contacts {
		report, err := g.benchSize(cmd, f, contacts, tell)
		if err == nil || report != nil && len(report.Rows) > 0 {
			results.Reports = append(results.Reports, report)
		}
		switch {
		case err == nil:
		case len(results.Reports) == 0:
			return err
		default:
			return errors.Join(g.tellResults(cmd.OutOrStdout(), results, f.out), fmt.Errorf("only what was measured until then is told: %w", err))
		}
		if cmd.Flags().Changed("data-dir") {
			break
		}
	}
	if err := g.tellResults(cmd.OutOrStdout(), results, f.out); err != nil {
		return err
	}
	return f.missing(results)
}

// check refuses what cannot end well before anything is measured.
func (f *benchFlags) check(cmd *cobra.Command) error {
	if err := bench.Check(f.only); err != nil {
		return usageError{err}
	}
	if cmd.Flags().Changed("data-dir") && (cmd.Flags().Changed("contacts") || cmd.Flags().Changed("events") || cmd.Flags().Changed("shape")) {
		return usageError{errors.New("--data-dir names data that is there: --contacts, --events and --shape are for data that is made")}
	}
	if len(f.contacts) == 0 {
		return usageError{errors.New("--contacts takes at least one number")}
	}
	for _, contacts := range f.contacts {
		if err := checkSeed(contacts, f.events); err != nil {
			return err
		}
	}
	if f.out == "" {
		return nil
	}
	file, err := os.OpenFile(filepath.Clean(f.out), os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("the results cannot be written: %w", err)
	}
	return file.Close()
}

// missing answers an error where rows that were asked for could not be measured, or
// none could.
func (f *benchFlags) missing(results *bench.Results) error {
	for _, report := range results.Reports {
		for _, id := range f.only {
			if why, ok := report.Skipped[id]; ok {
				return fmt.Errorf("%s could not be measured at %d contacts: %s", id, report.Contacts, why)
			}
		}
		if len(report.Rows) == 0 {
			return fmt.Errorf("nothing could be measured at %d contacts", report.Contacts)
		}
	}
	return nil
}

// tellResults prints the results, and writes them to a file where one is named.
func (g *global) tellResults(w io.Writer, results *bench.Results, file string) error {
	raw, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	if file != "" {
		if err := os.WriteFile(file, append(raw, '\n'), 0o644); err != nil {
			return err
		}
	}
	if g.json() {
		_, err := fmt.Fprintln(w, string(raw))
		return err
	}
	return results.Text(w)
}

// benchSize measures at one size, on data of its own unless a directory is named.
func (g *global) benchSize(cmd *cobra.Command, f benchFlags, contacts int, tell func(string)) (*bench.Report, error) {
	dir := g.dataDir
	if cmd.Flags().Changed("data-dir") {
		if !seed.Seeded(dir) {
			return nil, fmt.Errorf("%s was not made by `lingkar bench seed`: measuring would write invented contacts into it", dir)
		}
	} else {
		parent, err := os.MkdirTemp("", "lingkar-bench-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(parent)
		// 0711: the user PostgreSQL runs as must be able to pass through.
		if err := os.Chmod(parent, 0o711); err != nil {
			return nil, err
		}
		dir = filepath.Join(parent, "data")
		if _, err := benchSeed(cmd.Context(), seed.Options{Dir: dir, Contacts: contacts, Shape: seed.Shape(f.shape), Events: f.events, Seed: 1, Progress: tell}); err != nil {
			return nil, err
		}
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	o := bench.Options{Program: program, Dir: dir, Only: f.only, Round: 5 * time.Second, Rounds: 5, Clients: 8, Progress: tell}
	if f.quick {
		o.Quick, o.Round, o.Rounds = true, 500*time.Millisecond, 3
	}
	return bench.Run(cmd.Context(), o)
}

func benchCompareCommand() *cobra.Command {
	return &cobra.Command{
		Use: "compare BEFORE.json AFTER.json", Short: "Say what changed from one run to another", Args: exactly("the results of one run", "of another"),
		RunE: onTwoRuns(bench.Compare),
	}
}

func benchGrowthCommand() *cobra.Command {
	return &cobra.Command{
		Use: "growth SMALL.json LARGE.json", Short: "Say how the cost of an operation grew between runs of two sizes", Args: exactly("the results at one size", "at another"),
		RunE: onTwoRuns(bench.Growth),
	}
}

// onTwoRuns reads the results of two runs and writes what tell makes of them.
func onTwoRuns(tell func(io.Writer, *bench.Results, *bench.Results) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		before, err := bench.Read(args[0])
		if err != nil {
			return err
		}
		after, err := bench.Read(args[1])
		if err != nil {
			return err
		}
		return tell(cmd.OutOrStdout(), before, after)
	}
}

func benchReportCommand() *cobra.Command {
	return &cobra.Command{
		Use: "report FILE.json", Short: "Write the results of a run as a table in Markdown", Args: exactly("the results of a run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			results, err := bench.Read(args[0])
			if err != nil {
				return err
			}
			return results.Markdown(cmd.OutOrStdout())
		},
	}
}

func benchSeedCommand(g *global) *cobra.Command {
	var o seed.Options
	cmd := &cobra.Command{
		Use:   "seed",
		Short: "Make a data directory with a company of any size",
		Long: `Makes a new data directory with so many contacts and about ten events each, as
the services would have written them. Then "lingkar up" runs on it. The directory
appears whole or not at all.`,
		Example: "  lingkar bench seed --contacts 1000000 --data-dir ./big\n  lingkar up --data-dir ./big",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			tell := func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) }
			o.Dir, o.Progress = g.dataDir, tell
			result, err := benchSeed(cmd.Context(), o)
			if err != nil {
				return err
			}
			if g.json() {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(result)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d contacts, %d events, %d rows in %.0f s\n", result.Contacts, result.Events, result.Rows, result.Took.Seconds())
			return nil
		},
	}
	cmd.Flags().IntVar(&o.Contacts, "contacts", 10_000, "how many; rounded up to a hundred")
	cmd.Flags().IntVar(&o.Events, "events", 10, "events of a contact, on average")
	cmd.Flags().StringVar((*string)(&o.Shape), "shape", string(seed.Mixed), shapeUsage)
	cmd.Flags().BoolVar(&o.Alone, "alone", false, "contacts alone, to whom nothing has happened: for `--only get,list,lists` of very many")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 1, "decides names, amounts and who did what")
	return cmd
}

// benchSeed refuses what cannot end well before anything is made.
func benchSeed(ctx context.Context, o seed.Options) (*seed.Result, error) {
	if err := checkSeed(o.Contacts, o.Events); err != nil {
		return nil, err
	}
	if !slices.Contains(seed.Shapes, o.Shape) {
		return nil, usageError{fmt.Errorf("--shape takes mixed, retail or accounts, not %q", o.Shape)}
	}
	if err := roomFor(o); err != nil {
		return nil, err
	}
	quiet, err := telemetry.Start(ctx, telemetry.Options{Service: "lingkar", Version: service.Version(), Logs: io.Discard})
	if err != nil {
		return nil, err
	}
	defer quiet.Shutdown(context.WithoutCancel(ctx)) // nothing is exported
	o.Telemetry = quiet
	return seed.Run(ctx, o)
}

func checkSeed(contacts, events int) error {
	if contacts < 200 || contacts > 50_000_000 {
		return usageError{fmt.Errorf("--contacts takes a number from 200 to 50000000, not %d", contacts)}
	}
	if events < 4 || events > 50 {
		return usageError{fmt.Errorf("--events takes a number from 4 to 50, not %d", events)}
	}
	return nil
}

// roomFor refuses a disk that is too small.
func roomFor(o seed.Options) error {
	free, err := freeBytes(o.Dir)
	if err != nil {
		return err
	}
	if o.Shape == seed.Accounts {
		o.Events = eventsInAccount
	}
	each := bytesPerContact + o.Events*bytesPerEvent
	if o.Alone {
		each, o.Events = bytesAlone, 0
	}
	if need := uint64(o.Contacts)*uint64(each) + bytesBeside; free < need {
		return fmt.Errorf("%d contacts with %d events each take about %d GB, and the disk of %s has %d GB left", o.Contacts, o.Events, need>>30+1, o.Dir, free>>30)
	}
	return nil
}
