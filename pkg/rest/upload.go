package rest

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/httprule"
)

// newUpload answers a stream of requests that travels as one HTTP request whose body
// is the file.
func (c *restConn) newUpload(ctx context.Context, u httprule.Upload) (grpc.ClientStream, error) {
	messages, err := u.Messages()
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	ctx, cancel := context.WithCancel(ctx)
	return &restUpload{ctx: ctx, cancel: cancel, conn: c, upload: u, messages: messages}, nil
}

// restUpload sends what is written to it while it is written.
type restUpload struct {
	ctx      context.Context
	cancel   context.CancelFunc
	conn     *restConn
	upload   httprule.Upload
	messages httprule.Messages

	body *io.PipeWriter
	done sync.WaitGroup
	res  *http.Response
	err  error
}

// SendMsg sends the first message as parameters, and the pieces as the body. It
// answers io.EOF where the answer came before the last piece, as gRPC does.
func (s *restUpload) SendMsg(m any) error {
	described, piece := s.messages.Parts(m.(proto.Message))
	if described == nil && s.body == nil {
		described, _ = s.messages.First()
	}
	if described != nil && s.body == nil {
		if err := s.begin(described); err != nil {
			return err
		}
	}
	if len(piece) == 0 {
		return nil
	}
	if _, err := s.body.Write(piece); err != nil {
		return io.EOF
	}
	return nil
}

func (s *restUpload) begin(described proto.Message) error {
	query := url.Values{}
	if err := addQuery(query, "", described.ProtoReflect()); err != nil {
		return err
	}
	reader, writer := io.Pipe()
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, s.conn.base+s.upload.Path+"?"+query.Encode(), reader)
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	s.body = writer
	// The client waits for the body's end also where the call was given up.
	context.AfterFunc(s.ctx, func() { _ = reader.CloseWithError(io.EOF) })
	s.done.Go(func() {
		s.res, s.err = s.conn.do(s.ctx, req)
		_ = reader.CloseWithError(io.EOF)
	})
	return nil
}

// CloseSend ends the file.
func (s *restUpload) CloseSend() error {
	if s.body == nil {
		described, _ := s.messages.First()
		if err := s.begin(described); err != nil {
			return err
		}
	}
	return s.body.Close()
}

// RecvMsg reads the answer.
func (s *restUpload) RecvMsg(m any) error {
	defer s.cancel()
	s.done.Wait()
	if s.err != nil {
		return s.err
	}
	defer func() { _ = s.res.Body.Close() }()
	body, err := io.ReadAll(s.res.Body)
	if err != nil {
		return noAnswer(s.ctx, err)
	}
	if s.res.StatusCode != http.StatusOK {
		return problemStatus(s.res.StatusCode, body).Err()
	}
	if err := protojson.Unmarshal(body, m.(proto.Message)); err != nil {
		return status.Errorf(codes.Internal, "read the answer of %s: %v", s.upload.Method, err)
	}
	return nil
}

// Context answers the context of the stream.
func (s *restUpload) Context() context.Context { return s.ctx }

// Header answers the headers of the answer.
func (s *restUpload) Header() (metadata.MD, error) {
	s.done.Wait()
	if s.err != nil {
		return nil, s.err
	}
	return headerMetadata(s.res.Header), nil
}

// Trailer answers nothing: HTTP carries none here.
func (s *restUpload) Trailer() metadata.MD { return nil }
