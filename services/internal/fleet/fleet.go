// Package fleet names the services that make up the suite, once for all that
// start, migrate, certify or look after them.
package fleet

import (
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/services/analytics"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
	campaign "github.com/lingkar-crm/lingkar/services/marketing-campaign"
	sales "github.com/lingkar-crm/lingkar/services/sales-force-automation"
	ticket "github.com/lingkar-crm/lingkar/services/service-ticket"
)

// Keys is the name of the database of sealing keys, which belongs to contact.
const Keys = "keys"

// All are the definitions of all services, in the order in which they start.
func All() []service.Definition {
	return []service.Definition{
		contact.Definition, sales.Definition, ticket.Definition, campaign.Definition, analytics.Definition, gateway.Definition,
	}
}

// Database is the name of the database of an area.
func Database(area string) string { return "lingkar_" + area }

// Names are the names of all services.
func Names() []string {
	var names []string
	for _, d := range All() {
		names = append(names, d.Name)
	}
	return names
}
