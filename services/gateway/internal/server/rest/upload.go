package rest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

const (
	// maxFile is the largest file to import, in bytes.
	maxFile = 50 << 20
	// chunk is how much of it travels in one message.
	chunk = 256 << 10
	// uploadTimeout is how long a file may take to arrive.
	uploadTimeout = 10 * time.Minute
)

// upload is a stream of one area that takes a file.
type upload = grpc.ClientStreamingClient[bulkv1.UploadImportRequest, bulkv1.Import]

// registerUploads makes the routes by which a file is the body itself, with the
// fields of lingkar.bulk.v1.Import as parameters.
func (d *door) registerUploads() error {
	for path, open := range map[string]func(context.Context, ...grpc.CallOption) (upload, error){
		"/v1/contactImports": contactv1.NewImportServiceClient(d.Dial("contact")).UploadImport,
		"/v1/salesImports":   salesv1.NewImportServiceClient(d.Dial("sales")).UploadImport,
	} {
		err := d.mux.HandlePath(http.MethodPost, path, func(w http.ResponseWriter, r *http.Request, _ map[string]string) {
			ctx, cancel := context.WithTimeout(r.Context(), uploadTimeout)
			defer cancel()
			made, err := send(withoutMetadata(ctx), w, r, open)
			if err != nil {
				d.refuse(w, r, err)
				return
			}
			d.forward(w, r, proto.Message(made), nil)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func send(ctx context.Context, w http.ResponseWriter, r *http.Request, open func(context.Context, ...grpc.CallOption) (upload, error)) (*bulkv1.Import, error) {
	described, err := describeImport(r.URL.Query())
	if err != nil {
		return nil, err
	}
	if r.ContentLength > maxFile {
		return nil, errFileLimit
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return nil, errMedia
	}
	stream, err := open(ctx)
	if err != nil {
		return nil, err
	}
	err = stream.Send(&bulkv1.UploadImportRequest{Part: &bulkv1.UploadImportRequest_Import{Import: described}})
	if err == nil {
		err = sendFile(stream, w, r)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return stream.CloseAndRecv() // it also tells why a Send answered io.EOF
}

// sendFile sends the body in chunks. Each must arrive within the time of a body,
// so that a caller who sends a byte a minute is hung up on.
func sendFile(stream upload, w http.ResponseWriter, r *http.Request) error {
	control := http.NewResponseController(w)
	body := http.MaxBytesReader(w, r.Body, maxFile)
	buffer := make([]byte, chunk)
	for {
		_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
		n, err := io.ReadFull(body, buffer)
		if n > 0 {
			part := &bulkv1.UploadImportRequest_Chunk{Chunk: append([]byte(nil), buffer[:n]...)}
			if err := stream.Send(&bulkv1.UploadImportRequest{Part: part}); err != nil {
				return err
			}
		}
		var over *http.MaxBytesError
		switch {
		case err == nil:
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			_ = control.SetReadDeadline(time.Time{})
			return nil
		case errors.As(err, &over):
			return errFileLimit
		default:
			return errBodyRead.Wrap(err)
		}
	}
}

func describeImport(query url.Values) (*bulkv1.Import, error) {
	described := &bulkv1.Import{}
	wrong := checkParameters(query, described.ProtoReflect().Descriptor())
	if err := errs.Check(wrong); err != nil {
		return nil, err
	}
	return described, runtime.PopulateQueryParameters(described, query, utilities.NewDoubleArray(nil))
}
