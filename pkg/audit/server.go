package audit

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	auditv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/audit/v1"
)

// Server answers for the audit log of one service: every area's AuditService is served
// by one.
type Server struct {
	DB *postgres.DB
	// Keys are those that blocks may be signed with.
	Keys Keys
}

// VerifyAudit reads the log of the caller's tenant and says what is wrong with it.
func (s *Server) VerifyAudit(ctx context.Context, req *auditv1.VerifyAuditRequest) (*auditv1.VerifyAuditResponse, error) {
	kept, err := keptHead(req.GetKeptHead())
	if err != nil {
		return nil, err
	}
	report, err := Verify(ctx, s.DB, auth.From(ctx).Tenant, s.Keys, kept)
	if err != nil {
		return nil, err
	}
	resp := &auditv1.VerifyAuditResponse{Intact: len(report.Faults) == 0, SealedCount: report.Sealed, UnsealedCount: report.Loose}
	if report.Head.Number > 0 {
		resp.Head = headProto(report.Head)
	}
	for _, f := range report.Faults {
		resp.Faults = append(resp.Faults, &auditv1.AuditFault{Reason: string(f.Wrong), Block: f.Block, Position: f.Position})
	}
	return resp, nil
}

// ProveAuditEntry answers what shows that an entry is in the log of the caller's tenant.
func (s *Server) ProveAuditEntry(ctx context.Context, req *auditv1.ProveAuditEntryRequest) (*auditv1.AuditProof, error) {
	p, err := Prove(ctx, s.DB, auth.From(ctx).Tenant, req.GetPosition())
	if err != nil {
		return nil, err
	}
	leaf, e := p.Entry.Leaf(), p.Entry
	proof := &auditv1.AuditProof{
		Entry: &auditv1.AuditEntry{
			RecordTime: timestamppb.New(e.RecordedAt), Actor: e.Actor, Method: e.Method, Resource: e.Resource, ResourceSeq: e.Seq,
			RequestId: e.RequestID, CorrelationId: e.CorrelationID, Note: e.Note, Position: req.GetPosition(), Block: p.Block.Number,
		},
		Leaf: leaf[:], Index: p.Index, Root: p.Block.Root[:], Previous: p.Block.Previous[:],
		EntryCount: p.Block.Entries, FirstPosition: p.Block.First, LastPosition: p.Block.Last, Head: headProto(p.Block),
	}
	for _, beside := range p.Path {
		proof.Path = append(proof.Path, beside[:])
	}
	return proof, nil
}

// keptHead reads a head that a caller kept; nil where there is none.
func keptHead(head *auditv1.AuditHead) (*Kept, error) {
	switch {
	case head == nil:
		return nil, nil
	case len(head.GetHash()) != len(Hash{}) || head.GetBlock() == 0:
		return nil, errs.Invalid("kept_head", "", "want the block and the hash of an earlier head")
	}
	return &Kept{Number: head.GetBlock(), Hash: Hash(head.GetHash())}, nil
}

func headProto(b Block) *auditv1.AuditHead {
	hash := b.Hash()
	return &auditv1.AuditHead{Block: b.Number, Hash: hash[:], SealTime: timestamppb.New(b.SealTime), Key: b.Key, Signature: b.Signature}
}
