// Package bulk brings files of many rows into a service: it takes the file, finds
// out what it is and what its columns mean, and works it through in the background
// in steps, each one transaction with the rows it made and the report on them.
//
// It promises that a row counts once (rows = created + updated + skipped +
// failed), that a step is done wholly or not at all, also when two replicas try
// it, that an import goes on after a crash where it stopped, and that a trial
// (dry_run) changes nothing. What a row means is the service's: a Kind.
//
// Taken back, it deletes what it created and gives what it changed the values from
// before, as the event log has them, except where somebody changed them since.
//
// Limits: 50 MiB a file, in memory three steps of 2,000 rows or 4 MiB. An import works as
// the caller who uploaded it, with the record scope that the upload was granted. Takes
// CSV and its relatives, workbooks and vCards (pkg/sheet).
package bulk

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fieldaccess"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/sheet"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
)

const (
	// MaxFile is the largest file in bytes.
	MaxFile = 50 << 20
	// StepRows is how many rows one transaction takes, StepBytes how long they are where
	// they are long: it takes the one that reaches it, and no more.
	StepRows  = 2000
	StepBytes = 4 << 20

	chunkSize = 256 << 10
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations make the tables of this package. They keep their version in
// VersionTable.
var Migrations = sub(files)

// VersionTable keeps the version of the tables.
const VersionTable = "bulk_version"

func sub(files embed.FS) fs.FS {
	s, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err)
	}
	return s
}

// Kind is one sort of record that files bring.
type Kind struct {
	// Name is that of Import.kind, such as "contacts".
	Name string
	// Fields are what its columns can mean.
	Fields []sheet.Field
	// Known answers whether a field that is not among Fields can be named in an
	// override, such as "custom_fields.hobby". Nil knows none.
	Known func(field string) bool
	// Named answers the field that a heading names which is not among Fields, such as
	// "custom_fields.hobby" for the heading "Hobby"; "" where it names none. Nil names
	// none.
	Named func(ctx context.Context, tenant uuid.UUID, heading string) (field string, err error)
	// System guesses the system a file comes from by its heads; "" where it does
	// not know.
	System func(headers []string) string
	// Writes are the kinds of records whose fields its rows set, such as
	// "lingkar.dev/Contact": who may not change all of them cannot bring a file in.
	Writes []string
	// Together tells of two rows that follow each other whether one step must hold
	// both, such as lines of one order. Nil lets any step end after any row. A step
	// takes at most twice what others do even so.
	Together func(a, b Row) bool
	// Parse reads what one row says, without looking at anything else: it becomes
	// Row.Parsed. It runs ahead, while the step before is written. Nil parses nothing.
	Parse func(ctx context.Context, job *Job, row Row) any
	// Prepare does, before the transaction of a step, what may not be done inside
	// it, such as asking another service; what it finds goes into Job.State. It may
	// run again for the same rows, so what it creates must be found the next time.
	// Nil does nothing; an error stops the import.
	Prepare func(ctx context.Context, job *Job, rows []Row) error
	// Step brings in rows within the unit, and answers what became of each. An
	// error takes all of them back. One that says that a row is at fault, such as a
	// constraint that only the database knows, makes the rows come again in smaller
	// steps, until those that fail by themselves are alone; any other stops the
	// import. What Step knows to be wrong with a row belongs into its Outcome.
	Step func(ctx context.Context, u *record.Unit, job *Job, rows []Row) ([]Outcome, error)
	// Undo takes back, within the unit, what the import did to some records: that of
	// TakeBack, for most kinds.
	Undo func(ctx context.Context, u *record.Unit, back Back) (map[string]Undone, error)
}

// Row is one row of the file by what its columns mean.
type Row struct {
	// Line is where it begins, from 1.
	Line int
	// Values are the cells that are not empty, by field, in the order of their
	// columns.
	Values map[string][]string
	// Parsed is what Kind.Parse made of it. A row may come to a Step more than once,
	// so it must not be changed.
	Parsed any
}

// First answers the first value of a field, or "".
func (r Row) First(field string) string {
	if v := r.Values[field]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// bytes is how long its cells are.
func (r Row) bytes() (n int) {
	for _, cells := range r.Values {
		for _, cell := range cells {
			n += len(cell)
		}
	}
	return n
}

// Outcome is what became of a row.
type Outcome struct {
	Line     int
	What     bulkv1.ImportOutcome
	Resource string
	Reason   string
	Message  string
}

// Failed is the outcome of a row that could not be taken, for the reason that the
// error carries.
func Failed(line int, err error) Outcome {
	o := Outcome{Line: line, What: bulkv1.ImportOutcome_IMPORT_OUTCOME_FAILED, Reason: errs.Reason(err), Message: "the row cannot be read"}
	for i, v := range errs.FieldViolations(err) {
		if i == 0 {
			o.Message = ""
		} else {
			o.Message += "; "
		}
		o.Message += v.Field + ": " + v.Description
	}
	return o
}

// Empty is the outcome of a row with nothing in it.
func Empty(line int) Outcome {
	return Outcome{Line: line, What: bulkv1.ImportOutcome_IMPORT_OUTCOME_SKIPPED, Reason: "ROW_EMPTY", Message: "the row is empty"}
}

// Engine is the imports of one service.
type Engine struct {
	// Collection begins the names of its imports, such as "contactImports".
	Collection string
	DB         *postgres.DB
	Log        *eventlog.Log
	Now        func() time.Time
	Logger     *slog.Logger
	// Kinds are what it takes.
	Kinds []Kind
	// Rules are the tenants' rules about fields; nil where the service has none.
	Rules *fieldaccess.Book

	wake chan struct{}
}

// New makes an engine. Run it as a background loop, and register Server.
func New(e Engine) *Engine {
	e.wake = make(chan struct{}, 1)
	return &e
}

func (e *Engine) kind(name string) (Kind, error) {
	for _, k := range e.Kinds {
		if k.Name == name {
			return k, nil
		}
	}
	return Kind{}, errs.Invalid("import.kind", "KIND_UNKNOWN", fmt.Sprintf("%s takes no such files", e.Collection))
}
