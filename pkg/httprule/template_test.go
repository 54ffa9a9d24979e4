package httprule_test

import (
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/httprule"
)

func TestTemplate_expand(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ template, value, want string }{
		{"/v1/{name=leads/*}", "leads/7", "/v1/leads/7"},
		{"/v1/{lead.name=leads/*}:convert", "leads/7", "/v1/leads/7:convert"},
		{"/v1/{name=tickets/*/messages/*}", "tickets/1/messages/2", "/v1/tickets/1/messages/2"},
		{"/v1/{name=operations/**}", "operations/a/b", "/v1/operations/a/b"},
		{"/v1/leads:batchGet", "", "/v1/leads:batchGet"},
		{"/v1/{id}", "a b:c", "/v1/a%20b%3Ac"},
		{"/v1/{name=leads/*}", "contacts/7", "/v1/leads/contacts%2F7"},
		{"/v1/{name=leads/*}", "leads/7/8", "/v1/leads/leads%2F7%2F8"},
		{"/v1/{name=leads/*}", "leads/..", "/v1/leads/leads%2F.."},
		{"/v1/{name=leads/*}", "", "/v1/leads/"},
	} {
		parsed, err := httprule.Parse(test.template)
		if err != nil {
			t.Fatalf("Parse(%q): %v", test.template, err)
		}
		if got := parsed.Expand(func(string) string { return test.value }); got != test.want {
			t.Errorf("%s of %q = %q, want %q", test.template, test.value, got, test.want)
		}
	}
}

func TestParse_refusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	for _, template := range []string{"v1/leads", "/v1/{name", "/v1/*", "/v1//leads"} {
		if parsed, err := httprule.Parse(template); err == nil {
			t.Errorf("Parse(%q) = %s, want an error", template, parsed)
		}
	}
}
