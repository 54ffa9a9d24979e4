// Package eventlog is the record of a service and the way its events travel.
//
// A Log seals the personal fields of a change's events and queues them into the
// transaction of the change. A Relay, one leader per service, gives each
// committed event the next position of its partition, without gaps, and
// publishes it. A Runner applies events to a projection: in order of position,
// each exactly once, whatever the broker repeats, loses or delivers late,
// because the projection's own cursor is compared and set in the transaction
// that applies them. What the broker lacks is read from the producer's log.
//
// Order holds per aggregate, and per partition (so per customer) of one area.
// An effect outside the projection's database is not covered: keep an inbox by
// event id there.
package eventlog

import (
	"context"
	"embed"
	"io/fs"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations make the tables of this package, in the schema public of each
// service's database: postgres.Migrate(ctx, url, VersionTable, Migrations).
var Migrations = sub(files, "migrations")

// VersionTable remembers which Migrations were applied.
const VersionTable = "eventlog_version"

func sub(files fs.FS, dir string) fs.FS {
	below, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // dir is a constant
	}
	return below
}

// MaxEventBytes is the largest event, marshalled and sealed: 256 KiB. Larger
// bodies become a Document of their own and the event carries its name.
const MaxEventBytes = 256 << 10

// Draft is an event as a service words it; the Log fills in the rest.
type Draft struct {
	// Payload is the typed message; its full name is the event's type.
	Payload proto.Message
	// Interaction is set where the event is an entry of the customer's timeline.
	Interaction *eventv1.Interaction
	// Contacts are those it concerns, the primary one first: the personal fields
	// are sealed under its key. May be empty where no personal field is set.
	Contacts []uuid.UUID
	// OccurredAt is when it happened in the world; zero stands for now.
	OccurredAt time.Time
}

// Aggregate says whose events are written.
type Aggregate struct {
	// Name is the resource name, such as "orders/{uuid}".
	Name string
	// Partition was chosen at creation (entity.Partition) and never changes.
	Partition int16
	// Seq is the number of its last event before these; 0 for a new aggregate.
	Seq int64
}

// Log writes events into the transactions of one service.
type Log struct {
	// Area is the area that records, such as "sales".
	Area string
	// Keys seal the personal fields.
	Keys Keys
	// Now is the clock.
	Now func() time.Time
	// Wake is called after a commit: it tells the relay that there is work. Nil
	// leaves that to the relay's poll.
	Wake func()
}

// Source is what a projection catches up from: the log of one area. A Reader is
// the log of the same process, NewSource that of another service.
type Source interface {
	ReadEvents(context.Context, *eventv1.ReadEventsRequest) (*eventv1.ReadEventsResponse, error)
	GetLogHeads(context.Context, *eventv1.GetLogHeadsRequest) (*eventv1.LogHeads, error)
}
