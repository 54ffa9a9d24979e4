// Package interaction is the immutable history of what was said and done with a
// contact on the channels that no other service owns.
//
// It promises that nothing is truncated: a body too long for an event becomes a
// document, and the interaction names it (CON-26). There is no rule that changes
// an interaction, because none ever changes.
package interaction

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// MaxBody is the longest body, in bytes, that an interaction carries itself.
const MaxBody = 64 << 10

// summaryRunes is how much of a body the timeline shows at most.
const summaryRunes = 280

// clockSkew is how far ahead of ours a caller's clock may be.
const clockSkew = 5 * time.Minute

// Interaction is one meeting of a contact and the company.
type Interaction struct {
	entity.Meta
	Contact uuid.UUID `db:"contact"`
	// Channel, Direction and Kind are numbered as in the contract.
	Channel   int32 `db:"channel"`
	Direction int32 `db:"direction"`
	Kind      int32 `db:"kind"`
	// Title is one line, Body what was said in full; empty where BodyDocument
	// names the document that holds it.
	Title        string     `db:"title"`
	Body         string     `db:"body"`
	BodyDocument *uuid.UUID `db:"body_document"`
	// Summary is how the body begins.
	Summary      string    `db:"summary"`
	Conversation string    `db:"conversation"`
	OccurredAt   time.Time `db:"occurred_at"`
	Attachments  []string  `db:"attachments,json"`
	// Actor recorded it.
	Actor string `db:"actor"`

	// Document holds a long body on its way into the store, and is nil on
	// interactions that were read.
	Document *Document `db:"-"`
}

// Document is a long text beside the record that names it.
type Document struct {
	ID         uuid.UUID
	Contact    uuid.UUID
	Title      string
	MediaType  string
	Text       string
	SizeBytes  int64
	CreateTime time.Time
}

// Record completes an interaction that is about to be recorded: when it happened,
// the summary, and a document where the body is long.
func (i *Interaction) Record(now time.Time) error {
	if i.OccurredAt.IsZero() {
		i.OccurredAt = now
	}
	if i.OccurredAt.After(now.Add(clockSkew)) {
		return errs.Invalid("interaction.occurred_at", "", "lies in the future")
	}
	i.Summary = summarise(i.Body)
	if len(i.Body) <= MaxBody {
		return nil
	}
	i.Document = &Document{
		ID: entity.NewID(), Contact: i.Contact, Title: i.Title, MediaType: "text/plain",
		Text: i.Body, SizeBytes: int64(len(i.Body)), CreateTime: now,
	}
	i.Body, i.BodyDocument = "", &i.Document.ID
	return nil
}

// summarise answers how a text begins, on one line, ended at a word.
func summarise(body string) string {
	const enough = summaryRunes * utf8.UTFMax * 2
	if len(body) > enough {
		body = strings.ToValidUTF8(body[:enough], "")
	}
	line := strings.Join(strings.Fields(body), " ")
	runes := []rune(line)
	if len(runes) <= summaryRunes {
		return line
	}
	cut := string(runes[:summaryRunes])
	if space := strings.LastIndexByte(cut, ' '); space > len(cut)/2 {
		cut = cut[:space]
	}
	return cut + "…"
}
