package drill

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/check"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
)

const (
	// soakSamples is how often a soak measures.
	soakSamples = 40
	// slack is how much the last third of a soak may lie above the middle third:
	// what a garbage collector and pools breathe.
	slack = 1.25
	// Below these the proportion means nothing.
	fewGoroutines  = 50
	fewDescriptors = 30
	littleMemory   = 32 << 20
)

// Use is what a process held at an instant.
type Use struct {
	Time        time.Time `json:"time"`
	Goroutines  float64   `json:"goroutines"`
	Descriptors float64   `json:"descriptors"`
	// Resident is memory in bytes.
	Resident float64 `json:"resident"`
}

// measure samples every process until the context ends.
func measure(ctx context.Context, c *cluster.Cluster, every time.Duration) map[string][]Use {
	all := map[string][]Use{}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return all
		case <-tick.C:
		}
		for _, s := range c.Services {
			if use, err := useOf(ctx, s); err == nil {
				all[s.Name] = append(all[s.Name], use)
			}
		}
	}
}

func useOf(ctx context.Context, s *cluster.Service) (Use, error) {
	use := Use{Time: time.Now()}
	proc := fmt.Sprintf("/proc/%d/", s.PID())
	entries, err := os.ReadDir(proc + "fd")
	if err != nil {
		return use, err
	}
	use.Descriptors = float64(len(entries))
	raw, err := os.ReadFile(proc + "statm")
	if err != nil {
		return use, err
	}
	pages, err := strconv.ParseFloat(strings.Fields(string(raw))[1], 64)
	if err != nil {
		return use, err
	}
	use.Resident = pages * float64(os.Getpagesize())
	use.Goroutines, err = metric(ctx, s.Admin(), "go_goroutines")
	return use, err
}

// metric reads one number from a private metrics listener. The name may carry a
// prefix of the exporter's and labels.
func metric(ctx context.Context, address, name string) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if line := lines.Text(); strings.HasPrefix(line, name) {
			return strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
		}
	}
	return 0, fmt.Errorf("%s tells no %s", address, name)
}

// flat compares the last third of each process's samples with the middle one, and
// tells the slope of each over the last two thirds.
func flat(all map[string][]Use) check.Result {
	r := check.Result{ID: "F50", Title: "goroutines, file descriptors and memory stay flat"}
	var evidence []string
	for name, uses := range all {
		if len(uses) < 9 {
			r.Broken = append(r.Broken, fmt.Sprintf("%s was measured %d times only", name, len(uses)))
			continue
		}
		for _, of := range []struct {
			what string
			few  float64
			unit float64
			get  func(Use) float64
		}{
			{"goroutines", fewGoroutines, 1, func(u Use) float64 { return u.Goroutines }},
			{"descriptors", fewDescriptors, 1, func(u Use) float64 { return u.Descriptors }},
			{"MiB", littleMemory, 1 << 20, func(u Use) float64 { return u.Resident }},
		} {
			third := len(uses) / 3
			middle, last := median(uses[third:2*third], of.get), median(uses[2*third:], of.get)
			evidence = append(evidence, fmt.Sprintf("%s %.0f %s, %+.1f an hour", name, last/of.unit, of.what, slope(uses[third:], of.get)/of.unit))
			if last > middle*slack && last-middle > of.few {
				r.Broken = append(r.Broken, fmt.Sprintf("%s: %.0f %s in the middle third, %.0f in the last", name, middle/of.unit, of.what, last/of.unit))
			}
		}
	}
	slices.Sort(evidence)
	r.Evidence = strings.Join(evidence, "; ")
	return r
}

func median(uses []Use, get func(Use) float64) float64 {
	values := make([]float64, len(uses))
	for i, u := range uses {
		values[i] = get(u)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// slope is that of the least squares, an hour.
func slope(uses []Use, get func(Use) float64) float64 {
	var n, sx, sy, sxx, sxy float64
	for _, u := range uses {
		x, y := u.Time.Sub(uses[0].Time).Hours(), get(u)
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	if d := n*sxx - sx*sx; d > 0 {
		return (n*sxy - sx*sy) / d
	}
	return 0
}
