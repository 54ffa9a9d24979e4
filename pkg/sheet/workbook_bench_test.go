package sheet_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/sheet"
)

// BenchmarkWorkbook_million writes and reads a workbook of b.N rows of seven cells: its memory
// must not grow with them. The most that a workbook holds is measured by
// go test -run '^$' -bench Workbook_million -benchtime 1000000x ./pkg/sheet
// one direction at a time, because the peak is that of the process.
func BenchmarkWorkbook_million(b *testing.B) {
	name := filepath.Join(b.TempDir(), "rows.xlsx")
	b.Run("write", func(b *testing.B) {
		out, err := os.Create(name)
		if err != nil {
			b.Fatal(err)
		}
		w, err := sheet.NewWorkbook(out, "People")
		for n := 0; n < b.N && err == nil; n++ {
			err = w.Write([]string{
				fmt.Sprintf("Person %d", n), "Santoso", fmt.Sprintf("p%d@example.com", n), fmt.Sprintf("+62812%07d", n), "Jl. Melati 1", "Bandung", "=1+1",
			})
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			b.Fatal(err)
		}
		measured(b, out)
	})
	b.Run("read", func(b *testing.B) {
		in, err := os.Open(name)
		if err != nil {
			b.Fatal(err)
		}
		r, err := sheet.NewReader(opened{in, size(b, in)}, sheet.Options{})
		if err != nil {
			b.Fatal(err)
		}
		rows := 0
		for ; ; rows++ {
			if _, err := r.Next(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		measured(b, in)
	})
}

// opened is a file with its size.
type opened struct {
	*os.File
	size int64
}

// Size implements sheet.File.
func (o opened) Size() int64 { return o.size }

func size(b *testing.B, f *os.File) int64 {
	b.Helper()
	info, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}

// measured reports the size of the file and the peak of the process's memory.
func measured(b *testing.B, f *os.File) {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(usage.Maxrss)/1024, "peak-MB")
	b.ReportMetric(float64(size(b, f))/(1<<20), "file-MB")
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}
