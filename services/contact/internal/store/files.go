package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/filetext"
	"github.com/lingkar-crm/lingkar/pkg/pieces"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/document"
)

const (
	// fileChunk is the size of the pieces of a file, in bytes.
	fileChunk = 256 << 10
	// uploadLifetime is how long an upload may take; what is older and not complete is
	// removed.
	uploadLifetime = 30 * time.Minute
	// readingTime is how long a text may be read out of a file.
	readingTime = 20 * time.Second
	// dropTimeout bounds what is done although the caller has gone.
	dropTimeout = 5 * time.Second
)

var (
	errFileEmpty = errs.Invalid("document", "FILE_EMPTY", "the file is empty")
	errFileLarge = errs.Exhausted("REQUEST_TOO_LARGE", "the file is larger than 100 MiB", 0)
	errFileKind  = errs.Invalid("document", "MEDIA_TYPE_UNSUPPORTED", "the file is no document, picture, sound or film")
	errFileGone  = errs.Refused("UPLOAD_GONE", "the upload took too long, or the contact was erased meanwhile")
	errNoFile    = errs.Refused("DOCUMENT_HAS_NO_FILE", "the document is a long text: GetDocument answers it")
)

// Upload is a file on its way in. Drop it in any case; that does nothing to one that is
// finished.
type Upload struct {
	store    *Store
	tenant   uuid.UUID
	document *document.Document

	hash     hash.Hash
	buffer   []byte
	n        int64
	size     int64
	finished bool
}

// BeginUpload makes room for a file of a contact that the caller may see.
func (s *Store) BeginUpload(ctx context.Context, tenant uuid.UUID, p *contactv1.Document) (*Upload, error) {
	d := &document.Document{Meta: entity.Meta{ID: entity.NewID()}, Actor: auth.From(ctx).Subject}
	if err := fillDocument(d, p); err != nil {
		return nil, err
	}
	if err := d.Dated(s.Now()); err != nil {
		return nil, err
	}
	if _, err := s.Contacts.Get(ctx, tenant, p.GetContact()); err != nil {
		return nil, err
	}
	u := &Upload{store: s, tenant: tenant, document: d, hash: sha256.New()}
	if _, err := u.key(ctx); err != nil {
		return nil, err
	}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue("INSERT INTO document_file (tenant, id, contact, create_time) VALUES ($1, $2, $3, $4)", tenant, d.ID, d.Contact, s.Now())
	// Given up in the middle of this it might have come through, and nobody would drop it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTimeout)
	defer cancel()
	return u, documentTable.Error(postgres.Run(ctx, s.db, b))
}

// key answers the key of the contact, or CONTACT_ERASED.
func (u *Upload) key(ctx context.Context) (eventlog.Key, error) {
	key, err := u.store.keyOf(ctx, u.tenant, u.document.Contact)
	if err == nil && key.Destroyed() {
		err = errErased
	}
	return key, err
}

// Write takes the next bytes of the file.
func (u *Upload) Write(ctx context.Context, data []byte) error {
	if u.size += int64(len(data)); u.size > document.MaxBytes {
		return errFileLarge
	}
	u.hash.Write(data)
	u.buffer = append(u.buffer, data...)
	for len(u.buffer) >= fileChunk {
		if err := u.flush(ctx, u.buffer[:fileChunk]); err != nil {
			return err
		}
		u.buffer = append(u.buffer[:0], u.buffer[fileChunk:]...)
	}
	return nil
}

// flush stores a piece, sealed.
func (u *Upload) flush(ctx context.Context, piece []byte) error {
	key, err := u.key(ctx)
	if err != nil {
		return err
	}
	sealed, err := key.Seal(piece, besidePiece(u.tenant, u.document.ID, u.n))
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, u.tenant)
	b.Queue("INSERT INTO document_chunk (tenant, document, n, data) VALUES ($1, $2, $3, $4)", u.tenant, u.document.ID, u.n, sealed)
	u.n++
	return documentTable.Error(postgres.Run(ctx, u.store.db, b))
}

// besidePiece ties a piece to its place.
func besidePiece(tenant, document uuid.UUID, n int64) []byte {
	return fmt.Appendf(nil, "%s|%s|%d", tenant, document, n)
}

// Finish finds out what the file is and says, and makes a document of it.
func (u *Upload) Finish(ctx context.Context) (*contactv1.Document, error) {
	d := u.document
	if u.size == 0 {
		return nil, errFileEmpty
	}
	if len(u.buffer) > 0 {
		if err := u.flush(ctx, u.buffer); err != nil {
			return nil, err
		}
		u.buffer = nil
	}
	content := u.store.content(ctx, u.tenant, d.ID, d.Contact, u.size)
	media, err := filetext.Sniff(content)
	if err != nil {
		return nil, err
	}
	if media == filetext.Unknown {
		return nil, errFileKind
	}
	d.File, d.MediaType, d.SizeBytes, d.SHA256 = &d.ID, media, u.size, hex.EncodeToString(u.hash.Sum(nil))
	d.Name()
	text, became := filetext.Text(ctx, content, media, document.MaxText, readingTime)
	d.Text, d.Reading = text, int32(became)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	made, err := u.store.Documents.Add(ctx, u.tenant, d)
	if err != nil {
		return nil, err
	}
	u.finished = true
	made.Text = text
	return made, nil
}

// Drop removes what is there of a file that was not finished. What it cannot remove now
// DropUnfinished removes later.
func (u *Upload) Drop(ctx context.Context) {
	if u.finished {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTimeout)
	defer cancel()
	b := &pgx.Batch{}
	postgres.QueueTenant(b, u.tenant)
	b.Queue("DELETE FROM document_file WHERE tenant = $1 AND id = $2 AND NOT complete", u.tenant, u.document.ID)
	if err := postgres.Run(ctx, u.store.db, b); err != nil {
		slog.WarnContext(ctx, "an upload that failed is removed later", "document", u.document.ID, "error", err)
	}
}

// OpenFile answers a document and the file that it is.
func (s *Store) OpenFile(ctx context.Context, tenant uuid.UUID, name string) (*contactv1.Document, *pieces.File, error) {
	d, err := s.Documents.Get(ctx, tenant, name)
	if err != nil {
		return nil, nil, err
	}
	if d.File == nil {
		return nil, nil, errNoFile
	}
	return documentProto(d), s.content(ctx, tenant, d.ID, d.Contact, d.SizeBytes), nil
}

// content reads a file.
func (s *Store) content(ctx context.Context, tenant, id, contact uuid.UUID, size int64) *pieces.File {
	return pieces.New(size, fileChunk, func(n int64) ([]byte, error) {
		key, err := s.keyOf(ctx, tenant, contact)
		if err != nil {
			return nil, err
		}
		if key.Destroyed() {
			return nil, errErased
		}
		var sealed []byte
		b := &pgx.Batch{}
		postgres.QueueTenant(b, tenant)
		b.Queue("SELECT data FROM document_chunk WHERE tenant = $1 AND document = $2 AND n = $3", tenant, id, n).
			QueryRow(func(row pgx.Row) error {
				err := row.Scan(&sealed)
				if errors.Is(err, pgx.ErrNoRows) {
					return io.ErrUnexpectedEOF
				}
				return err
			})
		if err := postgres.Run(ctx, s.db, b); err != nil {
			return nil, err
		}
		return key.Open(sealed, besidePiece(tenant, id, n))
	})
}

// keyOf answers the key of a contact, which may be destroyed.
func (s *Store) keyOf(ctx context.Context, tenant, contact uuid.UUID) (eventlog.Key, error) {
	if key, ok := s.keys.Cached(tenant, contact); ok {
		return key, nil
	}
	if err := s.keys.Fetch(ctx, tenant, contact); err != nil {
		return eventlog.Key{}, err
	}
	key, ok := s.keys.Cached(tenant, contact)
	if !ok {
		return key, errs.Unavailable("KEY_UNAVAILABLE", "the key of a contact cannot be had now", time.Second)
	}
	return key, nil
}

// sweepInterval is how often unfinished uploads are looked for.
const sweepInterval = 10 * time.Minute

// DropUnfinished removes, until the context ends, what is left of uploads that came to no
// end because a process did.
func (s *Store) DropUnfinished(logger *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			if _, err := s.dropUnfinished(ctx); err != nil && ctx.Err() == nil {
				logger.WarnContext(ctx, "unfinished uploads cannot be removed now", "error", err)
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(sweepInterval):
			}
		}
	}
}

func (s *Store) dropUnfinished(ctx context.Context) (int64, error) {
	tag, err := s.db.System.Exec(ctx, "DELETE FROM document_file WHERE NOT complete AND create_time < $1", s.Now().Add(-2*uploadLifetime))
	return tag.RowsAffected(), postgres.SQLError(err)
}
