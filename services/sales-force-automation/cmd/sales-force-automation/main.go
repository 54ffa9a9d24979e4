// Command sales-force-automation runs the sales-force-automation service.
package main

import (
	"github.com/lingkar-crm/lingkar/pkg/service"
	sales "github.com/lingkar-crm/lingkar/services/sales-force-automation"
)

func main() { service.Main(sales.Definition) }
