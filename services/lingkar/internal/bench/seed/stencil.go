package seed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protowire"
)

// postgresEpoch is the second from which PostgreSQL counts, 2000-01-01.
const postgresEpoch = 946_684_800

type patchKind uint8

const (
	patchUUID     patchKind = iota // an id, 16 bytes
	patchUUIDText                  // an id as text
	patchText                      // another text
	patchMicros                    // an instant of PostgreSQL
	patchSeconds                   // the seconds of a protobuf timestamp
	patchTime                      // an instant as text
	patchPosition                  // the number of an event in its log
	patchSeq                       // the number of an event in its partition
	patchArrival                   // the number of an event in the event store
)

// patch is a place of a stencil that differs from copy to copy.
type patch struct {
	kind patchKind
	size uint8
	off  int32
	ref  int32
}

// stencil is a row of a group, or a part of one, with what differs in copies.
type stencil struct {
	raw     []byte
	patches []patch
	// place is that of the row's event, where it is about one.
	place *place
	// sealed is the sealed part of the row's event, if it has one.
	sealed *sealed
	// spliced is the event's own position in its partition, which may grow longer.
	spliced *splice
}

// splice is a number in a message in a field: their sizes grow with it.
type splice struct {
	// length is where the size of the field stands, at where the number begins.
	length, at int
	// was is how many bytes the number has in the group.
	was int
}

// place is where an event of a group stands in the orders of its kind.
type place struct {
	area, partition, rank, partitionRank, arrival int
}

// seconds are the seconds of the instants that the groups have.
type seconds map[int64]bool

// addMicros notes an instant of PostgreSQL; infinity is none.
func (s seconds) addMicros(micros int64) bool {
	if !finite(micros) {
		return false
	}
	s[floor(micros)+postgresEpoch] = true
	return true
}

func finite(micros int64) bool { return micros != 1<<63-1 && micros != -1<<63 }

func floor(micros int64) int64 { return time.UnixMicro(micros).Unix() }

// findTexts adds the patches of what lies between from and to: ids and other
// texts of the groups.
func (s *stencil) findTexts(t *tokens, from, to int) {
	for at := from; at < to; at++ {
		for _, size := range t.sizes {
			if at+size > to {
				continue
			}
			ref, ok := t.texts[string(s.raw[at:at+size])]
			if !ok {
				continue
			}
			kind := patchText
			if t.list[ref].kind == tokenID {
				kind = patchUUIDText
			}
			s.patches = append(s.patches, patch{kind: kind, size: uint8(size), off: int32(at), ref: int32(ref)})
			at += size - 1
			break
		}
	}
}

// findUUIDs adds the patches of ids in binary form.
func (s *stencil) findUUIDs(t *tokens, from, to int) {
	for at := from; at+16 <= to; at++ {
		if ref, ok := t.ids[uuid.UUID(s.raw[at:at+16])]; ok {
			s.patches = append(s.patches, patch{kind: patchUUID, off: int32(at), ref: int32(ref)})
			at += 15
		}
	}
}

// findSeconds adds the patches of protobuf timestamps: their seconds take six
// bytes with the tag, from 1978 to 3058.
func (s *stencil) findSeconds(known seconds, from, to int) {
	for at := from; at+6 <= to; at++ {
		if s.raw[at] != 0x08 {
			continue
		}
		value, n := protowire.ConsumeVarint(s.raw[at+1 : to])
		if n == 5 && known[int64(value)] {
			s.patches = append(s.patches, patch{kind: patchSeconds, off: int32(at + 1)})
			at += n
		}
	}
}

var instant = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d`)

const instantLayout = "2006-01-02T15:04:05"

// findInstants adds the patches of instants written as text.
func (s *stencil) findInstants(known seconds, from, to int) {
	for _, found := range instant.FindAllIndex(s.raw[from:to], -1) {
		at, err := time.Parse(instantLayout, string(s.raw[from+found[0]:from+found[1]]))
		if err == nil && known[at.Unix()] {
			s.patches = append(s.patches, patch{kind: patchTime, off: int32(from + found[0])})
		}
	}
}

// group answers the group of all ids and texts, or -1 where there are none.
func (s *stencil) group(t *tokens) (int, error) {
	group := -1
	for _, p := range s.patches {
		if p.kind > patchText {
			continue
		}
		if g := t.list[p.ref].group; group >= 0 && g != group {
			return 0, fmt.Errorf("a row belongs to both groups: %.500q", s.raw)
		} else {
			group = g
		}
	}
	return group, nil
}

// positionField is the number of Event.position.
const positionField = 8

// findPosition notes where the event of a field has its own position.
func (s *stencil) findPosition(f field) error {
	for at := f.off; at < f.off+f.size; {
		number, kind, n := protowire.ConsumeTag(s.raw[at : f.off+f.size])
		if n < 0 {
			return protowire.ParseError(n)
		}
		size := protowire.ConsumeFieldValue(number, kind, s.raw[at+n:f.off+f.size])
		if size < 0 {
			return protowire.ParseError(size)
		}
		if number == positionField {
			s.spliced = &splice{length: f.off - 4, at: at + n, was: size}
			return nil
		}
		at += n + size
	}
	return errors.New("an event in the store has no position")
}

// pen writes copies.
type pen struct {
	tokens *tokens
	batch  *batch
	keys   *sealer
	buf    []byte
	plain  []byte
}

// write answers the tuple of the copy that is the nth of the batch. It is valid
// until the next.
func (p *pen) write(s *stencil, nth int) []byte {
	p.buf = append(p.buf[:0], s.raw...)
	p.patch(p.buf, s, nth)
	if s.sealed != nil {
		p.plain = append(p.plain[:0], s.sealed.plain.raw...)
		p.patch(p.plain, &s.sealed.plain, nth)
		p.keys.seal(p.batch, s.sealed, nth, p.plain, p.buf[s.sealed.off:s.sealed.off])
	}
	if s.spliced != nil {
		p.splice(s.spliced, uint64(p.batch.seq(s.place, nth)))
	}
	return p.buf
}

func (p *pen) patch(buf []byte, s *stencil, nth int) {
	c := p.batch.copies[nth]
	for _, x := range s.patches {
		at := buf[x.off:]
		switch x.kind {
		case patchUUID:
			id := p.batch.id(p.tokens, int(x.ref), nth)
			copy(at, id[:])
		case patchUUIDText:
			putUUID(at, p.batch.id(p.tokens, int(x.ref), nth))
		case patchText:
			p.tokens.textOf(int(x.ref), c, at[:x.size])
		case patchMicros:
			binary.BigEndian.PutUint64(at, binary.BigEndian.Uint64(at)-uint64(c.shift*1_000_000))
		case patchSeconds:
			value, _ := protowire.ConsumeVarint(at)
			protowire.AppendVarint(at[:0], value-uint64(c.shift))
		case patchTime:
			was, err := time.Parse(instantLayout, string(at[:len(instantLayout)]))
			if err != nil {
				panic(fmt.Sprintf("seed: %v", err)) // findInstants read it
			}
			was.Add(-time.Duration(c.shift)*time.Second).AppendFormat(at[:0], instantLayout)
		case patchPosition:
			binary.BigEndian.PutUint64(at, uint64(p.batch.position(s.place, nth)))
		case patchSeq:
			binary.BigEndian.PutUint64(at, uint64(p.batch.seq(s.place, nth)))
		case patchArrival:
			binary.BigEndian.PutUint64(at, uint64(p.batch.arrived(s.place, nth)))
		}
	}
}

// splice writes a number of any size into the buffer.
func (p *pen) splice(at *splice, number uint64) {
	size := protowire.SizeVarint(number)
	length := binary.BigEndian.Uint32(p.buf[at.length:])
	binary.BigEndian.PutUint32(p.buf[at.length:], length+uint32(size-at.was))
	end := len(p.buf)
	for range size - at.was {
		p.buf = append(p.buf, 0)
	}
	copy(p.buf[at.at+size:], p.buf[at.at+at.was:end])
	protowire.AppendVarint(p.buf[at.at:at.at], number)
	p.buf = p.buf[:end+size-at.was]
}

const hexDigits = "0123456789abcdef"

// putUUID writes an id as text.
func putUUID(at []byte, id uuid.UUID) {
	i := 0
	for n, b := range id {
		if n == 4 || n == 6 || n == 8 || n == 10 {
			at[i] = '-'
			i++
		}
		at[i], at[i+1] = hexDigits[b>>4], hexDigits[b&15]
		i += 2
	}
}

// ticketPrefix is what stands before the number of a ticket.
func ticketPrefix(number string) (string, error) {
	if len(number) <= 8 {
		return "", fmt.Errorf("the ticket number %q is not as long as it should be", number)
	}
	if _, err := strconv.Atoi(number[len(number)-8:]); err != nil {
		return "", fmt.Errorf("the ticket number %q does not end in eight digits", number)
	}
	return number[:len(number)-8], nil
}
