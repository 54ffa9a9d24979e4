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
	"github.com/lingkar-crm/lingkar/pkg/httprule"
)

// uploadTimeout is how long a file may take to arrive.
const uploadTimeout = 10 * time.Minute

// upload is one route by which a file is the body itself, with the fields of the
// message that describes it as parameters.
type upload struct {
	httprule.Upload
	messages httprule.Messages
	conn     grpc.ClientConnInterface
}

func (d *door) registerUploads() error {
	for _, route := range httprule.Uploads {
		messages, err := route.Messages()
		if err != nil {
			return err
		}
		u := upload{Upload: route, messages: messages, conn: d.Dial(route.Area)}
		err = d.mux.HandlePath(http.MethodPost, route.Path, func(w http.ResponseWriter, r *http.Request, _ map[string]string) {
			ctx, cancel := context.WithTimeout(r.Context(), uploadTimeout)
			defer cancel()
			made, err := u.send(withoutMetadata(ctx), w, r)
			if err != nil {
				d.refuse(w, r, err)
				return
			}
			d.forward(w, r, made, nil)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (u upload) send(ctx context.Context, w http.ResponseWriter, r *http.Request) (proto.Message, error) {
	described, first := u.messages.First()
	if err := describeFile(described, r.URL.Query()); err != nil {
		return nil, err
	}
	if r.ContentLength > u.MaxBytes {
		return nil, u.Over
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return nil, errMedia
	}
	stream, err := u.conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, u.Method)
	if err != nil {
		return nil, err
	}
	err = stream.SendMsg(first)
	if err == nil {
		err = u.sendFile(stream, w, r)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err := stream.CloseSend(); err != nil {
		return nil, err
	}
	answer := u.messages.Answer()
	return answer, stream.RecvMsg(answer) // it also tells why a SendMsg answered io.EOF
}

// sendFile sends the body in pieces. Each must arrive within the time of a body,
// so that a caller who sends a byte a minute is hung up on.
func (u upload) sendFile(stream grpc.ClientStream, w http.ResponseWriter, r *http.Request) error {
	control := http.NewResponseController(w)
	body := http.MaxBytesReader(w, r.Body, u.MaxBytes)
	buffer := make([]byte, httprule.Piece)
	for {
		_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
		n, err := io.ReadFull(body, buffer)
		if n > 0 {
			if err := stream.SendMsg(u.messages.Piece(append([]byte(nil), buffer[:n]...))); err != nil {
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
			return u.Over
		default:
			return errBodyRead.Wrap(err)
		}
	}
}

func describeFile(described proto.Message, query url.Values) error {
	wrong := checkParameters(query, described.ProtoReflect().Descriptor())
	if err := errs.Check(wrong); err != nil {
		return err
	}
	return runtime.PopulateQueryParameters(described, query, utilities.NewDoubleArray(nil))
}
