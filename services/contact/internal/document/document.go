// Package document is what is kept of a contact as a file: letters, faxes, scans and
// whatever else came with it.
//
// It promises that what a file says is never changed, and that its name is a name: it
// leads to no folder and hides no ending. There is no rule that changes one; it can be
// deleted and brought back, and the body of an interaction not even that.
package document

import (
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

const (
	// MaxBytes is the size of the largest file.
	MaxBytes = 100 << 20
	// MaxText is how much of its text is kept, in bytes.
	MaxText = 900_000

	maxName  = 255
	maxTitle = 300
	skew     = 5 * time.Minute
)

// Document is a file of a contact, or the long body of an interaction.
type Document struct {
	entity.Meta
	Contact uuid.UUID `db:"contact"`
	// Interaction is whose body it is; nil of a file.
	Interaction *uuid.UUID `db:"interaction"`
	// File is its own id where there is a file.
	File      *uuid.UUID `db:"file"`
	Title     string     `db:"title"`
	MediaType string     `db:"media_type"`
	SizeBytes int64      `db:"size_bytes"`
	FileName  string     `db:"file_name"`
	SHA256    string     `db:"sha256"`
	// Reading, Channel and Direction are numbered as in the contract.
	Reading    int32     `db:"reading"`
	Channel    int32     `db:"channel"`
	Direction  int32     `db:"direction"`
	OccurredAt time.Time `db:"occurred_at"`
	// Actor stored it.
	Actor string `db:"actor"`

	// Text is what the file says, on its way into the store.
	Text string `db:"-"`
}

// Name gives the file a name and the document a title, where it has none.
func (d *Document) Name() {
	d.FileName = fileName(d.FileName)
	if d.Title == "" {
		d.Title = d.FileName
	}
	if d.Title == "" {
		d.Title = d.MediaType
	}
	if runes := []rune(d.Title); len(runes) > maxTitle {
		d.Title = string(runes[:maxTitle])
	}
}

// fileName takes folders and what is no letter, mark or sign off a name.
func fileName(said string) string {
	said = said[strings.LastIndexAny(said, `/\`)+1:]
	said = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) && !strings.ContainsRune(`<>:"|?*`, r) {
			return r
		}
		return -1
	}, said))
	said = strings.TrimRight(strings.TrimLeft(said, "."), ". ")
	for len(said) > maxName {
		said = said[:len(said)-1]
	}
	return strings.ToValidUTF8(said, "")
}

// Dated gives the document its time, which lies not in the future.
func (d *Document) Dated(now time.Time) error {
	if d.OccurredAt.IsZero() {
		d.OccurredAt = now
	}
	if d.OccurredAt.After(now.Add(skew)) {
		return errs.Invalid("document.occurred_at", "", "lies in the future")
	}
	return nil
}

// Delete marks a file as deleted.
func (d *Document) Delete(now time.Time) ([]entity.Event, error) {
	if d.Interaction != nil {
		return nil, errs.Refused("DOCUMENT_OF_INTERACTION", "the document is the body of an interaction, which is never changed")
	}
	d.DeleteTime = &now
	return []entity.Event{entity.Deleted{}}, nil
}
