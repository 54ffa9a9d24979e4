// Package server answers the calls on contacts, relationships, interactions,
// consent, identity and keys: it reads the request, lets the store run the rules, and
// answers. It decides nothing itself.
package server

import (
	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fieldaccess"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store/keystore"
)

// Server implements the services of the contact area.
type Server struct {
	contactv1.UnsafeContactServiceServer
	contactv1.UnsafeRelationshipServiceServer
	contactv1.UnsafeDocumentServiceServer
	contactv1.UnsafeInteractionServiceServer
	contactv1.UnsafeConsentServiceServer
	contactv1.UnsafeKeyServiceServer
	contactv1.UnsafePurposeServiceServer
	contactv1.UnsafePrivacyServiceServer
	contactv1.UnsafeDisclosureServiceServer
	contactv1.UnsafeIdentityServiceServer
	contactv1.UnsafeEmployeeServiceServer
	contactv1.UnsafeCustomFieldServiceServer
	contactv1.UnsafeFactServiceServer
	contactv1.UnsafeInvestorRelationsServiceServer
	contactv1.UnsafeQualityServiceServer
	contactv1.UnsafeSyncServiceServer
	contactv1.UnsafeLifecycleServiceServer
	contactv1.UnsafePortalServiceServer

	Store *store.Store
	Keys  *keystore.Store
	// Rules are the tenants' rules about fields.
	Rules *fieldaccess.Book
	// Changes tells how far the order of changes has come.
	Changes *eventlog.Runner
	// Issuer mints the tokens of portals.
	Issuer *auth.Issuer
}

// The sizes of a search: there is one page.
const (
	defaultFound = 20
	maxFound     = 100
)

func foundSize(wanted int32) int {
	if wanted == 0 {
		return defaultFound
	}
	return int(min(wanted, maxFound))
}
