package sheet

import (
	"encoding/xml"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// sampleSize is how many rows are looked at to find the header.
const sampleSize = 100

// workbook is what is known of a workbook before its rows are read.
type workbook struct {
	*archive
	// main is the part that names the sheets.
	main string
	// names are the sheets' in their order; places are the parts with their rows.
	names  []string
	places map[string]string
	hidden map[string]bool
	// epoch1904 tells that days are counted from 1904.
	epoch1904 bool
	styles    []numberFormat
	strings   sharedStrings
}

// newWorkbookReader reads a sheet of a workbook up to its header.
func newWorkbookReader(f File, o Options) (*Reader, error) {
	w, err := openWorkbook(f)
	if err != nil {
		return nil, err
	}
	name, err := w.choose(o.Sheet)
	if err != nil {
		return nil, err
	}
	part, err := w.part(w.places[name])
	if err != nil {
		return nil, err
	}
	if part == nil {
		return nil, errWorkbook
	}
	rows := &worksheet{tokens: part, book: w}
	sample, err := rows.sample()
	if err != nil {
		return nil, err
	}
	width, _ := commonWidth(sample)
	format := Format{Kind: XLSX, Sheet: name, Sheets: w.names, HeaderLine: headerLine(sample, width)}
	if o.HeaderLine > 0 {
		format.HeaderLine = o.HeaderLine
	}
	reader := &Reader{format: format, records: &replayed{sample: sample, rest: rows}}
	return reader, reader.skipToHeader()
}

// replayed answers rows that were looked at already, and then the rest.
type replayed struct {
	sample []record
	rest   source
}

func (r *replayed) next() (record, error) {
	if len(r.sample) == 0 {
		return r.rest.next()
	}
	first := r.sample[0]
	r.sample = r.sample[1:]
	return first, nil
}

func openWorkbook(f File) (*workbook, error) {
	a, err := openArchive(f)
	if err != nil {
		return nil, err
	}
	w := &workbook{archive: a, main: "xl/workbook.xml", places: map[string]string{}, hidden: map[string]bool{}}
	targets, err := w.relations("")
	if err != nil {
		return nil, err
	}
	for _, r := range targets {
		if strings.HasSuffix(r.kind, "/officeDocument") {
			w.main = r.target
		}
	}
	if err := w.readMain(); err != nil {
		return nil, err
	}
	return w, w.readBeside()
}

// readMain reads which sheets there are.
func (w *workbook) readMain() error {
	part, err := w.part(w.main)
	if err != nil {
		return err
	}
	if part == nil {
		return errNotText
	}
	related, err := w.relations(w.main)
	if err != nil {
		return err
	}
	return part.each(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "workbookPr":
			w.epoch1904 = isTrue(attribute(e, "date1904"))
		case "sheet":
			r, ok := related[attribute(e, "id")]
			name := attribute(e, "name")
			if !ok || !strings.HasSuffix(r.kind, "/worksheet") || name == "" {
				return nil // a chart or a dialogue
			}
			w.names = append(w.names, name)
			w.places[name], w.hidden[name] = r.target, attribute(e, "state") != "" && attribute(e, "state") != "visible"
		}
		return nil
	})
}

// readBeside reads the formats of numbers and the strings that cells share.
func (w *workbook) readBeside() error {
	related, err := w.relations(w.main)
	if err != nil {
		return err
	}
	for _, r := range related {
		switch {
		case strings.HasSuffix(r.kind, "/styles"):
			w.styles, err = w.readStyles(r.target)
		case strings.HasSuffix(r.kind, "/sharedStrings"):
			err = w.readStrings(r.target)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// choose answers the sheet that is wanted, or the first that is not hidden.
func (w *workbook) choose(wanted string) (string, error) {
	if len(w.names) == 0 {
		return "", errs.Invalid("file", "FILE_EMPTY", "the workbook has no sheet with rows")
	}
	if wanted == "" {
		if first := slices.IndexFunc(w.names, func(n string) bool { return !w.hidden[n] }); first >= 0 {
			return w.names[first], nil
		}
		return w.names[0], nil
	}
	if !slices.Contains(w.names, wanted) {
		return "", errs.Invalid("sheet", "SHEET_UNKNOWN", "the workbook has no such sheet, but "+strings.Join(w.names[:min(len(w.names), 20)], ", "))
	}
	return wanted, nil
}

// relation is what a part says of another.
type relation struct{ kind, target string }

// relations answers the relations of a part by their ids; those of the archive for
// "". Whatever lies outside the archive is left out.
func (w *workbook) relations(of string) (map[string]relation, error) {
	dir, base := path.Split(of)
	part, err := w.part(dir + "_rels/" + base + ".rels")
	if err != nil || part == nil {
		return nil, err
	}
	found := map[string]relation{}
	return found, part.each(func(e xml.StartElement) error {
		if e.Name.Local != "Relationship" || attribute(e, "TargetMode") == "External" {
			return nil
		}
		target := attribute(e, "Target")
		if !strings.HasPrefix(target, "/") {
			target = dir + target
		}
		found[attribute(e, "Id")] = relation{kind: attribute(e, "Type"), target: target}
		return nil
	})
}

func isTrue(v string) bool {
	b, err := strconv.ParseBool(v)
	return err == nil && b
}
