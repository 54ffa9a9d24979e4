package testkit

import (
	"context"
	"crypto/sha256"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

const contactArea = "contact"

// derivedKeys is a KeyService that has a key for every contact there could be.
type derivedKeys struct {
	contactv1.UnimplementedKeyServiceServer
}

// FetchKeys implements contactv1.KeyServiceServer.
func (derivedKeys) FetchKeys(ctx context.Context, req *contactv1.FetchKeysRequest) (*contactv1.FetchKeysResponse, error) {
	resp := &contactv1.FetchKeysResponse{}
	for _, contact := range req.GetContacts() {
		secret := sha256.Sum256([]byte(auth.From(ctx).Tenant.String() + contact))
		resp.Keys = append(resp.Keys, &contactv1.ContactKey{Contact: contact, Key: "1", Secret: secret[:]})
	}
	return resp, nil
}

// standInKeys serves derivedKeys until the test ends, and answers where.
func standInKeys(t testing.TB, verifier *auth.Verifier) string {
	t.Helper()
	server := rpc.NewServer(rpc.Options{
		Policy:       auth.Policy{contactv1.KeyService_FetchKeys_FullMethodName: auth.Allow(auth.All, auth.Service)},
		Authenticate: verifier.Verify,
	})
	contactv1.RegisterKeyServiceServer(server, derivedKeys{})
	listener := listen(t)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	server.SetServing(true)
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}
