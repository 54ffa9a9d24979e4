package vcard_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/sheet"
	"github.com/lingkar-crm/lingkar/pkg/vcard"
)

// read answers the cards of a file.
func read(t testing.TB, content []byte) []*vcard.Card {
	t.Helper()
	r, err := sheet.NewReader(bytes.NewReader(content), sheet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Format().Kind != sheet.VCard {
		t.Fatalf("format %+v", r.Format())
	}
	var cards []*vcard.Card
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return cards
		}
		if err != nil || row.Err != nil {
			t.Fatal(err, row.Err)
		}
		card, err := vcard.Parse(row.Cells[0])
		if err != nil {
			t.Fatal(err)
		}
		cards = append(cards, card)
	}
}

// TestRealCards reads cards of real address books and counts what is in them, against
// counts of an independent parser (B29).
func TestRealCards(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "data", "vcard")
	raw, err := os.ReadFile(filepath.Join(dir, "expected_counts.json"))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("../shared/data is absent: this test reads real vCards from it")
	}
	var expected map[string]struct {
		Cards   int                          `json:"cards"`
		PerCard []map[string]json.RawMessage `json:"per_card"`
	}
	if err := json.Unmarshal(raw, &expected); err != nil {
		t.Fatal(err)
	}
	for name, want := range expected {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		cards := read(t, content)
		if len(cards) != want.Cards {
			t.Errorf("%s: %d cards, want %d", name, len(cards), want.Cards)
			continue
		}
		for i, counts := range want.PerCard {
			for property, count := range counts {
				var n int
				if json.Unmarshal(count, &n) != nil {
					continue // a text
				}
				got := len(cards[i].All(property))
				if got != n && !(property == "PHOTO" && got == 0 && fmt.Sprint(cards[i].Dropped) != "[]") {
					t.Errorf("%s, card %d: %d of %s, want %d", name, i, got, property, n)
				}
			}
		}
	}
}

// The ways in which address books write one thing (B29).
func TestParse(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ card, property, want string }{
		"folded":                 {"VERSION:3.0\r\nNOTE:one \r\n two\r\n\tthree", "NOTE", "one twothree"},
		"folded in 2.1":          {"VERSION:2.1\nNOTE:one\n two", "NOTE", "one two"},
		"escaped":                {`VERSION:4.0` + "\n" + `NOTE:a\, b\; c\\d\ne\:f`, "NOTE", "a, b; c\\d\ne:f"},
		"a backslash in 2.1":     {"VERSION:2.1\nNOTE:C:\\new\\; x", "NOTE", `C:\new; x`},
		"quoted-printable":       {"VERSION:2.1\nNOTE;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=\n=91 =0D=0A=\nx", "NOTE", "Ñ \nx"},
		"of another set":         {"VERSION:2.1\nNOTE;CHARSET=ISO-8859-1;QUOTED-PRINTABLE:=D1", "NOTE", "Ñ"},
		"of a set not named":     {"VERSION:2.1\nNOTE;QUOTED-PRINTABLE:=D1", "NOTE", "Ñ"},
		"grouped":                {"VERSION:3.0\nitem1.TEL;type=CELL:0812", "TEL", "0812"},
		"preferred":              {"VERSION:3.0\nTEL:1\nTEL;TYPE=home,PREF:2", "TEL", "2"},
		"preferred in 4.0":       {"VERSION:4.0\nTEL;PREF=2:1\nTEL;PREF=1:2", "TEL", "2"},
		"colon in a parameter":   {"VERSION:4.0\nTEL;X=\"a:b;c\":1", "TEL", "1"},
		"a mark never closed":    {"VERSION:4.0\nTEL;X=\"a:1", "TEL", "1"},
		"lower case":             {"version:4.0\nnote:x", "NOTE", "x"},
		"no version":             {"NOTE:x", "NOTE", "x"},
		"card within a card":     {"VERSION:2.1\nBEGIN:VCARD\nNOTE:inner\nEND:VCARD\nNOTE:outer", "NOTE", "outer"},
		"picture":                {"VERSION:3.0\nPHOTO;ENCODING=b:AAAA", "PHOTO", ""},
		"a set nobody knows":     {"VERSION:2.1\nNOTE;CHARSET=klingon;QUOTED-PRINTABLE:=D1", "NOTE", ""},
		"lines that say nothing": {"VERSION:3.0\nnonsense\n\n:x\nNOTE:x", "NOTE", "x"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cards := read(t, []byte("BEGIN:VCARD\n"+c.card+"\nEND:VCARD\n"))
			if len(cards) != 1 || cards[0].Text(c.property) != c.want {
				t.Errorf("%q, want %q (%+v)", cards[0].Text(c.property), c.want, cards[0])
			}
			if c.want == "" && cmp.Diff([]string{c.property}, cards[0].Dropped) != "" {
				t.Errorf("dropped %v", cards[0].Dropped)
			}
		})
	}
}

// Cards that are too much are refused or lose what is too much, by name; the others of
// their file are read (B29).
func TestParse_limits(t *testing.T) {
	t.Parallel()
	photo := strings.Repeat("\n "+strings.Repeat("A", 72), 50_000) // 3.6 MiB
	cards := read(t, []byte("BEGIN:VCARD\nVERSION:3.0\nFN:A\nPHOTO;ENCODING=b:"+photo+"\nNOTE:n\nEND:VCARD\nBEGIN:VCARD\nVERSION:3.0\nFN:B\nNOTE:"+
		strings.Repeat("x", 200_000)+"\nEND:VCARD"))
	if len(cards) != 2 || cards[0].Text("NOTE") != "n" || cmp.Diff([]string{"PHOTO"}, cards[0].Dropped) != "" || cmp.Diff([]string{"NOTE"}, cards[1].Dropped) != "" {
		t.Errorf("%+v", cards)
	}
	for reason, card := range map[string]string{
		"CARD_TOO_LARGE": "BEGIN:VCARD\nVERSION:3.0\n" + strings.Repeat("TEL:1\n", 1001) + "END:VCARD",
		"CARD_INVALID":   "BEGIN:VCARD\nVERSION:5.0\nEND:VCARD",
	} {
		if _, err := vcard.Parse(card); errs.Reason(err) != reason {
			t.Errorf("%v, want %s", err, reason)
		}
	}
	r, err := sheet.NewReader(strings.NewReader("BEGIN:VCARD\n"+strings.Repeat("TEL:1\n", 1<<20)+"END:VCARD\nBEGIN:VCARD\nFN:open"), sheet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ROW_TOO_LARGE", "CARD_OPEN"} {
		if row, err := r.Next(); err != nil || errs.Reason(row.Err) != want {
			t.Errorf("%v %v, want %s", err, row.Err, want)
		}
	}
}

// FuzzParse feeds any text: no panic, and nothing that is not UTF-8 comes out.
func FuzzParse(f *testing.F) {
	f.Add("BEGIN:VCARD\nVERSION:2.1\nN;ENCODING=QUOTED-PRINTABLE:=C3=\n=91;\nEND:VCARD")
	f.Add("BEGIN:VCARD\nVERSION:4.0\nADR;TYPE=\"a,b\";X:\\;;\\\nEND:VCARD")
	f.Fuzz(func(t *testing.T, text string) {
		card, err := vcard.Parse(text)
		if err != nil {
			return
		}
		for _, p := range card.Properties {
			if joined := p.Text() + strings.Join(p.Parts(), "") + strings.Join(p.List(), ""); strings.ToValidUTF8(joined, "") != joined {
				t.Errorf("%q", joined)
			}
		}
	})
}
