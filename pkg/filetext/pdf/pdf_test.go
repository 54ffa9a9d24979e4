package pdf_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/filetext/pdf"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

func read(ctx context.Context, file []byte) (pages []string, err error) {
	err = pdf.Read(ctx, bytes.NewReader(file), int64(len(file)), func(page string) bool {
		pages = append(pages, page)
		return true
	})
	return pages, err
}

// Several files at once, each with its own pages.
func TestRead(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			pages, err := read(t.Context(), testkit.PDF("Surat penawaran\nHarga Rp 2.450.000", "", "Hormat kami"))
			if err != nil || len(pages) != 3 || pages[0] != "Surat penawaran\r\nHarga Rp 2.450.000" || pages[1] != "" || pages[2] != "Hormat kami" {
				t.Errorf("%q, %v", pages, err)
			}
		})
	}
	all.Wait()
}

func TestRead_joinsBrokenWords(t *testing.T) {
	t.Parallel()
	pages, err := read(t.Context(), testkit.PDF("the delivery of the agree-\nment"))
	if err != nil || !strings.Contains(pages[0], "agreement") {
		t.Errorf("%q, %v", pages, err)
	}
}

// What cannot be read is an error, and nothing worse.
func TestRead_refuses(t *testing.T) {
	t.Parallel()
	whole := testkit.PDF("text")
	for name, file := range map[string][]byte{
		"empty":  nil,
		"begun":  []byte("%PDF-1.7\n"),
		"locked": bytes.Replace(whole, []byte("/Root 1 0 R"), []byte("/Root 1 0 R /Encrypt << /Filter /Standard /V 4 /R 4 /O (x) /U (x) /P -1 >> /ID [(a) (a)]"), 1),
		"noise":  bytes.Repeat([]byte("\x00\xff<<>>[](obj"), 5000),
	} {
		if pages, err := read(t.Context(), file); err == nil {
			t.Errorf("%s reads as %q", name, pages)
		}
	}
}

// Reading ends with its context, and whoever comes next finds a sandbox.
func TestRead_stops(t *testing.T) {
	t.Parallel()
	file := testkit.PDF("one", "two", "three")
	for range 4 {
		ctx, cancel := context.WithCancel(t.Context())
		pages := 0
		err := pdf.Read(ctx, bytes.NewReader(file), int64(len(file)), func(string) bool {
			pages++
			cancel()
			return true
		})
		if pages != 1 || !errors.Is(err, context.Canceled) {
			t.Errorf("%d pages, %v", pages, err)
		}
	}
	if pages, err := read(t.Context(), file); err != nil || len(pages) != 3 {
		t.Errorf("%q, %v", pages, err)
	}
}

// opened tells when something is read of a file for the first time.
type opened struct {
	io.ReaderAt
	once sync.Once
	tell func()
}

// ReadAt implements io.ReaderAt.
func (o *opened) ReadAt(p []byte, off int64) (int, error) {
	o.once.Do(o.tell)
	return o.ReaderAt.ReadAt(p, off)
}

// A page that takes hours ends with its context, half a second after its file was opened,
// and whoever comes next is served. Without the limit this test would not end.
func TestRead_stopsWithinAPage(t *testing.T) {
	t.Parallel()
	slow := testkit.SlowPDF()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	file := &opened{ReaderAt: bytes.NewReader(slow), tell: func() { time.AfterFunc(500*time.Millisecond, cancel) }}
	err := pdf.Read(ctx, file, int64(len(slow)), func(page string) bool {
		t.Errorf("it has a page: %q", page)
		return true
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if pages, err := read(t.Context(), testkit.PDF("one")); err != nil || len(pages) != 1 {
		t.Errorf("the next: %q, %v", pages, err)
	}
}

// What unpacks to more than a sandbox may hold is refused, and takes no more of the process
// than a few times that: what was allocated in all is counted, whether it was given back or
// not. What fits is read, and so is the next file. It runs alone: what is measured is the
// process.
func TestMemory_ofBombs(t *testing.T) {
	if testkit.Raced {
		t.Skip("the race detector takes memory of its own; run it without -race")
	}
	if err := pdf.Ready(); err != nil {
		t.Fatal(err)
	}
	bomb := testkit.PDFBomb(10 * pdf.MaxMemory)
	if len(bomb) > 2<<20 {
		t.Errorf("a bomb of %d bytes is no small file", len(bomb))
	}
	before := allocated()
	pages, err := read(t.Context(), bomb)
	if err == nil || len(pages) > 0 {
		t.Errorf("it reads as %d pages, %v", len(pages), err)
	}
	if took := allocated() - before; took > 8*pdf.MaxMemory {
		t.Errorf("it took %d MB", took>>20)
	}
	for _, file := range [][]byte{testkit.PDFBomb(pdf.MaxMemory / 16), testkit.PDF("one")} {
		if pages, err := read(t.Context(), file); err != nil || len(pages) != 1 {
			t.Errorf("the next: %q, %v", pages, err)
		}
	}
}

// allocated answers how many bytes the process has allocated since it began.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
