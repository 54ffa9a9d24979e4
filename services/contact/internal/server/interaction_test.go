package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

const (
	inbound  = eventv1.Direction_DIRECTION_INBOUND
	outbound = eventv1.Direction_DIRECTION_OUTBOUND
	byPhone  = eventv1.Channel_CHANNEL_PHONE
	byChat   = eventv1.Channel_CHANNEL_CHAT
)

func (a *api) record(t testing.TB, i *contactv1.Interaction) *contactv1.Interaction {
	t.Helper()
	return must(a.RecordInteraction(a.Ctx(), &contactv1.RecordInteractionRequest{Interaction: i}))(t)
}

// titles answers the titles of a contact's interactions, the latest first.
func (a *api) titles(t testing.TB, req *contactv1.ListInteractionsRequest) []string {
	t.Helper()
	var out []string
	for _, i := range must(a.ListInteractions(a.Ctx(), req))(t).GetInteractions() {
		out = append(out, i.GetTitle())
	}
	return out
}

// Towards CON-02, CON-18 and CON-33 too: one contract for every channel: what was posted on each is attached to the same
// contact, in one order of time, with who and what recorded it.
func testRecordInteraction_everyChannel(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-03", "CON-23", "CON-34"}, func(t *testing.T, a, other *api) {
		siti, budi := a.named(t, "Siti"), a.named(t, "Budi")
		began := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
		var want []string
		for n := 1; n < len(eventv1.Channel_name); n++ {
			channel := eventv1.Channel(n)
			title := "by " + channel.String()
			got := a.record(t, &contactv1.Interaction{
				Contact: siti.GetName(), Channel: channel, Direction: inbound, Title: title, Body: "Asked for a brochure.",
				Kind: contactv1.InteractionKind_INTERACTION_KIND_BROCHURE_REQUEST, Source: "desk-7",
				OccurredAt: timestamppb.New(began.Add(time.Duration(n*7%13) * time.Hour)),
			})
			if got.GetActor() != a.Caller.Subject || got.GetChannel() != channel || got.GetSource() != "desk-7" || got.GetDirection() != inbound {
				t.Errorf("recorded %v", got)
			}
			want = append(want, title)
		}
		a.record(t, &contactv1.Interaction{Contact: budi.GetName(), Channel: byPhone, Direction: outbound, Title: "another contact"})
		slices.SortFunc(want, func(x, y string) int {
			at := func(s string) int { return int(eventv1.Channel_value[strings.TrimPrefix(s, "by ")]) * 7 % 13 }
			return at(y) - at(x)
		})
		if got := a.titles(t, &contactv1.ListInteractionsRequest{Contact: siti.GetName()}); !slices.Equal(got, want) {
			t.Errorf("listed %v, want %v", got, want)
		}
		if got := a.titles(t, &contactv1.ListInteractionsRequest{Contact: siti.GetName(), Filter: "channel = CHANNEL_FAX"}); len(got) != 1 {
			t.Errorf("by fax: %v", got)
		}
		if got := other.titles(t, &contactv1.ListInteractionsRequest{Contact: siti.GetName()}); len(got) != 0 {
			t.Errorf("another tenant lists %v", got)
		}
	})
}

// Towards CON-35 and A15 too: a conversation goes on over another channel, and whoever takes it up there reads
// all of it before answering.
func testListInteractions_conversation(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-04"}, func(t *testing.T, a, other *api) {
		siti := a.named(t, "Siti")
		for n, channel := range []eventv1.Channel{byPhone, byChat, eventv1.Channel_CHANNEL_EMAIL} {
			a.record(t, &contactv1.Interaction{
				Contact: siti.GetName(), Channel: channel, Direction: inbound, Title: fmt.Sprint("turn ", n), Conversation: "talk-1",
				OccurredAt: timestamppb.New(time.Date(2026, 1, 1, n, 0, 0, 0, time.UTC)),
			})
		}
		a.record(t, &contactv1.Interaction{Contact: siti.GetName(), Channel: byChat, Direction: inbound, Title: "another talk"})
		officer := of(a.As(auth.Caller{Tenant: a.Caller.Tenant, Subject: "users/chat", Roles: []auth.Role{auth.Agent}}))
		got := officer.titles(t, &contactv1.ListInteractionsRequest{Filter: `conversation = "talk-1"`, OrderBy: "occurred_at"})
		if !slices.Equal(got, []string{"turn 0", "turn 1", "turn 2"}) {
			t.Errorf("the officer reads %v", got)
		}
	})
}

// Nothing is dropped or cut off: counts in are counts out, and a long body comes
// back byte by byte.
func testRecordInteraction_keepsAll(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-12", "CON-26"}, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		siti := a.named(t, "Siti")
		for n := range 120 {
			a.record(t, &contactv1.Interaction{Contact: siti.GetName(), Channel: byPhone, Direction: inbound, Title: fmt.Sprint("call ", n)})
		}
		if got := a.titles(t, &contactv1.ListInteractionsRequest{Contact: siti.GetName(), PageSize: 1000}); len(got) != 120 {
			t.Errorf("120 in, %d out", len(got))
		}
		body := strings.Repeat("kalimat yang panjang é\n", 30_000)
		letter := a.record(t, &contactv1.Interaction{
			Contact: siti.GetName(), Channel: eventv1.Channel_CHANNEL_LETTER, Direction: inbound, Title: "A long letter", Body: body + "tandatangan",
			Attachments: []string{"scan-1.pdf"},
		})
		if letter.GetBody() != "" || letter.GetBodyDocument() == "" || !slices.Equal(letter.GetAttachments(), []string{"scan-1.pdf"}) {
			t.Errorf("a long letter is answered as %.200v", letter)
		}
		document := must(a.GetDocument(ctx, &contactv1.GetDocumentRequest{Name: letter.GetBodyDocument()}))(t)
		if document.GetText() != body+"tandatangan" || document.GetContact() != siti.GetName() || document.GetSizeBytes() != int64(len(body)+11) {
			t.Errorf("the document holds %d bytes, want %d", len(document.GetText()), len(body)+11)
		}
		_, err := other.GetDocument(ctx, &contactv1.GetDocumentRequest{Name: letter.GetBodyDocument()})
		refused(t, err, codes.NotFound, "DOCUMENT_NOT_FOUND")

		got := must(a.GetInteraction(ctx, &contactv1.GetInteractionRequest{Name: letter.GetName()}))(t)
		if !proto.Equal(got, letter) {
			t.Errorf("read %.300v, recorded %.300v", got, letter)
		}
		_, err = other.GetInteraction(ctx, &contactv1.GetInteractionRequest{Name: letter.GetName()})
		refused(t, err, codes.NotFound, "INTERACTION_NOT_FOUND")
		_, err = a.RecordInteraction(ctx, &contactv1.RecordInteractionRequest{Interaction: &contactv1.Interaction{
			Contact: siti.GetName(), Channel: byPhone, Direction: inbound, Title: "Too long", Body: strings.Repeat("x", 950_001),
		}})
		refused(t, err, codes.InvalidArgument, "")
	})
}

// Letters, faxes and notes are found by their words, also those in documents.
func testSearchInteractions(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-12"}, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		siti, budi := a.named(t, "Siti"), a.named(t, "Budi")
		a.record(t, &contactv1.Interaction{Contact: siti.GetName(), Channel: eventv1.Channel_CHANNEL_FAX, Direction: inbound, Title: "Fax", Body: "Pesanan warna BIRU terlambat"})
		a.record(t, &contactv1.Interaction{Contact: budi.GetName(), Channel: byPhone, Direction: inbound, Title: "Keluhan biru", Body: "warna salah"})
		a.record(t, &contactv1.Interaction{Contact: siti.GetName(), Channel: eventv1.Channel_CHANNEL_LETTER, Direction: inbound, Title: "Surat", Body: "istimewa " + strings.Repeat("kata ", 20_000)})
		a.record(t, &contactv1.Interaction{Contact: budi.GetName(), Channel: byPhone, Direction: inbound, Title: "Note", Body: "Two deliveries of crème brûlée"})
		for _, q := range []struct {
			query, contact string
			want           []string
		}{
			{"biru", "", []string{"Keluhan biru", "Fax"}},
			{"biru", siti.GetName(), []string{"Fax"}},
			{`"warna biru"`, "", []string{"Fax"}},
			{"biru -salah", "", []string{"Fax"}},
			{"istimewa", "", []string{"Surat"}},
			{"terlambatlah", "", []string{"Fax"}}, // by the stem in Indonesian
			{"keluhannya", "", []string{"Keluhan biru"}},
			{"delivery", "", []string{"Note"}}, // and in English
			{"creme brulee", "", []string{"Note"}},
			{"crème", "", []string{"Note"}},
			{"foo & | !", "", nil}, // B13
			{"tidak ada", "", nil},
		} {
			var got []string
			for _, i := range must(a.SearchInteractions(ctx, &contactv1.SearchInteractionsRequest{Query: q.query, Contact: q.contact}))(t).GetInteractions() {
				got = append(got, i.GetTitle())
			}
			if !slices.Equal(got, q.want) {
				t.Errorf("%q finds %v, want %v", q.query, got, q.want)
			}
		}
		if got := must(other.SearchInteractions(ctx, &contactv1.SearchInteractionsRequest{Query: "biru"}))(t); len(got.GetInteractions()) != 0 {
			t.Errorf("another tenant finds %v", got)
		}
	})
}

func testRecordInteraction_refuses(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		siti, foreign := a.named(t, "Siti"), other.named(t, "Foreign")
		good := &contactv1.Interaction{Contact: siti.GetName(), Channel: byPhone, Direction: inbound, Title: "Call"}
		for field, spoil := range map[string]func(*contactv1.Interaction){
			"interaction.contact":        func(i *contactv1.Interaction) { i.Contact = "" },
			"interaction.channel":        func(i *contactv1.Interaction) { i.Channel = 0 },
			"interaction.direction":      func(i *contactv1.Interaction) { i.Direction = 0 },
			"interaction.title":          func(i *contactv1.Interaction) { i.Title = "   " },
			"interaction.occurred_at":    func(i *contactv1.Interaction) { i.OccurredAt = timestamppb.New(time.Now().AddDate(1, 0, 0)) },
			"interaction.attachments[0]": func(i *contactv1.Interaction) { i.Attachments = []string{"gpj\u202e.exe"} },
		} {
			bad := proto.CloneOf(good)
			spoil(bad)
			_, err := a.RecordInteraction(ctx, &contactv1.RecordInteractionRequest{Interaction: bad})
			violates(t, err, field, "")
		}
		for _, contact := range []string{foreign.GetName(), "contacts/" + entity.NewID().String()} {
			bad := proto.CloneOf(good)
			bad.Contact = contact
			_, err := a.RecordInteraction(ctx, &contactv1.RecordInteractionRequest{Interaction: bad})
			refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
		}
		if got := a.titles(t, &contactv1.ListInteractionsRequest{}); len(got) != 0 {
			t.Errorf("refused, but %v are listed", got)
		}
	})
}
