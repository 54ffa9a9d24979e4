// Package server answers the calls on contacts, relationships, interactions,
// consent and keys: it reads the request, lets the store run the rules, and
// answers. It decides nothing itself.
package server

import (
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store/keystore"
)

// Server implements the services of the contact area.
type Server struct {
	contactv1.UnsafeContactServiceServer
	contactv1.UnsafeRelationshipServiceServer
	contactv1.UnsafeInteractionServiceServer
	contactv1.UnsafeConsentServiceServer
	contactv1.UnsafeKeyServiceServer

	Store *store.Store
	Keys  *keystore.Store
}

// pager is what every list request has.
type pager interface {
	GetPageSize() int32
	GetPageToken() string
	GetFilter() string
	GetOrderBy() string
}

// page is a list request with the order that stands in for none. Records that
// are never deleted have no deleted ones to show.
type page struct {
	pager
	order   string
	deleted bool
}

// GetOrderBy implements record.ListRequest.
func (p page) GetOrderBy() string {
	if order := p.pager.GetOrderBy(); order != "" {
		return order
	}
	return p.order
}

// GetShowDeleted implements record.ListRequest.
func (p page) GetShowDeleted() bool { return p.deleted }

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
