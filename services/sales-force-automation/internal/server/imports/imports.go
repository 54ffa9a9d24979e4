// Package imports brings the files of other systems into the sales area: leads,
// opportunities and purchases.
//
// A record is recognised by its id in the system the file comes from, or, where the
// file has none, by what makes it that record; so a file brought twice creates
// nothing. A row's contact is found by its ids, its e-mail address or, for accounts,
// its name, and created where it is named and not here: a row that names nobody
// fails. That happens before the transaction of a step; a trial only looks.
//
// Limits: a file cannot say that a lead became an opportunity. A purchase that is
// recorded stays as it is. What is closed here is not opened again.
package imports

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/bulk"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/pipeline"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

// Importer knows what the rows of a file mean.
type Importer struct {
	Store    *store.Store
	Contacts contactv1.ContactServiceClient
	// AsService answers a context in which the service itself calls.
	AsService func(ctx context.Context, tenant uuid.UUID) (context.Context, error)
	// Usable answers why some of these contacts cannot be used, and makes the others
	// known to the service.
	Usable func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]error, error)
	// Pipeline answers the default pipeline, which it sets up where there is none.
	Pipeline func(ctx context.Context) (*pipeline.Pipeline, error)
	// Now is the clock, to the microsecond.
	Now func() time.Time
}

// Server answers the calls on the area's imports.
type Server struct {
	salesv1.UnsafeImportServiceServer
	*bulk.Engine
}

// New makes it of an engine that lacks only its kinds. Run the engine as a
// background loop.
func New(i *Importer, e bulk.Engine) *Server {
	e.Collection = "salesImports"
	e.Kinds = []bulk.Kind{i.leads(), i.opportunities(), i.purchases()}
	return &Server{Engine: bulk.New(e)}
}
