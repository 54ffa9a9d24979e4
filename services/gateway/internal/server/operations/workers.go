package operations

import (
	"context"
	"strings"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
)

var errGoesOn = errs.New(codes.Unimplemented, "OPERATION_NOT_CANCELLABLE", "this work cannot be stopped")

// Rebuilds are the rebuilds of analytics.
type Rebuilds struct {
	Client analyticsv1.EventStoreServiceClient
}

// Get implements Worker.
func (r Rebuilds) Get(ctx context.Context, name string) (*longrunningpb.Operation, error) {
	return r.Client.GetRebuild(ctx, &analyticsv1.GetRebuildRequest{Name: name})
}

// Cancel implements Worker: a rebuild runs beside the living projections, and
// harms nobody.
func (Rebuilds) Cancel(context.Context, string) error { return errGoesOn }

// ImportService is what the import services of all areas have in common.
type ImportService interface {
	GetImport(context.Context, *bulkv1.GetImportRequest, ...grpc.CallOption) (*bulkv1.Import, error)
	CancelImport(context.Context, *bulkv1.CancelImportRequest, ...grpc.CallOption) (*bulkv1.Import, error)
}

// Imports are the imports of one area: the operation "operations/contact-{uuid}"
// is the import "contactImports/{uuid}".
type Imports struct {
	Client ImportService
	// Area begins the id of an operation, Collection the name of an import.
	Area, Collection string
}

func (i Imports) importOf(name string) string {
	return i.Collection + "/" + strings.TrimPrefix(name, "operations/"+i.Area+"-")
}

// Get implements Worker.
func (i Imports) Get(ctx context.Context, name string) (*longrunningpb.Operation, error) {
	found, err := i.Client.GetImport(ctx, &bulkv1.GetImportRequest{Name: i.importOf(name)})
	if err != nil {
		return nil, err
	}
	return operationOf(name, found)
}

// Cancel implements Worker.
func (i Imports) Cancel(ctx context.Context, name string) error {
	_, err := i.Client.CancelImport(ctx, &bulkv1.CancelImportRequest{Name: i.importOf(name)})
	return err
}

// operationOf words an import as an operation: what it is, is its progress, and
// its result once it has ended.
func operationOf(name string, found *bulkv1.Import) (*longrunningpb.Operation, error) {
	told, err := anypb.New(found)
	if err != nil {
		return nil, errs.Internal(err)
	}
	op := &longrunningpb.Operation{Name: name, Metadata: told}
	switch found.GetState() {
	case bulkv1.ImportState_IMPORT_STATE_DONE, bulkv1.ImportState_IMPORT_STATE_UNDONE:
		op.Done, op.Result = true, &longrunningpb.Operation_Response{Response: told}
	case bulkv1.ImportState_IMPORT_STATE_FAILED:
		op.Done, op.Result = true, failed(codes.Aborted, found.GetError())
	case bulkv1.ImportState_IMPORT_STATE_CANCELLED:
		op.Done, op.Result = true, failed(codes.Canceled, "the import was cancelled")
	}
	return op, nil
}

func failed(code codes.Code, why string) *longrunningpb.Operation_Error {
	return &longrunningpb.Operation_Error{Error: &status.Status{Code: int32(code), Message: why}}
}
