package server

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/audit"
	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// VerifyAudit implements AuditService.
func (s *Server) VerifyAudit(ctx context.Context, req *contactv1.VerifyAuditRequest) (*contactv1.VerifyAuditResponse, error) {
	kept, err := keptHead(req.GetKeptHead())
	if err != nil {
		return nil, err
	}
	report, err := audit.Verify(ctx, s.Store.DB(), auth.From(ctx).Tenant, s.AuditKeys, kept)
	if err != nil {
		return nil, err
	}
	resp := &contactv1.VerifyAuditResponse{Intact: len(report.Faults) == 0, SealedCount: report.Sealed, UnsealedCount: report.Loose}
	if report.Head.Number > 0 {
		resp.Head = headProto(report.Head)
	}
	for _, f := range report.Faults {
		resp.Faults = append(resp.Faults, &contactv1.AuditFault{Reason: string(f.Wrong), Block: f.Block, Position: f.Position})
	}
	return resp, nil
}

// ProveAuditEntry implements AuditService.
func (s *Server) ProveAuditEntry(ctx context.Context, req *contactv1.ProveAuditEntryRequest) (*contactv1.AuditProof, error) {
	p, err := audit.Prove(ctx, s.Store.DB(), auth.From(ctx).Tenant, req.GetPosition())
	if err != nil {
		return nil, err
	}
	leaf, e := p.Entry.Leaf(), p.Entry
	proof := &contactv1.AuditProof{
		Entry: &contactv1.AuditEntry{
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
func keptHead(head *contactv1.AuditHead) (*audit.Kept, error) {
	switch {
	case head == nil:
		return nil, nil
	case len(head.GetHash()) != len(audit.Hash{}) || head.GetBlock() == 0:
		return nil, errs.Invalid("kept_head", "", "want the block and the hash of an earlier head")
	}
	return &audit.Kept{Number: head.GetBlock(), Hash: audit.Hash(head.GetHash())}, nil
}

func headProto(b audit.Block) *contactv1.AuditHead {
	hash := b.Hash()
	return &contactv1.AuditHead{Block: b.Number, Hash: hash[:], SealTime: timestamppb.New(b.SealTime), Key: b.Key, Signature: b.Signature}
}
