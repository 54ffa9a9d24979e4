package offline_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/pkg/offline"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

func object(t interface{ Fatal(...any) }, values map[string]any) *structpb.Struct {
	s, err := structpb.NewStruct(values)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Fields, entries of maps and of objects, and fields of messages are told apart; a list
// is one.
func TestOf(t *testing.T) {
	t.Parallel()
	base := &contactv1.Contact{
		JobTitle: "a", Note: "a", Labels: map[string]string{"x": "a", "gone": "a"}, CustomFields: object(t, map[string]any{"n": 1, "m": "a"}),
		Preference: &contactv1.ContactPreference{Hours: "a", Place: "a"}, Birthday: &date.Date{Year: 2000},
		Addresses: []*contactv1.Address{{Locality: "a"}},
	}
	client, server := proto.CloneOf(base), proto.CloneOf(base)
	client.JobTitle, server.JobTitle = "c", "s"
	client.Note = "c"
	server.DisplayName = "s"
	client.LanguageCode, server.LanguageCode = "id", "id"
	client.Labels["x"], server.Labels["x"] = "c", "s"
	client.Labels["new"] = "c"
	delete(client.Labels, "gone")
	server.Labels["gone"] = "s"
	client.CustomFields.Fields["n"], server.CustomFields.Fields["n"] = structpb.NewNumberValue(2), structpb.NewNumberValue(3)
	server.CustomFields.Fields["m"] = structpb.NewStringValue("s")
	client.Preference.Hours, server.Preference.Place = "c", "s"
	client.Birthday, server.Birthday = nil, &date.Date{Year: 2001}
	client.Addresses[0].Locality, server.Addresses = "c", nil
	got := offline.Of(base, client, server)
	if diff := cmp.Diff([]string{"preference.hours", "note", "labels.new"}, got.Clear); diff != "" {
		t.Error(diff)
	}
	text := structpb.NewStringValue
	want := []offline.Conflict{
		{Path: "job_title", Base: text("a"), Client: text("c"), Server: text("s")},
		{Path: "birthday", Base: value(t, map[string]any{"year": 2000}), Server: value(t, map[string]any{"year": 2001})},
		{
			Path: "addresses", Base: structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{value(t, map[string]any{"locality": "a"})}}),
			Client: structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{value(t, map[string]any{"locality": "c"})}}),
		},
		{Path: "labels.gone", Base: text("a"), Server: text("s")},
		{Path: "labels.x", Base: text("a"), Client: text("c"), Server: text("s")},
		{Path: "custom_fields.n", Base: structpb.NewNumberValue(1), Client: structpb.NewNumberValue(2), Server: structpb.NewNumberValue(3)},
	}
	if diff := cmp.Diff(want, got.Conflicts, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

func value(t *testing.T, v any) *structpb.Value {
	t.Helper()
	made, err := structpb.NewValue(v)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// Of any three versions: a path is in one list at most, in none where the client did not
// change it, in the conflicts only where the server changed it as well; and the two sides
// exchanged give the same conflicts.
func TestOf_property(t *testing.T) {
	t.Parallel()
	contact := rapid.Custom(func(t *rapid.T) *contactv1.Contact {
		word := rapid.SampledFrom([]string{"", "a", "b"})
		return &contactv1.Contact{
			JobTitle: word.Draw(t, "title"), Note: word.Draw(t, "note"), NoThirdPartySharing: rapid.Bool().Draw(t, "sharing"),
			Kind:   contactv1.ContactKind(rapid.IntRange(0, 2).Draw(t, "kind")),
			Labels: rapid.MapOfN(rapid.SampledFrom([]string{"x", "y"}), word, 0, 2).Draw(t, "labels"),
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		base, client, server := contact.Draw(rt, "base"), contact.Draw(rt, "client"), contact.Draw(rt, "server")
		got, other := offline.Of(base, client, server), offline.Of(base, server, client)
		if diff := cmp.Diff(got.Paths(), other.Paths()); diff != "" {
			rt.Fatal(diff)
		}
		mine, theirs := offline.Differ(base, client), offline.Differ(base, server)
		for _, path := range got.Clear {
			if !slices.Contains(mine, path) || slices.Contains(theirs, path) {
				rt.Fatalf("%s is clear", path)
			}
		}
		for _, path := range got.Paths() {
			if !slices.Contains(mine, path) || !slices.Contains(theirs, path) {
				rt.Fatalf("%s is in conflict", path)
			}
		}
		for _, path := range mine {
			settled := slices.Contains(got.Clear, path) || slices.Contains(got.Paths(), path)
			if !settled && slices.Contains(offline.Differ(client, server), path) {
				rt.Fatalf("%s is lost", path)
			}
		}
	})
}
