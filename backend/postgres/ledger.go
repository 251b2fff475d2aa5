package postgres

import (
	"bytes"
	"context"
	"crypto/sha256"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// entry is a line of the ledger: a group that was decided, for good.
type entry struct {
	digests []byte // of its parts, sha256.Size bytes each
	why     *rejection
}

func digestOf(raw []byte) []byte {
	d := sha256.Sum256(raw)
	return d[:]
}

// has reports whether the entry was made with this part.
func (e *entry) has(g *pushapi.Group, digest []byte) bool {
	if max(g.Parts, 1)*sha256.Size != len(e.digests) {
		return false
	}
	from := max(g.Part-1, 0) * sha256.Size
	return bytes.Equal(e.digests[from:from+sha256.Size], digest)
}

// begin takes the client's lock, so that two requests of one client do not meet, and reads what is known of the account and
// the groups: in one round trip, but as statements of their own, so that what the request before committed is seen.
func (q *push) begin(ctx context.Context) error {
	numbers := []int64{q.batch.After}
	for i := range q.batch.Groups {
		numbers = append(numbers, q.batch.Groups[i].Number)
	}
	batch := &pgx.Batch{}
	batch.Queue("SELECT pg_advisory_xact_lock(hashtextextended('push ' || $1 || ' ' || $2 || ' ' || $3, 0))",
		q.p.Tenant, q.p.User, q.batch.ClientID)
	batch.Queue(`SELECT
		EXISTS (SELECT FROM app.users WHERE tenant_id = $1 AND id = $2 AND disabled_at IS NULL),
		EXISTS (SELECT FROM app.machines WHERE tenant_id = $1 AND id = $3 AND revoked_at IS NOT NULL)`,
		q.p.Tenant, q.p.User, q.p.Machine).QueryRow(checkAccount)
	batch.Queue(`SELECT group_no, digests, rejected, code, message, coalesce(change_no, -1), table_name, row_id
		FROM app.ledger WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3 AND group_no = ANY ($4)`,
		q.p.Tenant, q.p.User, q.batch.ClientID, numbers).Query(q.readLedger)
	batch.Queue(`INSERT INTO app.clients (tenant_id, user_id, client_id, machine_id) SELECT $1, $2, $3, $4
		WHERE EXISTS (SELECT FROM app.users WHERE tenant_id = $1 AND id = $2)
			AND NOT EXISTS (SELECT FROM app.clients WHERE tenant_id = $1 AND client_id = $3 AND user_id = $2 AND machine_id = $4)
		ON CONFLICT (tenant_id, client_id, user_id) DO UPDATE SET machine_id = excluded.machine_id`,
		q.p.Tenant, q.p.User, q.batch.ClientID, q.batch.MachineID)
	q.askQuota(batch)
	if err := q.tx.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	if q.batch.After > 0 && q.known[q.batch.After] == nil {
		for i := range q.batch.Groups {
			g := &q.batch.Groups[i]
			q.results[i] = pushapi.Result{Group: g.Number, Part: g.Part}
			q.retry(i, pushapi.OutOfOrder, "The group that was sent before has not been seen.")
		}
	}
	return nil
}

func checkAccount(row pgx.Row) error {
	var active, revoked bool
	err := row.Scan(&active, &revoked)
	switch {
	case err != nil:
		return err
	case !active:
		return backend.Errorf(backend.Denied, "The account does not exist or is disabled.")
	case revoked:
		return backend.Errorf(backend.Denied, "The machine was signed out by its owner.")
	}
	return nil
}

func (q *push) readLedger(rows pgx.Rows) error {
	q.known = map[int64]*entry{}
	for rows.Next() {
		var number int64
		var e entry
		var rejected bool
		var r rejection
		if err := rows.Scan(&number, &e.digests, &rejected, &r.code, &r.message, &r.change, &r.table, &r.row); err != nil {
			return err
		}
		if rejected {
			e.why = &r
		}
		q.known[number] = &e
	}
	return rows.Err()
}

// again answers a group whose number is in the ledger: as before if it is the same, else it is kept and rejected.
func (q *push) again(ctx context.Context, i int, g *pushapi.Group, e *entry, digest []byte) error {
	if !e.has(g, digest) {
		r := &rejection{code: pushapi.Reused, message: "The number was used for a group with another content.", change: -1}
		if err := q.keep(ctx, g.Number, []part{{g.Part, digest, g.Raw}}, r); err != nil {
			return err
		}
		return q.reject(ctx, i, r, g.Changes)
	}
	if e.why != nil {
		return q.reject(ctx, i, e.why, g.Changes)
	}
	q.results[i].Status = pushapi.Duplicate
	return nil
}

// finish writes what was decided: losers, copies of what was rejected, the ledger; and fills in the answers.
func (q *push) finish(ctx context.Context) error {
	if err := q.keepLost(ctx); err != nil {
		return err
	}
	decided := slices.DeleteFunc(q.pending, func(p *pending) bool { return q.results[p.index].Status == pushapi.Retry })
	if err := q.writeLedger(ctx, decided); err != nil {
		return err
	}
	for _, p := range decided {
		if err := q.unstage(ctx, p); err != nil {
			return err
		}
		if p.why == nil {
			q.results[p.index].Status = pushapi.Applied
			continue
		}
		if err := q.keep(ctx, p.number, p.parts, p.why); err != nil {
			return err
		}
		if err := q.reject(ctx, p.index, p.why, p.named); err != nil {
			return err
		}
	}
	return nil
}

func (q *push) writeLedger(ctx context.Context, decided []*pending) error {
	batch := &pgx.Batch{}
	q.count(batch)
	for _, p := range decided {
		r := p.why
		if r == nil {
			r = &rejection{change: -1}
		}
		batch.Queue(`INSERT INTO app.ledger
			(tenant_id, user_id, client_id, group_no, digests, rejected, code, message, change_no, table_name, row_id)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9, -1), $10, $11)`,
			q.p.Tenant, q.p.User, q.batch.ClientID, p.number, p.digests, p.why != nil, string(r.code), r.message, r.change, r.table, r.row)
	}
	return q.tx.SendBatch(ctx, batch).Close()
}
