package server

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// The types of what files and words stand in.
const (
	documentType    = "lingkar.dev/Document"
	interactionType = "lingkar.dev/Interaction"
)

const (
	// uploadTimeout is how long a file may take to come.
	uploadTimeout = 30 * time.Minute
	// downloadPiece is how much of a file one message carries, in bytes.
	downloadPiece = 256 << 10
)

var (
	errUndescribed = errs.Invalid("document", "", "the first message must hold the document")
	errOffset      = errs.OutOfRange("OFFSET_BEYOND_END", "the file ends before")
)

// GetDocument implements InteractionService, as the long bodies of interactions are
// documents too.
func (s *Server) GetDocument(ctx context.Context, req *contactv1.GetDocumentRequest) (*contactv1.Document, error) {
	return s.Store.GetDocument(ctx, auth.From(ctx).Tenant, req.GetName())
}

// UploadDocument implements DocumentService.
func (s *Server) UploadDocument(stream grpc.ClientStreamingServer[contactv1.UploadDocumentRequest, contactv1.Document]) error {
	ctx, cancel := context.WithTimeout(stream.Context(), uploadTimeout)
	defer cancel()
	first, err := stream.Recv()
	if err != nil || first.GetDocument() == nil {
		return errUndescribed
	}
	if err := s.Rules.Whole(ctx, true, documentType); err != nil {
		return err
	}
	upload, err := s.Store.BeginUpload(ctx, auth.From(ctx).Tenant, first.GetDocument())
	if err != nil {
		return err
	}
	defer upload.Drop(ctx)
	for {
		piece, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := upload.Write(ctx, piece.GetChunk()); err != nil {
			return err
		}
	}
	made, err := upload.Finish(ctx)
	if err != nil {
		return err
	}
	return stream.SendAndClose(made)
}

// DownloadDocument implements DocumentService.
func (s *Server) DownloadDocument(req *contactv1.DownloadDocumentRequest, stream grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	ctx := stream.Context()
	// A file with parts left out is none.
	if err := s.Rules.Whole(ctx, false, documentType); err != nil {
		return err
	}
	d, content, err := s.Store.OpenFile(ctx, auth.From(ctx).Tenant, req.GetName())
	if err != nil {
		return err
	}
	if req.GetOffset() > content.Size() {
		return errOffset
	}
	left := content.Size() - req.GetOffset()
	if req.GetLimit() > 0 {
		left = min(left, req.GetLimit())
	}
	part := io.NewSectionReader(content, req.GetOffset(), left)
	for sent := false; !sent || left > 0; sent = true {
		piece := make([]byte, min(left, downloadPiece))
		if _, err := io.ReadFull(part, piece); err != nil {
			return err
		}
		if err := stream.Send(&httpbody.HttpBody{ContentType: d.GetMediaType(), Data: piece}); err != nil {
			return err
		}
		left -= int64(len(piece))
	}
	return nil
}

// ListDocuments implements DocumentService.
func (s *Server) ListDocuments(ctx context.Context, req *contactv1.ListDocumentsRequest) (*contactv1.ListDocumentsResponse, error) {
	where, err := s.ofContact(ctx, req.GetContact())
	if err != nil {
		return nil, err
	}
	list, next, err := s.Store.Documents.List(ctx, auth.From(ctx).Tenant, req, where...)
	return &contactv1.ListDocumentsResponse{Documents: list, NextPageToken: next}, err
}

// SearchDocuments implements DocumentService.
func (s *Server) SearchDocuments(ctx context.Context, req *contactv1.SearchDocumentsRequest) (*contactv1.SearchDocumentsResponse, error) {
	list, snippets, err := s.Store.SearchDocuments(ctx, auth.From(ctx).Tenant, req.GetQuery(), req.GetContact(), foundSize(req.GetPageSize()))
	return &contactv1.SearchDocumentsResponse{Documents: list, Snippets: s.shown(ctx, snippets, documentType)}, err
}

// DeleteDocument implements DocumentService.
func (s *Server) DeleteDocument(ctx context.Context, req *contactv1.DeleteDocumentRequest) (*contactv1.Document, error) {
	return s.Store.DeleteDocument(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// UndeleteDocument implements DocumentService.
func (s *Server) UndeleteDocument(ctx context.Context, req *contactv1.UndeleteDocumentRequest) (*contactv1.Document, error) {
	return s.Store.Documents.Undelete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}
