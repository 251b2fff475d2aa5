package postgres

import (
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend"
)

// askQuota asks what the tenant pushed today, where there is a limit.
func (q *push) askQuota(batch *pgx.Batch) {
	if q.daily > 0 {
		batch.Queue("SELECT app.used_today() >= $1::bigint, (now() AT TIME ZONE 'UTC')::timestamp", q.daily).QueryRow(checkQuota)
	}
}

// checkQuota refuses everything when the limit of the day is reached. A request that crosses it is still taken.
func checkQuota(row pgx.Row) error {
	var reached bool
	var now time.Time
	if err := row.Scan(&reached, &now); err != nil || !reached {
		return err
	}
	tomorrow := now.Truncate(24 * time.Hour).Add(24 * time.Hour)
	return backend.Errorf(backend.RateLimited, "The account has pushed as much as it may in a day; it can go on tomorrow (UTC).").In(tomorrow.Sub(now))
}

// count adds what this request brought.
func (q *push) count(batch *pgx.Batch) {
	if q.daily == 0 {
		return
	}
	bytes := 0
	for i := range q.batch.Groups {
		bytes += len(q.batch.Groups[i].Raw)
	}
	batch.Queue(`INSERT INTO app.usage AS u (tenant_id, day, user_id, client_id, bytes)
		VALUES ($1, (now() AT TIME ZONE 'UTC')::date, $2, $3, $4)
		ON CONFLICT (tenant_id, day, user_id, client_id) DO UPDATE SET bytes = u.bytes + excluded.bytes`,
		q.p.Tenant, q.p.User, q.batch.ClientID, bytes)
}
