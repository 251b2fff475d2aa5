package stream

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
)

// replica is a client of the protocol that keeps everything in memory and checks every promise: sums at each completion,
// numbers that only grow, data for buckets that were announced.
type replica struct {
	t       testing.TB
	target  map[string]uint32 // checksums of the checkpoint in hand
	rank    map[string]int    // priorities
	buckets map[string]*replicaBucket
	reached string // the write checkpoint of the last complete checkpoint
	request string // of the one in hand
	lastOp  string // of the last complete checkpoint
	last    string // of the one in hand
	got     map[string]int
}

type replicaBucket struct {
	position int64
	sum, add uint32
	rows     map[rowID]replicaRow
}

type rowID struct{ table, id string }

type replicaRow struct {
	op       int64
	checksum uint32
	document string
}

func newReplica(t testing.TB) *replica {
	return &replica{t: t, target: map[string]uint32{}, rank: map[string]int{}, buckets: map[string]*replicaBucket{}, got: map[string]int{}}
}

type bucketLine struct {
	Bucket   string
	Checksum int64
	Count    int64
	Priority int
}

type opLine struct {
	OpID       string  `json:"op_id"`
	Op         string  `json:"op"`
	ObjectType string  `json:"object_type"`
	ObjectID   string  `json:"object_id"`
	Checksum   int64   `json:"checksum"`
	Data       *string `json:"data"`
}

type dataLine struct {
	Bucket    string   `json:"bucket"`
	After     string   `json:"after"`
	NextAfter string   `json:"next_after"`
	HasMore   bool     `json:"has_more"`
	Data      []opLine `json:"data"`
}

type anyLine struct {
	LastOpID        string       `json:"last_op_id"`
	WriteCheckpoint string       `json:"write_checkpoint"`
	Buckets         []bucketLine `json:"buckets"`
	UpdatedBuckets  []bucketLine `json:"updated_buckets"`
	RemovedBuckets  []string     `json:"removed_buckets"`
	Priority        int          `json:"priority"`
}

func (r *replica) apply(lines ...line) {
	r.t.Helper()
	for _, l := range lines {
		var a anyLine
		switch l.kind {
		case "token_expires_in":
			continue
		case "data":
			var d dataLine
			l.decode(r.t, &d)
			r.data(d)
			continue
		}
		l.decode(r.t, &a)
		r.got[l.kind]++
		switch l.kind {
		case "checkpoint":
			r.target, r.rank = map[string]uint32{}, map[string]int{}
			r.announce(a, a.Buckets)
			for name := range r.buckets {
				if _, listed := r.target[name]; !listed {
					delete(r.buckets, name)
				}
			}
		case "checkpoint_diff":
			r.announce(a, a.UpdatedBuckets)
			for _, name := range a.RemovedBuckets {
				delete(r.target, name)
				delete(r.buckets, name)
			}
		case "partial_checkpoint_complete":
			r.check(a, a.Priority)
		case "checkpoint_complete":
			r.check(a, 100)
			r.reached, r.lastOp = r.request, a.LastOpID
		}
	}
}

func (r *replica) announce(a anyLine, buckets []bucketLine) {
	r.last = a.LastOpID
	r.request = a.WriteCheckpoint
	for _, b := range buckets {
		r.target[b.Bucket], r.rank[b.Bucket] = uint32(b.Checksum), b.Priority
	}
}

func (r *replica) bucket(name string) *replicaBucket {
	if r.buckets[name] == nil {
		r.buckets[name] = &replicaBucket{rows: map[rowID]replicaRow{}}
	}
	return r.buckets[name]
}

func (r *replica) data(d dataLine) {
	r.t.Helper()
	if _, listed := r.target[d.Bucket]; !listed {
		r.t.Errorf("data for bucket %s, which is not listed", d.Bucket)
	}
	b := r.bucket(d.Bucket)
	for _, o := range d.Data {
		r.got[o.Op]++
		op, err := strconv.ParseInt(o.OpID, 10, 64)
		if err != nil || op <= b.position {
			r.t.Errorf("operation %s after %d in %s", o.OpID, b.position, d.Bucket)
		}
		b.position = op
		b.apply(o, op)
	}
	if fmt.Sprint(b.position) != d.NextAfter {
		r.t.Errorf("next_after %s, want %d", d.NextAfter, b.position)
	}
}

func (b *replicaBucket) apply(o opLine, op int64) {
	id := rowID{o.ObjectType, o.ObjectID}
	switch o.Op {
	case "PUT", "REMOVE":
		b.sum -= b.rows[id].checksum
		b.add += b.rows[id].checksum
		delete(b.rows, id)
		if o.Op == "REMOVE" {
			b.add += uint32(o.Checksum)
			return
		}
		b.sum += uint32(o.Checksum)
		b.rows[id] = replicaRow{op, uint32(o.Checksum), *o.Data}
	case "MOVE":
		b.add += uint32(o.Checksum)
	case "CLEAR":
		*b = replicaBucket{position: b.position, add: uint32(o.Checksum), rows: map[rowID]replicaRow{}}
	}
}

// check compares the sums of the buckets up to a priority with what was announced.
func (r *replica) check(a anyLine, priority int) {
	r.t.Helper()
	if a.LastOpID != r.last {
		r.t.Errorf("complete at %s, announced %s", a.LastOpID, r.last)
	}
	position, _ := strconv.ParseInt(a.LastOpID, 10, 64)
	for name, want := range r.target {
		if r.rank[name] > priority {
			continue
		}
		b := r.bucket(name)
		if got := b.sum + b.add; got != want {
			r.t.Errorf("at %s bucket %s has the checksum %d, announced %d", a.LastOpID, name, got, want)
		}
		b.position = max(b.position, position)
	}
}

// positions are what a client that goes on says.
func (r *replica) positions() map[string]string {
	all := map[string]string{}
	for name, b := range r.buckets {
		all[name] = fmt.Sprint(b.position)
	}
	return all
}

// rows are the documents a person sees: of a row in several buckets the newest.
func (r *replica) rows() map[rowID]string {
	newest := map[rowID]replicaRow{}
	for _, b := range r.buckets {
		for id, row := range b.rows {
			if row.op > newest[id].op {
				newest[id] = row
			}
		}
	}
	all := map[rowID]string{}
	for id, row := range newest {
		all[id] = row.document
	}
	return all
}

// contents are one column of a table's rows, sorted.
func (r *replica) contents(table, column string) []string {
	r.t.Helper()
	all := []string{}
	for id, document := range r.rows() {
		if id.table != table {
			continue
		}
		var columns map[string]any
		if err := json.Unmarshal([]byte(document), &columns); err != nil {
			r.t.Fatalf("%s: %v", document, err)
		}
		all = append(all, fmt.Sprint(columns[column]))
	}
	slices.Sort(all)
	return all
}

func (r *replica) clone() *replica {
	c := *r
	c.target, c.rank, c.buckets = maps.Clone(r.target), maps.Clone(r.rank), map[string]*replicaBucket{}
	for name, b := range r.buckets {
		one := *b
		one.rows = maps.Clone(b.rows)
		c.buckets[name] = &one
	}
	return &c
}

// sync applies the stream's lines until a checkpoint is complete for which ok holds.
func (r *replica) sync(c *connection, ok func() bool) {
	r.t.Helper()
	for {
		r.apply(c.until("checkpoint_complete")...)
		if ok() {
			return
		}
	}
}
