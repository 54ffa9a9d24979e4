package interaction_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/contact/internal/interaction"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// CON-26: nothing is cut off, at the limit and beyond it.
func TestRecord_keepsTheWholeBody(t *testing.T) {
	t.Parallel()
	short := strings.Repeat("x", interaction.MaxBody)
	i := &interaction.Interaction{Title: "Letter", Body: short}
	if err := i.Record(noon); err != nil || i.Body != short || i.Document != nil || i.BodyDocument != nil {
		t.Errorf("a body at the limit became a document (%v)", err)
	}
	long := short + "é"
	i = &interaction.Interaction{Title: "Letter", Body: long}
	if err := i.Record(noon); err != nil {
		t.Fatal(err)
	}
	if i.Body != "" || i.Document == nil || i.Document.Text != long || *i.BodyDocument != i.Document.ID || i.Document.SizeBytes != int64(len(long)) {
		t.Errorf("a body over the limit is not a whole document")
	}
	if i.Summary == "" {
		t.Error("its summary is empty")
	}
}

func TestRecord_datesAndRefuses(t *testing.T) {
	t.Parallel()
	i := &interaction.Interaction{}
	if err := i.Record(noon); err != nil || !i.OccurredAt.Equal(noon) {
		t.Errorf("dated %v, %v", i.OccurredAt, err)
	}
	past := noon.AddDate(-3, 0, 0)
	i = &interaction.Interaction{OccurredAt: past}
	if err := i.Record(noon); err != nil || !i.OccurredAt.Equal(past) {
		t.Errorf("a letter of the past is dated %v, %v", i.OccurredAt, err)
	}
	i = &interaction.Interaction{OccurredAt: noon.Add(time.Hour)}
	if err := i.Record(noon); errs.Code(err).String() != "InvalidArgument" {
		t.Errorf("in the future: %v", err)
	}
}

func TestRecord_summary(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, want string }{
		"short": {"Asked for\n\na quote.", "Asked for a quote."},
		"empty": {"", ""},
		"long":  {strings.Repeat("kata ", 100), strings.TrimSpace(strings.Repeat("kata ", 56)) + "…"},
	} {
		i := &interaction.Interaction{Body: c.body}
		if err := i.Record(noon); err != nil || i.Summary != c.want {
			t.Errorf("%s: %q, %v; want %q", name, i.Summary, err, c.want)
		}
	}
	i := &interaction.Interaction{Body: strings.Repeat("日", 5000)}
	if err := i.Record(noon); err != nil || !utf8.ValidString(i.Summary) || utf8.RuneCountInString(i.Summary) > 281 {
		t.Errorf("a summary of %d characters, %v", utf8.RuneCountInString(i.Summary), err)
	}
}
