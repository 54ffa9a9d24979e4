package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/disclosure"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

// exportPage is how many records one call lists.
const exportPage = 1000

// The recipients of an export.
const (
	firstParty = "first-party"
	thirdParty = "third-party"
)

// exportFlags are the flags of `export`.
type exportFlags struct {
	filter, recipient, format string
}

// The forms that an export is written in.
const (
	formCSV  = "csv"
	formXLSX = "xlsx"
	formCard = "vcf"
	formJSON = "json"
)

// form is how to write the records: as told, else by the ending of the file's name.
func (f exportFlags) form(kind, path string) (string, error) {
	form := f.format
	if form == "" {
		form = strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))
		if form != formXLSX && form != formCard {
			form = formCSV
		}
	}
	switch {
	case form != formCSV && form != formXLSX && form != formCard:
		return "", fmt.Errorf("--format is %s, %s or %s, not %q", formCSV, formXLSX, formCard, f.format)
	case form == formCard && kind != "contacts":
		return "", fmt.Errorf("only contacts are written as vCards, not %s", kind)
	}
	return form, nil
}

// to is who gets the file.
func (f exportFlags) to() (disclosure.Recipient, error) {
	switch {
	case f.recipient == firstParty:
		return disclosure.FirstParty, nil
	case f.recipient == thirdParty:
		return disclosure.ThirdParty, nil
	case strings.HasPrefix(f.recipient, "recipients/"):
		return disclosure.Recipient{Name: f.recipient}, nil
	}
	return disclosure.Recipient{}, fmt.Errorf("--recipient is %s, %s or recipients/{uuid}, not %q", firstParty, thirdParty, f.recipient)
}

func exportCommand(g *global) *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export contacts|leads|opportunities|orders [FILE]",
		Short: "Write records into a file",
		Long: `Writes the records that the caller may see as CSV, as a workbook (.xlsx), contacts
also as vCards (.vcf), or with --output json as one JSON object a line, into a file or
on standard output. "import" reads CSV and workbooks back without loss: contacts first,
then what belongs to them ("orders" as purchases). What no cell can hold, such as lines
and several addresses, stands in the column "details". Each custom field that is on file
has a column of its own. A vCard holds what address books know.

A cell that a spreadsheet would run as a formula begins with an apostrophe; import
takes it off again.

With --recipient third-party, contacts that forbid passing on their data are left
out, with all that belongs to them; with the name of a recipient on file, such as
recipients/{uuid}, a processor gets the fields that its contract needs. What is
passed on, and what is left out, stands in the audit log of each contact.`,
		Example: `  lingkar export contacts contacts.csv
  lingkar export orders orders.xlsx
  lingkar export contacts people.vcf --filter 'kind = "CONTACT_KIND_PERSON"'
  lingkar export opportunities won.csv --filter 'status = "OPPORTUNITY_STATUS_WON"'
  lingkar export contacts partner.csv --recipient third-party`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 || len(args) == 2 {
				return nil
			}
			return exactly("what to write (contacts, leads, opportunities or orders)", "a file")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := f.to(); err != nil {
				return usageError{err}
			}
			if exportHeads[args[0]] == nil {
				return usageError{fmt.Errorf("export writes contacts, leads, opportunities or orders, not %q", args[0])}
			}
			form, err := f.form(args[0], append(args, "")[1])
			if err != nil {
				return usageError{err}
			}
			if f.format = form; g.json() {
				f.format = formJSON
			}
			return g.exportTo(cmd, args, f)
		},
	}
	cmd.Flags().StringVar(&f.filter, "filter", "", "only records that match, as in the List calls of the API (AIP-160)")
	cmd.Flags().StringVar(&f.format, "format", "", "csv, xlsx or vcf, instead of by the name of the file")
	cmd.Flags().StringVar(&f.recipient, "recipient", firstParty, "who gets it: first-party, third-party, or a recipient on file")
	return cmd
}

// exportTo writes into the file named, readable by its owner only, or on standard
// output.
func (g *global) exportTo(cmd *cobra.Command, args []string, f exportFlags) error {
	ctx, conn, err := g.connect(cmd.Context())
	if err != nil {
		return err
	}
	defer conn.Close()
	out, path := cmd.OutOrStdout(), ""
	if len(args) == 2 {
		path = filepath.Clean(args[1])
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		defer file.Close()
		out = file
	}
	e, err := newExport(ctx, conn, args[0], f, out)
	if err != nil {
		return err
	}
	if err := e.run(ctx); err != nil {
		return err
	}
	if path != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "%d %s written to %s\n", e.written, e.kind, path)
	}
	if f.recipient != firstParty {
		fmt.Fprintf(cmd.ErrOrStderr(), "%d left out, because their contacts do not allow to pass on their data\n", e.left)
	}
	return nil
}

// export is one run of the command.
type export struct {
	exportFlags
	conn grpc.ClientConnInterface
	out  disclosure.Output
	kind string
	file recordWriter
	// fields are the tenant's custom fields of the records, each a column.
	fields []*contactv1.CustomField
	// codes holds the codes of products by their names.
	codes         map[string]string
	written, left int
}

// newExport is an export of the kind, written in the form that the flags name.
func newExport(ctx context.Context, conn grpc.ClientConnInterface, kind string, f exportFlags, w io.Writer) (*export, error) {
	to, err := f.to()
	if err != nil {
		return nil, err
	}
	e := &export{
		conn: conn, kind: kind, exportFlags: f, codes: map[string]string{},
		out: disclosure.Output{Decides: contactv1.NewDisclosureServiceClient(conn), Name: "exports/" + kind, To: to},
	}
	if e.fields, err = customFields(ctx, conn, kind); err != nil {
		return nil, err
	}
	e.file, err = e.writerTo(w)
	return e, err
}

// run goes through the pages, the oldest record first.
func (e *export) run(ctx context.Context) error {
	for token := ""; ; {
		page, next, err := e.page(ctx, token)
		if err != nil {
			return err
		}
		cleared, err := e.out.Screen(ctx, page)
		if err != nil {
			return err
		}
		e.left += cleared.Withheld()
		for _, m := range cleared.Records() {
			if err := e.file.write(ctx, m); err != nil {
				return err
			}
			e.written++
		}
		if token = next; token == "" {
			return e.file.close()
		}
	}
}

// page lists the next records.
func (e *export) page(ctx context.Context, token string) ([]proto.Message, string, error) {
	const order = "create_time"
	switch e.kind {
	case "contacts":
		p, err := contactv1.NewContactServiceClient(e.conn).ListContacts(ctx, &contactv1.ListContactsRequest{PageSize: exportPage, PageToken: token, Filter: e.filter, OrderBy: order})
		return messages(p.GetContacts()), p.GetNextPageToken(), err
	case "leads":
		p, err := salesv1.NewLeadServiceClient(e.conn).ListLeads(ctx, &salesv1.ListLeadsRequest{PageSize: exportPage, PageToken: token, Filter: e.filter, OrderBy: order})
		return messages(p.GetLeads()), p.GetNextPageToken(), err
	case "opportunities":
		p, err := salesv1.NewOpportunityServiceClient(e.conn).ListOpportunities(ctx, &salesv1.ListOpportunitiesRequest{PageSize: exportPage, PageToken: token, Filter: e.filter, OrderBy: order})
		return messages(p.GetOpportunities()), p.GetNextPageToken(), err
	}
	p, err := salesv1.NewOrderServiceClient(e.conn).ListOrders(ctx, &salesv1.ListOrdersRequest{PageSize: exportPage, PageToken: token, Filter: e.filter, OrderBy: order})
	return messages(p.GetOrders()), p.GetNextPageToken(), err
}

func messages[P proto.Message](list []P) []proto.Message {
	all := make([]proto.Message, len(list))
	for i, m := range list {
		all[i] = m
	}
	return all
}
