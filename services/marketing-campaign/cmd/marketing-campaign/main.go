// Command marketing-campaign runs the service of campaigns.
package main

import (
	"github.com/lingkar-crm/lingkar/pkg/service"
	campaign "github.com/lingkar-crm/lingkar/services/marketing-campaign"
)

func main() { service.Main(campaign.Definition) }
