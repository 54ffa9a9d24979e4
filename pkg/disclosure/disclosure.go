// Package disclosure is the one way by which data of contacts leaves the suite:
// exports, webhooks, connectors.
//
// An output hands its records to Screen and writes what it gets back: a Cleared can
// be made by nothing else, so a writer that takes one cannot write what nobody asked
// about. The contact service decides for each contact and notes in its audit log what
// it withholds (A18); what cannot be asked about does not leave.
//
// Limits: a record concerns one contact, the one it names; what its free text says of
// others is not seen.
package disclosure

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// perCall is how many contacts one call asks about.
const perCall = 1000

// Recipient is who would get the data: one on file by its name, or else a class.
type Recipient struct {
	Class contactv1.RecipientClass
	// Name is "recipients/{uuid}"; empty where none on file is meant.
	Name string
}

// The recipients that need no entry on file.
var (
	Subject    = Recipient{Class: contactv1.RecipientClass_RECIPIENT_CLASS_SUBJECT}
	FirstParty = Recipient{Class: contactv1.RecipientClass_RECIPIENT_CLASS_FIRST_PARTY}
	ThirdParty = Recipient{Class: contactv1.RecipientClass_RECIPIENT_CLASS_THIRD_PARTY}
)

// Output is one way out, such as "exports/contacts", to one recipient.
type Output struct {
	// Decides is the contact service, called as whoever the data leaves for.
	Decides contactv1.DisclosureServiceClient
	Name    string
	To      Recipient
}

// Cleared is what may leave.
type Cleared struct {
	records  []proto.Message
	withheld int
}

// Records are those that may leave, in their order, with the fields that may.
func (c Cleared) Records() []proto.Message { return c.records }

// Withheld is how many records may not leave.
func (c Cleared) Withheld() int { return c.withheld }

// Screen asks whose data may leave, and answers those records: contacts, and others
// that name their contact. A processor's copies hold only what its contract names. A
// record of nobody, such as a product, may leave.
func (o Output) Screen(ctx context.Context, records []proto.Message) (Cleared, error) {
	var concerned []string
	for _, m := range records {
		if name := contactOf(m); name != "" {
			concerned = append(concerned, name)
		}
	}
	slices.Sort(concerned)
	decided, err := o.ask(ctx, slices.Compact(concerned))
	if err != nil {
		return Cleared{}, err
	}
	var c Cleared
	for _, m := range records {
		if name := contactOf(m); name != "" && !decided.allowed[name] {
			c.withheld++
			continue
		}
		c.records = append(c.records, decided.prune(m))
	}
	return c, nil
}

// decision is what the contact service answered.
type decision struct {
	allowed map[string]bool
	// fields are those that may leave, by collection; limited is false where all may.
	fields  map[string]bool
	limited bool
}

func (o Output) ask(ctx context.Context, contacts []string) (decision, error) {
	d := decision{allowed: map[string]bool{}, fields: map[string]bool{}}
	for batch := range slices.Chunk(contacts, perCall) {
		req := &contactv1.ScreenDisclosureRequest{Recipient: o.To.Name, Output: o.Name, Contacts: batch}
		if o.To.Name == "" {
			req.RecipientClass = o.To.Class
		}
		answer, err := o.Decides.ScreenDisclosure(ctx, req)
		if err != nil {
			return d, err
		}
		for _, one := range answer.GetDisclosures() {
			d.allowed[one.GetContact()] = one.GetAllowed()
		}
		d.limited = answer.GetRecipientClass() == contactv1.RecipientClass_RECIPIENT_CLASS_PROCESSOR
		for _, field := range answer.GetFields() {
			d.fields[field] = true
		}
	}
	return d, nil
}

// prune answers a record with its name and the fields that may leave.
func (d decision) prune(m proto.Message) proto.Message {
	if !d.limited {
		return m
	}
	pruned := proto.Clone(m)
	in := pruned.ProtoReflect()
	collection, _, _ := strings.Cut(nameOf(m), "/")
	in.Range(func(fd protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if fd.Name() != "name" && !d.fields[collection+"."+string(fd.Name())] {
			in.Clear(fd)
		}
		return true
	})
	return pruned
}

// contactOf answers whose a record is: the contact it names, or itself; empty for a
// record of nobody.
func contactOf(m proto.Message) string {
	if of, ok := m.(interface{ GetContact() string }); ok {
		return of.GetContact()
	}
	if name := nameOf(m); strings.HasPrefix(name, "contacts/") {
		return name
	}
	return ""
}

func nameOf(m proto.Message) string {
	if named, ok := m.(interface{ GetName() string }); ok {
		return named.GetName()
	}
	return ""
}
