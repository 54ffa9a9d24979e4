package server_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// callers is how many clients call at once for each core: eight on two.
const callers = 4

// bench runs a call by several clients over gRPC, with everything on that
// production has but durability.
func bench(b *testing.B, prepare func(a *api), call func(a *api, n int64) error) {
	b.Helper()
	a, _ := fresh(b, start(b))
	if prepare != nil {
		prepare(a)
	}
	b.SetParallelism(callers)
	b.ReportAllocs()
	var n atomic.Int64
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := call(a, n.Add(1)); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkCreateContact(b *testing.B) {
	bench(b, nil, func(a *api, n int64) error {
		_, err := a.CreateContact(b.Context(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
			Kind: person, GivenName: "Siti", FamilyName: fmt.Sprint("N", n), Owner: "users/ann", RegionCode: "ID",
			Identifiers: []*contactv1.Identifier{
				{Kind: email, Value: fmt.Sprintf("siti%d@example.com", n)}, {Kind: phone, Value: fmt.Sprintf("+62812%07d", n)}, {Kind: card, Value: fmt.Sprint(n)},
			},
		}})
		return err
	})
}

// BenchmarkCreateContact_customFields sets contacts without custom fields against those
// with three of them: free keys, fields on file, and fields on file with an index.
func BenchmarkCreateContact_customFields(b *testing.B) {
	values := map[string]any{"score": 7, "city": "Bandung", "since": "2026-01-31"}
	for _, c := range []struct {
		name          string
		filled, typed bool
		indexed       bool
	}{{"none", false, false, false}, {"free", true, false, false}, {"typed", true, true, false}, {"indexed", true, true, true}} {
		b.Run(c.name, func(b *testing.B) {
			prepare := func(a *api) {
				for key, kind := range map[string]string{"score": "INTEGER", "city": "TEXT", "since": "DATE"} {
					if f := field(key, kind); c.typed {
						f.Indexed = c.indexed
						a.add(b, f)
					}
				}
			}
			bench(b, prepare, func(a *api, n int64) error {
				p := &contactv1.Contact{Kind: person, GivenName: "Siti", FamilyName: fmt.Sprint("N", n)}
				if c.filled {
					p.CustomFields = custom(b, values)
				}
				_, err := a.CreateContact(b.Context(), &contactv1.CreateContactRequest{Contact: p})
				return err
			})
		})
	}
}

func BenchmarkGetContact(b *testing.B) {
	var name string
	bench(b, func(a *api) { name = a.create(b, whole(b)).GetName() }, func(a *api, _ int64) error {
		_, err := a.GetContact(b.Context(), &contactv1.GetContactRequest{Name: name})
		return err
	})
}

func BenchmarkListContacts(b *testing.B) {
	prepare := func(a *api) {
		req := &contactv1.BatchCreateContactsRequest{}
		for n := range 1000 {
			req.Requests = append(req.Requests, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: person, DisplayName: fmt.Sprint("P", n), Owner: fmt.Sprint("users/", n%4)}})
		}
		must(a.BatchCreateContacts(a.Ctx(), req))(b)
	}
	bench(b, prepare, func(a *api, _ int64) error {
		_, err := a.ListContacts(b.Context(), &contactv1.ListContactsRequest{Filter: `owner = "users/1"`, OrderBy: "create_time desc"})
		return err
	})
}

func BenchmarkLookupContact(b *testing.B) {
	bench(b, func(a *api) { a.holder(b, "Siti", card, "77") }, func(a *api, _ int64) error {
		_, err := a.LookupContact(b.Context(), &contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_Card{Card: "77"}})
		return err
	})
}

func BenchmarkRecordInteraction(b *testing.B) {
	var siti string
	bench(b, func(a *api) { siti = a.named(b, "Siti").GetName() }, func(a *api, n int64) error {
		_, err := a.RecordInteraction(b.Context(), &contactv1.RecordInteractionRequest{Interaction: &contactv1.Interaction{
			Contact: siti, Channel: byPhone, Direction: inbound, Title: fmt.Sprint("Call ", n), Body: "Asked for a quote for twelve of them, in blue.",
		}})
		return err
	})
}

func BenchmarkCheckConsent(b *testing.B) {
	var siti string
	prepare := func(a *api) {
		siti = a.named(b, "Siti").GetName()
		a.grant(b, &contactv1.Consent{Contact: siti, Purpose: "marketing"})
	}
	bench(b, prepare, func(a *api, _ int64) error {
		_, err := a.CheckConsent(b.Context(), &contactv1.CheckConsentRequest{Contact: siti, Purpose: "marketing", Channel: byEmail})
		return err
	})
}
