package projection

import (
	"time"

	"github.com/google/uuid"
)

// Version is what a resource means to a projection from one of its events on.
// Only the versions that mean something else than the one before are kept.
type Version[T any] struct {
	Tenant    uuid.UUID
	Aggregate string
	Seq       int64
	// RecordedAt is from when on it was known, ReplacedAt when it no longer was:
	// nil while it is.
	RecordedAt time.Time
	ReplacedAt *time.Time
	// First is true for the first of its aggregate in the batch, which is to be
	// compared with what the table holds.
	First bool
	// Gone is true where the resource means nothing any more: it ends the version
	// before and adds none.
	Gone  bool
	Value T
}

// key names an aggregate over all tenants.
type key struct {
	tenant    uuid.UUID
	aggregate string
}

// chains collects the versions of a batch, each aggregate's in order.
type chains[T any] struct {
	same     func(a, b T) bool
	versions []*Version[T]
	last     map[key]*Version[T]
}

func newChains[T any](same func(a, b T) bool) *chains[T] {
	return &chains[T]{same: same, last: map[key]*Version[T]{}}
}

// add appends what an aggregate means after the event; nil for nothing.
func (c *chains[T]) add(h header, value *T) {
	k := key{h.tenant, h.GetAggregate()}
	before, known := c.last[k]
	if value == nil && !known && h.GetAggregateSeq() == 1 {
		return // it never meant anything
	}
	v := &Version[T]{
		Tenant: h.tenant, Aggregate: h.GetAggregate(), Seq: h.GetAggregateSeq(),
		RecordedAt: h.recorded, First: !known, Gone: value == nil,
	}
	if value != nil {
		v.Value = *value
	}
	if known {
		if before.Gone == v.Gone && (v.Gone || c.same(before.Value, v.Value)) {
			return
		}
		before.ReplacedAt = &v.RecordedAt
	}
	c.last[k] = v
	c.versions = append(c.versions, v)
}

func (c *chains[T]) all() []Version[T] {
	all := make([]Version[T], len(c.versions))
	for i, v := range c.versions {
		all[i] = *v
	}
	return all
}
