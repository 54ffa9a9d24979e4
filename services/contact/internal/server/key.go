package server

import (
	"context"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// FetchKeys implements KeyService.
func (s *Server) FetchKeys(ctx context.Context, req *contactv1.FetchKeysRequest) (*contactv1.FetchKeysResponse, error) {
	r := &fields.Reader{}
	ids := make([]uuid.UUID, len(req.GetContacts()))
	for i, name := range req.GetContacts() {
		ids[i] = r.Ref(fields.Index("contacts", i), "contacts", name)
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	keys, err := s.Keys.Load(ctx, auth.From(ctx).Tenant, ids)
	if err != nil {
		return nil, err
	}
	resp := &contactv1.FetchKeysResponse{}
	for contact, key := range keys {
		secret, err := s.Keys.Secret(key)
		if err != nil {
			return nil, err
		}
		resp.Keys = append(resp.Keys, &contactv1.ContactKey{
			Contact: fields.Name("contacts", &contact), Key: key.ID.String(), Secret: secret,
		})
	}
	return resp, nil
}
