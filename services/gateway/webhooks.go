package gateway

import (
	"context"
	"fmt"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/kek"
	"github.com/lingkar-crm/lingkar/pkg/service"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/egress"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/webhooks"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/store"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/webhook"
)

// webhooksOf starts what sends webhooks, and answers what their RPCs need.
func webhooksOf(rt *service.Runtime, c Config) (server.Webhooks, error) {
	seal, err := kek.Parse(rt.Secrets[kekSecret])
	if err != nil {
		return server.Webhooks{}, fmt.Errorf("secret %s (%s): %w", kekSecret, rt.SecretFiles[kekSecret], err)
	}
	guard := egress.Guard{AllowPrivate: c.WebhookAllowPrivate}
	if guard.AllowPrivate {
		rt.Logger.Warn("webhooks may go to this machine and to private networks, as LINGKAR_WEBHOOK_ALLOW_PRIVATE says")
	}
	endpoints := server.NewEndpoints(rt.DB, rt.Log, guard)
	decides := contactv1.NewDisclosureServiceClient(rt.Dial("contact"))
	d := &webhooks.Dispatcher{
		DB: rt.DB, Guard: guard, Now: rt.Now, As: rt.AsService, Decides: decides,
		Keys: rt.Keys, Fields: rt.Fields, Seal: seal, Logger: rt.Logger, Meters: rt.Meters(),
		Disable: func(ctx context.Context, of store.DueEndpoint, reason string) error {
			own, err := rt.AsService(ctx, of.Tenant)
			if err != nil {
				return err
			}
			_, err = endpoints.Change(own, of.Tenant, webhooks.Collection+"/"+of.ID.String(), "", func(e *webhook.Endpoint) ([]entity.Event, error) {
				return e.Disable(reason)
			})
			return err
		},
	}
	rt.Project(webhooks.Projection(rt.Now))
	rt.Go("webhooks", d.Run)
	rt.Go("old webhook deliveries", d.Purge)
	return server.Webhooks{Endpoints: endpoints, Seal: seal, Recipients: decides}, nil
}
