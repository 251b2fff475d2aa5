package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend"
)

// Lost lists values that lost a conflict; see backend.Store.
func (s *Store) Lost(ctx context.Context, p backend.Principal, before int64, limit int) ([]backend.Lost, error) {
	var out []backend.Lost
	err := s.WithTenant(ctx, p, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT number, table_name, row_id, column_name, kind, value, hlc, winner_hlc,
				coalesce(project_id, ''), client_id, group_no, at
			FROM app.lost WHERE tenant_id = $1 AND ($2 = 0 OR number < $2) ORDER BY number DESC LIMIT $3`, p.Tenant, before, limit)
		if err != nil {
			return err
		}
		if out, err = pgx.CollectRows(rows, scanLost); err != nil {
			return err
		}
		return nameWriters(ctx, tx, p, out)
	})
	return out, unreadable(err)
}

func scanLost(row pgx.CollectableRow) (l backend.Lost, err error) {
	var value string
	err = row.Scan(&l.Number, &l.Table, &l.ID, &l.Column, &l.Kind, &value, &l.HLC, &l.Winner, &l.Project, &l.Client, &l.Group, &l.At)
	l.Value = json.RawMessage(value)
	return l, err
}

// nameWriters fills in who wrote both versions, from the clients that their clocks end with.
func nameWriters(ctx context.Context, tx pgx.Tx, p backend.Principal, lost []backend.Lost) error {
	if len(lost) == 0 {
		return nil
	}
	clients := make([]string, 0, 2*len(lost))
	for _, l := range lost {
		clients = append(clients, l.HLC.Node(), l.Winner.Node())
	}
	rows, err := tx.Query(ctx, "SELECT client_id, user_id, name, machine FROM app.writers($1)", clients)
	if err != nil {
		return err
	}
	known := map[string]backend.Writer{}
	var client, user string
	var w backend.Writer
	if _, err := pgx.ForEachRow(rows, []any{&client, &user, &w.Name, &w.Machine}, func() error {
		known[client] = w
		if user == p.User {
			known[client] = backend.Writer{Self: true, Machine: w.Machine}
		}
		return nil
	}); err != nil {
		return err
	}
	for i, l := range lost {
		lost[i].By, lost[i].WinnerBy = known[l.HLC.Node()], known[l.Winner.Node()]
	}
	return nil
}
