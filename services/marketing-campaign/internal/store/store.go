// Package store keeps segments, campaigns, touches and responses in PostgreSQL,
// and says how each becomes a message and an event.
//
// What must hold between rows is a constraint first: one touch for a campaign and
// a contact, external ids, members that belong to a version. The work that goes
// on in the background, looking up members and sending touches, stands in tables
// of its own, written with the change that orders it, so that it survives a
// restart. A lease keeps two processes from doing the same work; where both do it
// all the same, constraints and row locks let its effect happen once.
package store

import (
	"embed"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/campaign"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/segment"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/touch"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations make the tables of this service.
func Migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return sub
}

// The collections of resource names.
const (
	contacts  = "contacts"
	consents  = "consents"
	segments  = "segments"
	campaigns = "campaigns"
	touches   = "touches"
)

// Store is the database of the service.
type Store struct {
	DB  *postgres.DB
	Log *eventlog.Log

	Segments  *record.Store[segment.Segment, *campaignv1.Segment]
	Campaigns *record.Store[campaign.Campaign, *campaignv1.Campaign]
	Touches   *record.Store[touch.Touch, *campaignv1.Touch]
}

// New answers the store of a database.
func New(db *postgres.DB, log *eventlog.Log) *Store {
	return &Store{
		DB: db, Log: log,
		Segments:  newSegments(db, log),
		Campaigns: newCampaigns(db, log),
		Touches:   newTouches(db, log),
	}
}

// shared are the fields of every resource that lists may filter, beside its own.
func shared(own ...postgres.Field) []postgres.Field {
	return append(own,
		postgres.Field{Path: "owner"},
		postgres.Field{Path: "team"},
		postgres.Field{Path: "source"},
		postgres.Field{Path: "external_ids", Type: postgres.Map},
		postgres.Field{Path: "labels", Type: postgres.Map},
		postgres.Field{Path: "custom_fields", Type: postgres.JSON},
		postgres.Field{Path: "create_time", Type: postgres.Time},
		postgres.Field{Path: "update_time", Type: postgres.Time},
	)
}

// enum is a field that holds an enumeration of the contract. A filter names a
// value in full, or without the prefix that all values share.
func enum(path string, values map[string]int32, prefix string) postgres.Field {
	names := make(map[string]int32, 2*len(values))
	for name, number := range values {
		if number != 0 {
			names[name], names[strings.TrimPrefix(name, prefix)] = number, number
		}
	}
	return postgres.Field{Path: path, Type: postgres.Enum, Values: names}
}

var errExternalID = errs.AlreadyExists("EXTERNAL_ID_TAKEN", "another record of this kind has this id in that system")

// externalIDs replaces what other systems call a record, where that changed. The
// table is <kind>_external_id.
func externalIDs(w *postgres.Writes, kind string, before, after *entity.Meta) {
	if before == nil {
		before = &entity.Meta{}
	}
	if maps.Equal(before.ExternalIDs, after.ExternalIDs) {
		return
	}
	systems := slices.Sorted(maps.Keys(after.ExternalIDs))
	ids := make([]string, len(systems))
	for i, s := range systems {
		ids[i] = after.ExternalIDs[s]
	}
	w.Queue("DELETE FROM "+kind+"_external_id WHERE tenant = $1 AND "+kind+" = $2", w.Tenant(), after.ID)
	w.Queue(`
		INSERT INTO `+kind+`_external_id (tenant, system, id, `+kind+`)
		SELECT $1, e.system, e.id, $2
		FROM unnest($3::text[], $4::text[]) AS e (system, id)`, w.Tenant(), after.ID, systems, ids)
}
