package oplog

import (
	"slices"

	"github.com/coditect-ai/coditect-sync/backend/stream/row"
	"github.com/coditect-ai/coditect-sync/backend/stream/rules"
	"github.com/coditect-ai/coditect-sync/backend/stream/wire"
)

// change is one row's change: from old (nil where the key stays) to now (nil where the row is gone).
type change struct {
	relation *relation
	old, now []row.Value
}

// before is the key that the row had, which may be the one it keeps.
func (c change) before() uuid {
	if c.old != nil {
		return c.relation.rowKey(c.old)
	}
	return c.relation.rowKey(c.now)
}

// lacks says whether a value must be taken from the document that the row had.
func (c change) lacks() bool {
	return slices.ContainsFunc(c.now, func(v row.Value) bool { return v.Kind == row.Unchanged })
}

// fill takes what the change left out from the row as it was, where the change carries that.
func (c change) fill() change {
	for i, v := range c.now {
		if v.Kind == row.Unchanged && c.relation.full && c.old != nil {
			c.now[i] = c.old[i]
		}
	}
	return c
}

// place is a row's operation in one bucket: stored under a number, or of this batch.
type place struct {
	bucket   int32
	op       wire.Op
	number   int64 // of a stored one
	own      *operation
	rowID    string
	document string
}

// operation is one that the batch adds. A later one of the batch may drop it again.
type operation struct {
	bucket   int32
	op       wire.Op
	key      uuid
	table    int16
	rowID    string
	checksum uint32
	document string
	dropped  bool
}

// stored names an operation in the log.
type stored struct {
	bucket int32
	number int64
	op     wire.Op
}

// batch works out what some changes, in their order, do to the log. It folds: of all operations on one row in one bucket
// only the last stays, since a batch becomes visible as a whole. It is pure but for the numbers of new buckets.
type batch struct {
	bucket func(name string) int32
	places map[uuid][]*place // where the rows are: filled with what is stored before the first change
	added  []*operation
	void   []stored
	grants map[uuid]*rules.Grant // what rows of lookups give after the batch; nil = nothing more
	lost   int                   // values that were nowhere to be found
}

// held is the bucket of the documents that are in no bucket.
const held int32 = 0

func newBatch(bucket func(name string) int32) *batch {
	return &batch{bucket: bucket, places: map[uuid][]*place{}, grants: map[uuid]*rules.Grant{}}
}

func (b *batch) apply(c change) {
	b.grant(c)
	if !c.relation.match.Streamed() {
		return
	}
	before := c.before()
	if c.now == nil {
		b.leave(c.relation, before, nil)
		return
	}
	b.complete(c, b.places[before])
	key := c.relation.rowKey(c.now)
	if key != before {
		b.leave(c.relation, before, nil)
	}
	b.enter(c, key)
}

// grant notes what the row gives through lookups now, in place of what it gave.
func (b *batch) grant(c change) {
	for _, lookup := range c.relation.match.Lookups() {
		b.grants[grantKey(c.before(), lookup)] = nil
	}
	if c.now == nil {
		return
	}
	key := c.relation.rowKey(c.now)
	for _, g := range c.relation.match.Grants(value(c.now)) {
		b.grants[grantKey(key, g.Lookup)] = &g
	}
}

// complete fills in the values that the change left out.
func (b *batch) complete(c change, places []*place) {
	for i, v := range c.now {
		if v.Kind != row.Unchanged {
			continue
		}
		c.now[i] = row.Value{}
		if member := find(places, c.relation.columns[i].Name); member != nil {
			c.now[i] = row.Value{Kind: row.JSON, Data: member}
		} else if c.relation.sends(i) {
			b.lost++
		}
	}
}

// find is a column's value in the document that the row has.
func find(places []*place, column string) []byte {
	for _, p := range places {
		if p.op != wire.Put {
			continue
		}
		if member := row.Member(p.document, column); member != nil {
			return member
		}
	}
	return nil
}

// enter puts the row where it belongs and takes it away where it no longer does.
func (b *batch) enter(c change, key uuid) {
	document := string(row.AppendDocument(nil, c.relation.columns, c.now, c.relation.match.Document))
	id, _ := c.now[c.relation.match.ID].Get()
	var buckets []int32
	for _, name := range c.relation.match.Buckets(value(c.now)) {
		buckets = append(buckets, b.bucket(name))
	}
	if len(buckets) == 0 && !c.relation.full {
		buckets = []int32{held}
	}
	b.leave(c.relation, key, buckets)
	checksum := row.PutChecksum(c.relation.name, id, document)
	for _, bucket := range buckets {
		b.add(operation{bucket: bucket, op: wire.Put, key: key, table: c.relation.number, rowID: id, checksum: checksum, document: document})
	}
}

// leave removes the row from every bucket but some.
func (b *batch) leave(r *relation, key uuid, but []int32) {
	for _, p := range slices.Clone(b.places[key]) {
		if p.op != wire.Put || slices.Contains(but, p.bucket) {
			continue
		}
		if p.bucket == held {
			b.supersede(key, p)
			continue
		}
		b.add(operation{bucket: p.bucket, op: wire.Remove, key: key, table: r.number, rowID: p.rowID,
			checksum: row.RemoveChecksum(r.name, p.rowID)})
	}
}

// add appends an operation and makes the one before it, on this row in this bucket, void.
func (b *batch) add(o operation) {
	for _, p := range b.places[o.key] {
		if p.bucket == o.bucket {
			b.supersede(o.key, p)
			break
		}
	}
	b.places[o.key] = append(b.places[o.key], &place{bucket: o.bucket, op: o.op, own: &o, rowID: o.rowID, document: o.document})
	b.added = append(b.added, &o)
}

func (b *batch) supersede(key uuid, p *place) {
	if p.own != nil {
		p.own.dropped = true
	} else {
		b.void = append(b.void, stored{p.bucket, p.number, p.op})
	}
	b.places[key] = slices.DeleteFunc(b.places[key], func(other *place) bool { return other == p })
}
