package record_test

import (
	"fmt"
	"testing"

	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// The tests' PostgreSQL runs without fsync: these measure work, not the disk.

func BenchmarkStore_Create(b *testing.B) {
	h := open(b)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		h.add(h.request(fmt.Sprint("r", n), ""), h.tenant, fmt.Sprint("C-", n))
	}
}

func BenchmarkStore_Change(b *testing.B) {
	h := open(b)
	name := h.add(h.as(h.tenant), h.tenant, "C-1").GetName()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		if _, err := h.store.Change(h.request(fmt.Sprint("r", n), ""), h.tenant, name, "", rename(fmt.Sprint(n))); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStore_Update(b *testing.B) {
	h := open(b)
	name := h.add(h.as(h.tenant), h.tenant, "C-1").GetName()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		change := &contactv1.Contact{Name: name, GivenName: fmt.Sprint(n)}
		if _, err := h.store.Update(h.as(h.tenant), h.tenant, change, nil); err != nil {
			b.Fatal(err)
		}
	}
}
