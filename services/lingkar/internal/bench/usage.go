package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// usage is what the suite has used so far: processor time, and what it tells of
// itself on a private listener.
type usage struct {
	processor used
	counted   bool // that the processor time is known
	// trips are the round trips to PostgreSQL by RPC; those of jobs are at "".
	trips          map[string]float64
	bytes, objects float64
}

// usage asks for what has been used so far.
func (b *bench) usage(ctx context.Context) (usage, error) {
	var u usage
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.private+"/metrics", nil)
	if err != nil {
		return u, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return u, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return u, fmt.Errorf("the metrics of the suite: %s", resp.Status)
	}
	if err := u.read(resp.Body); err != nil {
		return u, err
	}
	u.processor, err = b.child.processorTime()
	u.counted = err == nil
	return u, nil
}

// read takes the figures out of the metrics, in the text format of Prometheus.
func (u *usage) read(metrics io.Reader) error {
	u.trips = map[string]float64{}
	lines := bufio.NewScanner(metrics)
	for lines.Scan() {
		name, labels, value, ok := sample(lines.Text())
		if !ok {
			continue
		}
		switch name {
		case "go_memstats_alloc_bytes_total":
			u.bytes = value
		case "go_memstats_mallocs_total":
			u.objects = value
		case "lingkar_postgres_trips_total":
			u.trips[label(labels, "method")] += value
		}
	}
	if len(u.trips) == 0 {
		return errors.Join(errors.New("the metrics of the suite tell no round trips to PostgreSQL"), lines.Err())
	}
	return lines.Err()
}

// sample reads one line of metrics.
func sample(line string) (name, labels string, value float64, ok bool) {
	cut := strings.LastIndexByte(line, ' ')
	if cut < 0 || strings.HasPrefix(line, "#") {
		return "", "", 0, false
	}
	value, err := strconv.ParseFloat(line[cut+1:], 64)
	name, labels, _ = strings.Cut(line[:cut], "{")
	return name, labels, value, err == nil
}

// label answers the value of a label of metrics, as in {method="/a.b/C"}. The values
// that are asked for hold no quotes.
func label(labels, name string) string {
	_, after, _ := strings.Cut(labels, name+`="`)
	value, _, _ := strings.Cut(after, `"`)
	return value
}

// since answers what so many calls of an RPC used from before to u, each.
func (u usage) since(before usage, method string, calls int) (*CPU, *Work) {
	each := func(of float64) float64 { return of / float64(max(1, calls)) }
	all := 0.0
	for of, made := range u.trips {
		all += made - before.trips[of]
	}
	own := u.trips[method] - before.trips[method]
	work := &Work{
		Trips: each(own), Behind: each(all - own),
		Bytes: each(u.bytes - before.bytes), Objects: each(u.objects - before.objects),
	}
	if !u.counted || !before.counted {
		return nil, work
	}
	ms := func(d time.Duration) float64 { return each(d.Seconds() * 1000) }
	return &CPU{Suite: ms(u.processor.suite - before.processor.suite), Postgres: ms(u.processor.postgres - before.processor.postgres)}, work
}
