package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
)

func viewCommand(g *global) *cobra.Command {
	var asOf string
	var limit int32
	cmd := &cobra.Command{
		Use:   "360 CUSTOMER",
		Short: "Show one customer from every side",
		Long: `Shows one customer from the Customer ID alone: who it is, roles, relationships,
open work of every service, purchases, satisfaction, value tier, and one
timeline over all channels, newest first.`,
		Example: "  lingkar 360 C-000001\n  lingkar 360 C-000001 --as-of 2026-06-30T23:59:59+07:00",
		Args:    exactly("a Customer ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			req := &analyticsv1.GetCustomerViewRequest{Name: customerName(args[0]), PageSize: limit}
			if asOf != "" {
				at, err := time.Parse(time.RFC3339, asOf)
				if err != nil {
					return usageError{fmt.Errorf("--as-of is a time such as 2026-06-30T23:59:59+07:00, not %q", asOf)}
				}
				req.AsOf = timestamppb.New(at)
			}
			ctx, conn, err := g.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer conn.Close()
			view, err := analyticsv1.NewCustomerViewServiceClient(conn).GetCustomerView(ctx, req)
			if err != nil {
				return err
			}
			if g.json() {
				return printMessage(cmd.OutOrStdout(), view)
			}
			printView(cmd.OutOrStdout(), view)
			return nil
		},
	}
	cmd.Flags().StringVar(&asOf, "as-of", "", "what was known at this instant (RFC 3339)")
	cmd.Flags().Int32Var(&limit, "limit", 20, "how many entries of the timeline")
	return cmd
}

// customerName makes a resource name of what people type.
func customerName(typed string) string {
	id := strings.TrimPrefix(strings.TrimPrefix(typed, "customers/"), "contacts/")
	return "customers/" + id
}

func printView(w io.Writer, v *analyticsv1.CustomerView) {
	c := v.GetCustomer()
	fmt.Fprintf(w, "%s  %s\n", c.GetCustomerId(), c.GetDisplayName())
	facts := []string{word(v.GetLifecycleClass(), "LIFECYCLE_CLASS_"), word(v.GetValueTier(), "VALUE_TIER_") + " value"}
	for _, role := range v.GetRoles() {
		facts = append(facts, word(role, "ROLE_KIND_"))
	}
	fmt.Fprintf(w, "%s\n", strings.Join(facts, ", "))
	for _, id := range c.GetIdentifiers() {
		fmt.Fprintf(w, "  %-8s %s\n", word(id.GetKind(), "IDENTIFIER_KIND_"), id.GetValue())
	}
	printRelationships(w, v.GetRelationships())
	printWork(w, "Leads", v.GetLeads())
	printWork(w, "Opportunities", v.GetOpportunities())
	printWork(w, "Orders", v.GetOrders())
	printWork(w, "Tickets", v.GetTickets())
	printWork(w, "Campaign touches", v.GetTouches())
	printPurchases(w, v)
	printTimeline(w, v)
}

func printRelationships(w io.Writer, s *analyticsv1.RelationshipSection) {
	if heading(w, "Relationships", len(s.GetItems()), s.GetStatus()) {
		for _, r := range s.GetItems() {
			fmt.Fprintf(w, "  %s %s (%s)%s\n", r.GetTypeName(), r.GetOtherDisplayName(), r.GetOtherCustomerId(), until(r.GetEndTime()))
		}
	}
}

func until(end *timestamppb.Timestamp) string {
	if end == nil {
		return ""
	}
	return " until " + end.AsTime().Local().Format(time.DateOnly)
}

func printWork(w io.Writer, title string, s *analyticsv1.WorkSection) {
	if !heading(w, title, len(s.GetItems()), s.GetStatus()) {
		return
	}
	for _, item := range s.GetItems() {
		amount := ""
		if m := item.GetAmount(); m != nil {
			amount = fmt.Sprintf("  %s %d", m.GetCurrencyCode(), m.GetUnits())
		}
		fmt.Fprintf(w, "  %-10s %-12s %s%s\n", item.GetNumber(), item.GetState(), item.GetTitle(), amount)
	}
	if s.GetMore() {
		fmt.Fprintln(w, "  …")
	}
}

func printPurchases(w io.Writer, v *analyticsv1.CustomerView) {
	if p := v.GetPurchases(); p.GetCount() > 0 {
		fmt.Fprintf(w, "\nPurchases: %d", p.GetCount())
		for _, t := range p.GetTotals() {
			fmt.Fprintf(w, "  %s %d", t.GetTotal().GetCurrencyCode(), t.GetTotal().GetUnits())
		}
		fmt.Fprintf(w, ", last %s\n", p.GetLastPurchaseTime().AsTime().Local().Format(time.DateOnly))
	}
	if s := v.GetSatisfaction(); s.GetCount() > 0 {
		fmt.Fprintf(w, "Satisfaction: %.1f now, %.1f on average of %d\n", s.GetLatest(), s.GetAverage(), s.GetCount())
	}
}

func printTimeline(w io.Writer, v *analyticsv1.CustomerView) {
	if !heading(w, "Timeline", len(v.GetTimeline()), v.GetTimelineStatus()) {
		return
	}
	for _, e := range v.GetTimeline() {
		way := " "
		switch word(e.GetDirection(), "DIRECTION_") {
		case "inbound":
			way = "<"
		case "outbound":
			way = ">"
		}
		title := e.GetTitle()
		if title == "" {
			title = e.GetType()[strings.LastIndex(e.GetType(), ".")+1:]
		}
		fmt.Fprintf(w, "  %s  %s %-9s %s\n", e.GetOccurredAt().AsTime().Local().Format("2006-01-02 15:04"), way, word(e.GetChannel(), "CHANNEL_"), title)
	}
	if v.GetNextPageToken() != "" {
		fmt.Fprintln(w, "  …")
	}
}

// heading prints the title of a section and tells whether it has rows to print.
// A section that is not all right says so, whatever it holds.
func heading(w io.Writer, title string, rows int, status *analyticsv1.SectionStatus) bool {
	state := word(status.GetState(), "SECTION_STATE_")
	troubled := state != "ok" && state != ""
	if rows == 0 && !troubled {
		return false
	}
	note := ""
	if troubled {
		note = " [" + state + " " + status.GetError().GetMessage() + "]"
	}
	fmt.Fprintf(w, "\n%s%s\n", title, note)
	return rows > 0
}

// word is the part of an enum's name that people read; "" where unspecified.
func word(e fmt.Stringer, prefix string) string {
	s := strings.TrimPrefix(e.String(), prefix)
	if s == "UNSPECIFIED" {
		return ""
	}
	return strings.ReplaceAll(strings.ToLower(s), "_", " ")
}
