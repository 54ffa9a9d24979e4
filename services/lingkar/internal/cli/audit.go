package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"

	auditv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/audit/v1"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
)

func auditCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Look whether the audit log is what was written",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(verifyAuditCommand(g))
	return cmd
}

func verifyAuditCommand(g *global) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Compare the audit log of every service with its seals",
		Long: `Reads the whole audit log of the tenant in every service and compares it with
the blocks that seal it. With --heads it also demands that the blocks which the
file names are still there, and writes the newest into it where all is well: keep
the file where whoever may write the databases cannot. The exit code is 1 where
anything is wrong.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, conn, err := g.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer conn.Close()
			kept, err := readHeads(file)
			if err != nil {
				return err
			}
			found, err := verifyAudit(ctx, conn, kept)
			if err != nil {
				return err
			}
			if err := g.tellAudit(cmd, found); err != nil {
				return err
			}
			return writeHeads(file, kept, found)
		},
	}
	cmd.Flags().StringVar(&file, "heads", "", "file with the last block of each service, read and written")
	return cmd
}

// verifyAudit asks every service about its audit log, with the head that was kept of it.
func verifyAudit(ctx context.Context, conn grpc.ClientConnInterface, kept map[string]*auditv1.AuditHead) (map[string]*auditv1.VerifyAuditResponse, error) {
	found := map[string]*auditv1.VerifyAuditResponse{}
	for _, d := range fleet.All() {
		resp := &auditv1.VerifyAuditResponse{}
		method := "/lingkar." + d.Area + ".v1.AuditService/VerifyAudit"
		if err := conn.Invoke(ctx, method, &auditv1.VerifyAuditRequest{KeptHead: kept[d.Area]}, resp); err != nil {
			return nil, fmt.Errorf("%s: %w", d.Area, err)
		}
		found[d.Area] = resp
	}
	return found, nil
}

// tellAudit prints what was found, and fails where anything is wrong.
func (g *global) tellAudit(cmd *cobra.Command, found map[string]*auditv1.VerifyAuditResponse) error {
	wrong := 0
	for _, d := range fleet.All() {
		resp := found[d.Area]
		if g.json() {
			if err := printMessage(cmd.OutOrStdout(), resp); err != nil {
				return err
			}
		} else {
			mark := "✓"
			if !resp.GetIntact() {
				mark = "✗"
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s %-10s %s in %s, %d not sealed yet\n", mark, d.Area, counted(resp.GetSealedCount(), "entry"), counted(resp.GetHead().GetBlock(), "block"), resp.GetUnsealedCount())
			for _, f := range resp.GetFaults() {
				fmt.Fprintf(cmd.OutOrStdout(), "  %s in block %d, position %d\n", f.GetReason(), f.GetBlock(), f.GetPosition())
			}
		}
		wrong += len(resp.GetFaults())
	}
	if wrong > 0 {
		return fmt.Errorf("the audit log is not what was written: %s", counted(wrong, "fault"))
	}
	return nil
}

// readHeads reads the heads that were kept, by area; none where there is no file yet.
func readHeads(file string) (map[string]*auditv1.AuditHead, error) {
	heads := map[string]*auditv1.AuditHead{}
	if file == "" {
		return heads, nil
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return heads, nil
	}
	if err != nil {
		return nil, err
	}
	raw := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for area, message := range raw {
		heads[area] = &auditv1.AuditHead{}
		if err := protojson.Unmarshal(message, heads[area]); err != nil {
			return nil, fmt.Errorf("%s: the head of %s: %w", file, area, err)
		}
	}
	return heads, nil
}

// writeHeads keeps the newest heads, and those of before where there is no newer.
func writeHeads(file string, kept map[string]*auditv1.AuditHead, found map[string]*auditv1.VerifyAuditResponse) error {
	if file == "" {
		return nil
	}
	raw := map[string]json.RawMessage{}
	for _, d := range fleet.All() {
		head := found[d.Area].GetHead()
		if head == nil {
			head = kept[d.Area]
		}
		if head == nil {
			continue
		}
		message, err := protojson.Marshal(head)
		if err != nil {
			return err
		}
		raw[d.Area] = message
	}
	text, err := json.MarshalIndent(raw, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o600)
}
