package server_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store"
)

// files are the calls on documents.
func files(a *api) contactv1.DocumentServiceClient { return contactv1.NewDocumentServiceClient(a.Conn) }

// file stores a file in pieces.
func file(ctx context.Context, a *api, d *contactv1.Document, content []byte) (*contactv1.Document, error) {
	stream, err := files(a).UploadDocument(ctx)
	if err != nil {
		return nil, err
	}
	_ = stream.Send(&contactv1.UploadDocumentRequest{Part: &contactv1.UploadDocumentRequest_Document{Document: d}}) // the answer tells what was wrong
	for len(content) > 0 {
		n := min(len(content), 200_000)
		if err := stream.Send(&contactv1.UploadDocumentRequest{Part: &contactv1.UploadDocumentRequest_Chunk{Chunk: content[:n]}}); err != nil {
			break
		}
		content = content[n:]
	}
	return stream.CloseAndRecv()
}

// fetch downloads a file, or a part of it.
func fetch(a *api, req *contactv1.DownloadDocumentRequest) ([]byte, error) {
	stream, err := files(a).DownloadDocument(a.Ctx(), req)
	if err != nil {
		return nil, err
	}
	var all []byte
	for {
		piece, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, piece.GetData()...)
	}
}

// wordFile is a .docx of one paragraph.
func wordFile(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range map[string]string{
		"[Content_Types].xml": "<Types/>",
		"word/document.xml":   `<w:document xmlns:w="x"><w:body><w:p><w:r><w:t>` + text + `</w:t></w:r></w:p></w:body></w:document>`,
	} {
		w := must(z.Create(name))(t)
		must(io.WriteString(w, content))(t)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// words are the parts of a snippet, with what was searched for in brackets.
func words(s *contactv1.Snippet) string {
	var b strings.Builder
	for _, p := range s.GetParts() {
		if p.GetMatch() {
			b.WriteString("[" + p.GetText() + "]")
		} else {
			b.WriteString(p.GetText())
		}
	}
	return b.String()
}

// CON-12: a letter comes as a file, is kept byte for byte, found by what it says in
// either language, with where it says so, and answered whole or in part.
func testDocuments(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-12"}, func(t *testing.T, a, other *api) {
		ctx, siti := a.Ctx(), a.named(t, "Siti")
		content := wordFile(t, "Dengan hormat, kami mengeluhkan &lt;b&gt;pengiriman&lt;/b&gt; yang terlambat.")
		made := must(file(ctx, a, &contactv1.Document{
			Contact: siti.GetName(), FileName: "../surat keluhan.pdf", Channel: eventv1.Channel_CHANNEL_LETTER, Direction: eventv1.Direction_DIRECTION_INBOUND,
		}, content))(t)
		sum := sha256.Sum256(content)
		if made.GetFileName() != "surat keluhan.pdf" || made.GetTitle() != "surat keluhan.pdf" || made.GetSizeBytes() != int64(len(content)) ||
			made.GetSha256() != hex.EncodeToString(sum[:]) || made.GetMediaType() != "application/vnd.openxmlformats-officedocument.wordprocessingml.document" ||
			made.GetReading() != contactv1.TextReading_TEXT_READING_WHOLE || made.GetActor() == "" {
			t.Errorf("stored as %v", made)
		}
		got := must(a.GetDocument(ctx, &contactv1.GetDocumentRequest{Name: made.GetName()}))(t)
		if got.GetText() != "Dengan hormat, kami mengeluhkan <b>pengiriman</b> yang terlambat." {
			t.Errorf("the text is %q", got.GetText())
		}
		for query, want := range map[string]string{"pengirimannya": "[pengiriman]", "TERLAMBAT": "[terlambat]", "surat": "[surat]"} {
			found := must(files(a).SearchDocuments(ctx, &contactv1.SearchDocumentsRequest{Query: query, Contact: siti.GetName()}))(t)
			if len(found.GetSnippets()) != 1 || found.GetDocuments()[0].GetText() != "" || !strings.Contains(words(found.GetSnippets()[0]), want) {
				t.Errorf("%q finds %v, want %q", query, found, want)
			}
		}
		if whole := must(fetch(a, &contactv1.DownloadDocumentRequest{Name: made.GetName()}))(t); !bytes.Equal(whole, content) {
			t.Errorf("%d bytes came back of %d", len(whole), len(content))
		}
		if part := must(fetch(a, &contactv1.DownloadDocumentRequest{Name: made.GetName(), Offset: 10, Limit: 20}))(t); !bytes.Equal(part, content[10:30]) {
			t.Errorf("a part is %q", part)
		}
		_, err := fetch(a, &contactv1.DownloadDocumentRequest{Name: made.GetName(), Offset: int64(len(content)) + 1})
		refused(t, err, codes.OutOfRange, "OFFSET_BEYOND_END")

		list := must(files(a).ListDocuments(ctx, &contactv1.ListDocumentsRequest{Contact: siti.GetName(), Filter: `media_type != "text/plain"`}))(t)
		if len(list.GetDocuments()) != 1 {
			t.Errorf("%d documents are listed, want 1", len(list.GetDocuments()))
		}
		_, err = fetch(other, &contactv1.DownloadDocumentRequest{Name: made.GetName()})
		refused(t, err, codes.NotFound, "DOCUMENT_NOT_FOUND")
		if found := must(files(other).SearchDocuments(other.Ctx(), &contactv1.SearchDocumentsRequest{Query: "pengiriman"}))(t); len(found.GetDocuments()) != 0 {
			t.Errorf("another tenant finds %v", found)
		}
		gone := must(files(a).DeleteDocument(ctx, &contactv1.DeleteDocumentRequest{Name: made.GetName(), Etag: made.GetEtag()}))(t)
		if found := must(files(a).SearchDocuments(ctx, &contactv1.SearchDocumentsRequest{Query: "pengiriman"}))(t); len(found.GetDocuments()) != 0 || gone.GetDeleteTime() == nil {
			t.Errorf("deleted, it is found as %v", found)
		}
		must(files(a).UndeleteDocument(ctx, &contactv1.UndeleteDocumentRequest{Name: made.GetName()}))(t)
	})
}

// CON-12: what a PDF says is found; a scan says nothing that could be.
func testDocuments_pdf(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-12"}, func(t *testing.T, a, _ *api) {
		ctx, siti := a.Ctx(), a.named(t, "Siti")
		contract := must(file(ctx, a, &contactv1.Document{Contact: siti.GetName(), FileName: "kontrak.pdf"}, testkit.PDF("Perjanjian layanan\nmesin kopi", "Jaminan satu tahun")))(t)
		if contract.GetMediaType() != "application/pdf" || contract.GetText() != "Perjanjian layanan\nmesin kopi\nJaminan satu tahun" {
			t.Errorf("a PDF is stored as %v", contract)
		}
		found := must(files(a).SearchDocuments(ctx, &contactv1.SearchDocumentsRequest{Query: "jaminan", Contact: siti.GetName()}))(t)
		if len(found.GetDocuments()) != 1 || found.GetDocuments()[0].GetName() != contract.GetName() {
			t.Errorf("its words find %v", found)
		}
		if scan := must(file(ctx, a, &contactv1.Document{Contact: siti.GetName(), FileName: "pindaian.pdf"}, testkit.PDF("")))(t); scan.GetReading() != contactv1.TextReading_TEXT_READING_NONE {
			t.Errorf("a scan is stored as %v", scan)
		}
	})
}

// CON-12, CON-34: the long body of an interaction is a document too, which nobody
// deletes and which has no file; what is found in it is shown.
func testDocuments_ofInteraction(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-12", "CON-34"}, func(t *testing.T, a, _ *api) {
		ctx, siti := a.Ctx(), a.named(t, "Siti")
		talk := must(a.RecordInteraction(ctx, &contactv1.RecordInteractionRequest{Interaction: &contactv1.Interaction{
			Contact: siti.GetName(), Channel: eventv1.Channel_CHANNEL_LETTER, Direction: eventv1.Direction_DIRECTION_INBOUND, Title: "A letter",
			Body: "Résumé of a thermostat. " + strings.Repeat("Nothing else. ", 6000),
		}}))(t)
		_, err := files(a).DeleteDocument(ctx, &contactv1.DeleteDocumentRequest{Name: talk.GetBodyDocument()})
		refused(t, err, codes.FailedPrecondition, "DOCUMENT_OF_INTERACTION")
		_, err = fetch(a, &contactv1.DownloadDocumentRequest{Name: talk.GetBodyDocument()})
		refused(t, err, codes.FailedPrecondition, "DOCUMENT_HAS_NO_FILE")
		for query, want := range map[string]string{"thermostats": "[thermostat]", "resume": "[Resume]"} {
			found := must(a.SearchInteractions(ctx, &contactv1.SearchInteractionsRequest{Query: query}))(t)
			if len(found.GetSnippets()) != 1 || !strings.Contains(words(found.GetSnippets()[0]), want) {
				t.Errorf("%q is found as %v", query, found.GetSnippets())
			}
		}
	})
}

// B03, B26, B41: what is no document is refused by what it holds, whatever its name,
// and half of one leaves nothing.
func testUploadDocument_refuses(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"B03", "B26", "B41"}, func(t *testing.T, a, other *api) {
		siti := a.named(t, "Siti")
		described := func() *contactv1.Document {
			return &contactv1.Document{Contact: siti.GetName(), FileName: "letter.pdf"}
		}
		for name, c := range map[string]struct {
			document *contactv1.Document
			content  string
			code     codes.Code
			reason   string
		}{
			"empty":           {described(), "", codes.InvalidArgument, "FILE_EMPTY"},
			"a program":       {described(), "MZ\x90\x00\x03\x00\x00\x00", codes.InvalidArgument, "MEDIA_TYPE_UNSUPPORTED"},
			"a bare archive":  {described(), "PK\x03\x04", codes.InvalidArgument, "MEDIA_TYPE_UNSUPPORTED"},
			"nobody's":        {&contactv1.Document{FileName: "a.txt"}, "a", codes.InvalidArgument, ""},
			"of another":      {&contactv1.Document{Contact: other.named(t, "Otto").GetName()}, "a", codes.NotFound, "CONTACT_NOT_FOUND"},
			"a channel of 99": {&contactv1.Document{Contact: siti.GetName(), Channel: 99}, "a", codes.InvalidArgument, ""},
		} {
			_, err := file(a.Ctx(), a, c.document, []byte(c.content))
			if errs.Code(err) != c.code || c.reason != "" && errs.Reason(err) != c.reason {
				t.Errorf("%s: %v, want %s %s", name, err, c.code, c.reason)
			}
		}
		ctx, cancel := context.WithCancel(a.Ctx())
		stream := must(files(a).UploadDocument(ctx))(t)
		_ = stream.Send(&contactv1.UploadDocumentRequest{Part: &contactv1.UploadDocumentRequest_Document{Document: described()}})
		for range 4 {
			_ = stream.Send(&contactv1.UploadDocumentRequest{Part: &contactv1.UploadDocumentRequest_Chunk{Chunk: bytes.Repeat([]byte("half "), 50_000)}})
		}
		cancel()
		testkit.Eventually(t, func() error {
			left := 0
			err := s.Services["contact"].Runtime.DB.System.QueryRow(t.Context(), "SELECT count(*) FROM document_file WHERE NOT complete AND tenant = $1", a.Caller.Tenant).Scan(&left)
			if err == nil && left > 0 {
				err = fmt.Errorf("%d uploads are left", left)
			}
			return err
		})
		if list := must(files(a).ListDocuments(a.Ctx(), &contactv1.ListDocumentsRequest{}))(t); len(list.GetDocuments()) != 0 {
			t.Errorf("there are %v", list)
		}
	})
}

// CON-12: a file goes with the person: it is in the dossier, follows a merge and its
// undoing, stands encrypted and is gone when the person is.
func testDocuments_ofPerson(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-12", "CON-22"}, func(t *testing.T, a, _ *api) {
		ctx, siti, twin := a.Ctx(), a.named(t, "Siti"), a.named(t, "Siti too")
		secret := strings.Repeat("the secret of the letter ", 20_000)
		made := must(file(ctx, a, &contactv1.Document{Contact: twin.GetName(), Title: "A letter"}, []byte(secret)))(t)
		of := func(c *contactv1.Contact) int {
			return len(must(files(a).ListDocuments(ctx, &contactv1.ListDocumentsRequest{Contact: c.GetName()}))(t).GetDocuments())
		}
		must(a.MergeContacts(ctx, &contactv1.MergeContactsRequest{Name: siti.GetName(), Contacts: []string{twin.GetName()}}))(t)
		if of(siti) != 1 {
			t.Error("the survivor has not the file of the other")
		}
		found := must(files(a).SearchDocuments(ctx, &contactv1.SearchDocumentsRequest{Query: "secret", Contact: siti.GetName()}))(t)
		if len(found.GetDocuments()) != 1 {
			t.Error("the file of the other is not found under the survivor")
		}
		must(a.UnmergeContact(ctx, &contactv1.UnmergeContactRequest{Name: twin.GetName()}))(t)
		if of(siti) != 0 || of(twin) != 1 {
			t.Errorf("taken apart they have %d and %d files", of(siti), of(twin))
		}
		dossier := must(rightsOf(a).ExportContactData(ctx, &contactv1.ExportContactDataRequest{Name: twin.GetName(), Format: contactv1.DataFormat_DATA_FORMAT_JSON}))(t)
		if !bytes.Contains(dossier.GetContent(), []byte(made.GetSha256())) {
			t.Error("the dossier does not know the file")
		}
		var open, pieces int
		id := strings.TrimPrefix(made.GetName(), "documents/")
		err := s.Services["contact"].Runtime.DB.System.QueryRow(ctx, "SELECT count(*) FILTER (WHERE position('secret'::bytea IN data) > 0), count(*) FROM document_chunk WHERE document = $1", id).Scan(&open, &pieces)
		if err != nil || open != 0 || pieces != 2 {
			t.Errorf("%d of %d pieces stand in the open (%v)", open, pieces, err)
		}
		must(rightsOf(a).EraseContact(ctx, &contactv1.EraseContactRequest{Name: twin.GetName(), Reason: askedFor}))(t)
		_, err = fetch(a, &contactv1.DownloadDocumentRequest{Name: made.GetName()})
		refused(t, err, codes.NotFound, "DOCUMENT_NOT_FOUND")
		if err := s.Services["contact"].Runtime.DB.System.QueryRow(ctx, "SELECT count(*) FROM document_chunk WHERE document = $1", id).Scan(&pieces); err != nil || pieces != 0 {
			t.Errorf("%d pieces are left of the erased person (%v)", pieces, err)
		}
		_, err = file(ctx, a, &contactv1.Document{Contact: twin.GetName()}, []byte("once more"))
		refused(t, err, codes.FailedPrecondition, "CONTACT_ERASED")
	})
}

// begun is an upload that has sent some pieces and not ended.
type begun struct {
	grpc.ClientStreamingClient[contactv1.UploadDocumentRequest, contactv1.Document]
	id string
}

// begins sends pieces of a file, and waits until the first of them is stored.
func begins(t *testing.T, s *testkit.Suite, a *api) begun {
	t.Helper()
	stream := must(files(a).UploadDocument(a.Ctx()))(t)
	about := &contactv1.Document{Contact: a.named(t, "Siti").GetName(), FileName: "letter.txt"}
	for _, part := range []*contactv1.UploadDocumentRequest{
		{Part: &contactv1.UploadDocumentRequest_Document{Document: about}},
		{Part: &contactv1.UploadDocumentRequest_Chunk{Chunk: bytes.Repeat([]byte("words "), 25_000)}},
		{Part: &contactv1.UploadDocumentRequest_Chunk{Chunk: bytes.Repeat([]byte("words "), 25_000)}},
	} {
		if err := stream.Send(part); err != nil {
			t.Fatal(err)
		}
	}
	u := begun{ClientStreamingClient: stream}
	testkit.Eventually(t, func() error {
		return s.Services["contact"].Runtime.DB.System.QueryRow(t.Context(), `
			SELECT f.id::text FROM document_file AS f JOIN document_chunk AS c ON c.tenant = f.tenant AND c.document = f.id
			WHERE f.tenant = $1 AND NOT f.complete`, a.Caller.Tenant).Scan(&u.id)
	})
	return u
}

// CON-12: what is left of an upload that came to no end is removed after an hour, with all
// its pieces and whoever's it is; neither one that is on its way nor a document is.
func testDocuments_unfinished(t *testing.T, s *testkit.Suite) {
	a, other := fresh(t, s)
	third, _ := fresh(t, s)
	rt := s.Services["contact"].Runtime
	content := bytes.Repeat([]byte("dear "), 100_000)
	made := must(file(a.Ctx(), a, &contactv1.Document{Contact: a.named(t, "Budi").GetName(), FileName: "letter.txt"}, content))(t)
	old, foreign, young := begins(t, s, a), begins(t, s, other), begins(t, s, third)
	for tenant, age := range map[uuid.UUID]string{a.Caller.Tenant: "61 minutes", other.Caller.Tenant: "2 days"} {
		if _, err := rt.DB.System.Exec(t.Context(), "UPDATE document_file SET create_time = create_time - $2::interval WHERE tenant = $1", tenant, age); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	swept := make(chan error, 1)
	go func() { swept <- store.New(rt.DB, rt.Log, nil).DropUnfinished(rt.Logger)(ctx) }()
	for _, u := range []begun{old, foreign} {
		testkit.Eventually(t, func() error {
			var left int
			err := rt.DB.System.QueryRow(t.Context(), `
				SELECT (SELECT count(*) FROM document_file WHERE id = $1) + (SELECT count(*) FROM document_chunk WHERE document = $1)`, u.id).Scan(&left)
			if err == nil && left > 0 {
				err = fmt.Errorf("%d rows are left of the upload", left)
			}
			return err
		})
		_, err := u.CloseAndRecv()
		refused(t, err, codes.FailedPrecondition, "UPLOAD_GONE")
	}
	stop()
	if err := <-swept; !errors.Is(err, context.Canceled) {
		t.Errorf("the sweep ended by %v", err)
	}
	if d, err := young.CloseAndRecv(); err != nil || d.GetSizeBytes() != 300_000 {
		t.Errorf("the upload on its way became %v, %v", d, err)
	}
	if got := must(fetch(a, &contactv1.DownloadDocumentRequest{Name: made.GetName()}))(t); !bytes.Equal(got, content) {
		t.Errorf("of the document %d bytes are left", len(got))
	}
}

// Over HTTP a file has ranges, a tag and a name, and no browser shows it as a page.
func testDownloadDocument_http(t *testing.T, s *testkit.Suite) {
	a, _ := fresh(t, s)
	page := "<html><script>alert(1)</script><p>Hello</p></html>" + strings.Repeat(" ", 600_000)
	made := must(file(a.Ctx(), a, &contactv1.Document{Contact: a.named(t, "Siti").GetName(), FileName: "surat „resmi“.html"}, []byte(page)))(t)
	if made.GetText() != "Hello" {
		t.Errorf("the text is %q", made.GetText())
	}
	get := func(header ...string) *http.Response {
		req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, s.HTTP+"/v1/"+made.GetName()+":download", nil))(t)
		req.Header.Set("Authorization", "Bearer "+s.Token(a.Caller))
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res := must(http.DefaultClient.Do(req))(t)
		t.Cleanup(func() { _ = res.Body.Close() })
		return res
	}
	whole := get()
	if whole.StatusCode != 200 || whole.ContentLength != int64(len(page)) || whole.Header.Get("ETag") != `"`+made.GetSha256()+`"` ||
		whole.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(whole.Header.Get("Content-Disposition"), "attachment; filename*=utf-8''surat") {
		t.Errorf("%s %v", whole.Status, whole.Header)
	}
	if body := must(io.ReadAll(whole.Body))(t); string(body) != page {
		t.Errorf("%d bytes came", len(body))
	}
	part := get("Range", "bytes=300000-300009")
	if body := must(io.ReadAll(part.Body))(t); part.StatusCode != 206 || string(body) != page[300_000:300_010] {
		t.Errorf("%s %q", part.Status, body)
	}
	if end := get("Range", "bytes=-5"); end.StatusCode != 206 || end.ContentLength != 5 {
		t.Errorf("%s %d", end.Status, end.ContentLength)
	}
	if beyond := get("Range", "bytes=9000000-"); beyond.StatusCode != 416 {
		t.Errorf("%s", beyond.Status)
	}
	if same := get("If-None-Match", whole.Header.Get("ETag")); same.StatusCode != 304 {
		t.Errorf("%s", same.Status)
	}
}
