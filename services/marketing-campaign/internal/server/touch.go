package server

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/record"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/store"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/touch"
)

// GetTouch implements campaignv1.TouchServiceServer.
func (s *Server) GetTouch(ctx context.Context, req *campaignv1.GetTouchRequest) (*campaignv1.Touch, error) {
	return s.Store.Touches.Read(ctx, tenantOf(ctx), req.GetName())
}

// ListTouches implements campaignv1.TouchServiceServer.
func (s *Server) ListTouches(ctx context.Context, req *campaignv1.ListTouchesRequest) (*campaignv1.ListTouchesResponse, error) {
	touches, next, err := s.Store.Touches.List(ctx, tenantOf(ctx), req)
	if err != nil {
		return nil, err
	}
	return &campaignv1.ListTouchesResponse{Touches: touches, NextPageToken: next}, nil
}

var errQuietHours = errs.Refused("QUIET_HOURS", "the contact wishes to be reached on this channel at other hours")

// SendTouch implements campaignv1.TouchServiceServer. The contact must be one the
// caller may see; what it consents to is asked as the service, which may know.
func (s *Server) SendTouch(ctx context.Context, req *campaignv1.SendTouchRequest) (*campaignv1.Touch, error) {
	var r fields.Reader
	r.Ref("campaign", "campaigns", req.GetCampaign())
	contact := r.Ref("contact", "contacts", req.GetContact())
	if err := r.Err(); err != nil {
		return nil, err
	}
	c, err := s.Store.Campaigns.Get(ctx, tenantOf(ctx), req.GetCampaign())
	if err != nil {
		return nil, err
	}
	if _, err := s.Contacts.GetContact(ctx, &contactv1.GetContactRequest{Name: req.GetContact(), ReadMask: nameOnly}); err != nil {
		return nil, err
	}
	own, err := s.AsService(ctx, tenantOf(ctx))
	if err != nil {
		return nil, err
	}
	written, err := s.letters(own, c, []uuid.UUID{contact})
	if err != nil {
		return nil, err
	}
	if later := written[0].verdict.Later; later != nil {
		return nil, errQuietHours.With("hours_begin_time", later.UTC().Format(time.RFC3339))
	}
	if err := s.fetchKeys(ctx, tenantOf(ctx), []uuid.UUID{contact}, written); err != nil {
		return nil, err
	}
	return record.Write(ctx, s.Store.DB, s.Store.Log, tenantOf(ctx), func(u *record.Unit) (*campaignv1.Touch, error) {
		if err := s.sending(u, c.ID); err != nil {
			return nil, err
		}
		t, planned := touch.Plan(c.ID, contact, c.Channel, c.Owner, c.Team)
		events := append([]entity.Event{planned}, t.Send(written[0].message, written[0].verdict, s.now())...)
		if err := s.Store.Touches.AddIn(u, t, events...); err != nil {
			return nil, err
		}
		return store.TouchProto(t), nil
	})
}

// RecordResponse implements campaignv1.TouchServiceServer.
func (s *Server) RecordResponse(ctx context.Context, req *campaignv1.RecordResponseRequest) (*campaignv1.RecordResponseResponse, error) {
	r := fields.Reader{In: "response"}
	m := req.GetResponse()
	response := touch.Response{
		Kind:        touch.Kind(m.GetKind()),
		Channel:     int32(m.GetChannel()),
		Body:        r.Words(m.GetBody()),
		RespondTime: r.Time("respond_time", m.GetRespondTime()),
	}
	response.SetValue(r.Amount("value", m.GetValue()))
	if err := r.Err(); err != nil {
		return nil, err
	}
	return record.Write(ctx, s.Store.DB, s.Store.Log, tenantOf(ctx), func(u *record.Unit) (*campaignv1.RecordResponseResponse, error) {
		t, err := s.Store.Touches.ChangeIn(u, req.GetParent(), func(t *touch.Touch) ([]entity.Event, error) {
			return t.Respond(response, s.now())
		})
		if err != nil {
			return nil, record.At("parent", err)
		}
		heard := t.Heard()
		return &campaignv1.RecordResponseResponse{
			Touch: store.TouchProto(t), Response: store.ResponseProto(&heard[len(heard)-1]),
		}, nil
	})
}

// allTouches stands for the responses to every touch (AIP-159).
const allTouches = "touches/-"

// ListResponses implements campaignv1.TouchServiceServer. Who may read a touch may
// read the responses to it.
func (s *Server) ListResponses(ctx context.Context, req *campaignv1.ListResponsesRequest) (*campaignv1.ListResponsesResponse, error) {
	var to *uuid.UUID
	if req.GetParent() != allTouches {
		t, err := s.Store.Touches.Get(ctx, tenantOf(ctx), req.GetParent())
		if err != nil {
			return nil, record.At("parent", err)
		}
		to = &t.ID
	}
	responses, next, err := s.Store.Responses(ctx, tenantOf(ctx), to, record.Query(ctx, req))
	if err != nil {
		return nil, err
	}
	return &campaignv1.ListResponsesResponse{Responses: responses, NextPageToken: next}, nil
}
