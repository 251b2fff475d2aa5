package postgres

import (
	"cmp"
	"slices"

	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// net is what all changes of one row in a request come to.
type net struct {
	table  *table
	id     string
	put    bool   // makes the row if it is not there
	remove bool   // and nothing else
	hlc    string // of the put or the removal, else of the newest patch
	cells  []cell // by column; those with column < 0 are not set. Nil before the first change
	own    bool   // cells are not those of a change, which may be folded again
	at     place  // the last change
	late   []cell // patches after the removal, which lose
}

// fold joins the changes of each row, in order, so that one statement per table meets every row once. The rows of a table are
// in the order of their ids: transactions that lock the same rows lock them in the same order.
func fold(changes []change) map[*table][]*net {
	rows := map[*table]map[string]*net{}
	for i := range changes {
		c := &changes[i]
		if rows[c.table] == nil {
			rows[c.table] = map[string]*net{}
		}
		n := rows[c.table][c.id]
		if n == nil {
			n = &net{table: c.table, id: c.id}
			rows[c.table][c.id] = n
		}
		n.add(c)
	}
	folded := map[*table][]*net{}
	for t, byID := range rows {
		for _, n := range byID {
			folded[t] = append(folded[t], n)
		}
		slices.SortFunc(folded[t], func(a, b *net) int { return cmp.Compare(a.id, b.id) })
	}
	return folded
}

func unset(n int) []cell {
	cells := make([]cell, n)
	for i := range cells {
		cells[i].column = -1
	}
	return cells
}

func (n *net) add(c *change) {
	n.at = c.at
	switch {
	case c.op == pushapi.Delete:
		n.hlc, n.remove, n.put = max(n.hlc, c.hlc), true, false
		n.cells, n.own = unset(len(n.table.columns)), true
	case n.remove && c.op == pushapi.Patch:
		n.late = append(n.late, slices.DeleteFunc(slices.Clone(c.cells), func(x cell) bool { return x.column < 0 })...)
	case n.remove: // a new row in the place of the old one: what it does not say is empty
		n.remove, n.put, n.hlc = false, true, c.hlc
		n.empty(c)
		n.set(c)
	default:
		n.put = n.put || c.op == pushapi.Put
		n.hlc = max(n.hlc, c.hlc)
		n.set(c)
	}
}

func (n *net) empty(c *change) {
	for i, column := range n.table.columns {
		if !column.notNull {
			n.cells[i] = cell{column: i, hlc: c.hlc, at: c.at}
		}
	}
}

// set takes over a change's values. What the writer saw before the request is what its first change of the column saw. Nearly
// every row has one change, whose cells are taken as they are.
func (n *net) set(c *change) {
	if n.cells == nil {
		n.cells = c.cells
		return
	}
	if !n.own {
		n.cells, n.own = slices.Clone(n.cells), true
	}
	for _, next := range c.cells {
		if next.column < 0 {
			continue
		}
		have := &n.cells[next.column]
		if have.column >= 0 {
			next.old, next.hasOld = have.old, have.hasOld
			next.hlc = max(next.hlc, have.hlc)
		}
		*have = next
	}
}
