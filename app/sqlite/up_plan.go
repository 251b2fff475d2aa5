package sqlite

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/coditect-ai/coditect-sync/backend/pushapi"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// A part of a group stays below the limits of a request, with room for what is around it.
const (
	partBytes   = pushapi.MaxBytes - 16<<10
	partChanges = pushapi.MaxChanges
	// A group ends here although its transaction may not: the server does not take more at once.
	groupBytes   = pushapi.MaxStaged - 8<<20
	groupChanges = 200_000
)

// group is a line of the groups.
type group struct {
	first, last int64
	number      int64 // 0: to be numbered
	changes     int
	since       int64
	cuts        []int64 // the last entries of its parts; none: it is whole
	staged      int     // how many parts the server has; divide: it must be planned anew
	acked       bool
}

// divide is the staged of a range that has to be divided into groups.
const divide = -1

// planner divides entries, which come in order, into groups. A group ends where a transaction is known to end: at the end of
// what was seen in one snapshot, and where a run of entries that we filed ourselves begins or ends. Within such a run it may
// end anywhere. An entry that the server will not take goes alone, so that it takes nothing else with it.
type planner struct {
	groups []group
	open   *openGroup
	drop   []int64 // entries that cannot be sent at all
	maybes bool    // there are deletes that are to be looked at before they are sent
	// hashless are messages without a content hash, by id: the entry that made them, if nothing follows of the row.
	hashless map[string]int64
}

// openGroup is the group that goes on.
type openGroup struct {
	group
	enrol     bool
	bytes     int // of it
	partCount int
	partSize  int
	prev      int64 // the last entry
}

// add takes the next entry; size is its bytes as JSON.
func (p *planner) add(e entry, size int) {
	p.maybes = p.maybes || e.op == opMaybe
	if e.tbl == schema.Messages {
		delete(p.hashless, e.id)
	}
	if e.hashless {
		p.hashless[e.id] = e.seq
	}
	if e.unsendable || size > pushapi.MaxChange {
		p.close()
		p.drop = append(p.drop, e.seq)
		return
	}
	enrol := e.op == opEnrol
	if o := p.open; o != nil && (e.poison || o.enrol != enrol || o.full(size)) {
		p.close()
	}
	if p.open == nil {
		p.open = &openGroup{group: group{first: e.seq, since: e.clock}, enrol: enrol}
	}
	p.open.take(e, size)
	if e.poison {
		p.close()
	}
}

// full tells whether the group must end before an entry of this size.
func (o *openGroup) full(size int) bool {
	if o.enrol {
		return o.changes >= partChanges || o.bytes+size > partBytes
	}
	return o.changes >= groupChanges || o.bytes+size > groupBytes || len(o.cuts) >= pushapi.MaxParts-1 && o.partFull(size)
}

func (o *openGroup) partFull(size int) bool {
	return o.partCount >= partChanges || o.partCount > 0 && o.partSize+size > partBytes
}

func (o *openGroup) take(e entry, size int) {
	if o.partFull(size) {
		o.cuts = append(o.cuts, o.prev)
		o.partCount, o.partSize = 0, 0
	}
	o.changes++
	o.partCount++
	o.bytes += size + 1
	o.partSize += size + 1
	o.prev, o.last = e.seq, e.seq
	o.since = min(o.since, e.clock)
}

func (p *planner) close() {
	if p.open == nil {
		return
	}
	g := p.open.group
	if len(g.cuts) > 0 {
		g.cuts = append(g.cuts, g.last)
	}
	p.groups, p.open = append(p.groups, g), nil
}

// enough tells whether planning may end before the next entry: a group has just ended at a place that is known to be
// between transactions.
func (p *planner) enough(next entry, want int) bool {
	n := 0
	for _, g := range p.groups {
		n += g.changes
	}
	return n >= want && (p.open == nil || p.open.enrol != (next.op == opEnrol) || p.open.enrol)
}

// spread makes the groups' ranges meet, so that each entry between is in one of them: the last one ends at last.
func spread(groups []group, last int64) {
	for i := range groups {
		end := last
		if i+1 < len(groups) {
			end = groups[i+1].first - 1
		}
		if n := len(groups[i].cuts); n > 0 {
			groups[i].cuts[n-1] = end
		}
		groups[i].last = end
	}
}

func cutsText(cuts []int64) string {
	var b strings.Builder
	for i, c := range cuts {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.FormatInt(c, 10))
	}
	return b.String()
}

func parseCuts(text string) (cuts []int64, err error) {
	for field := range strings.FieldsSeq(text) {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the parts of a group: %w", err)
		}
		cuts = append(cuts, n)
	}
	return cuts, nil
}

const groupColumns = "first, last, number, changes, since, cuts, staged, acked"

// groups reads groups, in the order of their entries.
func (c *conn) groups(ctx context.Context, where string, args ...any) ([]group, error) {
	rows, err := c.QueryContext(ctx, "SELECT "+groupColumns+" FROM "+upGroups+" WHERE "+where+" ORDER BY first", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []group
	for rows.Next() {
		var g group
		var cuts string
		if err := rows.Scan(&g.first, &g.last, &g.number, &g.changes, &g.since, &cuts, &g.staged, &g.acked); err != nil {
			return nil, err
		}
		if g.cuts, err = parseCuts(cuts); err != nil {
			return nil, err
		}
		list = append(list, g)
	}
	return list, rows.Err()
}

func (c *conn) putGroup(ctx context.Context, g group) error {
	return c.exec(ctx, "INSERT OR REPLACE INTO "+upGroups+" ("+groupColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		g.first, g.last, g.number, g.changes, g.since, cutsText(g.cuts), g.staged, g.acked)
}

// renumber gives every group that was not answered a new number.
func (c *conn) renumber(ctx context.Context) error {
	return c.exec(ctx, "UPDATE "+upGroups+" SET number = 0, staged = min(staged, 0) WHERE NOT acked")
}
