package consent

import (
	"slices"
	"time"

	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// Retention is for how long a contact's data is kept for a purpose. Both times are
// nil while the purpose lasts.
type Retention struct {
	End, KeepUntil *time.Time
}

// Demands reports whether data must be kept at that time.
func (r *Retention) Demands(at time.Time) bool { return r.KeepUntil == nil || at.Before(*r.KeepUntil) }

// Retention answers for how long data of a contact is kept for the purpose; nil where
// the purpose does not concern it. A purpose that rests on consent concerns whoever
// ever spoke of it, and lasts while a grant holds on any channel. Others concern those
// who play, or played, one of the purpose's roles, and last while they do and do not
// object. The entries are those of the contact's ledger on the purpose.
func (p *Purpose) Retention(roles []contact.Role, entries []*Entry, at time.Time) *Retention {
	var concerned bool
	var end *time.Time
	if p.Basis == Agreement {
		concerned, end = p.grantsEnd(entries, at)
	} else {
		concerned, end = p.rolesEnd(roles, entries, at)
	}
	if !concerned {
		return nil
	}
	r := &Retention{End: end}
	if end != nil {
		until := end.AddDate(0, 0, int(p.RetentionDays))
		r.KeepUntil = &until
	}
	return r
}

// grantsEnd answers whether the ledger speaks of the purpose, and when its last grant
// ended; nil while one holds.
func (p *Purpose) grantsEnd(entries []*Entry, at time.Time) (concerned bool, end *time.Time) {
	for _, e := range entries {
		d := Decide(Question{Entries: entries, Purpose: *p, Channel: e.Channel, At: at})
		if d.Allowed {
			return true, nil
		}
		if d.Proof == nil {
			continue // it speaks of a time to come
		}
		concerned = true
		over := d.Proof.OccurredAt
		if d.Reason == Expired {
			over = *p.ends(d.Proof)
		}
		if end == nil || over.After(*end) {
			end = &over
		}
	}
	return concerned, end
}

// rolesEnd answers whether the contact plays or played a role of the purpose, and
// when the last of them ended, or the contact objected; nil while neither did.
func (p *Purpose) rolesEnd(roles []contact.Role, entries []*Entry, at time.Time) (concerned bool, end *time.Time) {
	open := false
	for _, r := range roles {
		if !slices.Contains(p.Roles, r.Kind) {
			continue
		}
		concerned = true
		if r.End == nil || r.End.After(at) {
			open = true
		} else if end == nil || r.End.After(*end) {
			end = r.End
		}
	}
	if open {
		end = nil
	}
	no := Decide(Question{Entries: entries, Purpose: *p, At: at})
	if concerned && !no.Allowed && no.Proof != nil && (end == nil || no.Proof.OccurredAt.Before(*end)) {
		end = &no.Proof.OccurredAt
	}
	return concerned, end
}
