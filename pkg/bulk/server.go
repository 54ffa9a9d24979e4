package bulk

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/sheet"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
)

// Ignore is the field of a column that is left out.
const Ignore = "-"

var errTooLarge = errs.Exhausted("REQUEST_TOO_LARGE", "the file is larger than 50 MiB", 0)

// UploadImport takes a file and answers what its columns seem to mean.
func (e *Engine) UploadImport(stream grpc.ClientStreamingServer[bulkv1.UploadImportRequest, bulkv1.Import]) error {
	ctx := stream.Context()
	caller := auth.From(ctx)
	first, err := stream.Recv()
	if err != nil {
		return errs.Invalid("import", "", "the first message must hold the import")
	}
	spec := first.GetImport()
	kind, err := e.kind(spec.GetKind())
	if err != nil {
		return err
	}
	if err := e.Rules.Whole(ctx, true, kind.Writes...); err != nil {
		return err
	}
	id := entity.NewID()
	if err := e.insert(ctx, id, caller, spec); err != nil {
		return err
	}
	size, err := e.receive(stream, caller.Tenant, id)
	if err != nil {
		return err
	}
	if err := e.understand(ctx, kind, spec, e.file(ctx, caller.Tenant, id, size)); err != nil {
		return err
	}
	if err := e.complete(ctx, caller.Tenant, id, spec, size); err != nil {
		return err
	}
	row, err := e.read(ctx, caller.Tenant, e.Collection+"/"+id.String())
	if err != nil {
		return err
	}
	return stream.SendAndClose(e.message(row))
}

// receive stores the pieces as they come, each filled up to its size.
func (e *Engine) receive(stream grpc.ClientStreamingServer[bulkv1.UploadImportRequest, bulkv1.Import], tenant, id uuid.UUID) (int64, error) {
	var size int64
	var buffer []byte
	for n := 0; ; {
		piece, err := stream.Recv()
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return 0, err
		}
		size += int64(len(piece.GetChunk()))
		if size > MaxFile {
			return 0, errTooLarge
		}
		buffer = append(buffer, piece.GetChunk()...)
		for len(buffer) >= chunkSize || (last && len(buffer) > 0) {
			cut := min(len(buffer), chunkSize)
			if err := e.insertChunk(stream.Context(), tenant, id, n, buffer[:cut]); err != nil {
				return 0, err
			}
			buffer = buffer[cut:]
			n++
		}
		if last {
			return size, nil
		}
	}
}

// understand finds out the format of the file and what its columns mean, and
// writes it into the spec.
func (e *Engine) understand(ctx context.Context, kind Kind, spec *bulkv1.Import, content sheet.File) error {
	reader, err := sheet.NewReader(content, options(spec))
	if err != nil {
		return err
	}
	format := reader.Format()
	columns := sheet.Guess(format.Columns, kind.Fields)
	byName(columns, kind)
	if err := kind.nameRest(ctx, columns); err != nil {
		return err
	}
	if err := override(columns, kind, spec.GetColumns()); err != nil {
		return err
	}
	spec.Format, spec.Encoding, spec.HeaderLine = string(format.Kind), format.Encoding, int32(format.HeaderLine)
	spec.Sheet, spec.Sheets, spec.Delimiter = format.Sheet, format.Sheets, ""
	if format.Delimiter != 0 {
		spec.Delimiter = string(format.Delimiter)
	}
	spec.Columns = nil
	any := false
	for _, c := range columns {
		field := c.Field
		if field == "" {
			field = Ignore
		}
		any = any || field != Ignore
		spec.Columns = append(spec.Columns, &bulkv1.ImportColumn{Header: c.Header, Field: field, Index: int32(c.Index)})
	}
	if !any {
		return errs.Invalid("import.columns", "FIELD_MISSING", "no column of the file is known: say what the columns mean")
	}
	if spec.GetSystem() == "" && kind.System != nil {
		spec.System = kind.System(format.Columns)
	}
	return nil
}

// byName gives columns that no head tells of the field that is called as they are.
func byName(columns []sheet.Column, kind Kind) {
	taken := map[string]bool{}
	for _, c := range columns {
		taken[c.Field] = true
	}
	for i, c := range columns {
		if c.Field == "" && c.Header != Ignore && !taken[c.Header] && knows(kind, c.Header) {
			columns[i].Field, taken[c.Header] = c.Header, true
		}
	}
}

// nameRest gives columns that nothing has told yet the field that their heads name.
func (k Kind) nameRest(ctx context.Context, columns []sheet.Column) error {
	if k.Named == nil {
		return nil
	}
	taken := map[string]bool{}
	for i, c := range columns {
		if c.Field != "" || c.Header == Ignore {
			continue
		}
		field, err := k.Named(ctx, auth.From(ctx).Tenant, c.Header)
		if err != nil {
			return err
		}
		if field != "" && !taken[field] {
			columns[i].Field, taken[field] = field, true
		}
	}
	return nil
}

func options(spec *bulkv1.Import) sheet.Options {
	o := sheet.Options{Encoding: spec.GetEncoding(), HeaderLine: int(spec.GetHeaderLine()), Sheet: spec.GetSheet()}
	for _, r := range spec.GetDelimiter() {
		o.Delimiter = r
	}
	return o
}

// override puts what the caller said in the place of what was guessed.
func override(columns []sheet.Column, kind Kind, said []*bulkv1.ImportColumn) error {
	for i, s := range said {
		at := "import.columns[" + strconv.Itoa(i) + "]"
		where := slices.IndexFunc(columns, func(c sheet.Column) bool {
			return c.Header == s.GetHeader() && (s.GetIndex() == 0 || c.Index == int(s.GetIndex()))
		})
		if where < 0 {
			return errs.Invalid(at+".header", "COLUMN_UNKNOWN", "the file has no such column")
		}
		if !knows(kind, s.GetField()) {
			return errs.Invalid(at+".field", "FIELD_UNKNOWN", "want one of "+strings.Join(names(kind), ", ")+" or -")
		}
		columns[where].Field = s.GetField()
	}
	return nil
}

func knows(kind Kind, field string) bool {
	return field == Ignore || slices.Contains(names(kind), field) || (kind.Known != nil && kind.Known(field))
}

func names(kind Kind) []string {
	var all []string
	for _, f := range kind.Fields {
		all = append(all, f.Name)
	}
	return all
}

// RunImport starts an import, or goes on with it.
func (e *Engine) RunImport(ctx context.Context, req *bulkv1.RunImportRequest) (*bulkv1.Import, error) {
	return e.move(ctx, auth.From(ctx).Tenant, req.GetName(), bulkv1.ImportState_IMPORT_STATE_RUNNING,
		errs.Refused("IMPORT_DONE", "the import is running or done"),
		bulkv1.ImportState_IMPORT_STATE_UPLOADED, bulkv1.ImportState_IMPORT_STATE_CANCELLED, bulkv1.ImportState_IMPORT_STATE_FAILED)
}

// CancelImport stops an import after the step it is at.
func (e *Engine) CancelImport(ctx context.Context, req *bulkv1.CancelImportRequest) (*bulkv1.Import, error) {
	return e.move(ctx, auth.From(ctx).Tenant, req.GetName(), bulkv1.ImportState_IMPORT_STATE_CANCELLED,
		errs.Refused("IMPORT_NOT_RUNNING", "the import is not running"), bulkv1.ImportState_IMPORT_STATE_RUNNING)
}

// UndoImport takes back what an import did.
func (e *Engine) UndoImport(ctx context.Context, req *bulkv1.UndoImportRequest) (*bulkv1.Import, error) {
	return e.move(ctx, auth.From(ctx).Tenant, req.GetName(), bulkv1.ImportState_IMPORT_STATE_UNDOING,
		errs.Refused("IMPORT_RUNNING", "the import is running, or undone already: cancel it first"),
		bulkv1.ImportState_IMPORT_STATE_DONE, bulkv1.ImportState_IMPORT_STATE_CANCELLED, bulkv1.ImportState_IMPORT_STATE_FAILED)
}

// GetImport answers one import.
func (e *Engine) GetImport(ctx context.Context, req *bulkv1.GetImportRequest) (*bulkv1.Import, error) {
	row, err := e.read(ctx, auth.From(ctx).Tenant, req.GetName())
	if err != nil {
		return nil, err
	}
	return e.message(row), nil
}

// ListImportRows lists what became of each row. The page token is the last line.
func (e *Engine) ListImportRows(ctx context.Context, req *bulkv1.ListImportRowsRequest) (*bulkv1.ListImportRowsResponse, error) {
	tenant := auth.From(ctx).Tenant
	row, err := e.read(ctx, tenant, req.GetParent())
	if err != nil {
		return nil, record.At("parent", err)
	}
	size, after, err := page(req)
	if err != nil {
		return nil, err
	}
	answer := &bulkv1.ListImportRowsResponse{}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	query := `
		SELECT line, outcome, resource, reason, message, undo, undo_reason, kept_fields
		FROM import_row WHERE tenant = $1 AND import = $2 AND line > $3`
	args := []any{tenant, row.id, after}
	if req.GetOutcome() != 0 {
		query += ` AND outcome = $4`
		args = append(args, int16(req.GetOutcome()))
	}
	if req.GetUndo() != 0 {
		query += ` AND undo > 0 AND undo = ` + strconv.Itoa(int(req.GetUndo())) // in words, so that the index of those serves
	}
	b.Queue(query+` ORDER BY line LIMIT `+strconv.Itoa(size+1), args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			r := &bulkv1.ImportRow{}
			if err := rows.Scan(&r.Line, &r.Outcome, &r.Resource, &r.Reason, &r.Message, &r.Undo, &r.UndoReason, &r.KeptFields); err != nil {
				return err
			}
			answer.Rows = append(answer.Rows, r)
		}
		return rows.Err()
	})
	if err := postgres.Run(ctx, e.DB, b); err != nil {
		return nil, err
	}
	if len(answer.Rows) > size {
		answer.Rows = answer.Rows[:size]
		answer.NextPageToken = strconv.FormatInt(answer.Rows[size-1].GetLine(), 10)
	}
	return answer, nil
}

func page(req *bulkv1.ListImportRowsRequest) (size int, after int64, err error) {
	size = int(req.GetPageSize())
	switch {
	case size < 0:
		return 0, 0, errs.Invalid("page_size", "", "must not be negative")
	case size == 0:
		size = 50
	}
	if req.GetPageToken() == "" {
		return min(size, 1000), 0, nil
	}
	after, err = strconv.ParseInt(req.GetPageToken(), 10, 64)
	if err != nil || after < 0 {
		return 0, 0, errs.Invalid("page_token", "PAGE_TOKEN_INVALID", "want the token of the page before")
	}
	return min(size, 1000), after, nil
}

func (e *Engine) parse(name string) (uuid.UUID, error) {
	if segment, ok := strings.CutPrefix(name, e.Collection+"/"); ok {
		if id, ok := entity.ParseID(segment); ok {
			return id, nil
		}
	}
	return uuid.Nil, errs.Invalid("name", "", "want "+e.Collection+"/ followed by a UUID of version 7 in lower case")
}
