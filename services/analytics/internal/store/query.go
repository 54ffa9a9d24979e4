package store

import (
	"strings"
	"time"

	"github.com/google/uuid"
)

// farFuture stands for "whatever is known" where a query bounds time.
var farFuture = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// Ref names a customer: by its Customer ID, or by the contact's id where Number is
// empty.
type Ref struct {
	// Name is how the caller wrote it, for NOT_FOUND.
	Name    string
	Contact uuid.UUID
	Number  string
	// Family are all contacts that are one with it, itself first; nil for it alone.
	Family []uuid.UUID
}

// contact answers the contact that it names, the first of several; false where only the
// Customer ID is known.
func (r Ref) contact() (uuid.UUID, bool) {
	switch {
	case r.Family != nil:
		return r.Family[0], true
	case r.Number != "":
		return uuid.Nil, false
	}
	return r.Contact, true
}

func (r Ref) arg() any {
	if r.Family != nil {
		return r.Family
	}
	if r.Number != "" {
		return r.Number
	}
	return r.Contact
}

// Instant is what is asked about: what was known at AsOf of what held at
// EffectiveAt. Past is false for what is known now, and then AsOf bounds nothing.
type Instant struct {
	AsOf, EffectiveAt time.Time
	Past              bool
}

// known bounds recorded_at.
func (i Instant) known() time.Time {
	if i.Past {
		return i.AsOf
	}
	return farFuture
}

// held bounds occurred_at. What is dated after now is shown as long as nobody asks
// about an instant: clocks of services differ a little.
func (i Instant) held() time.Time {
	if i.Past || i.EffectiveAt.Before(i.AsOf) {
		return i.EffectiveAt
	}
	return farFuture
}

// query is a statement in its six forms: for a customer named by its contact, by its
// number or by all contacts that are one with it, and for what is known now or was known
// once. All of them take the tenant as $1, the customer as $2 and the instant of
// knowledge as $3.
type query [3][2]string

// The forms of a customer's name.
const (
	byContact = iota
	byNumber
	byFamily
)

// prepare writes the forms of a statement. In it {contact} stands for the contact's id,
// where it is compared for equality for any that is one with it, {root} for its id
// alone, and {contact or nobody} for the nil id where s.section is below 0, else for
// {contact}. {family:x} stands for x in the form for several contacts, and for nothing in the
// others; {past:x} likewise in the form for what was known once; {valid:t} for the condition
// that a row of t, which is a table of versions, is the one that holds.
func prepare(sql string) query {
	numbered := "(SELECT numbered.contact FROM customer numbered WHERE numbered.tenant = $1 AND numbered.customer_id = $2::text LIMIT 1)"
	const nobody = "(CASE WHEN s.section < 0 THEN '00000000-0000-0000-0000-000000000000' ELSE "
	contacts := [3]*strings.Replacer{
		byContact: strings.NewReplacer("{contact}", "$2::uuid", "{root}", "$2::uuid", "{contact or nobody}", nobody+"$2::uuid END)"),
		byNumber:  strings.NewReplacer("{contact}", numbered, "{root}", numbered, "{contact or nobody}", nobody+numbered+" END)"),
		byFamily: strings.NewReplacer("= {contact}", "= ANY ($2::uuid[])", "{root}", "($2::uuid[])[1]",
			"= {contact or nobody}", "= ANY (CASE WHEN s.section < 0 THEN '{00000000-0000-0000-0000-000000000000}' ELSE $2::uuid[] END)"),
	}
	ends := [2]string{" = 'infinity'", " > $3"}
	var q query
	for form, contact := range contacts {
		for past, end := range ends {
			own := only(only(sql, "{family:", form == byFamily), "{past:", past == 1)
			q[form][past] = valid(contact.Replace(own), end)
		}
	}
	return q
}

// only replaces what stands after an opening: by itself where it is for this form.
func only(sql, opening string, here bool) string {
	for {
		before, rest, found := strings.Cut(sql, opening)
		if !found {
			return sql
		}
		part, after, _ := strings.Cut(rest, "}")
		if !here {
			part = ""
		}
		sql = before + part + after
	}
}

// valid replaces {valid:t}. What ends only at infinity is what holds now: said by
// equality, so that an index answers it in order.
func valid(sql, end string) string {
	for {
		before, rest, found := strings.Cut(sql, "{valid:")
		if !found {
			return sql
		}
		table, after, _ := strings.Cut(rest, "}")
		sql = before + "(" + table + ".replaced_at" + end + " AND " + table + ".recorded_at <= $3)" + after
	}
}

// of answers the form for a customer and an instant.
func (q query) of(ref Ref, at Instant) string {
	form := byContact
	switch {
	case ref.Family != nil:
		form = byFamily
	case ref.Number != "":
		form = byNumber
	}
	return q[form][bit(at.Past)]
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
