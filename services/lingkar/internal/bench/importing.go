package bench

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/bench/limit"
)

const (
	// importRows is how many contacts a file brings, and importRowsQuick in a quick
	// run.
	importRows      = 20_000
	importRowsQuick = 4_000
	// importRounds is how many files are brought, at most.
	importRounds = 3
	uploadPiece  = 256 << 10
)

// bulkRows is how many rows bulk work is measured with.
func (b *bench) bulkRows() int {
	if b.Quick {
		return importRowsQuick
	}
	return importRows
}

// importContacts measures an import of new contacts, with matching, validation and
// events, and COPY of the rows that it wrote, by turns.
func importContacts(ctx context.Context, b *bench) (*Row, error) {
	w, err := limit.Open(ctx, b.adminURL("postgres"), b.adminURL(contactDatabase), 1)
	if err != nil {
		return nil, err
	}
	row, err := b.besideCopy(ctx, w)
	w.Close()
	if dropped := limit.Drop(context.WithoutCancel(ctx), b.adminURL("postgres")); err == nil {
		err = dropped
	}
	return row, err
}

func (b *bench) besideCopy(ctx context.Context, w *limit.Writes) (*Row, error) {
	var copies []float64
	var rounds []*round
	for range min(b.Rounds, importRounds) {
		id, r, err := b.importFile(ctx, b.bulkRows())
		if err != nil {
			return nil, err
		}
		copied, err := w.CopyImport(ctx, b.adminURL(contactDatabase), b.adminURL("keys"), id)
		if err != nil {
			return nil, fmt.Errorf("the limit, COPY: %w", err)
		}
		rounds = append(rounds, r)
		copies = append(copies, float64(b.bulkRows())/copied.Seconds())
	}
	row := rowOf(rounds)
	row.Unit, row.P50, row.P95 = "rows/s", 0, 0
	row.beside("COPY of the same rows into all the same tables", copies)
	err := b.alone(ctx, row, func() (*Row, error) {
		var rounds []*round
		for range min(b.Rounds, importRounds) {
			_, r, err := b.importFile(ctx, b.bulkRows())
			if err != nil {
				return nil, err
			}
			rounds = append(rounds, r)
		}
		return rowOf(rounds), nil
	})
	if err != nil {
		return nil, err
	}
	return row.aim(fmt.Sprintf("import of %d new contacts, with matching, validation and events", b.bulkRows()), "alone: 0.35", "0.65, 20,000 rows/s", row.AloneRatio >= 0.35), nil
}

// importFile brings a file of new contacts in, and answers what the import is called
// and what it took for a row.
func (b *bench) importFile(ctx context.Context, rows int) (uuid.UUID, *round, error) {
	client := contactv1.NewImportServiceClient(b.conn)
	i, err := upload(ctx, client, contactFile(rows))
	if err != nil {
		return uuid.Nil, nil, err
	}
	id, err := uuid.Parse(i.GetName()[len(i.GetName())-36:])
	if err != nil {
		return uuid.Nil, nil, err
	}
	before, err := b.usage(ctx)
	if err != nil {
		return uuid.Nil, nil, err
	}
	began := time.Now()
	if i, err = client.RunImport(ctx, &bulkv1.RunImportRequest{Name: i.GetName()}); err != nil {
		return uuid.Nil, nil, err
	}
	for i.GetState() == bulkv1.ImportState_IMPORT_STATE_RUNNING {
		time.Sleep(20 * time.Millisecond)
		if i, err = client.GetImport(ctx, &bulkv1.GetImportRequest{Name: i.GetName()}); err != nil {
			return uuid.Nil, nil, err
		}
	}
	took := time.Since(began)
	if n := i.GetCounts(); n.GetCreated() != int64(rows) {
		return uuid.Nil, nil, fmt.Errorf("of %d rows %d were created, %d updated, %d failed: %s", rows, n.GetCreated(), n.GetUpdated(), n.GetFailed(), i.GetError())
	}
	after, err := b.usage(ctx)
	if err != nil {
		return uuid.Nil, nil, err
	}
	r := &round{rate: float64(rows) / took.Seconds()}
	r.cpu, r.work = after.since(before, "/contactImports", rows)
	return id, r, nil
}

func upload(ctx context.Context, client contactv1.ImportServiceClient, content []byte) (*bulkv1.Import, error) {
	stream, err := client.UploadImport(ctx)
	if err != nil {
		return nil, err
	}
	err = stream.Send(&bulkv1.UploadImportRequest{Part: &bulkv1.UploadImportRequest_Import{Import: &bulkv1.Import{Kind: "contacts", FileName: "contacts.csv", System: "hubspot"}}})
	for err == nil && len(content) > 0 {
		piece := content[:min(len(content), uploadPiece)]
		content = content[len(piece):]
		err = stream.Send(&bulkv1.UploadImportRequest{Part: &bulkv1.UploadImportRequest_Chunk{Chunk: piece}})
	}
	return stream.CloseAndRecv() // says why where a Send was refused
}

// contactFile is an export of another system with so many contacts that are not here
// yet.
func contactFile(rows int) []byte {
	var b bytes.Buffer
	first := rand.IntN(90_000_000)
	run := uuid.NewString()[:8]
	b.WriteString("Record ID,First Name,Last Name,Email,Phone Number,Company name,Job Title,Street,City,Postal Code,Country,Tags\n")
	for i := range rows {
		fmt.Fprintf(&b, "%[1]s-%[2]d,Siti%[3]d,Wijaya %[2]d,siti%[2]d.%[1]s@example.com,+62813%08[4]d,Toko %[5]d,Manager,Jl. Melati %[6]d,Bandung,40%03[6]d,ID,gold\n",
			run, i, i%977, first+i, i%5000, i%300)
	}
	return b.Bytes()
}
