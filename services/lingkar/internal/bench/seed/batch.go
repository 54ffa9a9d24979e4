package seed

import (
	"github.com/google/uuid"
)

const (
	// batchCopies is how many copies are written side by side, each row of the
	// group for all of them before the next row: so the rows of one customer lie
	// apart, as they do where customers come and go.
	batchCopies = 400
	partitions  = 16
	// arrivalBatch is how many events the event store is taken to have stored at a
	// time; an arrival is the number of the batch and the place in it.
	arrivalBatch = 1000
	arrivalBits  = 20
)

// batch is some copies of one group, and where the orders stand before them.
type batch struct {
	group     int
	copies    []copied
	positions []int64
	seqs      [][partitions]int64
	arrival   int64

	// contacts are the ids of the copies' contacts, by copy and contact: they take
	// long to find. Only what prepared answers has them.
	contacts [][]uuid.UUID
}

// plan lays out all batches, the key account's after a third of the others. heads
// and positions are where the areas stand, arrival the number of the first batch
// of arrivals to use. It answers also where all end.
func plan(g groups, o *order, heads [][partitions]int64, positions []int64, arrival int64) (batches []*batch, end *batch) {
	total := g.mass + g.key
	at := &batch{positions: positions, seqs: heads, arrival: arrival * arrivalBatch}
	number := 0
	add := func(group, n int) {
		for n > 0 {
			size := min(n, batchCopies)
			b := at.clone()
			b.group, b.copies = group, make([]copied, size)
			for i := range b.copies {
				b.copies[i] = copied{number: number, shift: int64(span.Seconds()) * int64(total-number) / int64(total)}
				number++
			}
			batches = append(batches, b)
			at = at.after(o, group, int64(size))
			n -= size
		}
	}
	add(0, g.mass/3)
	add(1, g.key)
	add(0, g.mass-g.mass/3)
	return batches, at
}

func (b *batch) clone() *batch {
	c := &batch{arrival: b.arrival, positions: append([]int64(nil), b.positions...)}
	c.seqs = append(c.seqs, b.seqs...)
	return c
}

// after is where the orders stand after so many copies of a group.
func (b *batch) after(o *order, group int, copies int64) *batch {
	c := b.clone()
	c.arrival += copies * int64(o.arrivals[group])
	for area := range o.areas {
		c.positions[area] += copies * int64(o.events[group][area])
		for p := range partitions {
			c.seqs[area][p] += copies * int64(o.spread[group][area][p])
		}
	}
	return c
}

func (b *batch) position(p *place, nth int) int64 {
	return b.positions[p.area] + int64(p.rank*len(b.copies)+nth) + 1
}

func (b *batch) seq(p *place, nth int) int64 {
	return b.seqs[p.area][p.partition] + int64(p.partitionRank*len(b.copies)+nth) + 1
}

func (b *batch) arrived(p *place, nth int) int64 {
	n := b.arrival + int64(p.arrival*len(b.copies)+nth)
	return n/arrivalBatch<<arrivalBits + n%arrivalBatch + 1
}

// prepared is the batch with the ids of its contacts. It is made when the batch is
// written and dropped afterwards, so that memory does not grow with the number of
// batches.
func (b *batch) prepared(t *tokens) *batch {
	p := *b
	p.contacts = make([][]uuid.UUID, len(b.copies))
	for nth, c := range b.copies {
		p.contacts[nth] = make([]uuid.UUID, t.contactIDs[b.group])
		for ref := range t.list {
			if tok := &t.list[ref]; tok.contact && tok.group == b.group {
				p.contacts[nth][tok.index] = t.idOf(ref, c)
			}
		}
	}
	return &p
}

func (b *batch) id(t *tokens, ref, nth int) uuid.UUID {
	if tok := &t.list[ref]; tok.contact {
		return b.contacts[nth][tok.index]
	}
	return t.idOf(ref, b.copies[nth])
}
