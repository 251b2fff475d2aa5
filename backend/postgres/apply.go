package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// applier writes folded changes in a transaction.
type applier struct {
	tx     pgx.Tx
	p      backend.Principal
	client string
	new    bool // every put is taken to make a row; if one does not, the error isThere
	lost   []lost
}

// apply writes the changes, one set-based statement per table and kind, and returns what lost. Its error is a *rejection, or
// PostgreSQL's; either way the caller rolls back.
func (a *applier) apply(ctx context.Context, order []*table, folded map[*table][]*net) error {
	for _, t := range order {
		if len(folded[t]) == 0 {
			continue
		}
		if err := a.table(ctx, t, folded[t]); err != nil {
			return err
		}
	}
	return nil
}

func (a *applier) table(ctx context.Context, t *table, rows []*net) error {
	var puts, rest []*net
	for _, n := range rows {
		if n.put {
			puts = append(puts, n)
		} else {
			rest = append(rest, n)
		}
	}
	if len(puts) > 0 {
		made, err := a.insert(ctx, t, puts)
		if err != nil {
			return err
		}
		if made < len(puts) { // the others are there, and meet the new ones as equals
			rest = rows
		}
	}
	if len(rest) == 0 {
		return nil
	}
	return a.merge(ctx, t, rest)
}

func (a *applier) insert(ctx context.Context, t *table, puts []*net) (int, error) {
	made := make([]*row, len(puts))
	for i, n := range puts {
		made[i] = n.row()
	}
	insert := t.insert
	if a.new {
		insert = t.insertNew
	}
	n := 0
	for some := range slices.Chunk(made, insertMost) {
		tag, err := a.tx.Exec(ctx, insert, append([]any{a.p.Tenant, a.p.User}, t.parameters(some)...)...)
		if n += int(tag.RowsAffected()); err != nil {
			return n, err
		}
	}
	return n, nil
}

// insertMost is how many rows a statement inserts: PostgreSQL puts all arrays of a statement into a table of its own first, on
// disk where that is larger than work_mem.
const insertMost = 2000

// row is the row that a put makes.
func (n *net) row() *row {
	r := &row{id: n.id, hlc: n.hlc, values: make([]any, len(n.cells))}
	for i, c := range n.cells {
		if c.column < 0 {
			continue
		}
		r.values[i] = c.value
		r.setVersion(n.table.columns[i].name, c.hlc)
	}
	return r
}

// merge locks the rows that are there, decides each in Go, and writes what came out.
func (a *applier) merge(ctx context.Context, t *table, rows []*net) error {
	stored, err := a.lock(ctx, t, rows)
	if err != nil {
		return err
	}
	var changed []*row
	var removed, missing []*net
	for _, n := range rows {
		r := stored[n.id]
		if r == nil {
			missing = append(missing, n)
			continue
		}
		m := n.merge(r)
		a.lost = append(a.lost, m.lost...)
		if m.changed {
			changed = append(changed, r)
		}
		if m.removed {
			removed = append(removed, n)
		}
	}
	if err := a.missing(ctx, t, missing); err != nil {
		return err
	}
	if err := a.update(ctx, t, changed); err != nil {
		return err
	}
	return a.remove(ctx, t, removed)
}

func (a *applier) lock(ctx context.Context, t *table, nets []*net) (map[string]*row, error) {
	rows, err := a.tx.Query(ctx, t.lock, a.p.Tenant, ids(nets))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	stored := make(map[string]*row, len(nets))
	for rows.Next() {
		r, err := t.scan(rows)
		if err != nil {
			return nil, err
		}
		stored[r.id] = r
	}
	return stored, rows.Err()
}

func (t *table) scan(rows pgx.Rows) (*row, error) {
	r, cv := &row{values: make([]any, len(t.columns))}, ""
	targets := []any{&r.id, &r.user, &r.hlc, &cv}
	for i := range r.values {
		targets = append(targets, &r.values[i])
	}
	if err := rows.Scan(targets...); err != nil {
		return nil, err
	}
	if cv == "" {
		return r, nil
	}
	return r, json.Unmarshal([]byte(cv), &r.cv)
}

func ids(nets []*net) []string {
	out := make([]string, len(nets))
	for i, n := range nets {
		out[i] = n.id
	}
	return out
}

func (a *applier) update(ctx context.Context, t *table, rows []*row) error {
	if len(rows) == 0 {
		return nil
	}
	tag, err := a.tx.Exec(ctx, t.update, append([]any{a.p.Tenant}, t.parameters(rows)...)...)
	if err == nil && int(tag.RowsAffected()) != len(rows) {
		err = fmt.Errorf("updated %d of %d locked rows of %s", tag.RowsAffected(), len(rows), t.name)
	}
	return err
}

func (a *applier) remove(ctx context.Context, t *table, nets []*net) error {
	if len(nets) == 0 {
		return nil
	}
	clocks := make([]string, len(nets))
	for i, n := range nets {
		clocks[i] = n.hlc
	}
	tag, err := a.tx.Exec(ctx, t.remove, a.p.Tenant, ids(nets), clocks)
	if err == nil && int(tag.RowsAffected()) != len(nets) {
		err = fmt.Errorf("removed %d of %d locked rows of %s", tag.RowsAffected(), len(nets), t.name)
	}
	return err
}

// missing decides the changes of rows that cannot be locked: deleted, invisible, only readable, or never there.
func (a *applier) missing(ctx context.Context, t *table, nets []*net) error {
	if len(nets) == 0 {
		return nil
	}
	readable, err := a.visible(ctx, t, nets)
	if err != nil {
		return err
	}
	graves, err := a.graves(ctx, t, nets)
	if err != nil {
		return err
	}
	for _, n := range nets {
		grave := graves[n.id]
		switch {
		case readable[n.id]:
			return n.reject(pushapi.Forbidden, "The row may be read but not written by this account.")
		case n.remove:
		case grave != nil:
			a.lost = append(a.lost, n.asLost(grave, grave.hlc))
		case n.put:
			return n.reject(pushapi.Forbidden, "The id belongs to a row of somebody else.")
		default:
			return n.reject(pushapi.NotFound, "The row is not in the cloud, or not shared with this account.")
		}
	}
	return nil
}

func (n *net) reject(code pushapi.Code, message string) *rejection {
	return &rejection{code: code, message: message, change: n.at.change, table: n.table.name, row: n.id}
}

func (a *applier) visible(ctx context.Context, t *table, nets []*net) (map[string]bool, error) {
	rows, err := a.tx.Query(ctx, t.visible, a.p.Tenant, ids(nets))
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	set := make(map[string]bool, len(found))
	for _, id := range found {
		set[id] = true
	}
	return set, err
}

// graves are the tombstones, as rows that have only an owner, a project and a clock.
func (a *applier) graves(ctx context.Context, t *table, nets []*net) (map[string]*row, error) {
	rows, err := a.tx.Query(ctx, t.buried, a.p.Tenant, ids(nets))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	graves := map[string]*row{}
	for rows.Next() {
		r, project := &row{values: make([]any, len(t.columns))}, (*string)(nil)
		if err := rows.Scan(&r.id, &r.hlc, &r.user, &project); err != nil {
			return nil, err
		}
		if project != nil && t.name != schema.Projects {
			r.values[t.project] = *project
		}
		graves[r.id] = r
	}
	return graves, rows.Err()
}
