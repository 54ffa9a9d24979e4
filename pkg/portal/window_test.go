package portal

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

var window = NewWindow(
	Shows(&contactv1.Contact{}, "name", "addresses", "create_time"),
	Shows(&contactv1.Address{}, "lines"),
	Shows(&contactv1.ListContactsResponse{}, "contacts", "next_page_token"),
	Takes(&contactv1.Contact{}, "name", "addresses"),
	Takes(&contactv1.Address{}, "lines"),
	Takes(&contactv1.UpdateContactRequest{}, "contact", "update_mask"),
	Takes(&contactv1.ListContactsRequest{}, "filter", "order_by", "page_size"),
)

// try makes a call in a scope, and answers what its handler was given and what was
// answered.
func try(scope auth.Scope, method string, req, answer proto.Message) (proto.Message, bool, error) {
	ctx := auth.WithScope(auth.With(context.Background(), auth.Caller{Roles: []auth.Role{auth.Portal}, Contact: uuid.New()}), scope)
	admit := func(ctx context.Context, c auth.Caller) (context.Context, error) {
		return auth.WithSelf(ctx, []uuid.UUID{c.Contact}), nil
	}
	handled := false
	got, err := window.Unary(admit)(ctx, req, &grpc.UnaryServerInfo{FullMethod: method}, func(ctx context.Context, _ any) (any, error) {
		handled = scope != auth.Self || len(auth.SelfFrom(ctx)) == 1
		return answer, nil
	})
	m, _ := got.(proto.Message)
	return m, handled, err
}

const (
	update = contactv1.ContactService_UpdateContact_FullMethodName
	list   = contactv1.ContactService_ListContacts_FullMethodName
)

// PLT-01: what the window does not show is not in an answer, however deep.
func TestWindow_shows(t *testing.T) {
	t.Parallel()
	full := func() proto.Message {
		return &contactv1.ListContactsResponse{NextPageToken: "x", Contacts: []*contactv1.Contact{{
			Name: "contacts/1", Note: "does not pay", Owner: "users/ann", Addresses: []*contactv1.Address{{Label: "home", Lines: []string{"Jl. Sudirman"}}},
		}}}
	}
	want := &contactv1.ListContactsResponse{NextPageToken: "x", Contacts: []*contactv1.Contact{{
		Name: "contacts/1", Addresses: []*contactv1.Address{{Lines: []string{"Jl. Sudirman"}}},
	}}}
	if got, handled, err := try(auth.Self, list, &contactv1.ListContactsRequest{}, full()); err != nil || !handled || !proto.Equal(got, want) {
		t.Errorf("shown %v, %v", got, err)
	}
	if got, _, err := try(auth.All, list, &contactv1.ListContactsRequest{ShowDeleted: true}, full()); err != nil || !proto.Equal(got, full()) {
		t.Errorf("to the staff %v, %v", got, err)
	}
}

// PLT-01: what the window does not take is refused before anybody works on it.
func TestWindow_takes(t *testing.T) {
	t.Parallel()
	mask := func(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }
	for name, c := range map[string]struct {
		method string
		req    proto.Message
		field  string
	}{
		"what is open":          {update, &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: "contacts/1", Addresses: []*contactv1.Address{{Lines: []string{"x"}}}}, UpdateMask: mask("addresses")}, ""},
		"a field":               {update, &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Owner: "users/me"}}, "contact.owner"},
		"a field within":        {update, &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Addresses: []*contactv1.Address{{Label: "x"}}}}, "contact.addresses.label"},
		"a field of the call":   {update, &contactv1.UpdateContactRequest{AllowMissing: true}, "allow_missing"},
		"a mask":                {update, &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{}, UpdateMask: mask("addresses", "note")}, "note"},
		"a mask of all":         {update, &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{}, UpdateMask: mask("*")}, "*"},
		"a mask of nothing":     {update, &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{}, UpdateMask: mask("colour")}, ""},
		"a filter":              {list, &contactv1.ListContactsRequest{Filter: `NOT (name = "a" OR owner = "users/ann")`}, "owner"},
		"a filter by what is":   {list, &contactv1.ListContactsRequest{Filter: `create_time > "2020-01-01T00:00:00Z"`, OrderBy: "create_time desc"}, ""},
		"a filter by a mark":    {list, &contactv1.ListContactsRequest{Filter: `labels.tier = "gold"`}, "labels.tier"},
		"an order":              {list, &contactv1.ListContactsRequest{OrderBy: "create_time, owner desc"}, "owner"},
		"a filter of no fields": {list, &contactv1.ListContactsRequest{Filter: "(("}, ""},
	} {
		_, handled, err := try(auth.Self, c.method, c.req, &contactv1.Contact{})
		if c.field == "" {
			if err != nil || !handled {
				t.Errorf("%s: %v", name, err)
			}
		} else if handled || errs.Reason(err) != "FIELD_NOT_OPEN" || fieldOf(err) != c.field {
			t.Errorf("%s: %v, %q", name, err, fieldOf(err))
		}
	}
}

// fieldOf answers the field that an error names.
func fieldOf(err error) string {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.GetMetadata()["field"]
		}
	}
	return ""
}

// A policy opens only what the window shows in full.
func TestWindow_Check(t *testing.T) {
	t.Parallel()
	open := auth.Allow(auth.Self, auth.Portal)
	if err := window.Check(auth.Policy{update: open, list: open, "/x": auth.Allow(auth.All, auth.Admin)}); err != nil {
		t.Error(err)
	}
	for name, policy := range map[string]auth.Policy{
		"a message that is not listed": {contactv1.ContactService_GetContact_FullMethodName: open},
		"a stream":                     {contactv1.SyncService_WatchContacts_FullMethodName: open},
		"no method":                    {"/lingkar.contact.v1.ContactService/Nothing": open},
		"more than its own":            {update: auth.Allow(auth.All, auth.Portal)},
	} {
		if window.Check(policy) == nil {
			t.Errorf("%s is let through", name)
		}
	}
	var none *Window
	if none.Check(auth.Policy{update: open}) == nil || none.Check(auth.Policy{}) != nil {
		t.Error("without a window, only what opens nothing is right")
	}
}
