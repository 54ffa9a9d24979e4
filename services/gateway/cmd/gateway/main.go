// Command gateway is the process of the front door.
package main

import (
	_ "time/tzdata" // time zones, where the machine has none

	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

func main() { service.Main(gateway.Definition) }
