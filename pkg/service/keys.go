package service

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

const (
	contactArea   = "contact"
	contactPrefix = "contacts/"
	// keysPerCall is how many keys KeyService answers at once.
	keysPerCall = 1000
)

// contactKeys are the keys of the contact service, asked for as this service and
// kept for five minutes.
func contactKeys(rt *Runtime) eventlog.Keys {
	client := contactv1.NewKeyServiceClient(rt.Dial(contactArea))
	return eventlog.NewKeyCache(time.Now, func(ctx context.Context, tenant uuid.UUID, contacts []uuid.UUID) (map[uuid.UUID]eventlog.Key, error) {
		ctx, err := rt.AsService(ctx, tenant)
		if err != nil {
			return nil, err
		}
		return fetchKeys(ctx, client, contacts)
	})
}

func fetchKeys(ctx context.Context, client contactv1.KeyServiceClient, contacts []uuid.UUID) (map[uuid.UUID]eventlog.Key, error) {
	keys := make(map[uuid.UUID]eventlog.Key, len(contacts))
	for len(contacts) > 0 {
		n := min(len(contacts), keysPerCall)
		req := &contactv1.FetchKeysRequest{}
		for _, c := range contacts[:n] {
			req.Contacts = append(req.Contacts, contactPrefix+c.String())
		}
		resp, err := client.FetchKeys(ctx, req)
		if err != nil {
			return nil, err
		}
		for _, k := range resp.GetKeys() {
			if err := addKey(keys, k); err != nil {
				return nil, err
			}
		}
		contacts = contacts[n:]
	}
	return keys, nil
}

func addKey(keys map[uuid.UUID]eventlog.Key, k *contactv1.ContactKey) error {
	contact, err := uuid.Parse(strings.TrimPrefix(k.GetContact(), contactPrefix))
	if err != nil {
		return fmt.Errorf("read whose key it is: %w", err)
	}
	if len(k.GetSecret()) == 0 {
		keys[contact] = eventlog.Key{}
		return nil
	}
	keys[contact], err = eventlog.NewKey(k.GetKey(), k.GetSecret())
	return err
}
