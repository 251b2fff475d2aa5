package postgres

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/coditect-ai/coditect-sync/backend/pushapi"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// rejection is why a group will never be applied. A group that is only too new for this server is retried instead.
type rejection struct {
	code    pushapi.Code
	message string
	change  int // -1: not known
	table   string
	row     string
}

func (r *rejection) Error() string { return r.message }

// change is one change, understood: the values have the types of their columns.
type change struct {
	table *table
	op    pushapi.Op
	id    string
	hlc   string
	cells []cell // by column; those with column < 0 are not set. Nil for a deletion
	at    place
}

// place says which change it was, for answers.
type place struct{ group, change int } // group: the index in the request

// cell is one column's value: nil, string, int64 or float64.
type cell struct {
	column int
	value  any
	hlc    string
	old    any
	hasOld bool
	at     place
}

// ahead is how far a client's clock may be ahead of ours. What is later counts as that.
const ahead = 5 * time.Minute

// reader turns the changes of one request into typed ones.
type reader struct {
	tables map[string]*table
	now    time.Time
	client string
	count  int // changes without a clock, so far
}

// clock is the change's own, held to the near future, or the moment of arrival.
func (r *reader) clock(h pushapi.HLC) string {
	if h != "" {
		return string(h.AtMost(r.now.Add(ahead)))
	}
	r.count++
	at := r.now.Add(time.Duration(r.count>>16) * time.Millisecond)
	return string(pushapi.NewHLC(at, uint16(r.count), r.client)) // the lower half
}

func (r *reader) group(index int, changes []pushapi.Change) ([]change, *rejection) {
	out := make([]change, len(changes))
	for i, c := range changes {
		read, why := r.change(c, place{index, i})
		if why != nil {
			why.change, why.row = i, c.ID
			if r.tables[c.Table] != nil {
				why.table = c.Table
			}
			return nil, why
		}
		out[i] = read
	}
	return out, nil
}

func (r *reader) change(c pushapi.Change, at place) (change, *rejection) {
	t := r.tables[c.Table]
	if t == nil {
		return change{}, &rejection{code: pushapi.UnknownName, message: "There is no such table."}
	}
	out := change{table: t, op: c.Op, id: c.ID, hlc: r.clock(c.HLC), at: at}
	if c.Op == pushapi.Delete {
		return out, nil
	}
	out.cells = unset(len(t.columns))
	for name, raw := range pushapi.Members(c.Data) {
		column, known := t.index[name]
		if name == userID || name == schema.ID { // the server's own, and said already
			continue
		}
		if !known {
			return change{}, &rejection{code: pushapi.UnknownName, message: "The table " + t.name + " has no such column."}
		}
		v, problem := t.columns[column].read(raw)
		if problem != "" {
			return change{}, &rejection{code: pushapi.BadValue, message: "The value of " + t.name + "." + name + " " + problem + "."}
		}
		out.cells[column] = cell{column: column, value: v, hlc: out.hlc, at: at}
	}
	out.readOld(c.Old)
	return out, nil
}

// readOld notes what the writer saw before. What cannot be read, nobody can have seen.
func (c *change) readOld(old json.RawMessage) {
	for name, raw := range pushapi.Members(old) {
		column, known := c.table.index[name]
		if !known || c.cells[column].column < 0 {
			continue
		}
		v, problem := c.table.columns[column].read(raw)
		c.cells[column].old, c.cells[column].hasOld = v, problem == ""
	}
}

// read is the value of raw as the column's type; problem is the end of a sentence, "" when there is none.
func (c column) read(raw []byte) (v any, problem string) {
	if string(raw) == "null" {
		if c.notNull {
			return nil, "must not be null"
		}
		return nil, ""
	}
	switch c.kind {
	case schema.Integer:
		return readInteger(raw)
	case schema.Real:
		return readReal(raw)
	default:
		s, err := pushapi.Text(raw)
		if err != nil {
			return nil, err.Error()
		}
		return s, ""
	}
}

func isNumber(raw []byte) bool { return raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9' }

// readInteger takes 1.0 too: what JavaScript programs make of whole numbers.
func readInteger(raw []byte) (any, string) {
	whole := raw
	if i := bytes.IndexByte(raw, '.'); i > 0 && len(bytes.Trim(raw[i+1:], "0")) == 0 {
		whole = raw[:i]
	}
	n, err := strconv.ParseInt(string(whole), 10, 64)
	if err != nil {
		return nil, "is no whole number of 64 bits"
	}
	return n, ""
}

func readReal(raw []byte) (any, string) {
	switch string(raw) {
	case `"Infinity"`:
		return math.Inf(1), ""
	case `"-Infinity"`:
		return math.Inf(-1), ""
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || !isNumber(raw) {
		return nil, "is no number of 64 bits"
	}
	return f, ""
}
