// Command features writes which demands are met into the README and into
// docs/FEATURES.md, from the proofs that tests left behind: one JSON line for each
// demand, test and transport, in the files of a directory. Nothing is counted as
// met that no test showed.
//
//	LINGKAR_PROOF_DIR=/tmp/proof go test work && go run ./services/internal/features -proof /tmp/proof
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

const (
	begin = "<!-- features: made by deploy/features.sh -->"
	end   = "<!-- end of features -->"
)

// badInput are the rows of the catalogue of bad input, which tests name too; they
// are no demands.
var badInput = regexp.MustCompile(`^B\d\d$`)

// proof is one line that a test left behind.
type proof struct {
	ID        string `json:"id"`
	Test      string `json:"test"`
	Transport string `json:"transport"`
	Passed    bool   `json:"passed"`
}

// demand is one demand with what was shown of it, and what is known to be missing
// whatever was shown.
type demand struct {
	id, text   string
	missing    string
	transports map[string]bool
	tests      map[string]bool
	failed     bool
}

func main() {
	dir := flag.String("proof", "", "the directory of the proofs")
	flag.Parse()
	if err := run(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "features:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	demands, err := readDemands("docs/demands.tsv")
	if err != nil {
		return err
	}
	if err := readProofs(dir, demands); err != nil {
		return err
	}
	if err := os.WriteFile("docs/FEATURES.md", []byte(full(demands)), 0o644); err != nil {
		return err
	}
	return replaceSection("README.md", summary(demands))
}

func readDemands(path string) ([]*demand, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all []*demand
	for line := range strings.Lines(string(raw)) {
		id, text, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			return nil, fmt.Errorf("%s: %q is not id, tab, text", path, line)
		}
		text, missing, _ := strings.Cut(text, "\t")
		all = append(all, &demand{id: id, text: text, missing: missing, transports: map[string]bool{}, tests: map[string]bool{}})
	}
	return all, nil
}

func readProofs(dir string, demands []*demand) error {
	byID := map[string]*demand{}
	for _, d := range demands {
		byID[d.id] = d
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no proofs in %q: run the tests with LINGKAR_PROOF_DIR set", dir)
	}
	for _, name := range files {
		if err := readFile(name, byID); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func readFile(name string, byID map[string]*demand) error {
	file, err := os.Open(filepath.Clean(name))
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var p proof
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			return err
		}
		d, ok := byID[p.ID]
		switch {
		case badInput.MatchString(p.ID):
		case !ok:
			return fmt.Errorf("test %s names the demand %q, which is not in docs/demands.tsv", p.Test, p.ID)
		case !p.Passed:
			d.failed = true
		default:
			d.transports[p.Transport] = true
			d.tests[p.Test] = true
		}
	}
	return lines.Err()
}

// state says what was shown: all over both transports, a part or over one, or
// nothing.
func (d *demand) state() string {
	switch {
	case d.failed:
		return "failing"
	case d.missing == "" && d.transports[testkit.GRPC] && d.transports[testkit.OverREST]:
		return "shown"
	case len(d.transports) > 0:
		return "partial"
	default:
		return ""
	}
}

var areas = []struct{ prefix, name string }{
	{"A", "worked examples"}, {"CON-", "contact"}, {"SFA-", "sales-force-automation"}, {"SVC-", "service-ticket"},
	{"MKT-", "marketing-campaign"}, {"ANA-", "analytics"}, {"PLT-", "platform"},
}

func (d *demand) in(prefix string) bool {
	return strings.HasPrefix(d.id, prefix) && (prefix != "A" || d.id[1] >= '0' && d.id[1] <= '9')
}

func summary(demands []*demand) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n| area | demands | shown by a test over gRPC and REST |\n|---|---|---|\n", begin)
	for _, a := range areas {
		total := 0
		var ids []string
		for _, d := range demands {
			if !d.in(a.prefix) {
				continue
			}
			total++
			switch d.state() {
			case "shown":
				ids = append(ids, d.id)
			case "partial":
				ids = append(ids, d.id+" (partial)")
			case "failing":
				ids = append(ids, d.id+" (FAILING)")
			}
		}
		list := strings.Join(ids, ", ")
		if list == "" {
			list = "none yet"
		}
		fmt.Fprintf(&b, "| %s | %d | %s |\n", a.name, total, list)
	}
	b.WriteString(end)
	return b.String()
}

func full(demands []*demand) string {
	var b strings.Builder
	b.WriteString("# Demands and the tests that show them\n\nMade by `deploy/features.sh` from what ran and passed; do not edit. " +
		"A test named here shows the part of the demand that this release has; the service's README says what is still missing. " +
		"A demand without a test is not met.\n\n| id | demand | shown over | by | missing |\n|---|---|---|---|---|\n")
	for _, d := range demands {
		over := make([]string, 0, len(d.transports))
		for t := range d.transports {
			over = append(over, t)
		}
		slices.Sort(over)
		tests := make([]string, 0, len(d.tests))
		for t := range d.tests {
			name, _, _ := strings.Cut(t, "/")
			if !slices.Contains(tests, name) {
				tests = append(tests, name)
			}
		}
		slices.Sort(tests)
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", d.id, strings.ReplaceAll(d.text, "|", "\\|"), strings.Join(over, ", "), strings.Join(tests, ", "), d.missing)
	}
	return b.String()
}

func replaceSection(path, section string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := string(raw)
	from, to := strings.Index(text, begin), strings.Index(text, end)
	if from < 0 || to < from {
		return fmt.Errorf("%s has no section of features", path)
	}
	return os.WriteFile(path, []byte(text[:from]+section+text[to+len(end):]), 0o644)
}
