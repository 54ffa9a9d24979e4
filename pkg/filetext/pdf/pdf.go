// Package pdf reads the text out of PDF files.
//
// It is read by PDFium, compiled to WebAssembly: files come from strangers, and formats
// like this one are where readers are attacked. Each file has a sandbox of its own, that
// has no file system and no network and holds no more than MaxMemory; it is thrown away
// afterwards. What would hold more is refused; until then, growing included, a file makes
// the process allocate about five times MaxMemory in all. Reading stops with its context, within
// a page too.
//
// Limits: a scan has no text, and none is recognised in its pictures; neither is a file
// opened that asks for a password. The first file of a process makes the code ready,
// which takes some seconds of processor and, for as long, 300 MB; later ones take
// milliseconds a page, and two are read at once at most.
package pdf

import (
	"context"
	"io"
	"strings"
	"sync"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

const (
	// MaxMemory is what the reading of one file may hold, in bytes.
	MaxMemory = 96 << 20
	// memoryPage is the unit that WebAssembly counts memory in, in bytes.
	memoryPage = 64 << 10
	// atOnce is how many files are read at a time.
	atOnce = 2
	// maxText is how much of one page is read, in characters.
	maxText = 1 << 20
)

// code is what sandboxes run, made once by the first of them, and places are those that
// may be there at a time.
var (
	code   = wazero.NewCompilationCache()
	places = make(chan struct{}, atOnce)
)

// ready makes the code.
var ready = sync.OnceValue(func() error {
	box, err := sandbox(context.Background())
	if err != nil {
		return err
	}
	return box.Close()
})

// Ready makes the code ready, so that the time which that takes is not that of a file.
func Ready() error { return ready() }

// sandbox answers a new one, in which everything ends with ctx.
func sandbox(ctx context.Context) (pdfium.Pool, error) {
	features := api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling // of which PDFium's longjmp is made
	return webassembly.Init(webassembly.Config{
		Context: ctx, MaxTotal: 1, FSConfig: wazero.NewFSConfig(), Stdout: io.Discard, Stderr: io.Discard,
		RuntimeConfig: engine().WithCompilationCache(code).WithCoreFeatures(features).WithMemoryLimitPages(MaxMemory / memoryPage).WithCloseOnContextDone(true),
	})
}

// Read gives the text of each page to take, until that answers false. The text is as
// PDFium has it: lines end with CR LF. An error says that the file is damaged, locked or
// too large, or that ctx ended.
func Read(ctx context.Context, in io.ReaderAt, size int64, take func(page string) bool) error {
	if err := ready(); err != nil {
		return err
	}
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
	case <-ctx.Done():
		return ctx.Err()
	}
	box, err := sandbox(ctx)
	if err == nil {
		err = within(ctx, box, func(p pdfium.Pdfium) error {
			return pages(ctx, p, io.NewSectionReader(in, 0, size), size, take)
		})
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// within uses a sandbox and throws it away, whatever state it is in.
func within(ctx context.Context, box pdfium.Pool, use func(pdfium.Pdfium) error) error {
	defer func() { _ = box.Close() }()
	p, err := box.GetInstanceWithContext(ctx)
	if err != nil {
		return err
	}
	return use(p)
}

// pages reads page by page.
func pages(ctx context.Context, box pdfium.Pdfium, in io.ReadSeeker, size int64, take func(page string) bool) error {
	opened, err := box.OpenDocument(&requests.OpenDocument{FileReader: in, FileReaderSize: size})
	if err != nil {
		return err
	}
	count, err := box.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: opened.Document})
	if err != nil {
		return err
	}
	for n := range count.PageCount {
		if err := ctx.Err(); err != nil {
			return err
		}
		text, err := page(box, opened.Document, n)
		if err != nil || !take(text) {
			return err
		}
	}
	return nil
}

// hyphen stands where a word was broken at the end of a line, which PDFium has joined.
const hyphen = "\ufffe"

// page answers the text of one page.
func page(box pdfium.Pdfium, document references.FPDF_DOCUMENT, n int) (string, error) {
	loaded, err := box.FPDF_LoadPage(&requests.FPDF_LoadPage{Document: document, Index: n})
	if err != nil {
		return "", err
	}
	text, err := box.FPDFText_LoadPage(&requests.FPDFText_LoadPage{Page: requests.Page{ByReference: &loaded.Page}})
	if err != nil {
		return "", err
	}
	count, err := box.FPDFText_CountChars(&requests.FPDFText_CountChars{TextPage: text.TextPage})
	if err != nil {
		return "", err
	}
	said := ""
	if count.Count > 0 {
		got, err := box.FPDFText_GetText(&requests.FPDFText_GetText{TextPage: text.TextPage, Count: min(count.Count, maxText)})
		if err != nil {
			return "", err
		}
		said = strings.ReplaceAll(got.Text, hyphen, "")
	}
	_, err = box.FPDFText_ClosePage(&requests.FPDFText_ClosePage{TextPage: text.TextPage})
	if err == nil {
		_, err = box.FPDF_ClosePage(&requests.FPDF_ClosePage{Page: loaded.Page})
	}
	return said, err
}
