package server

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// lists are the RPCs that tell all of a relation: who may call one, and over which
// records, gets the relation. For others it is left out.
var lists = map[contactv1.ContactRelation]string{
	contactv1.ContactRelation_CONTACT_RELATION_RELATIONSHIPS: contactv1.RelationshipService_ListRelationships_FullMethodName,
	contactv1.ContactRelation_CONTACT_RELATION_INTERACTIONS:  contactv1.InteractionService_ListInteractions_FullMethodName,
	contactv1.ContactRelation_CONTACT_RELATION_CONSENTS:      contactv1.ConsentService_ListConsents_FullMethodName,
	contactv1.ContactRelation_CONTACT_RELATION_DOCUMENTS:     contactv1.DocumentService_ListDocuments_FullMethodName,
}

// include puts what the request asks for into the contacts.
func (s *Server) include(ctx context.Context, req interface {
	GetInclude() []contactv1.ContactRelation
}, list ...*contactv1.Contact) error {
	if len(req.GetInclude()) == 0 {
		return nil
	}
	caller := auth.From(ctx)
	err := s.Store.Include(ctx, caller.Tenant, list, req.GetInclude(), func(relation contactv1.ContactRelation) (context.Context, bool) {
		scope, err := Policy.Check(caller, lists[relation])
		return auth.WithScope(ctx, scope), err == nil
	})
	if err != nil {
		return err
	}
	return s.hideRelated(ctx, caller, list)
}

// hideRelated clears what the caller may not see of related contacts: they are told by
// messages of their own, which the rules about fields do not speak of.
func (s *Server) hideRelated(ctx context.Context, caller auth.Caller, list []*contactv1.Contact) error {
	policy, err := s.Rules.Of(ctx, caller.Tenant)
	if err != nil {
		return err
	}
	ofContacts := policy.Hidden(caller, (&contactv1.Contact{}).ProtoReflect().Descriptor())
	ofRelationships := policy.Hidden(caller, (&contactv1.Relationship{}).ProtoReflect().Descriptor())
	for _, c := range list {
		for _, r := range c.GetIncluded().GetRelationships() {
			clearFields(r, ofRelationships)
			if slices.Contains(ofRelationships, "type") {
				r.Label = ""
			}
			if r.GetContact() != nil {
				clearFields(r.GetContact(), ofContacts)
			}
		}
	}
	return nil
}

// clearFields clears the fields of those names that the message has.
func clearFields(m proto.Message, names []string) {
	for _, name := range names {
		if f := m.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(name)); f != nil {
			m.ProtoReflect().Clear(f)
		}
	}
}
