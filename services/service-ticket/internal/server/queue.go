package server

import (
	"context"

	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
)

// CreateQueue implements ticketv1.QueueServiceServer.
func (s *Server) CreateQueue(ctx context.Context, req *ticketv1.CreateQueueRequest) (*ticketv1.Queue, error) {
	return s.Store.Queues.Create(ctx, tenantOf(ctx), req.GetQueueId(), req.GetQueue())
}

// GetQueue implements ticketv1.QueueServiceServer.
func (s *Server) GetQueue(ctx context.Context, req *ticketv1.GetQueueRequest) (*ticketv1.Queue, error) {
	return s.Store.Queues.Read(ctx, tenantOf(ctx), req.GetName())
}

// ListQueues implements ticketv1.QueueServiceServer.
func (s *Server) ListQueues(ctx context.Context, req *ticketv1.ListQueuesRequest) (*ticketv1.ListQueuesResponse, error) {
	queues, next, err := s.Store.Queues.List(ctx, tenantOf(ctx), req)
	if err != nil {
		return nil, err
	}
	return &ticketv1.ListQueuesResponse{Queues: queues, NextPageToken: next}, nil
}

// UpdateQueue implements ticketv1.QueueServiceServer.
func (s *Server) UpdateQueue(ctx context.Context, req *ticketv1.UpdateQueueRequest) (*ticketv1.Queue, error) {
	return s.Store.Queues.Update(ctx, tenantOf(ctx), req.GetQueue(), req.GetUpdateMask())
}

// DeleteQueue implements ticketv1.QueueServiceServer.
func (s *Server) DeleteQueue(ctx context.Context, req *ticketv1.DeleteQueueRequest) (*ticketv1.Queue, error) {
	return s.Store.Queues.Delete(ctx, tenantOf(ctx), req.GetName(), req.GetEtag())
}

// UndeleteQueue implements ticketv1.QueueServiceServer.
func (s *Server) UndeleteQueue(ctx context.Context, req *ticketv1.UndeleteQueueRequest) (*ticketv1.Queue, error) {
	return s.Store.Queues.Undelete(ctx, tenantOf(ctx), req.GetName(), req.GetEtag())
}
