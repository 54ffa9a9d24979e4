package rest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"google.golang.org/genproto/googleapis/api/httpbody"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/httprule"
)

// NewStream implements grpc.ClientConnInterface for streams of answers and for files.
func (c *restConn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	if desc.ClientStreams {
		if upload, ok := httprule.UploadOf(method); ok {
			return c.newUpload(ctx, upload)
		}
		return nil, status.Errorf(codes.Unimplemented, "%s takes a stream of requests, which HTTP does not offer", method)
	}
	ctx, cancel := context.WithCancel(ctx)
	return &restStream{ctx: ctx, cancel: cancel, conn: c, method: method}, nil
}

// restStream reads the answers of grpc-gateway: one JSON value a line, each
// {"result": message} or {"error": status}.
type restStream struct {
	ctx    context.Context
	cancel context.CancelFunc
	conn   *restConn
	method string
	args   proto.Message
	res    *http.Response
	lines  *bufio.Reader
}

// SendMsg keeps the one request until CloseSend.
func (s *restStream) SendMsg(m any) error {
	s.args = m.(proto.Message)
	return nil
}

// CloseSend does nothing: the request is sent when its answer is asked for.
func (s *restStream) CloseSend() error { return nil }

// Context answers the context of the stream.
func (s *restStream) Context() context.Context { return s.ctx }

// Header sends the request and answers the headers of its answer.
func (s *restStream) Header() (metadata.MD, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	return headerMetadata(s.res.Header), nil
}

// Trailer answers nothing: HTTP carries none here.
func (s *restStream) Trailer() metadata.MD { return nil }

func (s *restStream) open() error {
	if s.res != nil {
		return nil
	}
	res, err := s.conn.send(s.ctx, s.method, s.args)
	if err != nil {
		return err
	}
	if res.StatusCode == http.StatusOK {
		s.res, s.lines = res, bufio.NewReader(res.Body)
		return nil
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return status.FromContextError(err).Err()
	}
	return problemStatus(res.StatusCode, body).Err()
}

// RecvMsg reads the next answer; io.EOF at the end.
func (s *restStream) RecvMsg(m any) error {
	err := s.receive(m.(proto.Message))
	if err != nil {
		s.cancel()
		if s.res != nil {
			_ = s.res.Body.Close()
		}
	}
	return err
}

func (s *restStream) receive(m proto.Message) error {
	if err := s.open(); err != nil {
		return err
	}
	if raw, ok := m.(*httpbody.HttpBody); ok {
		return s.receiveRaw(raw)
	}
	line, err := s.lines.ReadBytes('\n')
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	if err != nil {
		return status.FromContextError(err).Err()
	}
	var chunk struct{ Result, Error json.RawMessage }
	if err := json.Unmarshal(line, &chunk); err != nil {
		return status.Errorf(codes.Internal, "read an answer of %s: %v", s.method, err)
	}
	if chunk.Error != nil {
		var st spb.Status
		if err := protojson.Unmarshal(chunk.Error, &st); err != nil {
			return status.Errorf(codes.Internal, "read the error of %s: %v", s.method, err)
		}
		return status.ErrorProto(&st)
	}
	return protojson.Unmarshal(chunk.Result, m)
}

// receiveRaw reads the next piece of a file.
func (s *restStream) receiveRaw(m *httpbody.HttpBody) error {
	piece := make([]byte, httprule.Piece)
	n, err := s.lines.Read(piece)
	switch {
	case n == 0 && errors.Is(err, io.EOF):
		return io.EOF
	case err != nil && !errors.Is(err, io.EOF):
		return noAnswer(s.ctx, err)
	}
	m.ContentType, m.Data = s.res.Header.Get("Content-Type"), piece[:n]
	return nil
}
