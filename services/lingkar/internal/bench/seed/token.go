package seed

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
)

// What stands in the groups for what differs from copy to copy. All values of a
// kind are equally long, so that a copy is made in place.
const (
	// firstNumber is the number of the first contact of the first group; it stands
	// in its e-mail address, phone number and card, and its name is made of it.
	firstNumber = 700_000_000
	// firstID is the Customer ID and the ticket number from which the groups are
	// counted.
	firstID = 10_000_000
	// copiesFrom is how far behind the groups the copies begin.
	copiesFrom = 1_000
)

// word makes a name of eight letters of a number, another for each below 100
// million.
func word(number int) string {
	const consonants, vowels = "bcdfghjklmnprstvwxyz", "aeiou"
	n := uint64(number-firstNumber) * 61_803_399 % 100_000_000
	var w [8]byte
	for i := 0; i < len(w); i += 2 {
		w[i], w[i+1] = consonants[n%100/5], vowels[n%5]
		n /= 100
	}
	return string(w[:])
}

// title writes a word as a name.
func title(w string) string { return string(w[0]-'a'+'A') + w[1:] }

type tokenKind uint8

const (
	tokenID tokenKind = iota
	tokenNumber
	tokenWord
	tokenTitle
	tokenCustomer
	tokenTicket
)

// token is a value of a group that differs from copy to copy.
type token struct {
	kind tokenKind
	// group is the one it belongs to.
	group int
	// index counts the tokens of its kind in the group, contacts by themselves.
	index int
	// contact is set for the id of a contact.
	contact bool
	id      uuid.UUID
}

// copied is one copy of a group.
type copied struct {
	// number counts all copies.
	number int
	// shift is by how many seconds it lies before the group.
	shift int64
}

// tokens are all that differs, and how.
type tokens struct {
	seed   uint64
	tenant uuid.UUID
	list   []token
	ids    map[uuid.UUID]int
	texts  map[string]int
	// sizes are how long the texts are, the longest first.
	sizes []int
	// tickets is how many tickets a group has, at most.
	tickets int
	// contactIDs counts the contacts of each group.
	contactIDs [2]int
	counts     [2]int
}

func newTokens(seed uint64, tenant uuid.UUID) *tokens {
	return &tokens{seed: seed, tenant: tenant, ids: map[uuid.UUID]int{}, texts: map[string]int{}}
}

// addID adds an id of a group, unless it is there.
func (t *tokens) addID(group int, id uuid.UUID, contact bool) {
	if _, known := t.ids[id]; known {
		return
	}
	tok := token{kind: tokenID, group: group, index: t.counts[group], contact: contact, id: id}
	t.counts[group]++
	if contact {
		tok.index = t.contactIDs[group]
		t.contactIDs[group]++
	}
	t.ids[id] = len(t.list)
	t.add(id.String(), tok)
}

func (t *tokens) addText(kind tokenKind, group, index int, text string) {
	t.add(text, token{kind: kind, group: group, index: index})
}

func (t *tokens) add(text string, tok token) {
	t.texts[text] = len(t.list)
	t.list = append(t.list, tok)
	if !slices.Contains(t.sizes, len(text)) {
		t.sizes = append(t.sizes, len(text))
		slices.SortFunc(t.sizes, func(a, b int) int { return b - a })
	}
}

// mix is the finaliser of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// idOf answers the id that stands in a copy for one of the group. The time in it
// moves along; a contact stays in its partition.
func (t *tokens) idOf(ref int, c copied) uuid.UUID {
	tok := &t.list[ref]
	state := mix(t.seed ^ uint64(c.number)<<24 ^ uint64(ref))
	id := t.shifted(tok, c, state)
	if !tok.contact {
		return id
	}
	for want := entity.Partition(t.tenant, tok.id); entity.Partition(t.tenant, id) != want; {
		state = mix(state)
		id = t.shifted(tok, c, state)
	}
	return id
}

func (t *tokens) shifted(tok *token, c copied, random uint64) uuid.UUID {
	id := tok.id
	high := mix(random)
	if id.Version() == 7 {
		milli := binary.BigEndian.Uint64(id[:8])>>16 - uint64(c.shift*1000)
		binary.BigEndian.PutUint64(id[:8], milli<<16|high&0xffff)
	} else {
		binary.BigEndian.PutUint64(id[:8], high)
	}
	binary.BigEndian.PutUint64(id[8:], random)
	id[6] = tok.id[6]&0xf0 | id[6]&0x0f
	id[8] = id[8]&0x3f | 0x80
	return id
}

// textOf writes what stands in a copy for a text of the group; it is as long.
func (t *tokens) textOf(ref int, c copied, into []byte) {
	tok := &t.list[ref]
	contact := copiesFrom + c.number*groupSize + tok.index
	switch tok.kind {
	case tokenNumber:
		copy(into, strconv.Itoa(firstNumber+contact))
	case tokenWord:
		copy(into, word(firstNumber+contact))
	case tokenTitle:
		copy(into, title(word(firstNumber+contact)))
	case tokenCustomer:
		copy(into[len(into)-8:], strconv.Itoa(firstID+contact))
	case tokenTicket:
		copy(into[len(into)-8:], strconv.Itoa(firstID+copiesFrom+c.number*t.tickets+tok.index))
	default:
		panic(fmt.Sprintf("seed: token %d is no text", ref))
	}
}

// groupOf answers the group of an id, or -1.
func (t *tokens) groupOf(id uuid.UUID) int {
	if ref, ok := t.ids[id]; ok {
		return t.list[ref].group
	}
	return -1
}
