package cli

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/sheet"
	"github.com/lingkar-crm/lingkar/pkg/vcard"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// recordWriter writes records one after the other, and what belongs after the last.
type recordWriter struct {
	write func(ctx context.Context, m proto.Message) error
	close func() error
}

// writerTo begins the file in the form that is wanted.
func (e *export) writerTo(w io.Writer) (recordWriter, error) {
	switch e.format {
	case formXLSX:
		book, err := sheet.NewWorkbook(w, e.kind)
		if err != nil {
			return recordWriter{}, err
		}
		return recordWriter{write: e.rows(book.Write), close: book.Close}, book.Write(e.heads())
	case formCard:
		return recordWriter{write: card(w), close: func() error { return nil }}, nil
	case formCSV:
		table := csv.NewWriter(w)
		table.UseCRLF = true
		return recordWriter{write: e.rows(func(cells []string) error {
			for i := range cells {
				cells[i] = sheet.Guard(cells[i])
			}
			return table.Write(cells)
		}), close: func() error {
			table.Flush()
			return table.Error()
		}}, table.Write(e.heads())
	}
	return recordWriter{
		write: func(_ context.Context, m proto.Message) error { return printMessage(w, m) },
		close: func() error { return nil },
	}, nil
}

// rows writes each record as one row of cells.
func (e *export) rows(write func(cells []string) error) func(context.Context, proto.Message) error {
	return func(ctx context.Context, m proto.Message) error {
		cells, err := e.cells(ctx, m)
		if err != nil {
			return err
		}
		heads := exportHeads[e.kind]
		row := make([]string, len(heads), len(heads)+len(e.fields))
		for i, head := range heads {
			row[i] = cells[head]
		}
		return write(append(row, e.customCells(m)...))
	}
}

// card writes each contact as a vCard.
func card(w io.Writer) func(context.Context, proto.Message) error {
	return func(_ context.Context, m proto.Message) error {
		c, ok := m.(*contactv1.Contact)
		if !ok {
			return fmt.Errorf("no vCard of %T", m)
		}
		_, err := w.Write(vcard.Encode(c))
		return err
	}
}
