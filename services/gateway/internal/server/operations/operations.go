// Package operations is google.longrunning.Operations for all areas: it finds the
// area in the name of an operation and asks there.
//
// A name is "operations/{area}-{uuid}". What an area must answer is a Worker; the
// areas that have one are given to New. Operations are asked for by name and
// cancelled; lists, deletion and waiting are not offered (UNIMPLEMENTED).
package operations

import (
	"context"
	"regexp"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Worker is the long-running work of one area. Names are in full; the caller is
// in the context, and the area says what it may see.
type Worker interface {
	// Get answers an operation, NOT_FOUND OPERATION_NOT_FOUND where there is none.
	Get(ctx context.Context, name string) (*longrunningpb.Operation, error)
	// Cancel asks an operation to stop. An area whose work cannot be stopped
	// answers UNIMPLEMENTED.
	Cancel(ctx context.Context, name string) error
}

// Server answers for all areas.
type Server struct {
	longrunningpb.UnimplementedOperationsServer
	workers map[string]Worker
}

// New makes a server of the areas' workers.
func New(workers map[string]Worker) *Server { return &Server{workers: workers} }

// form is the form of a name.
var form = regexp.MustCompile(`^operations/([a-z]+)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// workerOf finds the area of an operation.
func (s *Server) workerOf(name string) (Worker, error) {
	match := form.FindStringSubmatch(name)
	if match == nil {
		return nil, errs.Invalid("name", "", "must be operations/{area}-{uuid}")
	}
	worker, ok := s.workers[match[1]]
	if !ok {
		return nil, errs.NotFound("operation", name)
	}
	return worker, nil
}

// GetOperation implements longrunningpb.OperationsServer.
func (s *Server) GetOperation(ctx context.Context, req *longrunningpb.GetOperationRequest) (*longrunningpb.Operation, error) {
	worker, err := s.workerOf(req.GetName())
	if err != nil {
		return nil, err
	}
	return worker.Get(ctx, req.GetName())
}

// CancelOperation implements longrunningpb.OperationsServer.
func (s *Server) CancelOperation(ctx context.Context, req *longrunningpb.CancelOperationRequest) (*emptypb.Empty, error) {
	worker, err := s.workerOf(req.GetName())
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, worker.Cancel(ctx, req.GetName())
}
