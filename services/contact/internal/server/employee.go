package server

import (
	"context"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// FindEmployees implements EmployeeService.
func (s *Server) FindEmployees(ctx context.Context, req *contactv1.FindEmployeesRequest) (*contactv1.FindEmployeesResponse, error) {
	return s.Store.FindEmployees(ctx, auth.From(ctx).Tenant, req)
}

// CreateEmployeeRecord implements EmployeeService.
func (s *Server) CreateEmployeeRecord(ctx context.Context, req *contactv1.CreateEmployeeRecordRequest) (*contactv1.EmployeeRecord, error) {
	return s.Store.CreateEmployeeRecord(ctx, auth.From(ctx).Tenant, req.GetEmployeeRecordId(), req.GetEmployeeRecord())
}

// GetEmployeeRecord implements EmployeeService.
func (s *Server) GetEmployeeRecord(ctx context.Context, req *contactv1.GetEmployeeRecordRequest) (*contactv1.EmployeeRecord, error) {
	return s.Store.EmployeeRecords.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListEmployeeRecords implements EmployeeService.
func (s *Server) ListEmployeeRecords(ctx context.Context, req *contactv1.ListEmployeeRecordsRequest) (*contactv1.ListEmployeeRecordsResponse, error) {
	where, err := s.ofContact(ctx, req.GetContact())
	if err != nil {
		return nil, err
	}
	list, next, err := s.Store.EmployeeRecords.List(ctx, auth.From(ctx).Tenant, req, where...)
	return &contactv1.ListEmployeeRecordsResponse{EmployeeRecords: list, NextPageToken: next}, err
}

// UpdateEmployeeRecord implements EmployeeService.
func (s *Server) UpdateEmployeeRecord(ctx context.Context, req *contactv1.UpdateEmployeeRecordRequest) (*contactv1.EmployeeRecord, error) {
	return s.Store.EmployeeRecords.Update(ctx, auth.From(ctx).Tenant, req.GetEmployeeRecord(), req.GetUpdateMask())
}

// DeleteEmployeeRecord implements EmployeeService.
func (s *Server) DeleteEmployeeRecord(ctx context.Context, req *contactv1.DeleteEmployeeRecordRequest) (*contactv1.EmployeeRecord, error) {
	return s.Store.EmployeeRecords.Delete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// UndeleteEmployeeRecord implements EmployeeService.
func (s *Server) UndeleteEmployeeRecord(ctx context.Context, req *contactv1.UndeleteEmployeeRecordRequest) (*contactv1.EmployeeRecord, error) {
	return s.Store.EmployeeRecords.Undelete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}
