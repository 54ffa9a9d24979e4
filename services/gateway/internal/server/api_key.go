package server

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/apikey"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/store"
)

func keys(db *postgres.DB, log *eventlog.Log, now func() time.Time) *record.Store[apikey.Key, *platformv1.ApiKey] {
	meta := func(k *apikey.Key) *entity.Meta { return &k.Meta }
	return &record.Store[apikey.Key, *platformv1.ApiKey]{
		DB: db, Log: log, Table: store.Keys, Kind: "API key", Collection: keyNames,
		Meta:  meta,
		Proto: func(k *apikey.Key) *platformv1.ApiKey { return keyMessage(k, now()) },
		Fill:  func(k *apikey.Key, p *platformv1.ApiKey) error { return fillKey(k, p, now()) },
		Event: func(k *apikey.Key, e entity.Event) eventlog.Draft { return keyEvent(k, e, now()) },
		Extra: store.ExternalIDs("api_key", meta),
	}
}

// keyMessage words a key, without its secret: nobody has that.
func keyMessage(k *apikey.Key, now time.Time) *platformv1.ApiKey {
	state := k.State(now)
	var actions []string
	if state != apikey.Revoked {
		actions = []string{"UpdateApiKey", "RevokeApiKey"}
	}
	return &platformv1.ApiKey{
		Name:           keyNames + "/" + k.ID.String(),
		DisplayName:    k.DisplayName,
		Roles:          k.Roles,
		ExpireTime:     fields.Timestamp(k.ExpireTime),
		SecretSuffix:   k.Suffix,
		State:          platformv1.ApiKey_State(state),
		LastUseTime:    fields.Timestamp(k.LastUseTime),
		ExternalIds:    k.ExternalIDs,
		Labels:         k.Labels,
		CreateTime:     timestamppb.New(k.CreateTime),
		UpdateTime:     timestamppb.New(k.UpdateTime),
		DeleteTime:     fields.Timestamp(k.DeleteTime),
		Etag:           k.Etag(),
		AllowedActions: actions,
	}
}

func fillKey(k *apikey.Key, p *platformv1.ApiKey, now time.Time) error {
	r := fields.Reader{In: "api_key"}
	fillMarks(&k.Meta, p)
	k.DisplayName = r.RequiredLine("display_name", p.GetDisplayName())
	k.Roles = slices.Clone(p.GetRoles())
	was := k.ExpireTime
	k.ExpireTime = nil
	if at := r.Time("expire_time", p.GetExpireTime()); !at.IsZero() {
		k.ExpireTime = &at
	}
	if was == nil || k.ExpireTime == nil || !was.Equal(*k.ExpireTime) { // an end that has passed may stay
		r.Add(k.Check(now)...)
	}
	return r.Err()
}

func keyEvent(k *apikey.Key, e entity.Event, now time.Time) eventlog.Draft {
	message := keyMessage(k, now)
	switch e := e.(type) {
	case entity.Created:
		return eventlog.Draft{Payload: &platformv1.ApiKeyCreated{ApiKey: message}}
	case entity.Updated:
		return eventlog.Draft{Payload: &platformv1.ApiKeyUpdated{ApiKey: message, UpdateMask: maskOf(e)}}
	case entity.Deleted:
		return eventlog.Draft{Payload: &platformv1.ApiKeyRevoked{ApiKey: message}}
	}
	panic(untold + e.EventName())
}

// CreateApiKey implements platformv1.ApiKeyServiceServer. The secret joins the
// answer after the transaction, so that neither the event nor the answer kept for
// a repeated request holds it.
func (s *Server) CreateApiKey(ctx context.Context, req *platformv1.CreateApiKeyRequest) (*platformv1.ApiKey, error) {
	if err := mayGrant(ctx, req.GetApiKey().GetRoles()); err != nil {
		return nil, err
	}
	id, err := chosenID("api_key_id", req.GetApiKeyId())
	if err != nil {
		return nil, err
	}
	key := &apikey.Key{Meta: entity.Meta{ID: id}}
	if err := fillKey(key, req.GetApiKey(), s.now()); err != nil {
		return nil, err
	}
	secret := key.Seal()
	made, err := s.keys.Add(ctx, auth.From(ctx).Tenant, key)
	if err != nil || call.From(ctx).ValidateOnly {
		return made, err
	}
	if made.GetName() == keyNames+"/"+id.String() && made.GetSecretSuffix() == key.Suffix { // else it repeats an earlier answer
		made.Secret = secret
	}
	return made, nil
}

// GetApiKey implements platformv1.ApiKeyServiceServer.
func (s *Server) GetApiKey(ctx context.Context, req *platformv1.GetApiKeyRequest) (*platformv1.ApiKey, error) {
	return s.keys.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListApiKeys implements platformv1.ApiKeyServiceServer.
func (s *Server) ListApiKeys(ctx context.Context, req *platformv1.ListApiKeysRequest) (*platformv1.ListApiKeysResponse, error) {
	list, next, err := s.keys.List(ctx, auth.From(ctx).Tenant, req)
	return &platformv1.ListApiKeysResponse{ApiKeys: list, NextPageToken: next}, err
}

// UpdateApiKey implements platformv1.ApiKeyServiceServer.
func (s *Server) UpdateApiKey(ctx context.Context, req *platformv1.UpdateApiKeyRequest) (*platformv1.ApiKey, error) {
	return s.keys.Update(ctx, auth.From(ctx).Tenant, req.GetApiKey(), req.GetUpdateMask())
}

// RevokeApiKey implements platformv1.ApiKeyServiceServer.
func (s *Server) RevokeApiKey(ctx context.Context, req *platformv1.RevokeApiKeyRequest) (*platformv1.ApiKey, error) {
	revoked, err := s.keys.Delete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
	if id, wrong := s.keys.ParseName(req.GetName()); err == nil && wrong == nil {
		s.changed(id)
	}
	return revoked, err
}
