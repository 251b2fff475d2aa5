package sqlite

import (
	"time"

	"github.com/coditect-ai/coditect-sync/app/powersync"
)

// mostAhead bounds the documents of rows that are read ahead.
const mostAhead = 1 << 20

// ahead is the next rows, read and decoded while other writers had their turn, so that the file is locked for less.
type ahead struct {
	rows  []readyRow
	taken int // of rows
	ops   []staged
	cells cells
}

func (a *ahead) left() int { return len(a.rows) - a.taken }

// readyRow is a row's operations. Where the last of them is a put, its document is decoded.
type readyRow struct {
	ops   []staged
	cells []cell
	hash  int64 // of the cells
}

// is reports whether it is this document that was decoded, that very memory.
func (r *readyRow) is(doc []byte) bool {
	if len(r.cells) == 0 || len(doc) == 0 {
		return false
	}
	mine := r.ops[len(r.ops)-1].doc
	return len(mine) == len(doc) && &mine[0] == &doc[0]
}

// next is the next row, without operations at the end.
func (w *catchUp) next(into readyRow) (readyRow, error) {
	if w.ahead.left() > 0 {
		w.ahead.taken++
		return w.ahead.rows[w.ahead.taken-1], nil
	}
	ops, err := w.merge.group(into.ops)
	return readyRow{ops: ops}, err
}

// readAhead reads rows until that moment, or until there are as many as a transaction takes.
func (w *applier) readAhead(work *catchUp, until time.Time) error {
	a := &work.ahead
	if a.left() > 0 {
		return nil
	}
	*a = ahead{rows: a.rows[:0], ops: a.ops[:0], cells: a.cells.empty()}
	for n := 0; n < w.took+w.took/4 && len(a.cells.text) < mostAhead; n++ {
		if n%16 == 15 && time.Now().After(until) {
			return nil
		}
		from := len(a.ops)
		ops, err := work.merge.group(a.ops[from:])
		if err != nil || len(ops) == 0 {
			return err
		}
		a.ops = append(a.ops, ops...)
		r := readyRow{ops: a.ops[from:len(a.ops):len(a.ops)]}
		last := &r.ops[len(r.ops)-1]
		if t := w.tables[last.table]; t != nil && last.bucket != nil && last.kind == powersync.Put {
			id := a.cells.keep(appendID(w.id[:0], last.key))
			r.cells = w.decodeInto(&a.cells, t, id, last.doc)
			r.hash = w.hashCells(r.cells)
		}
		a.rows = append(a.rows, r)
	}
	return nil
}

// cells is memory for decoded documents. What was handed out stays as it is when more is added.
type cells struct {
	list []cell
	text []byte
}

func (c cells) empty() cells { return cells{c.list[:0], c.text[:0]} }

func (c *cells) keep(text []byte) []byte {
	from := len(c.text)
	c.text = append(c.text, text...)
	return c.text[from:len(c.text):len(c.text)]
}
