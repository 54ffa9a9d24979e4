package admission

import (
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/auth"
)

// ClassOf answers the class of a call: that of its method where it is bulk work by
// its name, else that of its caller.
func ClassOf(caller auth.Caller, method string) Class {
	name := method[strings.LastIndexByte(method, '/')+1:]
	for _, verb := range []string{"Batch", "Import", "Export", "Rebuild", "ReadEvents", "StartCampaign"} {
		if strings.HasPrefix(name, verb) {
			return Bulk
		}
	}
	if strings.HasPrefix(caller.Subject, "users/") || caller.Has(auth.Portal) {
		return Interactive
	}
	return Integration
}
