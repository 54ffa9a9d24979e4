package bulk

import (
	"crypto/sha256"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/record"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
)

// Job is what a Step knows of the import it works for.
type Job struct {
	// Tenant is whose records they become.
	Tenant uuid.UUID
	// Import says where the file comes from.
	Import *bulkv1.Import
	// State is the Kind's own, kept from step to step while the import runs in this
	// process; nil at first. It must not grow with the file.
	State any

	id uuid.UUID
	// tried is what the step at hand remembers.
	tried []uuid.UUID
}

// DryRun tells whether nothing may remain.
func (j *Job) DryRun() bool { return j.Import.GetDryRun() }

// Tried answers, within a step of a trial, which of the keys earlier steps
// remembered: their rows left nothing else in the database to find. Where it is no
// trial there are none.
func (j *Job) Tried(u *record.Unit, keys []string) (map[string]bool, error) {
	tried := map[string]bool{}
	if !j.DryRun() || len(keys) == 0 {
		return tried, nil
	}
	by := make(map[uuid.UUID]string, len(keys))
	hashes := make([]uuid.UUID, len(keys))
	for i, key := range keys {
		hashes[i] = hashOf(key)
		by[hashes[i]] = key
	}
	err := u.Read(func(b *pgx.Batch) {
		b.Queue("SELECT key FROM import_trial WHERE tenant = $1 AND import = $2 AND key = ANY ($3)", j.Tenant, j.id, hashes).
			Query(func(rows pgx.Rows) error {
				var hash uuid.UUID
				_, err := pgx.ForEachRow(rows, []any{&hash}, func() error {
					tried[by[hash]] = true
					return nil
				})
				return err
			})
	})
	return tried, err
}

// Remember keeps keys for the steps of a trial that follow, if this one succeeds.
func (j *Job) Remember(keys ...string) {
	if !j.DryRun() {
		return
	}
	for _, key := range keys {
		j.tried = append(j.tried, hashOf(key))
	}
}

func (j *Job) queueTried(b *pgx.Batch) {
	if len(j.tried) > 0 {
		b.Queue("INSERT INTO import_trial (tenant, import, key) SELECT $1, $2, unnest($3::uuid[]) ON CONFLICT DO NOTHING", j.Tenant, j.id, j.tried)
	}
}

func hashOf(key string) uuid.UUID {
	sum := sha256.Sum256([]byte(key))
	return uuid.UUID(sum[:16])
}
