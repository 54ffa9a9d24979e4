package server

import (
	"context"
	"strconv"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/record"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/webhooks"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/store"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/webhook"
)

const deliveryNames = "webhookDeliveries"

func deliveryMessage(d *webhook.Delivery) *platformv1.WebhookDelivery {
	p := &platformv1.WebhookDelivery{
		Name:            deliveryNames + "/" + d.ID.String(),
		Endpoint:        webhooks.Collection + "/" + d.Endpoint.String(),
		Event:           d.Event.String(),
		EventType:       d.EventType,
		State:           platformv1.WebhookDelivery_State(d.State),
		BlockReason:     d.BlockReason,
		NextAttemptTime: fields.Timestamp(d.NextTime),
		CreateTime:      timestamppb.New(d.CreateTime),
		UpdateTime:      timestamppb.New(d.UpdateTime),
		AllowedActions:  d.AllowedActions(),
	}
	for _, a := range d.Attempts {
		p.Attempts = append(p.Attempts, &platformv1.WebhookAttempt{
			AttemptTime: timestamppb.New(a.Time), Duration: durationpb.New(a.Duration),
			StatusCode: int32(a.Status), Answer: a.Answer, Failure: a.Failure,
		})
	}
	return p
}

func errNoDelivery(name string) error { return errs.NotFound("webhook delivery", name) }

// GetWebhookDelivery implements platformv1.WebhookDeliveryServiceServer.
func (s *Server) GetWebhookDelivery(ctx context.Context, req *platformv1.GetWebhookDeliveryRequest) (*platformv1.WebhookDelivery, error) {
	r := fields.Reader{}
	id := r.Ref("name", deliveryNames, req.GetName())
	if err := r.Err(); err != nil {
		return nil, err
	}
	d, err := store.WebhookDeliveries.Get(ctx, s.db, auth.From(ctx).Tenant, id)
	if err != nil {
		return nil, err
	}
	return deliveryMessage(d), nil
}

// ListWebhookDeliveries implements platformv1.WebhookDeliveryServiceServer.
func (s *Server) ListWebhookDeliveries(ctx context.Context, req *platformv1.ListWebhookDeliveriesRequest) (*platformv1.ListWebhookDeliveriesResponse, error) {
	rows, next, err := store.WebhookDeliveries.List(ctx, s.db, auth.From(ctx).Tenant, record.Query(ctx, req))
	if err != nil {
		return nil, err
	}
	resp := &platformv1.ListWebhookDeliveriesResponse{NextPageToken: next}
	for _, d := range rows {
		resp.WebhookDeliveries = append(resp.WebhookDeliveries, deliveryMessage(d))
	}
	return resp, nil
}

// sendable answers an endpoint within the unit, of which more can be sent.
func (s *Server) sendable(u *record.Unit, name string) (*webhook.Endpoint, error) {
	e, err := s.hooks.Endpoints.GetIn(u, name)
	if err == nil && e.Deleted() {
		return nil, errs.Refused("DELETED", "the webhook endpoint is deleted")
	}
	return e, err
}

// RedeliverWebhookDelivery implements platformv1.WebhookDeliveryServiceServer.
func (s *Server) RedeliverWebhookDelivery(ctx context.Context, req *platformv1.RedeliverWebhookDeliveryRequest) (*platformv1.WebhookDelivery, error) {
	r := fields.Reader{}
	id := r.Ref("name", deliveryNames, req.GetName())
	if err := r.Err(); err != nil {
		return nil, err
	}
	return record.Write(ctx, s.db, s.log, auth.From(ctx).Tenant, func(u *record.Unit) (*platformv1.WebhookDelivery, error) {
		d, err := store.LockDelivery(u, id)
		if err != nil {
			return nil, err
		}
		if d == nil {
			return nil, errNoDelivery(req.GetName())
		}
		if _, err := s.sendable(u, webhooks.Collection+"/"+d.Endpoint.String()); err != nil {
			return nil, err
		}
		if err := d.Redeliver(s.now()); err != nil {
			return nil, err
		}
		store.WriteDelivery(u, d)
		store.NoteSending(ctx, u, s.now(), webhooks.Collection+"/"+d.Endpoint.String(), "sends event "+d.Event.String()+" again")
		return deliveryMessage(d), nil
	})
}

// ReplayWebhookDeliveries implements platformv1.WebhookDeliveryServiceServer.
func (s *Server) ReplayWebhookDeliveries(ctx context.Context, req *platformv1.ReplayWebhookDeliveriesRequest) (*platformv1.ReplayWebhookDeliveriesResponse, error) {
	r := fields.Reader{}
	r.Ref("endpoint", webhooks.Collection, req.GetEndpoint())
	start, end := r.Time("start_time", req.GetStartTime()), r.Time("end_time", req.GetEndTime())
	if r.Err() == nil && !end.After(start) {
		r.Fail("end_time", "", "must lie after start_time")
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return record.Write(ctx, s.db, s.log, auth.From(ctx).Tenant, func(u *record.Unit) (*platformv1.ReplayWebhookDeliveriesResponse, error) {
		e, err := s.sendable(u, req.GetEndpoint())
		if err != nil {
			return nil, record.At("endpoint", err)
		}
		n, err := store.ReplayDeliveries(u, store.Replay{Endpoint: e, Start: start, End: end, IncludeDelivered: req.GetIncludeDelivered()}, s.now())
		if err != nil {
			return nil, err
		}
		store.NoteSending(ctx, u, s.now(), req.GetEndpoint(), "sends "+strconv.Itoa(n)+" events again")
		return &platformv1.ReplayWebhookDeliveriesResponse{DeliveryCount: int64(n)}, nil
	})
}
