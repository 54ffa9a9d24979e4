package seed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/home"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/suite"
)

// busiestEvents is how many entries the timeline of the key account's busiest
// customer has.
const busiestEvents = 1000

// template is what is known of the groups once they are made.
type template struct {
	tokens *tokens
	times  seconds
}

// databases are those that have tenants' rows, the largest first.
func databases() []string {
	names := []string{fleet.Database("analytics"), fleet.Database("contact")}
	for _, d := range fleet.All() {
		if d.Area != "contact" && d.Area != "analytics" {
			names = append(names, fleet.Database(d.Area))
		}
	}
	return names
}

// makeGroups runs the suite for as long as it takes to make the groups.
func makeGroups(ctx context.Context, h *home.Home, o Options) (*template, error) {
	o.Progress("starting the suite")
	s, err := suite.Start(ctx, suite.Options{Home: h, HTTP: "127.0.0.1:0", GRPC: "127.0.0.1:0", Telemetry: o.Telemetry})
	if err != nil {
		return nil, err
	}
	t, err := groupsOn(ctx, s, o)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return t, errors.Join(err, s.Stop(stopping))
}

func groupsOn(ctx context.Context, s *suite.Suite, o Options) (*template, error) {
	tenant, err := uuid.Parse(strings.TrimPrefix(s.State.Tenant, "tenants/"))
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient("passthrough:///"+s.State.GRPC,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithPerRPCCredentials(bearer(s.State.Token)))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	db, err := connectAll(ctx, s.AdminURL)
	if err != nil {
		return nil, err
	}
	defer db.close()
	g := &grouping{db: db, tokens: newTokens(o.Seed, tenant), maker: newMaker(conn, o)}
	if err := db.numberFrom(ctx, tenant); err != nil {
		return nil, err
	}
	o.Progress("making a catalogue, a queue, and two groups of customers through the services")
	if err := g.make(ctx); err != nil {
		return nil, fmt.Errorf("making the groups: %w", err)
	}
	return &template{tokens: g.tokens, times: g.maker.times}, nil
}

// bearer shows a token on a connection of this machine.
type bearer string

var _ credentials.PerRPCCredentials = bearer("")

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (bearer) RequireTransportSecurity() bool { return false }

// grouping makes the groups and notes what in the databases belongs to which.
type grouping struct {
	db     *cluster
	tokens *tokens
	maker  *maker
	// seen are the ids that belong to no group, or are noted already.
	seen map[uuid.UUID]bool
}

func (g *grouping) make(ctx context.Context) error {
	if err := g.maker.shared(ctx); err != nil {
		return err
	}
	seen, err := g.db.ids(ctx)
	if err != nil {
		return err
	}
	g.seen = seen
	if err := g.maker.addContacts(ctx, 0); err != nil {
		return err
	}
	if err := g.maker.retail(ctx); err != nil {
		return err
	}
	if err := g.note(ctx, 0); err != nil {
		return err
	}
	if err := g.maker.addContacts(ctx, 1); err != nil {
		return err
	}
	if err := g.maker.keyAccount(ctx); err != nil {
		return err
	}
	if err := g.fillBusiest(ctx); err != nil {
		return err
	}
	return g.note(ctx, 1)
}

// fillBusiest gives the second customer of the key account a timeline of exactly
// busiestEvents entries.
func (g *grouping) fillBusiest(ctx context.Context) error {
	busiest := g.maker.contacts[1][1]
	for {
		if err := g.db.settle(ctx); err != nil {
			return err
		}
		var have int
		err := g.db.of(fleet.Database("analytics")).QueryRow(ctx, "SELECT count(*) FROM timeline WHERE tenant = $1 AND contact = $2",
			g.tokens.tenant, strings.TrimPrefix(busiest.GetName(), "contacts/")).Scan(&have)
		if err != nil || have >= busiestEvents {
			return err
		}
		if err := g.maker.interactions(ctx, busiest, busiestEvents-have); err != nil {
			return err
		}
	}
}

// note adds to the tokens what came into the databases since the last time.
func (g *grouping) note(ctx context.Context, group int) error {
	if err := g.db.settle(ctx); err != nil {
		return err
	}
	for _, name := range g.maker.kept {
		if id, err := uuid.Parse(name[strings.IndexByte(name, '/')+1:]); err == nil {
			g.seen[id] = true
		}
	}
	for i, c := range g.maker.contacts[group] {
		id, err := uuid.Parse(strings.TrimPrefix(c.GetName(), "contacts/"))
		if err != nil {
			return err
		}
		g.tokens.addID(group, id, true)
		g.seen[id] = true
		number := numberOf(group, i)
		g.tokens.addText(tokenNumber, group, i, fmt.Sprint(number))
		g.tokens.addText(tokenWord, group, i, word(number))
		g.tokens.addText(tokenTitle, group, i, title(word(number)))
		g.tokens.addText(tokenCustomer, group, i, c.GetCustomerId())
	}
	if err := g.noteIDs(ctx, group); err != nil {
		return err
	}
	return g.noteTickets(ctx, group)
}

// noteIDs adds what is new, but for events of what is not copied.
func (g *grouping) noteIDs(ctx context.Context, group int) error {
	all, err := g.db.ids(ctx)
	if err != nil {
		return err
	}
	foreign, err := g.db.eventsOf(ctx, func(aggregate uuid.UUID) bool { return g.seen[aggregate] && g.tokens.groupOf(aggregate) < 0 })
	if err != nil {
		return err
	}
	for id := range all {
		if !g.seen[id] && !foreign[id] {
			g.tokens.addID(group, id, false)
		}
		g.seen[id] = true
	}
	return nil
}

func (g *grouping) noteTickets(ctx context.Context, group int) error {
	rows, err := g.db.of(fleet.Database("ticket")).Query(ctx, "SELECT id, number FROM ticket WHERE tenant = $1 ORDER BY number", g.tokens.tenant)
	if err != nil {
		return err
	}
	var id uuid.UUID
	var number string
	index := 0
	_, err = pgx.ForEachRow(rows, []any{&id, &number}, func() error {
		if g.tokens.groupOf(id) != group {
			return nil
		}
		if _, err := ticketPrefix(number); err != nil {
			return err
		}
		g.tokens.addText(tokenTicket, group, index, number)
		index++
		g.tokens.tickets = max(g.tokens.tickets, index)
		return nil
	})
	return err
}
