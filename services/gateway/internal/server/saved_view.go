package server

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/savedview"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/views"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/store"
)

func savedViews(db *postgres.DB, log *eventlog.Log) *record.Store[savedview.View, *platformv1.SavedView] {
	meta := func(v *savedview.View) *entity.Meta { return &v.Meta }
	externalIDs := store.ExternalIDs("saved_view", meta)
	return &record.Store[savedview.View, *platformv1.SavedView]{
		DB: db, Log: log, Table: store.SavedViews, Kind: "saved view", Collection: savedview.Collection,
		Meta: meta, Proto: savedViewMessage, Fill: fillSavedView, Event: savedViewEvent,
		Extra: func(w *postgres.Writes, before, after *savedview.View) {
			externalIDs(w, before, after)
			store.ForgetDefaults(w, before, after)
		},
	}
}

func savedViewMessage(v *savedview.View) *platformv1.SavedView {
	return &platformv1.SavedView{
		Name:        savedview.Collection + "/" + v.ID.String(),
		DisplayName: v.DisplayName,
		Resource:    v.Resource,
		Filter:      v.Filter,
		OrderBy:     v.Order,
		Columns:     v.Columns,
		PageSize:    v.PageSize,
		Visibility:  platformv1.SavedViewVisibility(v.Visibility),
		Teams:       v.SharedWith,
		Owner:       v.Owner,
		ExternalIds: v.ExternalIDs,
		Labels:      v.Labels,
		CreateTime:  timestamppb.New(v.CreateTime),
		UpdateTime:  timestamppb.New(v.UpdateTime),
		DeleteTime:  fields.Timestamp(v.DeleteTime),
		Etag:        v.Etag(),
	}
}

func fillSavedView(v *savedview.View, p *platformv1.SavedView) error {
	r := fields.Reader{In: "saved_view"}
	fillMarks(&v.Meta, p)
	v.DisplayName = r.RequiredLine("display_name", p.GetDisplayName())
	v.Resource = fields.Fixed(&r, "resource", v.Resource, p.GetResource())
	v.Filter, v.Order = p.GetFilter(), p.GetOrderBy()
	v.Columns, v.PageSize = slices.Clone(p.GetColumns()), p.GetPageSize()
	if v.Visibility = savedview.Visibility(p.GetVisibility()); v.Visibility == 0 {
		v.Visibility = savedview.Private
	}
	v.SharedWith = slices.Clone(p.GetTeams())
	for _, name := range v.SharedWith {
		r.Ref("teams", teamNames, name)
	}
	r.Add(v.Check()...)
	return r.Err()
}

// savedViewEvent words an event without the filter: it may name a person, and an event is
// kept for ever.
func savedViewEvent(v *savedview.View, e entity.Event) eventlog.Draft {
	now := savedViewMessage(v)
	now.Filter = ""
	switch e := e.(type) {
	case entity.Created:
		return eventlog.Draft{Payload: &platformv1.SavedViewCreated{SavedView: now}}
	case entity.Updated:
		return eventlog.Draft{Payload: &platformv1.SavedViewUpdated{SavedView: now, UpdateMask: maskOf(e)}}
	case entity.Deleted:
		return eventlog.Draft{Payload: &platformv1.SavedViewDeleted{SavedView: now}}
	case entity.Undeleted:
		return eventlog.Draft{Payload: &platformv1.SavedViewUndeleted{SavedView: now}}
	}
	panic(untold + e.EventName())
}

// errTriedOther is for a view that another change made other than what was tried.
var errTriedOther = errs.Aborted("SAVED_VIEW_CHANGED", "the saved view was changed meanwhile: try again")

// reader answers who the caller is to saved views.
func reader(ctx context.Context) savedview.Reader {
	c := auth.From(ctx)
	return savedview.Reader{Subject: c.Subject, Teams: c.Teams, Leader: c.Has(auth.Manager), Admin: c.Has(auth.Admin)}
}

// FindView answers a view that the caller may use, or nil where it has no default for
// lists of the resource. It is what views.Through asks for.
func (s *Server) FindView(ctx context.Context, name, resource string) (*savedview.View, error) {
	ctx = auth.WithScope(ctx, auth.All) // what the caller may use is the view's to say
	if name == views.Default {
		c := auth.From(ctx)
		defaults, err := store.DefaultViews(ctx, s.db, c.Tenant, c.Subject)
		id, set := defaults[resource]
		if err != nil || !set {
			return nil, err
		}
		v, err := s.shownView(ctx, savedview.Collection+"/"+id.String())
		if errs.Reason(err) == errs.Reason(s.views.Table.NotFound(id)) {
			return nil, nil // it is shared with the caller no more
		}
		return v, err
	}
	v, err := s.shownView(ctx, name)
	if err == nil && v.Deleted() {
		return nil, s.views.Table.NotFound(v.ID)
	}
	return v, record.At("saved_view", err)
}

// shownView answers a view that the caller may use, a deleted one too.
func (s *Server) shownView(ctx context.Context, name string) (*savedview.View, error) {
	v, err := s.views.Get(ctx, auth.From(ctx).Tenant, name)
	if err == nil && !v.Shows(reader(ctx)) {
		return nil, s.views.Table.NotFound(v.ID)
	}
	return v, err
}

// changeable refuses a view that the caller may not use, or not change. Neither follows
// from what a change at the same time could be about but its visibility.
func (s *Server) changeable(ctx context.Context, name string) error {
	v, err := s.shownView(ctx, name)
	if err != nil {
		return err
	}
	return v.Change(reader(ctx))
}

// tried fills a view from its message, and refuses one that the caller may not share so
// far, or that the list refuses.
func (s *Server) tried(ctx context.Context, v *savedview.View, p *platformv1.SavedView) error {
	if err := fillSavedView(v, p); err != nil {
		return err
	}
	if err := v.Share(reader(ctx)); err != nil {
		return err
	}
	return s.tryView(ctx, v)
}

// CreateSavedView implements platformv1.SavedViewServiceServer.
func (s *Server) CreateSavedView(ctx context.Context, req *platformv1.CreateSavedViewRequest) (*platformv1.SavedView, error) {
	id, err := chosenID("saved_view_id", req.GetSavedViewId())
	if err != nil {
		return nil, err
	}
	caller := auth.From(ctx)
	v := &savedview.View{Meta: entity.Meta{ID: id, Owner: caller.Subject}}
	if err := s.tried(ctx, v, req.GetSavedView()); err != nil {
		return nil, err
	}
	return s.views.Add(ctx, caller.Tenant, v)
}

// GetSavedView implements platformv1.SavedViewServiceServer.
func (s *Server) GetSavedView(ctx context.Context, req *platformv1.GetSavedViewRequest) (*platformv1.SavedView, error) {
	v, err := s.shownView(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	m := savedViewMessage(v)
	return m, s.markDefaults(ctx, m)
}

// ListSavedViews implements platformv1.SavedViewServiceServer.
func (s *Server) ListSavedViews(ctx context.Context, req *platformv1.ListSavedViewsRequest) (*platformv1.ListSavedViewsResponse, error) {
	var where []postgres.Cond
	if r := reader(ctx); !r.Admin {
		where = []postgres.Cond{postgres.AnyOf(
			postgres.Eq("owner", r.Subject), postgres.Eq("visibility", int16(savedview.Tenant)), postgres.Holds("teams", r.Teams))}
	}
	list, next, err := s.views.List(ctx, auth.From(ctx).Tenant, req, where...)
	if err != nil {
		return nil, err
	}
	return &platformv1.ListSavedViewsResponse{SavedViews: list, NextPageToken: next}, s.markDefaults(ctx, list...)
}

// markDefaults says of views whether they are the caller's defaults.
func (s *Server) markDefaults(ctx context.Context, list ...*platformv1.SavedView) error {
	if len(list) == 0 {
		return nil
	}
	c := auth.From(ctx)
	defaults, err := store.DefaultViews(ctx, s.db, c.Tenant, c.Subject)
	for _, m := range list {
		m.CallerDefault = m.GetName() == savedview.Collection+"/"+defaults[m.GetResource()].String()
	}
	return err
}

// UpdateSavedView implements platformv1.SavedViewServiceServer. What the view would be is
// tried first; the list is another service's, and cannot be asked within a transaction.
func (s *Server) UpdateSavedView(ctx context.Context, req *platformv1.UpdateSavedViewRequest) (*platformv1.SavedView, error) {
	found, err := s.shownView(ctx, req.GetSavedView().GetName())
	if err != nil {
		return nil, record.At("saved_view.name", err)
	}
	if err := found.Change(reader(ctx)); err != nil {
		return nil, err
	}
	would, err := record.Overlay(savedViewMessage(found), req.GetSavedView(), req.GetUpdateMask())
	if err != nil {
		return nil, err
	}
	trial := *found
	if !found.Deleted() {
		if err := s.tried(ctx, &trial, would); err != nil {
			return nil, err
		}
	}
	return record.Write(ctx, s.db, s.log, auth.From(ctx).Tenant, func(u *record.Unit) (*platformv1.SavedView, error) {
		return s.updateView(u, reader(ctx), &trial, req)
	})
}

// updateView writes a view that was tried, or refuses to where the caller may change it no
// more or it would list what nobody tried.
func (s *Server) updateView(u *record.Unit, by savedview.Reader, trial *savedview.View, req *platformv1.UpdateSavedViewRequest) (*platformv1.SavedView, error) {
	rows, err := s.views.LockAllIn(u, []uuid.UUID{trial.ID})
	if err != nil {
		return nil, err
	}
	v := rows[trial.ID]
	if v == nil || !v.Shows(by) {
		return nil, s.views.Table.NotFound(trial.ID)
	}
	if err := v.Change(by); err != nil {
		return nil, err
	}
	before := *v
	if err := s.views.UpdateIn(u, v, req.GetSavedView(), req.GetUpdateMask()); err != nil {
		return nil, err
	}
	if !v.ListsAs(&before) && !v.ListsAs(trial) {
		return nil, errTriedOther
	}
	return savedViewMessage(v), v.Share(by)
}

// DeleteSavedView implements platformv1.SavedViewServiceServer.
func (s *Server) DeleteSavedView(ctx context.Context, req *platformv1.DeleteSavedViewRequest) (*platformv1.SavedView, error) {
	if err := s.changeable(ctx, req.GetName()); err != nil {
		return nil, err
	}
	return s.views.Delete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// UndeleteSavedView implements platformv1.SavedViewServiceServer.
func (s *Server) UndeleteSavedView(ctx context.Context, req *platformv1.UndeleteSavedViewRequest) (*platformv1.SavedView, error) {
	if err := s.changeable(ctx, req.GetName()); err != nil {
		return nil, err
	}
	return s.views.Undelete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// SetDefaultSavedView implements platformv1.SavedViewServiceServer.
func (s *Server) SetDefaultSavedView(ctx context.Context, req *platformv1.SetDefaultSavedViewRequest) (*platformv1.SavedView, error) {
	return s.prefer(ctx, req.GetName(), store.SetDefaultView, true)
}

// ClearDefaultSavedView implements platformv1.SavedViewServiceServer.
func (s *Server) ClearDefaultSavedView(ctx context.Context, req *platformv1.ClearDefaultSavedViewRequest) (*platformv1.SavedView, error) {
	return s.prefer(ctx, req.GetName(), store.ClearDefaultView, false)
}

// prefer writes what the caller uses by default. It is a preference of one person: it
// makes no event.
func (s *Server) prefer(ctx context.Context, name string, write func(*record.Unit, string, *savedview.View), set bool) (*platformv1.SavedView, error) {
	c := auth.From(ctx)
	return record.Write(ctx, s.db, s.log, c.Tenant, func(u *record.Unit) (*platformv1.SavedView, error) {
		v, err := s.views.GetIn(u, name)
		switch {
		case err != nil:
			return nil, err
		case !v.Shows(reader(ctx)):
			return nil, s.views.Table.NotFound(v.ID)
		case v.Deleted():
			return nil, errs.Refused("DELETED", "the saved view is deleted")
		}
		write(u, c.Subject, v)
		m := savedViewMessage(v)
		m.CallerDefault = set
		return m, nil
	})
}
