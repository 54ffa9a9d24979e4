package server_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/sheet"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

const (
	smallFile, largeFile = 4 << 20, 32 << 20
	// slack is by how much more memory the larger of two files may take than the smaller:
	// for some more pieces and steps that are under way, and not for the file, which is
	// 28 MiB larger.
	slack = 20 << 20
)

// CON-12, CON-49: how much memory a file takes on its way in, through the front door and
// the service, does not depend on how large it is. It runs alone: what is measured is the
// memory of the process.
func TestMemory_ofFiles(t *testing.T) {
	if testkit.Raced {
		t.Skip("the race detector takes memory of its own; run it without -race")
	}
	s := testkit.Start(t, contact.Definition, gateway.With(gateway.Config{}))
	testkit.Prove(t, testkit.OverREST, "CON-12", "CON-49")
	a := of(s.Client(t, s.As(auth.Admin)))
	c := a.named(t, "Siti")
	for name, bring := range map[string]func(size int64){
		"a document": func(size int64) {
			var made contactv1.Document
			post(t, s, a, "/v1/documents?"+url.Values{"contact": {c.GetName()}, "fileName": {"letter.txt"}}.Encode(), io.LimitReader(prose{}, size), &made)
			if made.GetSizeBytes() != size {
				t.Errorf("of %d bytes came %d", size, made.GetSizeBytes())
			}
		},
		"a workbook": func(size int64) {
			file, rows := workbookOf(t, size)
			var made bulkv1.Import
			post(t, s, a, "/v1/contactImports?kind=contacts", file, &made)
			client := contactv1.NewImportServiceClient(a.Conn)
			must(client.RunImport(a.Ctx(), &bulkv1.RunImportRequest{Name: made.GetName()}))(t)
			if i := await(a.Ctx(), t, client, made.GetName()); i.GetCounts().GetRows() != rows || i.GetCounts().GetCreated() == 0 || i.GetError() != "" {
				t.Errorf("of %d rows came %v, error %q", rows, i.GetCounts(), i.GetError())
			}
		},
	} {
		bring(1 << 20) // what is made once and kept is there from now on
		small, large := peak(func() { bring(smallFile) }), peak(func() { bring(largeFile) })
		t.Logf("%s of %d MiB takes %d MiB, one of %d MiB %d MiB", name, smallFile>>20, small>>20, largeFile>>20, large>>20)
		if large > small+slack {
			t.Errorf("%s of %d MiB takes %d MiB, one of %d MiB %d MiB", name, smallFile>>20, small>>20, largeFile>>20, large>>20)
		}
	}
}

// peak answers the most memory that is in use while fn runs, in bytes: of what can be
// reached, looked at again and again.
func peak(fn func()) (most uint64) {
	done, looked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(looked)
		var m runtime.MemStats
		for {
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			select {
			case <-done:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	fn()
	close(done)
	<-looked
	return most
}

// post sends a file as the body of a request.
func post(t *testing.T, s *testkit.Suite, a *api, path string, file io.Reader, answer proto.Message) {
	t.Helper()
	req := must(http.NewRequestWithContext(t.Context(), http.MethodPost, s.HTTP+path, file))(t)
	req.Header.Set("Authorization", "Bearer "+s.Token(a.Caller))
	res := must(http.DefaultClient.Do(req))(t)
	defer func() { _ = res.Body.Close() }()
	body := must(io.ReadAll(res.Body))(t)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", res.Status, body)
	}
	if err := protojson.Unmarshal(body, answer); err != nil {
		t.Fatal(err)
	}
}

// prose is a text without an end.
type prose struct{}

func (prose) Read(p []byte) (int, error) {
	const words = "Dengan hormat, kami menulis lagi.\n"
	n := 0
	for n < len(p) {
		n += copy(p[n:], words)
	}
	return n, nil
}

// workbookOf answers a workbook of about that size, and how many rows it has: each with a
// cell of noise that nobody reads, every fortieth with somebody.
func workbookOf(t *testing.T, size int64) (io.Reader, int64) {
	t.Helper()
	file := must(os.Create(filepath.Join(t.TempDir(), "people.xlsx")))(t)
	t.Cleanup(func() { _ = file.Close() })
	w := must(sheet.NewWorkbook(file, "People"))(t)
	rows, noise, source := size/4096, make([]byte, 4096), rand.NewChaCha8([32]byte{})
	err := w.Write([]string{"First Name", "Email", "Scribble"})
	for n := int64(0); n < rows && err == nil; n++ {
		_, _ = source.Read(noise) // it never fails
		row := []string{"", "", base64.URLEncoding.EncodeToString(noise)}
		if n%40 == 0 {
			row[0], row[1] = fmt.Sprintf("Person %d", n), fmt.Sprintf("person%d@example.com", n)
		}
		err = w.Write(row)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	must(file.Seek(0, io.SeekStart))(t)
	return file, rows
}
