package check

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// talk is an event about an interaction, as it is sent.
func talk(t *testing.T, i *contactv1.Interaction) *eventv1.Event {
	t.Helper()
	payload, err := anypb.New(&contactv1.InteractionRecorded{Interaction: i})
	if err != nil {
		t.Fatal(err)
	}
	return &eventv1.Event{
		Id: "e1", Tenant: "tenants/t", Type: "lingkar.contact.v1.InteractionRecorded", Aggregate: i.GetName(), Position: 7, Payload: payload,
		Interaction: &eventv1.Interaction{Channel: i.GetChannel(), Title: i.GetTitle()},
	}
}

// What was sent may say more than the log's open part where that is personal, and nothing
// else; titles are those that callers were told.
func TestCompareSent(t *testing.T) {
	t.Parallel()
	open := func() *contactv1.Interaction {
		return &contactv1.Interaction{Name: "interactions/1", Contact: "contacts/1", Channel: eventv1.Channel_CHANNEL_PHONE}
	}
	logged := talk(t, open())
	logged.Sealed, logged.Traceparent = &eventv1.Sealed{Key: "k"}, "00-1"
	told := map[string]string{"interactions/1": "A call"}
	for name, c := range map[string]struct {
		spoil func(*contactv1.Interaction)
		alter func(*eventv1.Event)
		want  string
	}{
		"as it is":             {},
		"another contact":      {spoil: func(i *contactv1.Interaction) { i.Contact = "contacts/2" }, want: "was sent as"},
		"another channel":      {spoil: func(i *contactv1.Interaction) { i.Channel = eventv1.Channel_CHANNEL_FAX }, want: "was sent as"},
		"without its title":    {spoil: func(i *contactv1.Interaction) { i.Title = "" }, want: `with the title ""`},
		"from another place":   {alter: func(e *eventv1.Event) { e.Position++ }, want: "was sent as"},
		"as another's":         {alter: func(e *eventv1.Event) { e.Aggregate = "interactions/2" }, want: "was sent as"},
		"without its payload":  {alter: func(e *eventv1.Event) { e.Payload.Value = nil }, want: "was sent as"},
		"with what is no type": {alter: func(e *eventv1.Event) { e.Payload.TypeUrl = "type.googleapis.com/x.Y" }, want: "cannot be read"},
	} {
		i := open()
		i.Title, i.Body = "A call", "It leaks."
		if c.spoil != nil {
			c.spoil(i)
		}
		sent := talk(t, i)
		if c.alter != nil {
			c.alter(sent)
		}
		var result Result
		compareSent(&result, proto.CloneOf(logged), sent, told)
		if got := strings.Join(result.Broken, "\n"); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	var result Result
	if compareSent(&result, nil, talk(t, open()), nil); result.Holds() {
		t.Error("an event that the log does not have is let pass")
	}
}
