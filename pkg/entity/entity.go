// Package entity holds what every aggregate root has in common: its identity,
// its place in the event log and the fields each resource carries. It is pure
// (standard library and uuid only), so that domain packages may embed it.
//
// The package promises no behaviour beyond these values: who stores them, and
// when they change, is decided by pkg/record.
package entity

import (
	"encoding/binary"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Partitions is the number of partitions of every event log. Changing it means
// rebuilding all logs and projections.
const Partitions = 16

// Meta is embedded in each aggregate root. The tags name the columns every
// resource table has beside its tenant.
type Meta struct {
	// ID is a UUIDv7, made by the server or brought by an offline client.
	ID uuid.UUID `db:"id"`
	// CreateTime and UpdateTime are in UTC, to the microsecond.
	CreateTime time.Time `db:"create_time"`
	UpdateTime time.Time `db:"update_time"`
	// DeleteTime is nil while the resource is alive.
	DeleteTime *time.Time `db:"delete_time"`
	// Seq is the number of the aggregate's last event, counted from 1 without
	// gaps.
	Seq int64 `db:"seq"`
	// Partition is the aggregate's place in the event log, chosen at creation
	// and never changed afterwards.
	Partition int16 `db:"partition"`
	// Owner is the user who looks after the resource ("users/…"), Team the team
	// ("teams/…"); both may be empty.
	Owner string `db:"owner"`
	Team  string `db:"team"`
	// Source says where the record came from, such as "web" or "import".
	Source string `db:"source"`
	// ExternalIDs maps a foreign system to the resource's id there.
	ExternalIDs map[string]string `db:"external_ids,json"`
	// Labels are free marks of the tenant.
	Labels map[string]string `db:"labels,json"`
	// CustomFields holds the fields a tenant added, as decoded JSON.
	CustomFields map[string]any `db:"custom_fields,json"`
}

// Etag names this version of the resource: it changes with every event and is
// opaque to clients.
func (m *Meta) Etag() string {
	return strconv.FormatInt(m.Seq, 36)
}

// Deleted reports whether the resource was soft deleted.
func (m *Meta) Deleted() bool {
	return m.DeleteTime != nil
}

// Partition places an aggregate in the event log: key is its primary contact at
// creation, or the aggregate's own id where it has none. The answer lies in
// [0, Partitions) and is the same in every process and release.
func Partition(tenant, key uuid.UUID) int16 {
	h := fnv.New64a()
	h.Write(tenant[:])
	h.Write(key[:])
	sum := binary.BigEndian.Uint64(h.Sum(nil))
	return int16((sum ^ sum>>32) % Partitions)
}

// NewID returns a new UUIDv7: ids made later in one process sort later. It
// panics when the machine has no source of randomness.
func NewID() uuid.UUID {
	return uuid.Must(uuid.NewV7())
}

// ParseID reads the id of a resource: a UUIDv7 in its canonical spelling, in lower
// case. Every name and every reference is read by it, so that what is no id is
// refused in the same words everywhere and not looked for.
func ParseID(text string) (uuid.UUID, bool) {
	id, err := uuid.Parse(text)
	return id, err == nil && id.Version() == 7 && id.Variant() == uuid.RFC4122 && id.String() == text
}
