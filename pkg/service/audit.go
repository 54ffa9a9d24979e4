package service

import (
	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/audit"
	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	auditv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/audit/v1"
)

// registerAudit serves lingkar.<area>.v1.AuditService where the policy of the service says
// who may call it. All areas serve it alike, each for its own audit log.
func registerAudit(server *rpc.Server, area string, policy auth.Policy, log *audit.Server) {
	name := "lingkar." + area + ".v1.AuditService"
	if policy["/"+name+"/VerifyAudit"] == nil {
		return
	}
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: name,
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{
			unary(name, "VerifyAudit", log.VerifyAudit, func() *auditv1.VerifyAuditRequest { return &auditv1.VerifyAuditRequest{} }),
			unary(name, "ProveAuditEntry", log.ProveAuditEntry, func() *auditv1.ProveAuditEntryRequest { return &auditv1.ProveAuditEntryRequest{} }),
		},
	}, log)
}
