package customfield

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// told begins the types of the events that tell of fields and of the policy.
const told = "lingkar.contact.v1.CustomField"

// Follow keeps the fields of the resources as the events of area contact tell them, and
// the policy. It belongs into a projection of that area that runs as role relay. Whether
// values are there and how far an index is, each service knows of its own records.
func Follow(ctx context.Context, tx pgx.Tx, events []*eventv1.Event, resources map[string]string) error {
	for _, e := range events {
		if !strings.HasPrefix(e.GetType(), told) {
			continue
		}
		if err := follow(ctx, tx, e, resources); err != nil {
			return fmt.Errorf("event %s: %w", e.GetId(), err)
		}
	}
	return nil
}

func follow(ctx context.Context, tx pgx.Tx, e *eventv1.Event, resources map[string]string) error {
	payload, err := e.GetPayload().UnmarshalNew()
	if err != nil {
		return err
	}
	tenant, err := uuid.Parse(strings.TrimPrefix(e.GetTenant(), "tenants/"))
	if err != nil {
		return err
	}
	switch payload := payload.(type) {
	case interface{ GetCustomField() *contactv1.CustomField }:
		if _, ours := resources[payload.GetCustomField().GetResource()]; !ours {
			return nil
		}
		return keep(ctx, tx, tenant, e.GetAggregateSeq(), payload.GetCustomField())
	case interface {
		GetCustomFieldPolicy() *contactv1.CustomFieldPolicy
	}:
		return keepPolicy(ctx, tx, tenant, e.GetAggregateSeq(), payload.GetCustomFieldPolicy())
	}
	return fmt.Errorf("a %s tells of no custom field", e.GetType())
}

// keep writes the state of a field after an event. Fields of one key can come out of
// order, as each is an aggregate of its own: of two that live, the one that changed later
// does.
func keep(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, seq int64, m *contactv1.CustomField) error {
	id, ok := entity.ParseID(strings.TrimPrefix(m.GetName(), Collection+"/"))
	if !ok {
		return fmt.Errorf("%q is no custom field", m.GetName())
	}
	var deleted *time.Time
	if m.GetDeleteTime() != nil {
		at := m.GetDeleteTime().AsTime()
		deleted = &at
	} else if _, err := tx.Exec(ctx, `
		UPDATE custom_field SET delete_time = $5, index_state = 0
		WHERE tenant = $1 AND resource = $2 AND key = $3 AND id <> $4 AND delete_time IS NULL AND update_time <= $5`,
		tenant, m.GetResource(), m.GetKey(), id, m.GetUpdateTime().AsTime()); err != nil {
		return err
	}
	kinds, options := []int32{}, []Option{}
	for _, kind := range m.GetKinds() {
		kinds = append(kinds, int32(kind))
	}
	for _, o := range m.GetOptions() {
		options = append(options, Option{Value: o.GetValue(), DisplayNames: o.GetDisplayNames(), Archived: o.GetArchived()})
	}
	_, err := tx.Exec(ctx, keepSQL,
		tenant, id, m.GetCreateTime().AsTime(), m.GetUpdateTime().AsTime(), deleted, seq, entity.Partition(tenant, id),
		m.GetResource(), m.GetKey(), asJSON(kinds), asJSON(maps.Clone(m.GetDisplayNames())), asJSON(maps.Clone(m.GetHelpTexts())),
		int16(m.GetType()), asJSON(options), m.GetRequired(), m.GetDefaultValue(), m.GetMinimum(), m.GetMaximum(),
		m.GetMaxLength(), m.GetPattern(), m.GetUnique(), m.GetIndexed(), m.GetSearchable())
	return err
}

// keepSQL keeps what is newer than what is there. The index is filled where it is asked
// for and was not there, and where values are to be found that were not.
const keepSQL = `
	INSERT INTO custom_field AS f (tenant, id, create_time, update_time, delete_time, seq, partition, owner, team, source,
		external_ids, labels, custom_fields, resource, key, kinds, display_names, help_texts, type, options, required,
		default_value, minimum, maximum, max_length, pattern, is_unique, indexed, searchable, index_state, in_use, pack)
	SELECT $1, $2, $3, $4, d.deleted, $6, $7, '', '', '', '{}', '{}', '{}', $8, $9, $10, $11, $12, $13, $14, $15,
		$16, $17, $18, $19, $20, $21, $22, $23, CASE WHEN d.deleted IS NULL AND ($22 OR $23) THEN 1 ELSE 0 END, false, ''
	FROM (SELECT coalesce($5::timestamptz, (
		SELECT o.update_time FROM custom_field AS o
		WHERE o.tenant = $1 AND o.resource = $8 AND o.key = $9 AND o.id <> $2 AND o.delete_time IS NULL)) AS deleted) AS d
	ON CONFLICT (tenant, id) DO UPDATE
	SET update_time = excluded.update_time, delete_time = excluded.delete_time, seq = excluded.seq,
		kinds = excluded.kinds, display_names = excluded.display_names, help_texts = excluded.help_texts, type = excluded.type,
		options = excluded.options, required = excluded.required, default_value = excluded.default_value,
		minimum = excluded.minimum, maximum = excluded.maximum, max_length = excluded.max_length, pattern = excluded.pattern,
		is_unique = excluded.is_unique, indexed = excluded.indexed, searchable = excluded.searchable,
		index_state = CASE
			WHEN excluded.index_state = 0 OR f.index_state = 0 OR excluded.searchable AND NOT f.searchable THEN excluded.index_state
			ELSE f.index_state END
	WHERE f.seq < excluded.seq`

func keepPolicy(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, seq int64, p *contactv1.CustomFieldPolicy) error {
	at := p.GetUpdateTime().AsTime()
	_, err := tx.Exec(ctx, `
		INSERT INTO custom_field_policy AS p (tenant, id, create_time, update_time, seq, partition, owner, team, source,
			external_ids, labels, custom_fields, unknown_keys)
		VALUES ($1, $2, $3, $3, $4, 0, '', '', '', '{}', '{}', '{}', $5)
		ON CONFLICT (tenant, id) DO UPDATE
		SET update_time = excluded.update_time, seq = excluded.seq, unknown_keys = excluded.unknown_keys
		WHERE p.seq < excluded.seq`, tenant, PolicyID, at, seq, max(int16(p.GetUnknownKeys()), int16(Open)))
	return err
}

// asJSON writes what the tables hold as JSON.
func asJSON(v any) []byte {
	written, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and numbers are written always
	}
	return written
}
