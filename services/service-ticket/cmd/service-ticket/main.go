// Command service-ticket runs the service of tickets.
package main

import (
	"github.com/lingkar-crm/lingkar/pkg/service"
	ticket "github.com/lingkar-crm/lingkar/services/service-ticket"
)

func main() { service.Main(ticket.Definition) }
