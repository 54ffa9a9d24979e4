package duplicate_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/duplicate"
	"github.com/lingkar-crm/lingkar/services/contact/internal/identity"
)

// entry is a record of Febrl, with the number that says of whom it is.
type entry struct {
	person string
	duplicate.Record
}

// febrl reads data sets of Febrl, which are kept beside the repository.
func febrl(t *testing.T, files ...string) []entry {
	t.Helper()
	var all []entry
	for _, name := range files {
		f, err := os.Open(filepath.Join("..", "..", "..", "..", "..", "shared", "data", "febrl", name))
		if err != nil && os.Getenv("CI") == "" {
			t.Skipf("put the reference data next to the repository to run this: %v", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rows, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[1:] {
			all = append(all, entryOf(row))
		}
	}
	return all
}

func entryOf(row []string) entry {
	for i := range row {
		row[i] = strings.TrimSpace(row[i])
	}
	c := &contact.Contact{
		Kind: contact.Person, GivenName: row[1], FamilyName: row[2], DisplayName: strings.TrimSpace(row[1] + " " + row[2]),
		Addresses: []contact.Address{{
			Lines: []string{row[3] + " " + row[4], row[5]}, Locality: row[6], PostalCode: row[7], AdministrativeArea: row[8],
		}},
	}
	c.ID = entity.NewID()
	if d := row[9]; len(d) == 8 {
		c.Birthday = d[:4] + "-" + d[4:6] + "-" + d[6:]
	}
	if row[10] != "" {
		c.ExternalIDs = map[string]string{"ssn": row[10]}
	}
	return entry{strings.Split(row[0], "-")[1], duplicate.Of(c)}
}

// scored is a pair that shares a key, with its score and the truth.
type scored struct {
	score float64
	same  bool
}

func score(entries []entry) []scored {
	blocks := map[any][]int{}
	for i, e := range entries {
		for _, k := range e.Keys() {
			blocks[k] = append(blocks[k], i)
		}
		for _, h := range e.Handles {
			blocks[h] = append(blocks[h], i)
		}
	}
	seen := map[[2]int]bool{}
	var all []scored
	for _, block := range blocks {
		for n, i := range block {
			for _, j := range block[n+1:] {
				if !seen[[2]int{i, j}] {
					seen[[2]int{i, j}] = true
					all = append(all, scored{duplicate.Compare(entries[i].Record, entries[j].Record).Weight, entries[i].person == entries[j].person})
				}
			}
		}
	}
	return all
}

// quality answers precision and recall from a score up, where every second record has
// one duplicate.
func quality(pairs []scored, records int, from float64) (precision, recall float64) {
	right, said := 0.0, 0.0
	for _, p := range pairs {
		if p.score >= from {
			said++
			if p.same {
				right++
			}
		}
	}
	return right / max(said, 1), right / float64(records/2)
}

// The score from which a match is probable was chosen on the first data set, and holds
// unchanged on the fourth: on both it is at least as good as the weighted baseline that
// was computed for them by other means.
func TestProbableScore_febrl(t *testing.T) {
	t.Parallel()
	for set, c := range map[string]struct {
		entries           []entry
		precision, recall float64
	}{
		"1": {febrl(t, "dataset1.csv"), 1, 0.998},
		"4": {febrl(t, "dataset4a.csv", "dataset4b.csv"), 0.99959, 0.9986},
	} {
		pairs := score(c.entries)
		precision, recall := quality(pairs, len(c.entries), identity.ProbableScore)
		t.Logf("set %s: %d of %d records compared in pairs, precision %.5f, recall %.5f", set, len(pairs), len(c.entries), precision, recall)
		if precision < c.precision || recall < c.recall {
			t.Errorf("set %s: precision %.5f, recall %.5f, want %.5f and %.5f", set, precision, recall, c.precision, c.recall)
		}
		if set == "1" {
			if _, higher := quality(pairs, len(c.entries), identity.ProbableScore+1); higher >= c.recall {
				t.Errorf("from %v up recall is %.5f: the score can be higher", identity.ProbableScore+1, higher)
			}
		}
	}
}
