package postgres

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres/filter"
	"github.com/lingkar-crm/lingkar/pkg/postgres/jsonb"
)

// column is one field of a row type.
type column struct {
	name   string
	offset uintptr
	typ    reflect.Type
	json   bool
	// decoder reads a column of JSON; nil for others.
	decoder *jsonb.Decoder
	// target makes of a pointer to the field what pgx scans into.
	target func(field unsafe.Pointer) any
}

// plan says where the columns of a row type lie. It is built once per table:
// looking the fields up for each row costs half as much again as reading them.
type plan struct {
	columns  []column
	scanners sync.Pool // of *scanner
}

var (
	uuidType        = reflect.TypeFor[uuid.UUID]()
	uuidPointerType = reflect.TypeFor[*uuid.UUID]()
	timeType        = reflect.TypeFor[time.Time]()
)

func newPlan(row reflect.Type) (*plan, error) {
	p := &plan{}
	if err := p.add(row, 0); err != nil {
		return nil, err
	}
	p.scanners.New = func() any { return newScanner(p) }
	return p, nil
}

// add enters the tagged fields of a struct, and those of embedded ones.
func (p *plan) add(row reflect.Type, offset uintptr) error {
	if row.Kind() != reflect.Struct {
		return fmt.Errorf("%s is not a struct", row)
	}
	for i := range row.NumField() {
		f := row.Field(i)
		tag, tagged := f.Tag.Lookup("db")
		switch {
		case f.Anonymous && !tagged && f.Type.Kind() == reflect.Struct:
			if err := p.add(f.Type, offset+f.Offset); err != nil {
				return err
			}
		case tagged && tag != "-":
			name, option, _ := strings.Cut(tag, ",")
			if p.find(name) != nil || name == "" || name == "tenant" || (option != "" && option != "json") {
				return fmt.Errorf("field %s.%s has the tag %q", row, f.Name, tag)
			}
			c := column{name: name, offset: offset + f.Offset, typ: f.Type, json: option == "json", target: targetOf(f.Type)}
			if c.json {
				c.decoder = jsonb.NewDecoder(f.Type)
			}
			p.columns = append(p.columns, c)
		}
	}
	return nil
}

// find answers the column of a name, or nil.
func (p *plan) find(name string) *column {
	for i := range p.columns {
		if p.columns[i].name == name {
			return &p.columns[i]
		}
	}
	return nil
}

// list writes the columns for SQL, each behind the prefix.
func (p *plan) list(prefix string) string {
	names := make([]string, len(p.columns))
	for i, c := range p.columns {
		names[i] = prefix + filter.Quote(c.name)
	}
	return strings.Join(names, ", ")
}

// scan reads the current row into the struct at base, and what stands behind its columns
// into more.
func (p *plan) scan(rows pgx.Rows, base unsafe.Pointer, more ...any) error {
	s := p.scanners.Get().(*scanner)
	defer p.scanners.Put(s)
	s.aim(p, base)
	defer s.aim(p, nil)
	if len(more) > 0 {
		return rows.Scan(slices.Concat(s.targets, more)...)
	}
	return rows.Scan(s.targets...)
}

// values appends what the row's columns are written as.
func (p *plan) values(args []any, base unsafe.Pointer) []any {
	for i := range p.columns {
		args = append(args, p.columns[i].value(base))
	}
	return args
}
