package postgres

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// sendUUIDs makes a uuid.UUID travel as its sixteen bytes. Without this pgx takes
// it for a driver.Valuer: it is spelled out and parsed again, which was a third of
// the time of a batch of events.
func sendUUIDs(conn *pgx.Conn) {
	m := conn.TypeMap()
	m.TryWrapEncodePlanFuncs = append([]pgtype.TryWrapEncodePlanFunc{wrapUUID}, m.TryWrapEncodePlanFuncs...)
	m.TryWrapScanPlanFuncs = append([]pgtype.TryWrapScanPlanFunc{wrapUUIDTarget}, m.TryWrapScanPlanFuncs...)
}

// plainUUID is a uuid.UUID as pgx knows it.
type plainUUID uuid.UUID

// UUIDValue implements pgtype.UUIDValuer.
func (u plainUUID) UUIDValue() (pgtype.UUID, error) { return pgtype.UUID{Bytes: u, Valid: true}, nil }

// ScanUUID implements pgtype.UUIDScanner. NULL is the zero id, as uuid.UUID reads
// it itself.
func (u *plainUUID) ScanUUID(v pgtype.UUID) error {
	*u = plainUUID(v.Bytes)
	return nil
}

func wrapUUID(value any) (plan pgtype.WrappedEncodePlanNextSetter, next any, ok bool) {
	id, ok := value.(uuid.UUID)
	return &encodeUUID{}, plainUUID(id), ok
}

type encodeUUID struct{ next pgtype.EncodePlan }

func (p *encodeUUID) SetNext(next pgtype.EncodePlan) { p.next = next }

func (p *encodeUUID) Encode(value any, buf []byte) ([]byte, error) {
	return p.next.Encode(plainUUID(value.(uuid.UUID)), buf)
}

func wrapUUIDTarget(target any) (plan pgtype.WrappedScanPlanNextSetter, next any, ok bool) {
	id, ok := target.(*uuid.UUID)
	return &scanUUID{}, (*plainUUID)(id), ok
}

type scanUUID struct{ next pgtype.ScanPlan }

func (p *scanUUID) SetNext(next pgtype.ScanPlan) { p.next = next }

func (p *scanUUID) Scan(src []byte, target any) error {
	return p.next.Scan(src, (*plainUUID)(target.(*uuid.UUID)))
}
