package sheet_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/sheet"
)

// cellsOf answers the rows of a file below its header, errors by their reason.
func cellsOf(t testing.TB, content []byte, o sheet.Options) (sheet.Format, [][]string) {
	t.Helper()
	r, err := sheet.NewReader(bytes.NewReader(content), o)
	if err != nil {
		t.Fatalf("NewReader: %v", err)
	}
	var rows [][]string
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.Format(), rows
		}
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		if row.Err != nil {
			row.Cells = []string{errs.Reason(row.Err)}
		}
		rows = append(rows, row.Cells)
	}
}

// made is a workbook that another program writes.
func made(t testing.TB, fill func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	fill(f)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What another program writes is read with its types: numbers as they are shown,
// days of both systems, text with its zeros, and formulas by their saved value
// (CON-49, B28).
func TestWorkbook_types(t *testing.T) {
	t.Parallel()
	day := time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)
	for _, epoch := range []bool{false, true} {
		content := made(t, func(f *excelize.File) {
			must(t, f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &epoch}))
			style := func(code string) int {
				id, err := f.NewStyle(&excelize.Style{CustomNumFmt: &code})
				must(t, err)
				return id
			}
			must(t, f.SetSheetRow("Sheet1", "A1", &[]any{"text", "phone", "sum", "day", "moment", "zip", "yes", "clock", "share"}))
			must(t, f.SetSheetRow("Sheet1", "A2", &[]any{"0812", 6281234567890, 0.1 + 0.2, day, day.Add(13*time.Hour + 30*time.Minute), 1234, true, 0.5, "über & <Ünicode> 😀"}))
			must(t, f.SetCellStyle("Sheet1", "D2", "D2", style("dd/mm/yyyy")))
			must(t, f.SetCellStyle("Sheet1", "E2", "E2", style(`[$-409]d "of" mmm yyyy hh:mm`)))
			must(t, f.SetCellStyle("Sheet1", "F2", "F2", style("00000")))
			must(t, f.SetCellStyle("Sheet1", "H2", "H2", style("hh:mm")))
			must(t, f.SetSheetRow("Sheet1", "A4", &[]any{"=1+1", 1.5e21, -3, "", nil, 12345.678}))
			must(t, f.SetCellStyle("Sheet1", "F4", "F4", style(`#,##0.00 "days"`)))
		})
		format, rows := cellsOf(t, content, sheet.Options{})
		if format.Kind != sheet.XLSX || format.Sheet != "Sheet1" || format.HeaderLine != 1 {
			t.Errorf("format %+v", format)
		}
		want := [][]string{
			{"0812", "6281234567890", "0.3", "2024-02-29", "2024-02-29T13:30:00", "01234", "true", "12:00:00", "über & <Ünicode> 😀"},
			{"=1+1", "1500000000000000000000", "-3", "", "", "12345.678", "", "", ""},
		}
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Errorf("1904 %v: %s", epoch, diff)
		}
	}
}

// A formula is never run: one that was saved without a value makes its row
// unreadable, and the next one is read.
func TestWorkbook_formulas(t *testing.T) {
	t.Parallel()
	sheetXML := `<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>` +
		`<row r="2"><c r="A2"><f>1+1</f><v>2</v></c><c r="B2" t="str"><f>"x"</f><v>x</v></c></row>` +
		`<row r="3"><c r="A3"><f>HYPERLINK("http://x")</f></c></row>` +
		`<row r="4"><c r="A4" t="e"><v>#N/A</v></c></row>` +
		`<row r="5"><c t="inlineStr"><is><r><t>ri</t></r><r><t>ch</t></r><rPh><t>no</t></rPh></is></c><c t="d"><v>2024-01-31</v></c></row>` +
		`<row r="6"><c r="C6"><v>1</v></c></row>`
	_, rows := cellsOf(t, zipped(t, parts(sheetXML)), sheet.Options{})
	want := [][]string{{"2", "x"}, {"FORMULA_NO_VALUE"}, {"CELL_ERROR"}, {"rich", "2024-01-31"}, {"ROW_TOO_LONG"}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
}

// A workbook of several sheets is read from the first that shows, or the one named.
func TestWorkbook_sheets(t *testing.T) {
	t.Parallel()
	content := made(t, func(f *excelize.File) {
		for _, name := range []string{"People", "Firms"} {
			_, err := f.NewSheet(name)
			must(t, err)
			must(t, f.SetSheetRow(name, "A1", &[]any{"of " + name, "x"}))
			must(t, f.SetSheetRow(name, "A2", &[]any{"1", "2"}))
		}
		f.SetActiveSheet(1)
		must(t, f.SetSheetVisible("Sheet1", false))
	})
	format, _ := cellsOf(t, content, sheet.Options{})
	if diff := cmp.Diff([]string{"Sheet1", "People", "Firms"}, format.Sheets); diff != "" || format.Columns[0] != "of People" {
		t.Errorf("%+v %s", format, diff)
	}
	if format, _ := cellsOf(t, content, sheet.Options{Sheet: "Firms"}); format.Columns[0] != "of Firms" {
		t.Errorf("%+v", format)
	}
	if _, err := sheet.NewReader(bytes.NewReader(content), sheet.Options{Sheet: "None"}); errs.Reason(err) != "SHEET_UNKNOWN" {
		t.Error(err)
	}
}

// Workbooks that are bombs, lie about themselves, or name what lies outside are
// refused, each with its reason (B28).
func TestWorkbook_refused(t *testing.T) {
	t.Parallel()
	header := `<row r="1"><c t="inlineStr"><is><t>a</t></is></c></row>`
	many := parts(header)
	for i := range 10_001 {
		many[fmt.Sprintf("xl/media/%d", i)] = ""
	}
	external := parts(header)
	external["xl/_rels/workbook.xml.rels"] = strings.Replace(external["xl/_rels/workbook.xml.rels"], "/>", ` TargetMode="External"/>`, 1)
	doctype := parts(header)
	doctype["xl/workbook.xml"] = `<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + doctype["xl/workbook.xml"]
	cases := map[string]struct {
		content []byte
		reason  string
	}{
		"more parts than allowed": {zipped(t, many), "ARCHIVE_LIMIT"},
		"row 1,048,577":           {zipped(t, parts(header+`<row r="1048577"><c><v>1</v></c></row>`)), "ARCHIVE_LIMIT"},
		"one text of 3 MiB":       {zipped(t, parts(header+`<row r="2"><c t="str"><v>`+strings.Repeat("x", 3<<20)+`</v></c></row>`)), "ARCHIVE_LIMIT"},
		"column XFE":              {zipped(t, parts(header+`<row r="2"><c r="XFE2"><v>1</v></c></row>`)), "WORKBOOK_INVALID"},
		"rows backwards":          {zipped(t, parts(header+`<row r="1"><c><v>1</v></c></row>`)), "WORKBOOK_INVALID"},
		"cut off":                 {zipped(t, parts(header+`<row r="2"><c><v>1`)), "WORKBOOK_INVALID"},
		"document type":           {zipped(t, doctype), "WORKBOOK_INVALID"},
		"a sheet elsewhere":       {zipped(t, external), "FILE_EMPTY"},
		"no rows":                 {zipped(t, parts("")), "FILE_EMPTY"},
		"another archive":         {zipped(t, map[string]string{"word/document.xml": "<w/>"}), "FILE_NOT_TEXT"},
		"no archive":              {[]byte("PK\x03\x04rest"), "FILE_NOT_TEXT"},
		"a workbook of old":       {[]byte{0xd0, 0xcf, 0x11, 0xe0, 0xa1}, "FILE_NOT_TEXT"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := sheet.NewReader(bytes.NewReader(c.content), sheet.Options{})
			for err == nil {
				_, err = r.Next()
			}
			if errs.Reason(err) != c.reason {
				t.Errorf("%v, want %s", err, c.reason)
			}
		})
	}
}

// A bomb of some kilobytes that would unpack to more than a gibibyte is refused by what
// it says of itself, without being unpacked (B28).
func TestWorkbook_bomb(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := zip.NewWriter(&bomb)
	for name, size := range map[string]uint64{"xl/media/image1.png": 1 << 29, "xl/worksheets/sheet2.xml": 1<<29 + 1} {
		w, err := z.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Deflate, UncompressedSize64: size, CompressedSize64: 10})
		must(t, err)
		_, err = io.WriteString(w, "0123456789")
		must(t, err)
	}
	must(t, z.Close())
	if _, err := sheet.NewReader(bytes.NewReader(bomb.Bytes()), sheet.Options{}); errs.Reason(err) != "ARCHIVE_LIMIT" {
		t.Error(err)
	}
}

// What is written is read back as it was, by another program too, and no cell of it
// is a formula or begins like one (B27).
func TestWorkbook_roundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		cell := rapid.StringOf(rapid.RuneFrom([]rune("aé=+-@'＝\t\n\r_x0D&<>\"😀 \x01")))
		table := rapid.SliceOfN(rapid.SliceOfN(cell, 3, 3), 1, 6).Draw(rt, "table")
		content := written(rt, table)
		r, err := sheet.NewReader(bytes.NewReader(content), sheet.Options{HeaderLine: 1})
		if err != nil {
			rt.Fatal(err)
		}
		var want, got [][]string
		for _, row := range table {
			if strings.Join(row, "") != "" {
				want = append(want, row)
			}
		}
		for {
			row, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || row.Err != nil {
				rt.Fatal(err, row.Err)
			}
			for i := range row.Cells {
				row.Cells[i] = sheet.Unguard(row.Cells[i])
			}
			got = append(got, row.Cells)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatal(diff)
		}
	})
	content := written(t, [][]string{{"=cmd|' /C calc'!A0", "0812", "line\r\nline _x000D_"}})
	f, err := excelize.OpenReader(bytes.NewReader(content))
	must(t, err)
	rows, err := f.GetRows("Contacts")
	must(t, err)
	if diff := cmp.Diff([]string{"'=cmd|' /C calc'!A0", "0812", "line\r\nline _x000D_"}, rows[1]); diff != "" {
		t.Error(diff)
	}
	if formula, err := f.GetCellFormula("Contacts", "A2"); formula != "" || err != nil {
		t.Errorf("formula %q, %v", formula, err)
	}
}

// A cell that no workbook holds is refused instead of cut.
func TestWorkbook_cellTooLarge(t *testing.T) {
	t.Parallel()
	w, err := sheet.NewWorkbook(io.Discard, "x")
	must(t, err)
	if err := w.Write([]string{strings.Repeat("x", sheet.MaxCell+1)}); errs.Reason(err) != "CELL_TOO_LARGE" {
		t.Error(err)
	}
}

// written is a workbook with a header and the rows.
func written(t interface{ Fatal(...any) }, table [][]string) []byte {
	var b bytes.Buffer
	w, err := sheet.NewWorkbook(&b, "Contacts")
	if err == nil {
		err = w.Write([]string{"one", "two", "three"})
	}
	for _, row := range table {
		if err == nil {
			err = w.Write(row)
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// parts are a workbook of one sheet with these rows.
func parts(rows string) map[string]string {
	const rel = `http://schemas.openxmlformats.org/officeDocument/2006/relationships`
	return map[string]string{
		"_rels/.rels":     `<Relationships><Relationship Id="r1" Type="` + rel + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml": `<workbook xmlns:r="` + rel + `"><sheets><sheet name="One" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" Type="` + rel + `/worksheet" Target="worksheets/sheet1.xml"/>` +
			`</Relationships>`,
		"xl/worksheets/sheet1.xml": `<worksheet><sheetData>` + rows + `</sheetData></worksheet>`,
	}
}

func zipped(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range parts {
		w, err := z.Create(name)
		must(t, err)
		_, err = io.WriteString(w, text)
		must(t, err)
	}
	must(t, z.Close())
	return b.Bytes()
}

// FuzzWorkbook feeds any bytes as the rows of a sheet, and any as the file.
func FuzzWorkbook(f *testing.F) {
	f.Add([]byte(`<row r="1"><c t="s"><v>0</v></c></row>`), false)
	f.Add([]byte("PK\x03\x04"), true)
	f.Fuzz(func(t *testing.T, b []byte, whole bool) {
		content := b
		if !whole {
			content = zipped(t, parts(string(b)))
		}
		r, err := sheet.NewReader(bytes.NewReader(content), sheet.Options{})
		for err == nil {
			_, err = r.Next()
		}
	})
}

// BenchmarkWorkbook reads a sheet of 10,000 rows; the memory in use does not depend on
// their number.
func BenchmarkWorkbook(b *testing.B) {
	var table [][]string
	for i := range 10_000 {
		table = append(table, []string{fmt.Sprint("person ", i), "0812345", "budi@example.com"})
	}
	content := written(b, table)
	b.ReportAllocs()
	for b.Loop() {
		r, err := sheet.NewReader(bytes.NewReader(content), sheet.Options{})
		for err == nil {
			_, err = r.Next()
		}
	}
}
