package seed

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// copySignature begins the binary format of COPY: eleven bytes, no flags, no
// extension.
const copySignature = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// copyEnd ends it.
const copyEnd = "\xff\xff"

// null is the length of a field without a value.
const null = -1

// field is where a value lies in a tuple.
type field struct{ off, size int }

// readTuples answers the rows of a query as tuples of COPY's binary format.
func readTuples(ctx context.Context, conn *pgx.Conn, query string) ([][]byte, error) {
	var out bytes.Buffer
	if _, err := conn.PgConn().CopyTo(ctx, &out, "COPY ("+query+") TO STDOUT (FORMAT binary)"); err != nil {
		return nil, err
	}
	raw := out.Bytes()
	if !bytes.HasPrefix(raw, []byte(copySignature)) {
		return nil, errors.New("seed: not the binary format of COPY")
	}
	raw = raw[len(copySignature):]
	var tuples [][]byte
	for len(raw) >= 2 && !bytes.Equal(raw[:2], []byte(copyEnd)) {
		_, size, err := split(raw)
		if err != nil {
			return nil, err
		}
		tuples = append(tuples, raw[:size:size])
		raw = raw[size:]
	}
	return tuples, nil
}

// split finds the fields of the tuple at the beginning of raw, and its size.
func split(raw []byte) ([]field, int, error) {
	n := int(binary.BigEndian.Uint16(raw))
	fields := make([]field, n)
	at := 2
	for i := range fields {
		if at+4 > len(raw) {
			return nil, 0, errors.New("seed: a tuple is cut short")
		}
		size := int(int32(binary.BigEndian.Uint32(raw[at:])))
		at += 4
		fields[i] = field{off: at, size: size}
		at += max(size, 0)
	}
	if at > len(raw) {
		return nil, 0, errors.New("seed: a tuple is cut short")
	}
	return fields, at, nil
}

// writeTuples copies what emit writes into a table.
func writeTuples(ctx context.Context, conn *pgconn.PgConn, table string, emit func(io.Writer) error) (int64, error) {
	reader, writer := io.Pipe()
	failed := make(chan error, 1)
	go func() {
		out := bufio.NewWriterSize(writer, 1<<18)
		_, err := out.WriteString(copySignature)
		if err == nil {
			err = emit(out)
		}
		if err == nil {
			_, err = out.WriteString(copyEnd)
		}
		err = errors.Join(err, out.Flush())
		writer.CloseWithError(err)
		failed <- err
	}()
	tag, err := conn.CopyFrom(ctx, reader, "COPY "+table+" FROM STDIN (FORMAT binary)")
	reader.CloseWithError(io.ErrClosedPipe)
	if made := <-failed; err == nil && made != nil {
		err = made
	}
	if err != nil {
		return 0, fmt.Errorf("copy into %s: %w", table, err)
	}
	return tag.RowsAffected(), nil
}
