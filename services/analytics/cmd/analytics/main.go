// Command analytics runs the service that answers from the events of all areas.
package main

import (
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/services/analytics"
)

func main() { service.Main(analytics.Definition) }
