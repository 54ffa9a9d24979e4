package server

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/egress"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/webhooks"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/store"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/webhook"
)

// Endpoints keeps the receivers of events.
type Endpoints = record.Store[webhook.Endpoint, *platformv1.WebhookEndpoint]

// NewEndpoints makes the store of the receivers of events; guard says which URLs they may
// have.
func NewEndpoints(db *postgres.DB, log *eventlog.Log, guard egress.Guard) *Endpoints {
	meta := func(e *webhook.Endpoint) *entity.Meta { return &e.Meta }
	return &Endpoints{
		DB: db, Log: log, Table: store.WebhookEndpoints, Kind: "webhook endpoint", Collection: webhooks.Collection,
		Meta: meta, Proto: func(e *webhook.Endpoint) *platformv1.WebhookEndpoint { return endpointMessage(e, log.Now()) },
		Fill: func(e *webhook.Endpoint, p *platformv1.WebhookEndpoint) error { return fillEndpoint(e, p, guard) },
		Event: func(e *webhook.Endpoint, happened entity.Event) eventlog.Draft {
			return endpointEvent(e, happened, log.Now())
		},
		Extra: store.ExternalIDs("webhook_endpoint", meta),
	}
}

// endpointMessage words an endpoint, without its secret.
func endpointMessage(e *webhook.Endpoint, now time.Time) *platformv1.WebhookEndpoint {
	p := &platformv1.WebhookEndpoint{
		Name:           webhooks.Collection + "/" + e.ID.String(),
		Url:            e.URL,
		EventTypes:     e.EventTypes,
		RecipientClass: platformv1.WebhookEndpoint_RecipientClass(e.Class),
		Recipient:      e.Recipient,
		Description:    e.Description,
		State:          platformv1.WebhookEndpoint_State(e.State),
		StateReason:    e.Reason,
		SecretSuffix:   e.Suffix,
		ExternalIds:    e.ExternalIDs,
		Labels:         e.Labels,
		CreateTime:     timestamppb.New(e.CreateTime),
		UpdateTime:     timestamppb.New(e.UpdateTime),
		DeleteTime:     fields.Timestamp(e.DeleteTime),
		Etag:           e.Etag(),
		AllowedActions: e.AllowedActions(),
	}
	if len(e.Secrets(now)) > 1 {
		p.PreviousSecretExpireTime = fields.Timestamp(e.PreviousEnd)
	}
	return p
}

func fillEndpoint(e *webhook.Endpoint, p *platformv1.WebhookEndpoint, guard egress.Guard) error {
	r := fields.Reader{In: "webhook_endpoint"}
	fillMarks(&e.Meta, p)
	e.URL = p.GetUrl()
	r.Add(guard.CheckURL("url", e.URL)...)
	e.EventTypes = slices.Clone(p.GetEventTypes())
	r.Add(webhooks.CheckTypes("event_types", e.EventTypes)...)
	e.Class, e.Recipient = webhook.Class(p.GetRecipientClass()), p.GetRecipient()
	r.Optional("recipient", "recipients", e.Recipient)
	e.Description = r.Words(p.GetDescription())
	r.Add(e.Check()...)
	return r.Err()
}

// endpointEvent words what happened to an endpoint: of its URL the host, because the rest
// may hold a secret of the receiver's.
func endpointEvent(e *webhook.Endpoint, happened entity.Event, at time.Time) eventlog.Draft {
	now := endpointMessage(e, at)
	now.Url, now.AllowedActions = e.Host(), nil
	switch happened := happened.(type) {
	case entity.Created:
		return eventlog.Draft{Payload: &platformv1.WebhookEndpointCreated{WebhookEndpoint: now}}
	case entity.Updated:
		return eventlog.Draft{Payload: &platformv1.WebhookEndpointUpdated{WebhookEndpoint: now, UpdateMask: maskOf(happened)}}
	case entity.Deleted:
		return eventlog.Draft{Payload: &platformv1.WebhookEndpointDeleted{WebhookEndpoint: now}}
	case entity.Undeleted:
		return eventlog.Draft{Payload: &platformv1.WebhookEndpointUndeleted{WebhookEndpoint: now}}
	case webhook.WasPaused:
		return eventlog.Draft{Payload: &platformv1.WebhookEndpointPaused{WebhookEndpoint: now}}
	case webhook.Resumed:
		return eventlog.Draft{Payload: &platformv1.WebhookEndpointResumed{WebhookEndpoint: now}}
	case webhook.GivenUp:
		return eventlog.Draft{Payload: &platformv1.WebhookEndpointDisabled{WebhookEndpoint: now}}
	case webhook.Rotated:
		return eventlog.Draft{Payload: &platformv1.WebhookEndpointSecretRotated{WebhookEndpoint: now}}
	case webhook.Tested:
		return eventlog.Draft{Payload: &platformv1.WebhookEndpointTested{WebhookEndpoint: now}}
	}
	panic(untold + happened.EventName())
}

// onFile refuses a recipient that is not on file, or has no contract that holds.
func (s *Server) onFile(ctx context.Context, p *platformv1.WebhookEndpoint) error {
	if p.GetRecipient() == "" {
		return nil
	}
	const field = "webhook_endpoint.recipient"
	found, err := s.hooks.Recipients.GetRecipient(ctx, &contactv1.GetRecipientRequest{Name: p.GetRecipient()})
	if err != nil {
		return record.At(field, err)
	}
	processor := p.GetRecipientClass() == platformv1.WebhookEndpoint_RECIPIENT_CLASS_PROCESSOR
	ended := found.GetContractEndTime() != nil && !s.now().Before(found.GetContractEndTime().AsTime())
	switch {
	case found.GetDeleteTime() != nil:
		return errs.Invalid(field, "RECIPIENT_DELETED", "the recipient is deleted")
	case processor && (found.GetRecipientClass() != contactv1.RecipientClass_RECIPIENT_CLASS_PROCESSOR || ended):
		return errs.Invalid(field, "RECIPIENT_NO_PROCESSOR", "the recipient is no processor with a contract that holds")
	}
	return nil
}

// CreateWebhookEndpoint implements platformv1.WebhookEndpointServiceServer. The secret
// joins the answer after the transaction, as that of an API key does.
func (s *Server) CreateWebhookEndpoint(ctx context.Context, req *platformv1.CreateWebhookEndpointRequest) (*platformv1.WebhookEndpoint, error) {
	id, err := chosenID("webhook_endpoint_id", req.GetWebhookEndpointId())
	if err != nil {
		return nil, err
	}
	e := &webhook.Endpoint{Meta: entity.Meta{ID: id}}
	if err := s.hooks.Endpoints.Fill(e, req.GetWebhookEndpoint()); err != nil {
		return nil, err
	}
	if err := s.onFile(ctx, req.GetWebhookEndpoint()); err != nil {
		return nil, err
	}
	secret := webhook.NewSecret()
	var text string
	text, e.Suffix = webhook.SecretText(secret)
	e.Secret = s.hooks.Seal.Wrap(id, secret)
	made, err := s.hooks.Endpoints.Add(ctx, auth.From(ctx).Tenant, e)
	return s.withSecret(ctx, made, err, id.String(), text, e.Suffix)
}

// withSecret adds a new secret to the answer that it belongs to: not to one that repeats
// an earlier answer, nor where nothing was changed.
func (s *Server) withSecret(ctx context.Context, made *platformv1.WebhookEndpoint, err error, id, text, suffix string) (*platformv1.WebhookEndpoint, error) {
	if err == nil && !call.From(ctx).ValidateOnly && made.GetName() == webhooks.Collection+"/"+id && made.GetSecretSuffix() == suffix {
		made.Secret = text
	}
	return made, err
}

// GetWebhookEndpoint implements platformv1.WebhookEndpointServiceServer.
func (s *Server) GetWebhookEndpoint(ctx context.Context, req *platformv1.GetWebhookEndpointRequest) (*platformv1.WebhookEndpoint, error) {
	return s.hooks.Endpoints.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListWebhookEndpoints implements platformv1.WebhookEndpointServiceServer.
func (s *Server) ListWebhookEndpoints(ctx context.Context, req *platformv1.ListWebhookEndpointsRequest) (*platformv1.ListWebhookEndpointsResponse, error) {
	list, next, err := s.hooks.Endpoints.List(ctx, auth.From(ctx).Tenant, req)
	return &platformv1.ListWebhookEndpointsResponse{WebhookEndpoints: list, NextPageToken: next}, err
}

// UpdateWebhookEndpoint implements platformv1.WebhookEndpointServiceServer. The recipient
// that the endpoint would have is looked up first.
func (s *Server) UpdateWebhookEndpoint(ctx context.Context, req *platformv1.UpdateWebhookEndpointRequest) (*platformv1.WebhookEndpoint, error) {
	tenant, trial := auth.From(ctx).Tenant, call.From(ctx)
	trial.ValidateOnly = true
	if would, err := s.hooks.Endpoints.Update(call.With(ctx, trial), tenant, clone(req.GetWebhookEndpoint()), req.GetUpdateMask()); err == nil {
		if err := s.onFile(ctx, would); err != nil {
			return nil, err
		}
	}
	return s.hooks.Endpoints.Update(ctx, tenant, req.GetWebhookEndpoint(), req.GetUpdateMask())
}

// DeleteWebhookEndpoint implements platformv1.WebhookEndpointServiceServer.
func (s *Server) DeleteWebhookEndpoint(ctx context.Context, req *platformv1.DeleteWebhookEndpointRequest) (*platformv1.WebhookEndpoint, error) {
	return s.hooks.Endpoints.Delete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// UndeleteWebhookEndpoint implements platformv1.WebhookEndpointServiceServer.
func (s *Server) UndeleteWebhookEndpoint(ctx context.Context, req *platformv1.UndeleteWebhookEndpointRequest) (*platformv1.WebhookEndpoint, error) {
	return s.hooks.Endpoints.Undelete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// PauseWebhookEndpoint implements platformv1.WebhookEndpointServiceServer.
func (s *Server) PauseWebhookEndpoint(ctx context.Context, req *platformv1.PauseWebhookEndpointRequest) (*platformv1.WebhookEndpoint, error) {
	return s.hooks.Endpoints.Change(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag(), (*webhook.Endpoint).Pause)
}

// ResumeWebhookEndpoint implements platformv1.WebhookEndpointServiceServer.
func (s *Server) ResumeWebhookEndpoint(ctx context.Context, req *platformv1.ResumeWebhookEndpointRequest) (*platformv1.WebhookEndpoint, error) {
	return s.hooks.Endpoints.Change(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag(), (*webhook.Endpoint).Resume)
}

// RotateWebhookEndpointSecret implements platformv1.WebhookEndpointServiceServer.
func (s *Server) RotateWebhookEndpointSecret(ctx context.Context, req *platformv1.RotateWebhookEndpointSecretRequest) (*platformv1.WebhookEndpoint, error) {
	id, err := s.hooks.Endpoints.ParseName(req.GetName())
	if err != nil {
		return nil, err
	}
	secret := webhook.NewSecret()
	text, suffix := webhook.SecretText(secret)
	made, err := s.hooks.Endpoints.Change(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag(), func(e *webhook.Endpoint) ([]entity.Event, error) {
		return e.Rotate(s.hooks.Seal.Wrap(id, secret), suffix, s.now())
	})
	return s.withSecret(ctx, made, err, id.String(), text, suffix)
}

// TestWebhookEndpoint implements platformv1.WebhookEndpointServiceServer.
func (s *Server) TestWebhookEndpoint(ctx context.Context, req *platformv1.TestWebhookEndpointRequest) (*platformv1.WebhookEndpoint, error) {
	return s.hooks.Endpoints.Change(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag(), (*webhook.Endpoint).Test)
}
