package rest

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"

	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// downloadPath is the route of a document's file, which is answered with what HTTP has
// for files: ranges, conditions and a name.
const downloadPath = "/v1/{name=documents/*}:download"

func (d *door) registerDownloads() error {
	conn := d.Dial("contact")
	documents, files := contactv1.NewInteractionServiceClient(conn), contactv1.NewDocumentServiceClient(conn)
	return d.mux.HandlePath(http.MethodGet, downloadPath, func(w http.ResponseWriter, r *http.Request, path map[string]string) {
		ctx := withoutMetadata(r.Context())
		req := &contactv1.DownloadDocumentRequest{}
		err := runtime.PopulateQueryParameters(req, r.URL.Query(), utilities.NewDoubleArray(nil))
		if err != nil {
			d.refuse(w, r, errUnread)
			return
		}
		document, err := documents.GetDocument(ctx, &contactv1.GetDocumentRequest{Name: path["name"]})
		if err != nil {
			d.refuse(w, r, err)
			return
		}
		f := &download{ctx: ctx, files: files, name: document.GetName(), size: document.GetSizeBytes(), limit: req.GetLimit()}
		defer f.close()
		if err := f.open(req.GetOffset()); err != nil { // refused before anything is answered
			d.refuse(w, r, err)
			return
		}
		serveFile(w, r, document, f)
	})
}

// serveFile answers a file that no browser shows or runs by itself.
func serveFile(w http.ResponseWriter, r *http.Request, document *contactv1.Document, f *download) {
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": strings.ToValidUTF8(document.GetFileName(), "")})
	if disposition == "" || document.GetFileName() == "" {
		disposition = "attachment"
	}
	w.Header().Set("Content-Disposition", disposition)
	w.Header().Set("Content-Type", document.GetMediaType())
	w.Header().Set("ETag", `"`+document.GetSha256()+`"`)
	if len(r.URL.Query()) > 0 {
		_, _ = io.Copy(w, f) // a part that is asked for as gRPC does; who has hung up is not told
		return
	}
	http.ServeContent(w, r, "", document.GetCreateTime().AsTime(), f)
}

// download reads a file through calls that begin where it is read from.
type download struct {
	ctx   context.Context
	files contactv1.DocumentServiceClient
	name  string
	size  int64
	at    int64
	// limit is how much is asked for; 0 for all.
	limit int64

	stream grpc.ServerStreamingClient[httpbody.HttpBody]
	stop   context.CancelFunc
	// from is where the stream goes on, rest what came of it and was not read.
	from int64
	rest []byte
}

// open begins a call, and waits for its first answer.
func (f *download) open(offset int64) error {
	f.close()
	ctx, cancel := context.WithCancel(f.ctx)
	stream, err := f.files.DownloadDocument(ctx, &contactv1.DownloadDocumentRequest{Name: f.name, Offset: offset, Limit: f.limit})
	if err != nil {
		cancel()
		return err
	}
	f.stream, f.stop, f.from, f.at = stream, cancel, offset, offset
	return f.receive()
}

func (f *download) receive() error {
	piece, err := f.stream.Recv()
	f.rest = piece.GetData()
	return err
}

func (f *download) close() {
	if f.stop != nil {
		f.stop()
		f.stop = nil
	}
}

// Seek implements io.Seeker.
func (f *download) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += f.size
	}
	if offset < 0 {
		return 0, errors.New("rest: a seek before the beginning of a file")
	}
	f.at = offset
	return offset, nil
}

// Read implements io.Reader.
func (f *download) Read(p []byte) (int, error) {
	if f.at >= f.size {
		return 0, io.EOF
	}
	if f.from != f.at || f.stop == nil {
		if err := f.open(f.at); err != nil {
			return 0, err
		}
	}
	for len(f.rest) == 0 {
		if err := f.receive(); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	f.at, f.from = f.at+int64(n), f.from+int64(n)
	return n, nil
}
