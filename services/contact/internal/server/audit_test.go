package server_test

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/audit"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	auditv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/audit/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

func (a *api) verify(t testing.TB, kept *auditv1.AuditHead) *auditv1.VerifyAuditResponse {
	t.Helper()
	return must(contactv1.NewAuditServiceClient(a.Conn).VerifyAudit(a.Ctx(), &auditv1.VerifyAuditRequest{KeptHead: kept}))(t)
}

// sealed waits until all entries of the tenant are in blocks, of which there are more
// than before.
func (a *api) sealed(t testing.TB, before int64) *auditv1.VerifyAuditResponse {
	t.Helper()
	var resp *auditv1.VerifyAuditResponse
	testkit.Eventually(t, func() error {
		if resp = a.verify(t, nil); resp.GetUnsealedCount() > 0 || resp.GetHead().GetBlock() <= before {
			return fmt.Errorf("not sealed: %v", resp)
		}
		return nil
	})
	return resp
}

// The log of a tenant is sealed within a second or so and is found intact; an entry of
// it is proven by its block alone. Another tenant's entries are nobody else's.
func testVerifyAudit(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		one := a.named(t, "One")
		for range 4 {
			a.named(t, "More")
		}
		resp := a.sealed(t, 0)
		if !resp.GetIntact() || resp.GetSealedCount() != 5 {
			t.Errorf("%v", resp)
		}
		if now := a.verify(t, resp.GetHead()); !now.GetIntact() {
			t.Errorf("with its own head: %v", now)
		}
		if theirs := other.verify(t, nil); !theirs.GetIntact() || theirs.GetSealedCount()+theirs.GetUnsealedCount() != 0 {
			t.Errorf("another tenant: %v", theirs)
		}
		entries := must(contactv1.NewDisclosureServiceClient(a.Conn).ListAuditEntries(a.Ctx(), &contactv1.ListAuditEntriesRequest{Parent: one.GetName()}))(t)
		position := entries.GetAuditEntries()[0].GetPosition()
		client, foreign := contactv1.NewAuditServiceClient(a.Conn), contactv1.NewAuditServiceClient(other.Conn)
		proof := must(client.ProveAuditEntry(a.Ctx(), &auditv1.ProveAuditEntryRequest{Position: position}))(t)
		if !holds(a, proof) || proof.GetEntry().GetResource() != one.GetName() {
			t.Errorf("proof %v", proof)
		}
		if proof.GetEntry().Actor = "users/mallory"; holds(a, proof) {
			t.Error("a proof shows another entry than was sealed")
		}
		_, err := foreign.ProveAuditEntry(other.Ctx(), &auditv1.ProveAuditEntryRequest{Position: position})
		refused(t, err, codes.NotFound, "AUDIT_ENTRY_NOT_FOUND")
		_, err = client.VerifyAudit(a.Ctx(), &auditv1.VerifyAuditRequest{KeptHead: &auditv1.AuditHead{Block: 1, Hash: []byte("short")}})
		violates(t, err, "kept_head", "")
	})
}

// holds checks a proof as an auditor does: by what is in it and nothing else.
func holds(a *api, p *auditv1.AuditProof) bool {
	e := p.GetEntry()
	leaf := eventlog.AuditEntry{
		Tenant: a.Caller.Tenant, RecordedAt: e.GetRecordTime().AsTime(), Actor: e.GetActor(), Method: e.GetMethod(), Resource: e.GetResource(), Seq: e.GetResourceSeq(),
		RequestID: e.GetRequestId(), CorrelationID: e.GetCorrelationId(), Note: e.GetNote(),
	}.Leaf()
	block := audit.Block{
		Tenant: a.Caller.Tenant, Number: p.GetHead().GetBlock(), Previous: audit.Hash(p.GetPrevious()), Root: audit.Hash(p.GetRoot()), Entries: p.GetEntryCount(),
		First: p.GetFirstPosition(), Last: p.GetLastPosition(), SealTime: p.GetHead().GetSealTime().AsTime(),
	}
	var path []audit.Hash
	for _, beside := range p.GetPath() {
		path = append(path, audit.Hash(beside))
	}
	return block.Hash() == audit.Hash(p.GetHead().GetHash()) && audit.Included(block.Root, leaf, p.GetIndex(), p.GetEntryCount(), path)
}

// Whatever is done to the log behind the service's back, by somebody who may write every
// table, is found, with its block (row 34 of the reliability sheet, I11).
func TestVerifyAudit_finds(t *testing.T) {
	t.Parallel()
	s := start(t)
	db := s.Services["contact"].Runtime.DB.System
	const second = ` AND position = (SELECT max(first) FROM audit_block WHERE tenant = $1 AND number = 2)`
	forged := sha256.Sum256([]byte("forged"))
	cases := map[string]struct {
		sql    string
		args   []any
		reason string
		block  int64
	}{
		"an entry changed":          {`UPDATE audit SET actor = 'users/mallory' WHERE tenant = $1` + second, nil, "ENTRY_CHANGED", 2},
		"and its leaf with it":      {`UPDATE audit SET actor = 'users/mallory', leaf = $2 WHERE tenant = $1` + second, []any{forged[:]}, "ENTRIES_DIFFER", 2},
		"an entry removed":          {`DELETE FROM audit WHERE tenant = $1` + second, nil, "ENTRIES_DIFFER", 2},
		"an entry put out of block": {`UPDATE audit SET block = NULL WHERE tenant = $1` + second, nil, "ENTRIES_DIFFER", 2},
		"an entry put elsewhere":    {`UPDATE audit SET block = 1 WHERE tenant = $1` + second, nil, "ENTRIES_DIFFER", 2},
		"an entry added": {`INSERT INTO audit (tenant, recorded_at, actor, method, resource, seq, request_id, correlation_id, note, leaf, block)
			SELECT tenant, recorded_at, actor, method, resource, seq, request_id, correlation_id, note, leaf, block FROM audit WHERE tenant = $1` + second, nil, "ENTRIES_DIFFER", 2},
		"two entries exchanged": {`UPDATE audit SET note = o.note, resource = o.resource, leaf = o.leaf, seq = o.seq, recorded_at = o.recorded_at, request_id = o.request_id, correlation_id = o.correlation_id
			FROM audit AS o WHERE audit.tenant = $1 AND o.tenant = $1 AND audit.block = 2 AND o.block = 2 AND audit.position <> o.position`, nil, "ENTRIES_DIFFER", 2},
		"a block removed":           {`DELETE FROM audit_block WHERE tenant = $1 AND number = 2`, nil, "BLOCK_MISSING", 2},
		"a block changed":           {`UPDATE audit_block SET seal_time = seal_time - interval '1 day' WHERE tenant = $1 AND number = 2`, nil, "SIGNATURE_INVALID", 2},
		"a block signed by another": {`UPDATE audit_block SET key = 'other' WHERE tenant = $1 AND number = 2`, nil, "SIGNATURE_INVALID", 2},
		"the newest removed":        {`WITH gone AS (DELETE FROM audit_block WHERE tenant = $1 AND number = 3) DELETE FROM audit WHERE tenant = $1 AND block = 3`, nil, "HEAD_MISSING", 3},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, other := fresh(t, s)
			var head *auditv1.AuditHead
			for block := range int64(3) {
				a.create2(t)
				other.named(t, "Other")
				head = a.sealed(t, block).GetHead()
			}
			if before := a.verify(t, head); !before.GetIntact() {
				t.Fatalf("%v", before)
			}
			if _, err := db.Exec(t.Context(), c.sql, append([]any{a.Caller.Tenant}, c.args...)...); err != nil {
				t.Fatal(err)
			}
			resp := a.verify(t, head)
			found := false
			for _, f := range resp.GetFaults() {
				found = found || f.GetReason() == c.reason && f.GetBlock() == c.block
			}
			if resp.GetIntact() || !found {
				t.Errorf("%v, want %s of block %d", resp, c.reason, c.block)
			}
			if theirs := other.verify(t, nil); !theirs.GetIntact() {
				t.Errorf("another tenant's: %v", theirs)
			}
		})
	}
}

// create2 makes two contacts in one call, whose entries are sealed together.
func (a *api) create2(t testing.TB) {
	t.Helper()
	req := func(name string) *contactv1.CreateContactRequest {
		return &contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: person, DisplayName: name}, AllowDuplicates: true}
	}
	must(a.BatchCreateContacts(a.Ctx(), &contactv1.BatchCreateContactsRequest{Requests: []*contactv1.CreateContactRequest{req("A"), req("B")}}))(t)
}

// Two that seal at once make one chain.
func TestSealer_replicas(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, _ := fresh(t, s)
	rt := s.Services["contact"].Runtime
	done := make(chan error, 2)
	for range 2 {
		sealer := &audit.Sealer{DB: rt.DB.System, Signer: rt.Issuer, Now: time.Now, Logger: rt.Logger}
		go func() {
			for range 60 {
				if _, err := sealer.Seal(t.Context()); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 30 {
		a.named(t, "More")
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if resp := a.sealed(t, 0); !resp.GetIntact() || resp.GetSealedCount() != 30 {
		t.Errorf("%v", resp)
	}
}
