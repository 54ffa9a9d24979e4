package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

const pieceSize = 64 << 10

// importFlags are the flags of `import`.
type importFlags struct {
	dryRun                           bool
	columns                          []string
	encoding, delimiter, region, sys string
	currency, sheet                  string
	header                           int32
	failedOnly                       bool
}

func importCommand(g *global) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import contacts|leads|opportunities|purchases FILE",
		Short: "Bring in an export of another system",
		Long: `Takes a CSV file, a workbook (.xlsx) or, as contacts, vCards (.vcf), finds out by
its content what it is and what its columns mean, shows that, and brings the rows
in. Every row is reported; a row counts once. The same file brought twice meets its
own records.

The file goes up first, so a lost connection loses nothing: "import resume NAME"
goes on, "import undo NAME" takes back what it created and what it
changed.`,
		Example: `  lingkar import contacts google.csv --dry-run
  lingkar import contacts list.csv --column "Hobby=custom_fields.hobby" --column "Secret=-"
  lingkar import opportunities pipeline.csv --output json`,
		Args: exactly("what the rows are (contacts, leads, opportunities or purchases)", "a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := f.spec(args[0], args[1])
			if err != nil {
				return err
			}
			return g.importFile(cmd, spec, args[1], f)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.dryRun, "dry-run", false, "report what would happen and change nothing")
	flags.StringArrayVar(&f.columns, "column", nil, "HEADER=FIELD: what a column means; - as the field leaves it out")
	flags.StringVar(&f.encoding, "encoding", "", "utf-8, utf-16le, utf-16be or windows-1252, instead of finding out")
	flags.StringVar(&f.delimiter, "delimiter", "", "the separator, instead of finding out")
	flags.StringVar(&f.sheet, "sheet", "", "the sheet of a workbook, instead of the first")
	flags.Int32Var(&f.header, "header", 0, "the line of the header, instead of finding out")
	flags.StringVar(&f.region, "region", "", "the country of phone numbers without a code, such as ID")
	flags.StringVar(&f.currency, "currency", "", "the currency of amounts that name none, such as IDR")
	flags.StringVar(&f.sys, "system", "", "the system the file comes from, instead of guessing")
	flags.BoolVar(&f.failedOnly, "failed-only", false, "report only the rows that failed")
	cmd.AddCommand(resumeCommand(g, &f), undoCommand(g))
	return cmd
}

func (f importFlags) spec(kind, path string) (*bulkv1.Import, error) {
	spec := &bulkv1.Import{
		Kind: kind, FileName: filepath.Base(path), Encoding: f.encoding, Delimiter: f.delimiter, HeaderLine: f.header,
		RegionCode: f.region, System: f.sys, CurrencyCode: f.currency, Sheet: f.sheet, DryRun: f.dryRun,
	}
	if _, err := importCollection(kind); err != nil {
		return nil, err
	}
	for _, c := range f.columns {
		cut := strings.LastIndexByte(c, '=')
		if cut < 1 {
			return nil, usageError{fmt.Errorf("--column is HEADER=FIELD, not %q", c)}
		}
		spec.Columns = append(spec.Columns, &bulkv1.ImportColumn{Header: c[:cut], Field: c[cut+1:]})
	}
	return spec, nil
}

func importCollection(kind string) (string, error) {
	switch kind {
	case "contacts":
		return "contactImports", nil
	case "leads", "opportunities", "purchases":
		return "salesImports", nil
	}
	return "", usageError{fmt.Errorf("import takes contacts, leads, opportunities or purchases, not %q", kind)}
}

// importClient is what both areas' import services offer.
type importClient interface {
	UploadImport(context.Context, ...grpc.CallOption) (grpc.ClientStreamingClient[bulkv1.UploadImportRequest, bulkv1.Import], error)
	RunImport(context.Context, *bulkv1.RunImportRequest, ...grpc.CallOption) (*bulkv1.Import, error)
	GetImport(context.Context, *bulkv1.GetImportRequest, ...grpc.CallOption) (*bulkv1.Import, error)
	ListImportRows(context.Context, *bulkv1.ListImportRowsRequest, ...grpc.CallOption) (*bulkv1.ListImportRowsResponse, error)
	UndoImport(context.Context, *bulkv1.UndoImportRequest, ...grpc.CallOption) (*bulkv1.Import, error)
}

// importClientOf answers the client of the area that takes such imports, by the
// collection that a name begins with.
func importClientOf(conn grpc.ClientConnInterface, name string) importClient {
	if strings.HasPrefix(name, "salesImports") {
		return salesv1.NewImportServiceClient(conn)
	}
	return contactv1.NewImportServiceClient(conn)
}

func (g *global) importFile(cmd *cobra.Command, spec *bulkv1.Import, path string, f importFlags) error {
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return err
	}
	defer file.Close()
	ctx, conn, err := g.connect(cmd.Context())
	if err != nil {
		return err
	}
	defer conn.Close()
	collection, err := importCollection(spec.GetKind())
	if err != nil {
		return err
	}
	client := importClientOf(conn, collection)
	uploaded, err := uploadFile(ctx, client, spec, file)
	if err != nil {
		return err
	}
	if !g.json() {
		printMapping(cmd.OutOrStdout(), uploaded)
	}
	return g.runImport(ctx, cmd, client, uploaded.GetName(), f)
}

func uploadFile(ctx context.Context, client importClient, spec *bulkv1.Import, file io.Reader) (*bulkv1.Import, error) {
	stream, err := client.UploadImport(ctx)
	if err != nil {
		return nil, err
	}
	err = stream.Send(&bulkv1.UploadImportRequest{Part: &bulkv1.UploadImportRequest_Import{Import: spec}})
	piece := make([]byte, pieceSize)
	for err == nil {
		n, readErr := file.Read(piece)
		if n > 0 {
			err = stream.Send(&bulkv1.UploadImportRequest{Part: &bulkv1.UploadImportRequest_Chunk{Chunk: piece[:n]}})
		}
		if errors.Is(readErr, io.EOF) {
			break
		}
		if readErr != nil {
			return nil, readErr
		}
	}
	return stream.CloseAndRecv() // says why where a Send was refused
}

// printMapping shows what the file was found to be and its columns to mean.
func printMapping(w io.Writer, i *bulkv1.Import) {
	fmt.Fprintf(w, "%s: %s", i.GetFileName(), foundForm(i))
	if i.GetSystem() != "" {
		fmt.Fprintf(w, ", from %s", i.GetSystem())
	}
	fmt.Fprintln(w)
	var ignored []string
	for _, c := range i.GetColumns() {
		if c.GetField() == "-" {
			ignored = append(ignored, c.GetHeader())
			continue
		}
		fmt.Fprintf(w, "  %-32s → %s\n", c.GetHeader(), c.GetField())
	}
	if len(ignored) > 0 {
		fmt.Fprintf(w, "  left out: %s\n", strings.Join(ignored, ", "))
	}
}

// foundForm words what sort of file it was found to be.
func foundForm(i *bulkv1.Import) string {
	switch i.GetFormat() {
	case "xlsx":
		return fmt.Sprintf("workbook, sheet %q of %d, header in row %d", i.GetSheet(), len(i.GetSheets()), i.GetHeaderLine())
	case "vcard":
		return "vCards, " + i.GetEncoding()
	}
	separator := i.GetDelimiter()
	if separator == "\t" {
		separator = "tab"
	}
	return fmt.Sprintf("%s, separated by %s, header on line %d", i.GetEncoding(), separator, i.GetHeaderLine())
}

// runImport runs an import, shows how it goes, and reports its rows.
func (g *global) runImport(ctx context.Context, cmd *cobra.Command, client importClient, name string, f importFlags) error {
	i, err := client.RunImport(ctx, &bulkv1.RunImportRequest{Name: name})
	if err != nil {
		return err
	}
	if i, err = g.followImport(ctx, cmd.ErrOrStderr(), client, i); err != nil {
		return err
	}
	if err := g.reportRows(ctx, cmd.OutOrStdout(), client, i, f); err != nil {
		return err
	}
	if i.GetState() == bulkv1.ImportState_IMPORT_STATE_FAILED {
		return fmt.Errorf("the import stopped: %s; `lingkar import resume %s` goes on", i.GetError(), name)
	}
	return g.printCounts(cmd.OutOrStdout(), i)
}

// followImport draws a bar until the import has ended.
func (g *global) followImport(ctx context.Context, w io.Writer, client importClient, i *bulkv1.Import) (*bulkv1.Import, error) {
	begin, line := time.Now(), newProgress(w)
	for working(i) {
		if !g.json() {
			line.tell(bar(i, time.Since(begin)))
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("the import goes on without this terminal: see it again with `lingkar import resume %s`", i.GetName())
		case <-time.After(100 * time.Millisecond):
		}
		next, err := client.GetImport(ctx, &bulkv1.GetImportRequest{Name: i.GetName()})
		if err != nil {
			return nil, err
		}
		i = next
	}
	if !g.json() {
		line.end(bar(i, time.Since(begin)))
	}
	return i, nil
}

func working(i *bulkv1.Import) bool {
	return i.GetState() == bulkv1.ImportState_IMPORT_STATE_RUNNING || i.GetState() == bulkv1.ImportState_IMPORT_STATE_UNDOING
}

// bar draws how far an import has come.
func bar(i *bulkv1.Import, took time.Duration) string {
	const width = 30
	part := 0.0
	if i.GetSizeBytes() > 0 {
		part = float64(i.GetDoneBytes()) / float64(i.GetSizeBytes())
	}
	full := min(int(part*width), width)
	rate := float64(i.GetCounts().GetRows()) / max(took.Seconds(), 0.001)
	return fmt.Sprintf("[%s%s] %3.0f %%  %s, %.0f/s", strings.Repeat("#", full), strings.Repeat(".", width-full), part*100, counted(i.GetCounts().GetRows(), "row"), rate)
}

// reportRows tells of each row what became of it.
func (g *global) reportRows(ctx context.Context, w io.Writer, client importClient, i *bulkv1.Import, f importFlags) error {
	req := &bulkv1.ListImportRowsRequest{Parent: i.GetName(), PageSize: 1000}
	if f.failedOnly {
		req.Outcome = bulkv1.ImportOutcome_IMPORT_OUTCOME_FAILED
	}
	for {
		page, err := client.ListImportRows(ctx, req)
		if err != nil {
			return err
		}
		for _, row := range page.GetRows() {
			if g.json() {
				if err := printMessage(w, row); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(w, "line %-6d %-8s %s", row.GetLine(), word(row.GetOutcome(), "IMPORT_OUTCOME_"), row.GetResource())
			if row.GetReason() != "" {
				fmt.Fprintf(w, " %s (%s)", row.GetMessage(), row.GetReason())
			}
			fmt.Fprintln(w)
		}
		if page.GetNextPageToken() == "" {
			return nil
		}
		req.PageToken = page.GetNextPageToken()
	}
}

func (g *global) printCounts(w io.Writer, i *bulkv1.Import) error {
	c := i.GetCounts()
	if g.json() {
		return json.NewEncoder(w).Encode(struct {
			Rows    int64 `json:"rows"`
			Created int64 `json:"created"`
			Updated int64 `json:"updated"`
			Skipped int64 `json:"skipped"`
			Failed  int64 `json:"failed"`
		}{c.GetRows(), c.GetCreated(), c.GetUpdated(), c.GetSkipped(), c.GetFailed()})
	}
	fmt.Fprintf(w, "%s: %d created, %d updated, %d skipped, %d failed\n", counted(c.GetRows(), "row"), c.GetCreated(), c.GetUpdated(), c.GetSkipped(), c.GetFailed())
	switch {
	case i.GetDryRun():
		fmt.Fprintln(w, "a trial: nothing was changed")
	case i.GetState() == bulkv1.ImportState_IMPORT_STATE_DONE:
		fmt.Fprintf(w, "to take it back: lingkar import undo %s\n", i.GetName())
	}
	return nil
}

func resumeCommand(g *global, f *importFlags) *cobra.Command {
	return &cobra.Command{
		Use: "resume NAME", Short: "Go on with an import, or watch it", Args: exactly("the name of an import"),
		RunE: g.withImport(func(ctx context.Context, cmd *cobra.Command, client importClient, i *bulkv1.Import) error {
			if working(i) {
				ended, err := g.followImport(ctx, cmd.ErrOrStderr(), client, i)
				if err != nil {
					return err
				}
				return g.printCounts(cmd.OutOrStdout(), ended)
			}
			return g.runImport(ctx, cmd, client, i.GetName(), *f)
		}),
	}
}

func undoCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "undo NAME", Short: "Take back what an import created and changed", Args: exactly("the name of an import"),
		RunE: g.withImport(func(ctx context.Context, cmd *cobra.Command, client importClient, i *bulkv1.Import) error {
			i, err := client.UndoImport(ctx, &bulkv1.UndoImportRequest{Name: i.GetName()})
			if err != nil {
				return err
			}
			if i, err = g.followImport(ctx, cmd.ErrOrStderr(), client, i); err != nil {
				return err
			}
			if i.GetState() != bulkv1.ImportState_IMPORT_STATE_UNDONE {
				return fmt.Errorf("it could not be taken back: %s", i.GetError())
			}
			u := i.GetUndo()
			fmt.Fprintf(cmd.OutOrStdout(), "taken back: %s deleted, %d restored, %d unchanged, %d kept\n", counted(u.GetDeleted(), "row"), u.GetRestored(), u.GetUnchanged(), u.GetKept())
			return nil
		}),
	}
}

func (g *global) withImport(fn func(context.Context, *cobra.Command, importClient, *bulkv1.Import) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		ctx, conn, err := g.connect(cmd.Context())
		if err != nil {
			return err
		}
		defer conn.Close()
		client := importClientOf(conn, args[0])
		i, err := client.GetImport(ctx, &bulkv1.GetImportRequest{Name: args[0]})
		if err != nil {
			return err
		}
		return fn(ctx, cmd, client, i)
	}
}
