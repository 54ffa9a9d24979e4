package customfield

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// maxWords is how many words of a search count.
const maxWords = 8

// like makes a pattern that finds a word wherever it stands.
var like = strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`)

// Search answers the records of a resource, deleted ones not, of which a searchable field
// holds all words of the text, at most so many.
func (s *Schemas) Search(ctx context.Context, tenant uuid.UUID, resource, text string, most int) (ids []uuid.UUID, err error) {
	words := strings.Fields(text)
	patterns := make([]string, min(len(words), maxWords))
	for i := range patterns {
		patterns[i] = "%" + like.Replace(words[i]) + "%"
	}
	if len(patterns) == 0 {
		return nil, nil
	}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue("SELECT search_custom_values($1, $2, $3)", resource, patterns, most).Query(func(rows pgx.Rows) (err error) {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	return ids, postgres.Run(ctx, s.db, b)
}
