package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/customfield"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/text"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/consent"
	"github.com/lingkar-crm/lingkar/services/contact/internal/relationship"
)

//go:embed packs/*.json
var packFiles embed.FS

// packs are what comes with the service, by name: data that a test reads whole.
var packs = mustPacks()

func mustPacks() []*contactv1.IndustryPack {
	names, err := fs.Glob(packFiles, "packs/*.json")
	if err != nil {
		panic(err)
	}
	list := make([]*contactv1.IndustryPack, len(names))
	for i, name := range names {
		file, err := packFiles.ReadFile(name)
		if err != nil {
			panic(err)
		}
		list[i] = &contactv1.IndustryPack{}
		if err := protojson.Unmarshal(file, list[i]); err != nil {
			panic(fmt.Sprintf("store: %s: %v", name, err))
		}
	}
	return list
}

// IndustryPacks answers all packs, by name.
func (s *Store) IndustryPacks() []*contactv1.IndustryPack {
	list := make([]*contactv1.IndustryPack, len(packs))
	for i, p := range packs {
		list[i] = proto.CloneOf(p)
	}
	return list
}

// IndustryPack answers one pack.
func (s *Store) IndustryPack(name string) (*contactv1.IndustryPack, error) {
	for _, p := range packs {
		if p.GetName() == name {
			return proto.CloneOf(p), nil
		}
	}
	return nil, errs.NotFound("industry pack", name)
}

// ApplyIndustryPack adds what the tenant does not have of a pack. Of two calls at once
// that would add the same, the later one looks again.
func (s *Store) ApplyIndustryPack(ctx context.Context, tenant uuid.UUID, name string) (*contactv1.ApplyIndustryPackResponse, error) {
	pack, err := s.IndustryPack(name)
	if err != nil {
		return nil, err
	}
	defer s.CustomFields.Schemas.Forget(tenant)
	apply := func() (*contactv1.ApplyIndustryPackResponse, error) {
		return record.Write(ctx, s.db, s.log, tenant, func(u *record.Unit) (*contactv1.ApplyIndustryPackResponse, error) {
			return s.applyIn(u, pack)
		})
	}
	resp, err := apply()
	if errs.Code(err) == codes.AlreadyExists {
		return apply()
	}
	return resp, err
}

// had is what a tenant has of what packs bring, deleted ones too.
type had struct{ fields, types, purposes []string }

func (s *Store) applyIn(u *record.Unit, pack *contactv1.IndustryPack) (*contactv1.ApplyIndustryPackResponse, error) {
	have, err := hadIn(u)
	if err != nil {
		return nil, err
	}
	resp := &contactv1.ApplyIndustryPackResponse{}
	for _, p := range pack.GetFieldDefinitions() {
		if slices.Contains(have.fields, p.GetResource()+"."+p.GetKey()) {
			resp.KeptCount++
			continue
		}
		row := &customfield.Field{Pack: strings.TrimPrefix(pack.GetName(), industryPacks+"/")}
		if err := s.CustomFields.Fill(row, p); err != nil {
			return nil, err
		}
		if err := s.CustomFields.AddIn(u, row); err != nil {
			return nil, err
		}
		resp.FieldDefinitions = append(resp.FieldDefinitions, customFieldProto(row))
	}
	for _, p := range pack.GetRelationshipTypes() {
		if slices.Contains(have.types, text.Key(p.GetForwardName())) {
			resp.KeptCount++
			continue
		}
		row := &relationship.Type{}
		if err := fillType(row, p); err != nil {
			return nil, err
		}
		if err := s.RelationshipTypes.AddIn(u, row); err != nil {
			return nil, err
		}
		resp.RelationshipTypes = append(resp.RelationshipTypes, typeProto(row))
	}
	for _, p := range pack.GetPurposes() {
		if slices.Contains(have.purposes, p.GetCode()) {
			resp.KeptCount++
			continue
		}
		row := &consent.Purpose{}
		if err := fillPurpose(row, p); err != nil {
			return nil, err
		}
		if err := s.Purposes.AddIn(u, row); err != nil {
			return nil, err
		}
		resp.Purposes = append(resp.Purposes, purposeProto(row))
	}
	return resp, customfield.Room(len(have.fields) + len(resp.GetFieldDefinitions()))
}

func hadIn(u *record.Unit) (have had, err error) {
	collect := func(into *[]string) func(pgx.Rows) error {
		return func(rows pgx.Rows) (err error) {
			*into, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		}
	}
	err = u.Read(func(b *pgx.Batch) {
		b.Queue("SELECT resource || '.' || key FROM custom_field WHERE tenant = $1", u.Tenant()).Query(collect(&have.fields))
		b.Queue("SELECT name_key FROM relationship_type WHERE tenant = $1", u.Tenant()).Query(collect(&have.types))
		b.Queue("SELECT code FROM purpose WHERE tenant = $1", u.Tenant()).Query(collect(&have.purposes))
	})
	return have, err
}
