package store

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/document"
)

func documentProto(d *document.Document) *contactv1.Document {
	return &contactv1.Document{
		Name: named(documents, d.ID), Contact: named(contacts, d.Contact), Interaction: fields.Name(interactions, d.Interaction),
		Title: d.Title, MediaType: d.MediaType, SizeBytes: d.SizeBytes, FileName: d.FileName, Sha256: d.SHA256,
		Reading: contactv1.TextReading(d.Reading), Channel: eventv1.Channel(d.Channel), Direction: eventv1.Direction(d.Direction),
		OccurredAt: timestamppb.New(d.OccurredAt), Actor: d.Actor,
		CreateTime: timestamppb.New(d.CreateTime), UpdateTime: timestamppb.New(d.UpdateTime), DeleteTime: fields.Timestamp(d.DeleteTime), Etag: d.Etag(),
	}
}

// fillDocument reads what is said of a file that is about to come.
func fillDocument(d *document.Document, p *contactv1.Document) error {
	r := &fields.Reader{In: "document"}
	d.Contact = r.Ref("contact", contacts, p.GetContact())
	d.Title, d.FileName = r.Line("title", p.GetTitle()), p.GetFileName()
	d.Channel, d.Direction = int32(p.GetChannel()), int32(p.GetDirection())
	if d.Channel == 0 {
		d.Channel = int32(eventv1.Channel_CHANNEL_OTHER)
	}
	if d.Direction == 0 {
		d.Direction = int32(eventv1.Direction_DIRECTION_INTERNAL)
	}
	d.OccurredAt = r.Time("occurred_at", p.GetOccurredAt())
	return r.Err()
}

// documentEvent words what happened to a document. That it came is an entry of the
// timeline.
func documentEvent(d *document.Document, e entity.Event) eventlog.Draft {
	state := documentProto(d)
	draft := eventlog.Draft{Contacts: []uuid.UUID{d.Contact}}
	switch e.(type) {
	case entity.Deleted:
		draft.Payload = &contactv1.DocumentDeleted{Document: state}
	case entity.Undeleted:
		draft.Payload = &contactv1.DocumentUndeleted{Document: state}
	default:
		draft.Payload, draft.OccurredAt = &contactv1.DocumentStored{Document: state}, d.OccurredAt
		draft.Interaction = &eventv1.Interaction{
			Channel: eventv1.Channel(d.Channel), Direction: eventv1.Direction(d.Direction), Title: d.Title, Summary: d.FileName,
		}
	}
	return draft
}

// writeFile completes the file of a new document, and keeps its text.
func writeFile(w *postgres.Writes, before, after *document.Document) {
	if before != nil {
		return
	}
	w.Queue("UPDATE document SET text = $3 WHERE tenant = $1 AND id = $2", w.Tenant(), after.ID, after.Text)
	w.Queue("UPDATE document_file SET complete = true WHERE tenant = $1 AND id = $2", w.Tenant(), after.ID)
}

// GetDocument answers a document with its text.
func (s *Store) GetDocument(ctx context.Context, tenant uuid.UUID, name string) (*contactv1.Document, error) {
	d, err := s.Documents.Get(ctx, tenant, name)
	if err != nil {
		return nil, err
	}
	p := documentProto(d)
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue("SELECT COALESCE(max(text), '') FROM document WHERE tenant = $1 AND id = $2", tenant, d.ID).
		QueryRow(func(row pgx.Row) error { return row.Scan(&p.Text) })
	return p, postgres.Run(ctx, s.db, b)
}

// DeleteDocument marks the document of a file as deleted.
func (s *Store) DeleteDocument(ctx context.Context, tenant uuid.UUID, name, etag string) (*contactv1.Document, error) {
	return s.Documents.Change(ctx, tenant, name, etag, func(d *document.Document) ([]entity.Event, error) { return d.Delete(s.Now()) })
}

// SearchDocuments answers the living documents that hold the words of the query, the
// latest first, and where the words stand in each; those of one contact where it is
// named.
func (s *Store) SearchDocuments(ctx context.Context, tenant uuid.UUID, query, contact string, max int) ([]*contactv1.Document, []*contactv1.Snippet, error) {
	ids, err := s.found(ctx, tenant, "SELECT search_document($1, $2, $3)", query, contact, max)
	if err != nil || len(ids) == 0 {
		return nil, nil, err
	}
	found, err := s.Documents.Among(ctx, tenant, ids)
	if err != nil {
		return nil, nil, err
	}
	snippets, err := s.snippets(ctx, tenant, ids, query, `
		SELECT id, search_snippet(title || E'\n' || file_name || E'\n' || text, $3)
		FROM document WHERE tenant = $1 AND id = ANY ($2)`)
	if err != nil {
		return nil, nil, err
	}
	return inOrder(found, snippets, documents)
}

// found answers the ids that a search function finds, with one contact where it is
// named.
func (s *Store) found(ctx context.Context, tenant uuid.UUID, search, query, contact string, max int) ([]uuid.UUID, error) {
	var with *uuid.UUID
	if contact != "" {
		id, err := s.Contacts.ParseName(contact)
		if err != nil {
			return nil, errs.Invalid("contact", "", "must be contacts/{uuid}")
		}
		with = &id
	}
	return s.ids(ctx, tenant, search, query, with, max)
}

// snippets answers where the words of a query stand in what a statement reads of some
// rows.
func (s *Store) snippets(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID, query, statement string) (map[uuid.UUID]*contactv1.Snippet, error) {
	snippets := make(map[uuid.UUID]*contactv1.Snippet, len(ids))
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(statement, tenant, ids, query).Query(func(rows pgx.Rows) error {
		var id uuid.UUID
		var marked string
		_, err := pgx.ForEachRow(rows, []any{&id, &marked}, func() error {
			snippets[id] = snippetOf(marked)
			return nil
		})
		return err
	})
	return snippets, postgres.Run(ctx, s.db, b)
}

// The characters between which search_snippet puts what was searched for.
const (
	matchBegin = "\ue000"
	matchEnd   = "\ue001"
)

// snippetOf cuts a text into what was searched for and what stands around it, on one
// line.
func snippetOf(marked string) *contactv1.Snippet {
	snippet := &contactv1.Snippet{}
	add := func(text string, match bool) {
		if text != "" {
			snippet.Parts = append(snippet.Parts, &contactv1.SnippetPart{Text: text, Match: match})
		}
	}
	rest := strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(strings.TrimSpace(marked))
	for rest != "" {
		before, after, found := strings.Cut(rest, matchBegin)
		add(before, false)
		if !found {
			break
		}
		match, left, _ := strings.Cut(after, matchEnd)
		add(match, true)
		rest = left
	}
	return snippet
}

// inOrder puts the snippets in the order of the resources they are of.
func inOrder[P interface {
	proto.Message
	GetName() string
}](found []P, by map[uuid.UUID]*contactv1.Snippet, collection string) ([]P, []*contactv1.Snippet, error) {
	snippets := make([]*contactv1.Snippet, len(found))
	for i, p := range found {
		id, err := uuid.Parse(strings.TrimPrefix(p.GetName(), collection+"/"))
		if err != nil {
			return nil, nil, err
		}
		if snippets[i] = by[id]; snippets[i] == nil {
			snippets[i] = &contactv1.Snippet{}
		}
	}
	return found, snippets, nil
}
