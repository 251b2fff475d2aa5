package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// keep stores a rejected group, or parts of one, as received.
func (q *push) keep(ctx context.Context, number int64, parts []part, why *rejection) error {
	batch := &pgx.Batch{}
	for _, one := range parts {
		batch.Queue(`INSERT INTO app.rejected
			(tenant_id, user_id, machine_id, client_id, group_no, part, digest, schema_version, code, message, raw)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
			q.p.Tenant, q.p.User, q.batch.MachineID, q.batch.ClientID, number, one.number, one.digest, q.batch.SchemaVersion,
			string(why.code), why.message, one.raw)
	}
	return q.tx.SendBatch(ctx, batch).Close()
}

// reject answers a group with why, and with the rows that it would have changed, as they are.
func (q *push) reject(ctx context.Context, i int, why *rejection, changes []pushapi.Change) error {
	r := &q.results[i]
	r.Status, r.Code, r.Message, r.Table, r.ID = pushapi.Rejected, why.code, why.message, why.table, why.row
	if why.change >= 0 {
		change := why.change
		r.Change = &change
	}
	var err error
	r.Current, err = q.current(ctx, changes)
	return err
}

// current is every row that the changes name, once, as the principal may see it.
func (q *push) current(ctx context.Context, changes []pushapi.Change) ([]pushapi.Row, error) {
	named := map[string][]string{}
	var out []pushapi.Row
	index := map[[2]string]int{}
	for _, c := range changes {
		key := [2]string{c.Table, c.ID}
		if _, seen := index[key]; seen || q.tables[c.Table] == nil {
			continue
		}
		index[key] = len(out)
		out = append(out, pushapi.Row{Table: c.Table, ID: c.ID, Data: json.RawMessage("null")})
		named[c.Table] = append(named[c.Table], c.ID)
	}
	for name, ids := range named {
		rows, err := q.tx.Query(ctx, q.tables[name].current, q.p.Tenant, ids)
		if err != nil {
			return nil, err
		}
		var id, data string
		if _, err := pgx.ForEachRow(rows, []any{&id, &data}, func() error {
			out[index[[2]string{name, id}]].Data = json.RawMessage(data)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// keepLost stores the losers and counts them in the answers.
func (q *push) keepLost(ctx context.Context) error {
	if len(q.lost) == 0 {
		return nil
	}
	batch := &pgx.Batch{}
	for _, l := range q.lost {
		q.results[l.at.group].Lost++
		batch.Queue(`INSERT INTO app.lost (tenant_id, user_id, project_id, table_name, row_id, column_name, kind, value, hlc,
			winner_hlc, client_id, group_no) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
			q.p.Tenant, l.user, l.project, l.table, l.id, l.column, string(l.kind), string(l.value), l.hlc, l.winner,
			q.batch.ClientID, q.batch.Groups[l.at.group].Number)
	}
	return q.tx.SendBatch(ctx, batch).Close()
}

// attempt counts another failure of a group.
func (q *push) attempt(ctx context.Context, number int64) (int, error) {
	var attempts int
	err := q.tx.QueryRow(ctx, `INSERT INTO app.attempts AS a (tenant_id, user_id, client_id, group_no, attempts)
		VALUES ($1, $2, $3, $4, 1) ON CONFLICT (tenant_id, user_id, client_id, group_no) DO UPDATE
		SET attempts = a.attempts + 1 RETURNING attempts`, q.p.Tenant, q.p.User, q.batch.ClientID, number).Scan(&attempts)
	return attempts, err
}

// Rejected lists groups that were not applied; see backend.Store.
func (s *Store) Rejected(ctx context.Context, p backend.Principal, before int64, limit int) ([]backend.Rejected, error) {
	var out []backend.Rejected
	err := s.WithTenant(ctx, p, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT number, machine_id, client_id, group_no, part, code, message, raw, at
			FROM app.rejected WHERE tenant_id = $1 AND ($2 = 0 OR number < $2) ORDER BY number DESC LIMIT $3`, p.Tenant, before, limit)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r backend.Rejected, err error) {
			err = row.Scan(&r.Number, &r.Machine, &r.Client, &r.Group, &r.Part, &r.Code, &r.Message, &r.Raw, &r.At)
			return r, err
		})
		return err
	})
	return out, unreadable(err)
}

// unreadable is err as the asker is told it, nil for none.
func unreadable(err error) error {
	if err != nil && backend.CodeOf(err) == backend.Internal {
		return backend.Errorf(backend.Unavailable, "The database could not be read now.").Wrap(scrub(err))
	}
	return err
}
