package rpc

import (
	"testing"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// B15: the rules count for what an update writes, and for nothing else.
func TestCheckInput_update(t *testing.T) {
	t.Parallel()
	bad := &contactv1.Contact{Name: "contacts/x", RegionCode: "idn"} // and no kind, which is required
	long := &contactv1.Contact{Name: "contacts/x", Identifiers: []*contactv1.Identifier{{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL}}}
	for name, c := range map[string]struct {
		contact *contactv1.Contact
		mask    []string
		missing bool
		want    []string
	}{
		"masked out":          {bad, []string{"note"}, false, nil},
		"masked in":           {bad, []string{"region_code"}, false, []string{"contact.region_code"}},
		"the required itself": {bad, []string{"kind"}, false, []string{"contact.kind"}},
		"what is set":         {bad, nil, false, []string{"contact.region_code"}},
		"all":                 {bad, []string{"*"}, false, []string{"contact.kind", "contact.region_code"}},
		"may create":          {bad, []string{"note"}, true, []string{"contact.kind", "contact.region_code"}},
		"below a list":        {long, []string{"identifiers"}, false, []string{"contact.identifiers[0].value"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := &contactv1.UpdateContactRequest{Contact: c.contact, AllowMissing: c.missing}
			if c.mask != nil {
				req.UpdateMask = &fieldmaskpb.FieldMask{Paths: c.mask}
			}
			got := errs.FieldViolations(checkInput(req))
			if len(got) != len(c.want) {
				t.Fatalf("violations %v, want %v", got, c.want)
			}
			for i, v := range got {
				if v.Field != c.want[i] {
					t.Errorf("violations %v, want %v", got, c.want)
				}
			}
		})
	}
}
