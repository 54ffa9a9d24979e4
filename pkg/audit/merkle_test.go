package audit_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/pkg/audit"
)

func leaves(n int) []audit.Hash {
	all := make([]audit.Hash, n)
	for i := range all {
		all[i] = sha256.Sum256([]byte{byte(i), byte(i >> 8)})
	}
	return all
}

// The tree is that of RFC 6962, 2.1, worked out by hand for three entries.
func TestRoot(t *testing.T) {
	t.Parallel()
	of := leaves(3)
	leaf := func(h audit.Hash) []byte { sum := sha256.Sum256(append([]byte{0}, h[:]...)); return sum[:] }
	node := func(l, r []byte) []byte { sum := sha256.Sum256(append(append([]byte{1}, l...), r...)); return sum[:] }
	want := node(node(leaf(of[0]), leaf(of[1])), leaf(of[2]))
	if got := audit.Root(of); hex.EncodeToString(got[:]) != hex.EncodeToString(want) {
		t.Errorf("%x, want %x", got, want)
	}
	if one := audit.Root(of[:1]); hex.EncodeToString(one[:]) != hex.EncodeToString(leaf(of[0])) {
		t.Errorf("of one: %x", one)
	}
}

// Of any tree, the path of each entry shows that entry at that place, and nothing else.
func TestPath(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 70).Draw(rt, "entries")
		of := leaves(n)
		root := audit.Root(of)
		at := rapid.IntRange(0, n-1).Draw(rt, "index")
		path := audit.Path(of, at)
		if !audit.Included(root, of[at], int64(at), int64(n), path) {
			rt.Fatal("the path does not show the entry")
		}
		if other := rapid.IntRange(0, n-1).Draw(rt, "other"); other != at && (audit.Included(root, of[other], int64(at), int64(n), path) || audit.Included(root, of[at], int64(other), int64(n), path)) {
			rt.Fatal("the path shows another entry, or another place")
		}
		if len(path) > 0 && (audit.Included(root, of[at], int64(at), int64(n), path[1:]) || audit.Included(root, of[at], int64(at), int64(n), append(path, root))) {
			rt.Fatal("a path of another length is taken")
		}
		if audit.Included(root, of[at], int64(n), int64(n), path) || audit.Included(root, of[at], -1, int64(n), path) {
			rt.Fatal("a place outside is taken")
		}
	})
}

// BenchmarkRoot is what a block of 20,000 entries costs.
func BenchmarkRoot(b *testing.B) {
	of := leaves(20_000)
	for b.Loop() {
		audit.Root(of)
	}
}
