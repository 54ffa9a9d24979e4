package entity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
)

// The place of an aggregate is written into stored rows: these values may never
// change.
func TestPartition_staysTheSame(t *testing.T) {
	t.Parallel()
	tenant := uuid.MustParse("0190a000-0000-7000-8000-000000000001")
	for key, want := range map[string]int16{
		"0190a000-0000-7000-8000-0000000000aa": 0,
		"0190a000-0000-7000-8000-0000000000ab": 3,
		"ffffffff-ffff-ffff-ffff-ffffffffffff": 15,
	} {
		if got := entity.Partition(tenant, uuid.MustParse(key)); got != want {
			t.Errorf("Partition(%s) = %d, want %d", key, got, want)
		}
	}
}

func TestPartition_spreadsEvenly(t *testing.T) {
	t.Parallel()
	tenant := uuid.MustParse("0190a000-0000-7000-8000-000000000001")
	counts := make([]int, entity.Partitions)
	const n = 16000
	for range n {
		counts[entity.Partition(tenant, entity.NewID())]++
	}
	for p, c := range counts {
		if c < n/entity.Partitions*8/10 || c > n/entity.Partitions*12/10 {
			t.Errorf("partition %d has %d of %d keys", p, c, n)
		}
	}
}

func TestNewID_isVersion7AndSorts(t *testing.T) {
	t.Parallel()
	last := entity.NewID()
	for range 1000 {
		id := entity.NewID()
		if id.Version() != 7 || id.String() <= last.String() {
			t.Fatalf("id %s (version %d) after %s", id, id.Version(), last)
		}
		last = id
	}
}

// Row B16 of the catalogue of bad input.
func TestParseID(t *testing.T) {
	t.Parallel()
	id := entity.NewID()
	if got, ok := entity.ParseID(id.String()); !ok || got != id {
		t.Errorf("%s is read as %s, %t", id, got, ok)
	}
	for what, text := range map[string]string{
		"empty": "", "zero": uuid.Nil.String(), "capital letters": strings.ToUpper(id.String()), "braces": "{" + id.String() + "}",
		"a URN": "urn:uuid:" + id.String(), "no hyphens": strings.ReplaceAll(id.String(), "-", ""), "a space": id.String() + " ",
		"version 1": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "version 4": uuid.NewString(),
		"another variant": "0190a000-0000-7000-c000-0000000000aa", "10 KB": strings.Repeat("0", 10_000),
	} {
		if _, ok := entity.ParseID(text); ok {
			t.Errorf("%s is taken for an id: %.60s", what, text)
		}
	}
}

func TestMeta_etagFollowsTheLastEvent(t *testing.T) {
	t.Parallel()
	m := entity.Meta{Seq: 1}
	first := m.Etag()
	m.Seq++
	if first == "" || m.Etag() == first {
		t.Fatalf("etag %q after %q", m.Etag(), first)
	}
	now := time.Unix(0, 0)
	if m.Deleted() {
		t.Error("alive, but Deleted")
	}
	m.DeleteTime = &now
	if !m.Deleted() {
		t.Error("deleted, but not Deleted")
	}
}
