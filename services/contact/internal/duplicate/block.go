package duplicate

import (
	"hash/fnv"
	"slices"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/text"
)

// maxAddresses is how many addresses of a contact give keys.
const maxAddresses = 3

// Keys answers the numbers under which a record is looked for: two records that
// share one are compared. Each stands for another way in which records of one person
// may agree although they differ elsewhere, since any single one misses half of them
// (Christen, "Data Matching", 2012, chapter 4): how the name sounds, whatever the
// order of its words; the birthday; each word of the name at a place; the street.
// Identifiers are no keys: they are looked up by themselves.
func (r Record) Keys() []int64 {
	var keys []int64
	add := func(parts ...string) {
		if !slices.Contains(parts[1:], "") {
			keys = append(keys, hash(parts))
		}
	}
	skeleton := text.Skeleton(r.Name)
	add("name", coded(skeleton))
	if len(r.Birthday) == len("2006-01-02") {
		add("birthday", r.Birthday)
	}
	for _, a := range r.Addresses[:min(len(r.Addresses), maxAddresses)] {
		place := coded(text.Skeleton(a.Locality))
		if place == "" {
			place = a.PostalCode
		}
		words := strings.Fields(skeleton)
		if n := len(words); n > 0 {
			add("place", place, sounds(words[0]))
			add("place", place, sounds(words[n-1]))
		}
		add("street", coded(a.Street), a.PostalCode)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// coded answers how the words of a name sound, in the order of the alphabet.
func coded(name string) string {
	words := strings.Fields(name)
	for i, w := range words {
		words[i] = sounds(w)
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// hash is FNV-1a of the parts, each ended by a byte that no text holds. Two keys that
// share a number by chance cost a comparison and no more.
func hash(parts []string) int64 {
	h := fnv.New64a()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0xff})
	}
	return int64(h.Sum64())
}
