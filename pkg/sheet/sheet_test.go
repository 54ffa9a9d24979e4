package sheet_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/sheet"
)

func all(t *testing.T, text string, o sheet.Options) (sheet.Format, []sheet.Row) {
	t.Helper()
	r, err := sheet.NewReader(strings.NewReader(text), o)
	if err != nil {
		t.Fatalf("NewReader: %v", err)
	}
	var rows []sheet.Row
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.Format(), rows
		}
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		rows = append(rows, row)
	}
}

// TestFormats reads the forms of B26 and expects the same table from each.
func TestFormats(t *testing.T) {
	t.Parallel()
	plain := "Name,City\nZoé,\"Paris, 2e\"\n\"say \"\"hi\"\"\",Ünna\n"
	utf16 := func(e unicode.Endianness) string {
		s, err := unicode.UTF16(e, unicode.UseBOM).NewEncoder().String(plain)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	latin, err := charmap.Windows1252.NewEncoder().String(plain)
	if err != nil {
		t.Fatal(err)
	}
	semicolons := "Name;City\nZoé;Paris, 2e\n\"say \"\"hi\"\"\";Ünna\n"
	cases := []struct {
		name, text, encoding string
		delimiter            rune
		header               int
	}{
		{"plain", plain, "utf-8", ',', 1},
		{"byte order mark", "\xef\xbb\xbf" + plain, "utf-8", ',', 1},
		{"UTF-16 LE", utf16(unicode.LittleEndian), "utf-16le", ',', 1},
		{"UTF-16 BE", utf16(unicode.BigEndian), "utf-16be", ',', 1},
		{"Windows-1252", latin, "windows-1252", ',', 1},
		{"semicolons", semicolons, "utf-8", ';', 1},
		{"tabs", strings.ReplaceAll(semicolons, ";", "\t"), "utf-8", '\t', 1},
		{"CR LF", strings.ReplaceAll(plain, "\n", "\r\n"), "utf-8", ',', 1},
		{"CR", strings.ReplaceAll(plain, "\n", "\r"), "utf-8", ',', 1},
		{"no last line end", strings.TrimSuffix(plain, "\n"), "utf-8", ',', 1},
		{"preamble", "Notes:\n\"some long, explanation\"\n\n" + plain, "utf-8", ',', 4},
		{"blank rows", strings.ReplaceAll(plain, "\n", "\n\n"), "utf-8", ',', 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			format, rows := all(t, c.text, sheet.Options{})
			if format.Encoding != c.encoding || format.Delimiter != c.delimiter || format.HeaderLine != c.header {
				t.Errorf("format = %+v, want %s %q line %d", format, c.encoding, c.delimiter, c.header)
			}
			if diff := cmp.Diff([]string{"Name", "City"}, format.Columns); diff != "" {
				t.Error(diff)
			}
			var cells [][]string
			for _, row := range rows {
				cells = append(cells, row.Cells)
			}
			want := [][]string{{"Zoé", "Paris, 2e"}, {`say "hi"`, "Ünna"}}
			if diff := cmp.Diff(want, cells); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBadRows expects a reason for each row that cannot be read, and the rows
// around it as they are.
func TestBadRows(t *testing.T) {
	t.Parallel()
	text := "a,b\n1,2\n1,2,3\nx\n\x00,2\n" + strings.Repeat("y", sheet.MaxRow+10) + ",1\n5,6\n7,\"open\n8,9\n"
	_, rows := all(t, text, sheet.Options{})
	var got []string
	for _, row := range rows {
		if row.Err != nil {
			got = append(got, errs.Reason(row.Err))
			continue
		}
		got = append(got, strings.Join(row.Cells, "|"))
	}
	want := []string{"1|2", "ROW_TOO_LONG", "x|", "INVALID_TEXT", "ROW_TOO_LARGE", "5|6", "QUOTE_OPEN"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestRefusedFiles expects one clear reason for what is no table.
func TestRefusedFiles(t *testing.T) {
	t.Parallel()
	wide := strings.Repeat("c,", sheet.MaxColumns+5) + "c\n1\n"
	cases := map[string]struct {
		text, reason string
		o            sheet.Options
	}{
		"zero bytes":       {"", "FILE_EMPTY", sheet.Options{}},
		"blanks":           {"\n \n", "FILE_EMPTY", sheet.Options{}},
		"a workbook":       {"PK\x03\x04rest", "FILE_NOT_TEXT", sheet.Options{}},
		"too wide":         {wide, "TOO_MANY_COLUMNS", sheet.Options{}},
		"unknown encoding": {"a,b\n", "ENCODING_UNKNOWN", sheet.Options{Encoding: "klingon"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sheet.NewReader(strings.NewReader(c.text), c.o)
			if errs.Reason(err) != c.reason {
				t.Errorf("err = %v, want reason %s", err, c.reason)
			}
		})
	}
}

// TestRealExports reads the exports of real systems and counts their records.
func TestRealExports(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "data", "import_formats")
	raw, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("../shared/data is absent: this test reads real exports from it")
	}
	var expected struct {
		Files map[string]struct {
			Records    int `json:"records"`
			HeaderLine int `json:"header_line"`
		} `json:"files"`
	}
	if err := json.Unmarshal(raw, &expected); err != nil {
		t.Fatal(err)
	}
	for name, want := range expected.Files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			format, rows := all(t, string(text), sheet.Options{})
			if len(rows) != want.Records {
				t.Errorf("%d rows, want %d", len(rows), want.Records)
			}
			if want.HeaderLine > 0 && format.HeaderLine != want.HeaderLine {
				t.Errorf("header on line %d, want %d", format.HeaderLine, want.HeaderLine)
			}
			for _, row := range rows {
				if row.Err != nil {
					t.Errorf("line %d: %v", row.Line, row.Err)
				}
			}
		})
	}
}

// TestRoundTrip writes any table as CSV and reads it back.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		width := rapid.IntRange(2, 6).Draw(rt, "width")
		cell := rapid.StringOf(rapid.RuneFrom([]rune("aZé,;\t|\" \n")))
		table := rapid.SliceOfN(rapid.SliceOfN(cell, width, width), 1, 8).Draw(rt, "table")
		var b strings.Builder
		header := make([]string, width)
		for i := range header {
			header[i] = "column"
		}
		b.WriteString(strings.Join(header, ",") + "\n")
		for _, row := range table {
			for i, c := range row {
				if i > 0 {
					b.WriteByte(',')
				}
				b.WriteString(`"` + strings.ReplaceAll(c, `"`, `""`) + `"`)
			}
			b.WriteByte('\n')
		}
		r, err := sheet.NewReader(strings.NewReader(b.String()), sheet.Options{Delimiter: ',', HeaderLine: 1})
		if err != nil {
			rt.Fatal(err)
		}
		for i, want := range table {
			row, err := r.Next()
			if err != nil || row.Err != nil {
				rt.Fatalf("row %d: %v %v", i, err, row.Err)
			}
			if diff := cmp.Diff(want, row.Cells); diff != "" {
				rt.Fatal(diff)
			}
		}
	})
}

// FuzzReader feeds any bytes: no panic, no endless loop, and line numbers that
// only grow.
func FuzzReader(f *testing.F) {
	f.Add([]byte("a,b\n1,2\n"))
	f.Add([]byte("\xff\xfea\x00"))
	f.Add([]byte("\"\r\"\"\n,\r"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := sheet.NewReader(strings.NewReader(string(b)), sheet.Options{})
		if err != nil {
			return
		}
		last := 0
		for {
			row, err := r.Next()
			if err != nil {
				return
			}
			if row.Line <= last {
				t.Fatalf("line %d after line %d", row.Line, last)
			}
			last = row.Line
		}
	})
}

func BenchmarkReader(b *testing.B) {
	text := "id,given,family,email,phone\n" + strings.Repeat("17,Budi,Santoso,budi@example.com,+62 812 3456 789\n", 10000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r, err := sheet.NewReader(strings.NewReader(text), sheet.Options{})
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
	}
}
