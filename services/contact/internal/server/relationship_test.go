package server_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// kindOf makes a relationship type.
func (a *api) kindOf(t testing.TB, forward, reverse string) *contactv1.RelationshipType {
	t.Helper()
	return must(a.CreateRelationshipType(a.Ctx(), &contactv1.CreateRelationshipTypeRequest{
		RelationshipType: &contactv1.RelationshipType{ForwardName: forward, ReverseName: reverse},
	}))(t)
}

func (a *api) bind(kind *contactv1.RelationshipType, from, to *contactv1.Contact) (*contactv1.Relationship, error) {
	return a.CreateRelationship(a.Ctx(), &contactv1.CreateRelationshipRequest{Relationship: &contactv1.Relationship{
		Type: kind.GetName(), FromContact: from.GetName(), ToContact: to.GetName(),
	}})
}

// bonds counts the relationships of a contact, whichever side it stands on.
func (a *api) bonds(t testing.TB, of *contactv1.Contact, filter string) int {
	t.Helper()
	list := must(a.ListRelationships(a.Ctx(), &contactv1.ListRelationshipsRequest{Contact: of.GetName(), Filter: filter}))(t)
	return len(list.GetRelationships())
}

// Types are data: created, renamed and deactivated by calls, while relationships
// keep theirs.
func testRelationshipTypes(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-07"}, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		works := a.kindOf(t, "works for", "employs")
		_, err := a.CreateRelationshipType(ctx, &contactv1.CreateRelationshipTypeRequest{
			RelationshipType: &contactv1.RelationshipType{ForwardName: "Works  FOR", ReverseName: "x"},
		})
		refused(t, err, codes.AlreadyExists, "RELATIONSHIP_TYPE_NAME_TAKEN")
		other.kindOf(t, "works for", "employs")

		siti, acme, beta := a.named(t, "Siti"), a.named(t, "Acme"), a.named(t, "Beta")
		first := must(a.bind(works, siti, acme))(t)
		renamed := must(a.UpdateRelationshipType(ctx, &contactv1.UpdateRelationshipTypeRequest{
			RelationshipType: &contactv1.RelationshipType{Name: works.GetName(), ForwardName: "is employed by", Inactive: true}, UpdateMask: mask("forward_name", "inactive"),
		}))(t)
		if renamed.GetForwardName() != "is employed by" || renamed.GetReverseName() != "employs" {
			t.Errorf("renamed: %v", renamed)
		}
		_, err = a.bind(works, siti, beta)
		refused(t, err, codes.FailedPrecondition, "RELATIONSHIP_TYPE_INACTIVE")
		if got := must(a.GetRelationship(ctx, &contactv1.GetRelationshipRequest{Name: first.GetName()}))(t); got.GetType() != works.GetName() {
			t.Errorf("the relationship lost its type: %v", got)
		}
		a.kindOf(t, "works for", "employs") // the name is free again

		_, err = other.GetRelationshipType(ctx, &contactv1.GetRelationshipTypeRequest{Name: works.GetName()})
		refused(t, err, codes.NotFound, "RELATIONSHIP_TYPE_NOT_FOUND")
		if list := must(other.ListRelationshipTypes(ctx, &contactv1.ListRelationshipTypesRequest{}))(t); len(list.GetRelationshipTypes()) != 1 {
			t.Errorf("another tenant lists %v", list)
		}
		if list := must(a.ListRelationshipTypes(ctx, &contactv1.ListRelationshipTypesRequest{Filter: "inactive = false"}))(t); len(list.GetRelationshipTypes()) != 1 {
			t.Errorf("active types: %v", list)
		}
		must(a.DeleteRelationshipType(ctx, &contactv1.DeleteRelationshipTypeRequest{Name: works.GetName()}))(t)
		if back := must(a.UndeleteRelationshipType(ctx, &contactv1.UndeleteRelationshipTypeRequest{Name: works.GetName()}))(t); back.GetDeleteTime() != nil {
			t.Errorf("back: %v", back)
		}
		sales := of(a.As(auth.Caller{Tenant: a.Caller.Tenant, Subject: "users/sam", Roles: []auth.Role{auth.Sales}}))
		_, err = sales.DeleteRelationshipType(ctx, &contactv1.DeleteRelationshipTypeRequest{Name: works.GetName()})
		refused(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
	})
}

// Many to many: a second employer never removes the first.
func testRelationships(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-06", "CON-07", "CON-38"}, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		works, knows := a.kindOf(t, "works for", "employs"), a.kindOf(t, "knows", "is known by")
		siti := a.named(t, "Siti")
		acme := a.create(t, &contactv1.Contact{Kind: organisation, DisplayName: "Acme"})
		beta := a.create(t, &contactv1.Contact{Kind: organisation, DisplayName: "Beta"})
		began := timestamppb.New(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
		first := must(a.CreateRelationship(ctx, &contactv1.CreateRelationshipRequest{Relationship: &contactv1.Relationship{
			Type: works.GetName(), FromContact: siti.GetName(), ToContact: acme.GetName(), Role: "head of purchasing", StartTime: began,
		}}))(t)
		second := must(a.bind(works, siti, beta))(t)
		must(a.bind(knows, acme, beta))(t)
		for of, want := range map[*contactv1.Contact]int{siti: 2, acme: 2, beta: 2} {
			if got := a.bonds(t, of, ""); got != want {
				t.Errorf("%s has %d relationships, want %d", of.GetDisplayName(), got, want)
			}
		}
		if got := a.bonds(t, siti, `type = "`+knows.GetName()+`"`); got != 0 {
			t.Errorf("%d of the other type", got)
		}
		if got := must(a.GetRelationship(ctx, &contactv1.GetRelationshipRequest{Name: first.GetName()}))(t); got.GetEndTime() != nil || got.GetRole() != "head of purchasing" {
			t.Errorf("the first employer became %v", got)
		}
		_, err := a.bind(works, siti, acme)
		refused(t, err, codes.AlreadyExists, "RELATIONSHIP_ALREADY_HELD")

		changed := must(a.UpdateRelationship(ctx, &contactv1.UpdateRelationshipRequest{
			Relationship: &contactv1.Relationship{Name: second.GetName(), Role: "director"}, UpdateMask: mask("role"),
		}))(t)
		if changed.GetRole() != "director" || changed.GetToContact() != beta.GetName() {
			t.Errorf("changed: %v", changed)
		}
		_, err = a.UpdateRelationship(ctx, &contactv1.UpdateRelationshipRequest{
			Relationship: &contactv1.Relationship{Name: second.GetName(), ToContact: acme.GetName()}, UpdateMask: mask("to_contact"),
		})
		violates(t, err, "relationship.to_contact", "FIELD_IMMUTABLE")

		ended := must(a.EndRelationship(ctx, &contactv1.EndRelationshipRequest{Name: first.GetName()}))(t)
		if ended.GetEndTime() == nil || !ended.GetStartTime().AsTime().Equal(began.AsTime()) {
			t.Errorf("ended: %v", ended)
		}
		_, err = a.EndRelationship(ctx, &contactv1.EndRelationshipRequest{Name: first.GetName()})
		refused(t, err, codes.FailedPrecondition, "RELATIONSHIP_ENDED")
		must(a.bind(works, siti, acme))(t) // hired again
		if got := a.bonds(t, siti, ""); got != 3 {
			t.Errorf("the one that ended is gone: %d", got)
		}
		must(a.DeleteRelationship(ctx, &contactv1.DeleteRelationshipRequest{Name: second.GetName()}))(t)
		if got := a.bonds(t, siti, ""); got != 2 {
			t.Errorf("after deleting one: %d", got)
		}
		must(a.UndeleteRelationship(ctx, &contactv1.UndeleteRelationshipRequest{Name: second.GetName()}))(t)

		_, err = other.GetRelationship(ctx, &contactv1.GetRelationshipRequest{Name: first.GetName()})
		refused(t, err, codes.NotFound, "RELATIONSHIP_NOT_FOUND")
		if got := other.bonds(t, siti, ""); got != 0 {
			t.Errorf("another tenant lists %d", got)
		}
	})
}

func testCreateRelationship_refuses(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-06", "B45"}, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		works, siti, acme := a.kindOf(t, "works for", "employs"), a.named(t, "Siti"), a.named(t, "Acme")
		foreign := other.named(t, "Foreign")
		nobody := &contactv1.Contact{Name: "contacts/" + entity.NewID().String()}
		for name, r := range map[string]struct {
			from, to *contactv1.Contact
			code     codes.Code
			reason   string
		}{
			"with itself (B45)":        {siti, siti, codes.FailedPrecondition, "RELATIONSHIP_WITH_ITSELF"},
			"nobody":                   {siti, nobody, codes.NotFound, "CONTACT_NOT_FOUND"},
			"another tenant's contact": {siti, foreign, codes.NotFound, "CONTACT_NOT_FOUND"},
		} {
			_, err := a.bind(works, r.from, r.to)
			t.Log(name)
			refused(t, err, r.code, r.reason)
		}
		_, err := a.bind(&contactv1.RelationshipType{Name: "relationshipTypes/" + entity.NewID().String()}, siti, acme)
		refused(t, err, codes.NotFound, "RELATIONSHIP_TYPE_NOT_FOUND")
		_, err = a.bind(&contactv1.RelationshipType{Name: siti.GetName()}, siti, acme)
		violates(t, err, "relationship.type", "")
		must(a.DeleteContact(ctx, &contactv1.DeleteContactRequest{Name: acme.GetName()}))(t)
		_, err = a.bind(works, siti, acme)
		refused(t, err, codes.FailedPrecondition, "CONTACT_DELETED")
		if got := a.bonds(t, siti, ""); got != 0 {
			t.Errorf("refused, but %d exist", got)
		}
	})
}
