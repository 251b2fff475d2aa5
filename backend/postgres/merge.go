package postgres

import (
	"encoding/json"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// row is a row as it is stored.
type row struct {
	id, user string
	hlc      string
	cv       map[string]string
	values   []any // by column
}

// version is the clock of a column.
func (r *row) version(name string) string {
	if v, ok := r.cv[name]; ok {
		return v
	}
	return r.hlc
}

// newest is the newest clock of the row.
func (r *row) newest() string {
	newest := r.hlc
	for _, v := range r.cv {
		newest = max(newest, v)
	}
	return newest
}

// project is the project that the row belongs to, nil for none: in projects itself, the row's id.
func (r *row) project(t *table) any {
	if t.name == schema.Projects {
		return r.id
	}
	return r.values[t.project]
}

// lost is a value that lost a conflict.
type lost struct {
	table, id, column string
	kind              backend.LostKind
	value             json.RawMessage
	hlc, winner       string
	user              string
	project           any
	at                place
}

// merged is what becomes of a stored row.
type merged struct {
	changed bool // to be written
	removed bool
	lost    []lost
}

// merge changes r, a locked row, as n says. Per column the newest clock wins, the order of arrival plays no part. A value
// that loses is kept: the one that comes too late; and the one that is there, if the writer of the newer one had not seen it.
func (n *net) merge(r *row) merged {
	if n.remove {
		return n.mergeRemoval(r)
	}
	var m merged
	if n.put && n.saysNothingNew(r) {
		return m
	}
	for _, c := range n.cells {
		if c.column >= 0 {
			n.mergeCell(r, c, &m)
		}
	}
	return m
}

// saysNothingNew reports whether the row has all values of n. Such a put comes from a machine that enrols what it has; new
// clocks for every row of it would be rewritten here and sent to everybody.
func (n *net) saysNothingNew(r *row) bool {
	for i, c := range n.cells {
		if c.column >= 0 && c.value != r.values[i] {
			return false
		}
	}
	return true
}

func (n *net) mergeCell(r *row, c cell, m *merged) {
	column := n.table.columns[c.column]
	have, version := r.values[c.column], r.version(column.name)
	// Whoever pushed what loses shows it still, and may have seen the winner before: a clock of its may have been behind. So
	// the row is written as it is, which brings it to everybody once more.
	loses := func(kind backend.LostKind, value any, hlc, winner string) {
		m.lost = append(m.lost, n.loser(r, column.name, kind, value, hlc, winner, c.at))
		m.changed = true
	}
	switch {
	case have == c.value && c.hlc < version:
		return
	case have == c.value: // the same, said again later
	case column.immutable && have != nil:
		loses(backend.Immutable, c.value, c.hlc, version)
		return
	case c.hlc < version: // an equal one is the same client's, and this is what it said last
		loses(backend.Older, c.value, c.hlc, version)
		return
	case have != nil && !c.sawBefore(have, version):
		loses(backend.Overwritten, have, version, c.hlc)
	}
	r.values[c.column] = c.value
	r.setVersion(column.name, c.hlc)
	m.changed = true
}

func (r *row) setVersion(name, hlc string) {
	if hlc == r.hlc {
		delete(r.cv, name)
		return
	}
	if r.cv == nil {
		r.cv = map[string]string{}
	}
	r.cv[name] = hlc
}

// sawBefore reports whether the writer of c knew the stored value: it says so, or wrote that value itself. A value without a
// clock was written by SQL here, and whoever does not say what was there is believed to have read it.
func (c cell) sawBefore(have any, version string) bool {
	if c.hasOld {
		return c.old == have
	}
	return version == "" || pushapi.HLC(version).Node() == pushapi.HLC(c.hlc).Node()
}

// mergeRemoval removes the row unless something in it is newer. A removed row is kept as lost if somebody else wrote to it.
func (n *net) mergeRemoval(r *row) merged {
	newest := r.newest()
	if n.hlc < newest {
		return merged{changed: true, lost: []lost{n.loserRow(r, backend.Undeleted, []byte("null"), n.hlc, newest)}} // as above
	}
	m := merged{removed: true}
	if newest != "" && pushapi.HLC(newest).Node() != pushapi.HLC(n.hlc).Node() {
		m.lost = append(m.lost, n.loserRow(r, backend.Deleted, r.document(n.table), newest, n.hlc))
	}
	for _, c := range n.late {
		m.lost = append(m.lost, n.loser(r, n.table.columns[c.column].name, backend.Deleted, c.value, c.hlc, n.hlc, c.at))
	}
	return m
}

func (n *net) loser(r *row, column string, kind backend.LostKind, value any, hlc, winner string, at place) lost {
	return lost{table: n.table.name, id: n.id, column: column, kind: kind, value: document(value), hlc: hlc, winner: winner,
		user: r.user, project: r.project(n.table), at: at}
}

func (n *net) loserRow(r *row, kind backend.LostKind, value json.RawMessage, hlc, winner string) lost {
	l := n.loser(r, "", kind, nil, hlc, winner, n.at)
	l.value = value
	return l
}

// document is the row as JSON.
func (r *row) document(t *table) json.RawMessage {
	values := map[string]json.RawMessage{}
	for i, v := range r.values {
		values[t.columns[i].name] = document(v)
	}
	return document(values)
}

// asLost is all that n would have written, when the row is deleted for good: one object of the values that are set.
func (n *net) asLost(r *row, winner string) lost {
	values := map[string]json.RawMessage{}
	for _, c := range n.cells {
		if c.column >= 0 {
			values[n.table.columns[c.column].name] = document(c.value)
		}
	}
	return n.loserRow(r, backend.Deleted, document(values), n.hlc, winner)
}

// document is a value as JSON; infinite numbers, which JSON has not, as the text that the contract has for them.
func document(v any) json.RawMessage {
	if f, ok := v.(float64); ok && f-f != 0 { // true for infinities only
		v = map[bool]string{true: "Infinity", false: "-Infinity"}[f > 0]
	}
	text, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null") // nothing that a column holds
	}
	return text
}
