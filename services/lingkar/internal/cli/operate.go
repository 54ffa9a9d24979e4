package cli

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/lingkar-crm/lingkar/pkg/service"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
)

func rebuildCommand(g *global) *cobra.Command {
	var compare bool
	var batch int32
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Compute the customer views anew from the event store",
		Long: `Computes every projection of analytics anew from its event store, beside the
living ones, and puts them in their place when done. With --compare it only
compares the two, by SHA-256, and changes nothing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, conn, err := g.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer conn.Close()
			client := analyticsv1.NewEventStoreServiceClient(conn)
			op, err := client.RebuildProjections(ctx, &analyticsv1.RebuildProjectionsRequest{BatchSize: batch, Compare: compare})
			if err != nil {
				return err
			}
			return followRebuild(ctx, cmd, g, client, op)
		},
	}
	cmd.Flags().BoolVar(&compare, "compare", false, "compare with the living projections and change nothing")
	cmd.Flags().Int32Var(&batch, "batch", 0, "events in one transaction; 0 lets the server choose")
	return cmd
}

// followRebuild tells how a rebuild goes until it has ended.
func followRebuild(ctx context.Context, cmd *cobra.Command, g *global, client analyticsv1.EventStoreServiceClient, op *longrunningpb.Operation) error {
	line := newProgress(cmd.ErrOrStderr())
	for !op.GetDone() {
		var progress analyticsv1.RebuildProjectionsMetadata
		if op.GetMetadata().UnmarshalTo(&progress) == nil && !g.json() {
			line.tell(fmt.Sprintf("%d of %s, %.0f/s", progress.GetDone(), counted(progress.GetTotal(), "event"), progress.GetRate()))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
		next, err := client.GetRebuild(ctx, &analyticsv1.GetRebuildRequest{Name: op.GetName()})
		if err != nil {
			return err
		}
		op = next
	}
	if op.GetError() != nil {
		return fmt.Errorf("the rebuild failed: %s", op.GetError().GetMessage())
	}
	if g.json() {
		return printMessage(cmd.OutOrStdout(), op)
	}
	var done analyticsv1.RebuildProjectionsResponse
	if err := op.GetResponse().UnmarshalTo(&done); err != nil {
		return err
	}
	if line.terminal {
		fmt.Fprintln(cmd.ErrOrStderr())
	}
	fmt.Fprintln(cmd.OutOrStdout(), counted(done.GetEventCount(), "event"))
	for _, p := range done.GetProjections() {
		same := "identical"
		if p.GetLiveSha256() != p.GetRebuiltSha256() {
			same = "DIFFERENT"
		}
		fmt.Fprintf(cmd.OutOrStdout(), "  %-20s %8d rows  %s\n", p.GetProjection(), p.GetRowCount(), same)
	}
	return nil
}

func deadLettersCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deadletters",
		Short: "Look after events that could not be applied",
		Long: `An event that cannot be applied is put aside with the later ones of the same
customer, and all others go on. Mend the cause, then retry, or discard it with a
reason.`,
	}
	cmd.AddCommand(listDeadLetters(g), retryDeadLetter(g), discardDeadLetter(g))
	return cmd
}

func listDeadLetters(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List what was put aside", Args: cobra.NoArgs,
		RunE: g.withStore(func(ctx context.Context, cmd *cobra.Command, client analyticsv1.EventStoreServiceClient, _ []string) error {
			req := &analyticsv1.ListDeadLettersRequest{PageSize: 1000}
			for {
				page, err := client.ListDeadLetters(ctx, req)
				if err != nil {
					return err
				}
				for _, d := range page.GetDeadLetters() {
					if g.json() {
						if err := printMessage(cmd.OutOrStdout(), d); err != nil {
							return err
						}
						continue
					}
					fmt.Fprintf(cmd.OutOrStdout(), "%s  %s  %s  %s: %s\n", d.GetName(), d.GetEvent().GetType(), d.GetEvent().GetAggregate(), counted(d.GetAttempts(), "attempt"), d.GetCause())
				}
				if page.GetNextPageToken() == "" {
					return nil
				}
				req.PageToken = page.GetNextPageToken()
			}
		}),
	}
}

func retryDeadLetter(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "retry NAME", Short: "Try one again, and those behind it", Args: exactly("the name of a dead letter"),
		RunE: g.withStore(func(ctx context.Context, cmd *cobra.Command, client analyticsv1.EventStoreServiceClient, args []string) error {
			_, err := client.RetryDeadLetter(ctx, &analyticsv1.RetryDeadLetterRequest{Name: args[0], RequestId: uuid.NewString()})
			return err
		}),
	}
}

func discardDeadLetter(g *global) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "discard NAME --reason TEXT", Short: "Give one up, with a reason that is kept", Args: exactly("the name of a dead letter"),
		RunE: g.withStore(func(ctx context.Context, cmd *cobra.Command, client analyticsv1.EventStoreServiceClient, args []string) error {
			_, err := client.DiscardDeadLetter(ctx, &analyticsv1.DiscardDeadLetterRequest{Name: args[0], Reason: reason, RequestId: uuid.NewString()})
			return err
		}),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why it is given up")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

// withStore runs fn with a client of the event store.
func (g *global) withStore(fn func(context.Context, *cobra.Command, analyticsv1.EventStoreServiceClient, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		ctx, conn, err := g.connect(cmd.Context())
		if err != nil {
			return err
		}
		defer conn.Close()
		return fn(ctx, cmd, analyticsv1.NewEventStoreServiceClient(conn), args)
	}
}

func healthcheckCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "healthcheck", Short: "Say by the exit code whether the suite serves", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), 3*time.Second)
			defer cancel()
			ctx, conn, err := g.connect(ctx)
			if err != nil {
				return err
			}
			defer conn.Close()
			answer, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{}, grpc.WaitForReady(true))
			if err != nil {
				return err
			}
			if answer.GetStatus() != healthpb.HealthCheckResponse_SERVING {
				return fmt.Errorf("the suite is up and not ready")
			}
			fmt.Fprintln(cmd.OutOrStdout(), "serving")
			return nil
		},
	}
}

func versionCommand(*global) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Say which version this is", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			goVersion := "unknown"
			if info, ok := debug.ReadBuildInfo(); ok {
				goVersion = info.GoVersion
			}
			fmt.Fprintf(cmd.OutOrStdout(), "lingkar %s (%s)\n", service.Version(), goVersion)
		},
	}
}
