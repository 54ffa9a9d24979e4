package eventlog

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// Together is one projection of several parts that nobody waits for: one reading of the
// events and one transaction a batch, where each of them would cost its own. They stand
// or fall as one: an event that one part cannot apply is parked for all of them, and
// waits as long as the most patient.
//
// Each part gets the events of its own areas, in the order of the parts. All of them must
// leave personal fields sealed, or all of them get them opened; it panics otherwise, and
// where two parts erase.
func Together(name string, parts ...Projection) Projection {
	whole := Projection{Name: name, Personal: Unread}
	for _, p := range parts {
		for _, area := range p.Areas {
			if !slices.Contains(whole.Areas, area) {
				whole.Areas = append(whole.Areas, area)
			}
		}
		if (p.Personal == Unsealed) != (parts[0].Personal == Unsealed) {
			panic(fmt.Sprintf("eventlog: %s reads personal fields otherwise than %s", p.Name, parts[0].Name))
		}
		whole.Personal = min(whole.Personal, p.Personal)
		whole.Linger = max(whole.Linger, p.Linger)
		if p.Erase != nil {
			if whole.Erase != nil {
				panic(fmt.Sprintf("eventlog: %s is the second part that erases", p.Name))
			}
			whole.Erase = p.Erase
		}
	}
	whole.Apply = func(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
		for _, p := range parts {
			own := events
			if len(p.Areas) < len(whole.Areas) {
				own = slices.DeleteFunc(slices.Clone(events), func(e *eventv1.Event) bool { return !slices.Contains(p.Areas, e.GetArea()) })
			}
			if len(own) == 0 {
				continue
			}
			if err := p.Apply(ctx, tx, own); err != nil {
				return fmt.Errorf("%s: %w", p.Name, err)
			}
		}
		return nil
	}
	return whole
}
