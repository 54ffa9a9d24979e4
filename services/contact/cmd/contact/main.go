// Command contact runs the contact service.
package main

import (
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/services/contact"
)

func main() { service.Main(contact.Definition) }
