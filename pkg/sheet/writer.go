package sheet

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// MaxCell is how many characters a cell of a workbook holds.
const MaxCell = 32_767

// Workbook writes a workbook of one sheet row by row; memory does not grow with it.
//
// Every cell is text, so that no leading zero is lost and nothing is rounded, and is
// guarded (Guard), so that it stays one when it is edited or saved as CSV.
type Workbook struct {
	zip *zip.Writer
	out *bufio.Writer
	row int
}

// The parts of a workbook beside its rows (ECMA-376, part 1).
const (
	xmlHead   = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	mainSpace = `http://schemas.openxmlformats.org/spreadsheetml/2006/main`
	relSpace  = `http://schemas.openxmlformats.org/officeDocument/2006/relationships`
	pkgSpace  = `http://schemas.openxmlformats.org/package/2006/`

	contentTypes = xmlHead + `<Types xmlns="` + pkgSpace + `content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Default Extension="xml" ContentType="application/xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` +
		`<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>` +
		`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`
	rootRelations = xmlHead + `<Relationships xmlns="` + pkgSpace + `relationships">` +
		`<Relationship Id="rId1" Type="` + relSpace + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	bookRelations = xmlHead + `<Relationships xmlns="` + pkgSpace + `relationships">` +
		`<Relationship Id="rId1" Type="` + relSpace + `/worksheet" Target="worksheets/sheet1.xml"/>` +
		`<Relationship Id="rId2" Type="` + relSpace + `/styles" Target="styles.xml"/></Relationships>`
	bookForm = xmlHead + `<workbook xmlns="` + mainSpace + `" xmlns:r="` + relSpace + `"><sheets><sheet name="%s" sheetId="1" r:id="rId1"/></sheets></workbook>`
	// styles holds two: the ordinary one, and text (number format 49), which a
	// spreadsheet keeps for what is typed over a cell.
	styles = xmlHead + `<styleSheet xmlns="` + mainSpace + `"><fonts count="1"><font/></fonts><fills count="2"><fill><patternFill patternType="none"/></fill>` +
		`<fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>` +
		`<cellXfs count="2"><xf/><xf numFmtId="49" applyNumberFormat="1"/></cellXfs></styleSheet>`
	sheetHead = xmlHead + `<worksheet xmlns="` + mainSpace + `"><sheetViews><sheetView workbookViewId="0">` +
		`<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>`
	sheetEnd = `</sheetData></worksheet>`
)

// NewWorkbook begins a workbook whose sheet has that name, of at most 31 characters.
func NewWorkbook(w io.Writer, sheetName string) (*Workbook, error) {
	z := zip.NewWriter(w)
	for _, part := range [][2]string{
		{"[Content_Types].xml", contentTypes}, {"_rels/.rels", rootRelations},
		{"xl/workbook.xml", fmt.Sprintf(bookForm, escape(sheetName))}, {"xl/_rels/workbook.xml.rels", bookRelations}, {"xl/styles.xml", styles},
	} {
		out, err := z.Create(part[0])
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(out, part[1]); err != nil {
			return nil, err
		}
	}
	rows, err := z.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		return nil, err
	}
	b := &Workbook{zip: z, out: bufio.NewWriterSize(rows, 64<<10)}
	_, err = b.out.WriteString(sheetHead)
	return b, err
}

// Write adds a row. It answers INVALID_ARGUMENT CELL_TOO_LARGE for a cell that a
// workbook cannot hold, and SHEET_FULL after 1,048,576 rows.
func (b *Workbook) Write(cells []string) error {
	if b.row++; b.row > maxSheetRows {
		return errs.Invalid("file", "SHEET_FULL", "a sheet holds 1,048,576 rows; write CSV, or less")
	}
	number := strconv.Itoa(b.row)
	b.out.WriteString(`<row r="` + number + `">`)
	for i, c := range cells {
		if c == "" {
			continue
		}
		c = Guard(c)
		if len(c) > MaxCell && utf8.RuneCountInString(c) > MaxCell {
			return errs.Invalid("file", "CELL_TOO_LARGE", "row "+number+" has a cell of more than 32,767 characters, which no workbook holds; write CSV")
		}
		b.out.WriteString(`<c r="` + columnName(i) + number + `" s="1" t="inlineStr"><is><t xml:space="preserve">` + escape(c) + `</t></is></c>`)
	}
	_, err := b.out.WriteString("</row>")
	return err
}

// Close ends the workbook. It does not close what it is written to.
func (b *Workbook) Close() error {
	b.out.WriteString(sheetEnd)
	if err := b.out.Flush(); err != nil {
		return err
	}
	return b.zip.Close()
}

// columnName answers "A" for column 0, "AB" for column 27.
func columnName(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}

// escape writes a text as XML, and what XML cannot hold, or what looks as if it had
// been written so, as _x000D_.
func escape(s string) string {
	if !strings.ContainsFunc(s, special) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&quot;")
		case r < ' ' && r != '\t' && r != '\n', r == 0xfffe, r == 0xffff:
			fmt.Fprintf(&b, "_x%04X_", r)
		case r == '_' && looksEscaped(s[i:]):
			b.WriteString("_x005F_")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func special(r rune) bool {
	return r < ' ' || r == '&' || r == '<' || r == '>' || r == '"' || r == '_' || r == 0xfffe || r == 0xffff
}

func looksEscaped(s string) bool {
	_, ok := escaped(s)
	return ok
}
