package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app/powersync"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// modelTables are what the model's rows are in.
func modelTables() []schema.Table {
	text := func(name string) schema.Column { return schema.Column{Name: name, Type: schema.Text} }
	return []schema.Table{
		{Name: "alpha", Columns: []schema.Column{text("id"), text("body"), {Name: "n", Type: schema.Integer}}},
		{Name: "beta", Columns: []schema.Column{text("id"), {Name: "r", Type: schema.Real}, text("body")}},
	}
}

// modelServer is a server of the protocol that keeps everything in memory. What it does depends on its seed alone.
type modelServer struct {
	rnd     *rand.Rand
	head    int64
	buckets map[string]*modelBucket
	listed  map[string]bool
	rows    int // how many ids there are

	// of the connection
	sent    map[string]int64
	told    map[string]string
	started bool
}

type modelBucket struct {
	name     string
	priority int
	ops      []modelOp
}

type modelOp struct {
	id   int64
	kind string
	row  modelRow
	doc  string
	sum  uint32
}

// modelRow is an entry of a bucket: a row, and where it comes from.
type modelRow struct{ table, id, subkey string }

func newModelServer(seed uint64, rows int) *modelServer {
	s := &modelServer{rnd: rand.New(rand.NewPCG(seed, 7)), buckets: map[string]*modelBucket{}, listed: map[string]bool{}, rows: rows}
	for i, name := range []string{`1#a["x"]`, "b", "c", "d"} {
		s.buckets[name] = &modelBucket{name: name, priority: i%3 + 1}
		s.listed[name] = true
	}
	return s
}

func (s *modelServer) names() (all []string) {
	for name := range s.buckets {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func (s *modelServer) pick() *modelBucket { return s.buckets[s.names()[s.rnd.IntN(len(s.buckets))]] }

func (b *modelBucket) entries() map[modelRow]modelOp {
	all := map[modelRow]modelOp{}
	for _, o := range b.ops {
		switch o.kind {
		case "PUT":
			all[o.row] = o
		case "REMOVE":
			delete(all, o.row)
		case "CLEAR":
			clear(all)
		}
	}
	return all
}

func (b *modelBucket) sum() (sum uint32) {
	for _, o := range b.ops {
		sum += o.sum
	}
	return sum
}

func (s *modelServer) add(b *modelBucket, o modelOp) {
	s.head++
	o.id, o.sum = s.head, s.rnd.Uint32()
	if o.kind == "PUT" {
		o.sum = uint32(hashText([]byte(o.row.table + o.row.id + o.doc)))
	}
	b.ops = append(b.ops, o)
}

func (s *modelServer) put(b *modelBucket) {
	n := s.rnd.IntN(s.rows)
	row := modelRow{table: "alpha", id: fmt.Sprintf("%08x-0000-7000-8000-%012x", n*2654435761%(1<<32), n)}
	if n%5 == 0 {
		row.id = fmt.Sprint("Name ", n)
	}
	version := s.rnd.IntN(3) // few versions, so that buckets have the same document more often than not
	doc := fmt.Sprintf(`{"id":%q,"body":"%d \u00e9\ud83d\ude00 \"q\"","n":%d}`, row.id, version, 1<<62+version)
	if n%3 == 0 {
		row.table = "beta"
		doc = fmt.Sprintf(`{"id":%q,"r":%s,"body":null,"later":{"a":[%d]}}`, row.id, []string{"1.0", "NaN", "-Infinity"}[version], version)
	}
	if s.rnd.IntN(8) == 0 {
		row.subkey = "other"
	}
	s.add(b, modelOp{kind: "PUT", row: row, doc: doc})
}

// change does something to the buckets.
func (s *modelServer) change() {
	b := s.pick()
	switch k := s.rnd.IntN(40); {
	case k < 26:
		s.put(b)
	case k < 35:
		if all := b.entries(); len(all) > 0 {
			rows := make([]modelRow, 0, len(all))
			for row := range all {
				rows = append(rows, row)
			}
			slices.SortFunc(rows, func(a, b modelRow) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			s.add(b, modelOp{kind: "REMOVE", row: rows[s.rnd.IntN(len(rows))]})
		}
	case k == 35:
		s.add(b, modelOp{kind: "REMOVE", row: modelRow{table: "alpha", id: "never there"}})
	case k == 36:
		s.add(b, modelOp{kind: "PUT", row: modelRow{table: "gamma", id: "x"}, doc: `{"id":"x"}`}) // no table of ours
	case k == 37:
		s.compact(b)
	case b.name != "b": // one is always listed
		s.listed[b.name] = !s.listed[b.name]
	}
}

// compact replaces operations that later ones made void, and dead ones at the beginning by one.
func (s *modelServer) compact(b *modelBucket) {
	last := map[modelRow]int64{}
	for _, o := range b.ops {
		if o.kind == "PUT" || o.kind == "REMOVE" {
			last[o.row] = o.id
		}
	}
	for i, o := range b.ops {
		if (o.kind == "PUT" || o.kind == "REMOVE") && last[o.row] != o.id {
			b.ops[i] = modelOp{id: o.id, kind: "MOVE", sum: o.sum}
		}
	}
	dead, sum := 0, uint32(0)
	for dead < len(b.ops) && b.ops[dead].kind != "PUT" {
		sum += b.ops[dead].sum
		dead++
	}
	if dead > 1 {
		b.ops = append([]modelOp{{id: b.ops[dead-1].id, kind: "CLEAR", sum: sum}}, b.ops[dead:]...)
	}
}

// rebuild numbers everything anew, as after a loss of the server's storage, and changes each bucket a little.
func (s *modelServer) rebuild() {
	s.head = 0
	for _, name := range s.names() {
		b := s.buckets[name]
		kept := b.entries()
		ops := b.ops
		b.ops = nil
		for _, o := range ops {
			if kept[o.row].id == o.id && o.kind == "PUT" {
				s.add(b, o)
			}
		}
		s.put(b)
	}
}

// open begins a connection.
func (s *modelServer) open(buckets []powersync.Bucket) {
	s.sent, s.told, s.started = map[string]int64{}, map[string]string{}, false
	for _, b := range buckets {
		s.sent[b.Name] = b.Position
	}
}

func (s *modelServer) listing(b *modelBucket) string {
	return fmt.Sprintf(`{"bucket":%q,"checksum":%d,"count":%d,"priority":%d}`, b.name, int32(b.sum()), len(b.ops), b.priority)
}

// announce is the checkpoint, or what changed since the last one.
func (s *modelServer) announce() string {
	var updated, removed []string
	for _, name := range s.names() {
		now := s.listing(s.buckets[name])
		switch _, told := s.told[name]; {
		case s.listed[name] && s.told[name] != now:
			updated = append(updated, now)
			if s.started && !told {
				s.sent[name] = 0
			}
			s.told[name] = now
		case !s.listed[name] && told:
			removed = append(removed, strconv.Quote(name))
			delete(s.told, name)
		}
		if !s.listed[name] {
			s.sent[name] = 0
		}
	}
	if !s.started {
		s.started = true
		return fmt.Sprintf(`{"checkpoint":{"last_op_id":"%d","buckets":[%s]}}`, s.head, strings.Join(updated, ","))
	}
	return fmt.Sprintf(`{"checkpoint_diff":{"last_op_id":"%d","updated_buckets":[%s],"removed_buckets":[%s]}}`, s.head, strings.Join(updated, ","), strings.Join(removed, ","))
}

// data is the next line of a bucket, "" when there is none.
func (s *modelServer) data(b *modelBucket, most int) string {
	var ops []string
	from := s.sent[b.name]
	for _, o := range b.ops {
		if o.id <= from || len(ops) >= most {
			continue
		}
		text := fmt.Sprintf(`{"op_id":"%d","op":%q,"checksum":%d`, o.id, o.kind, o.sum)
		if o.row.id != "" {
			text += fmt.Sprintf(`,"object_type":%q,"object_id":%q`, o.row.table, o.row.id)
		}
		if o.row.subkey != "" {
			text += fmt.Sprintf(`,"subkey":%q`, o.row.subkey)
		}
		if o.kind == "PUT" {
			text += `,"data":` + string(appendJSON(nil, o.doc))
		}
		ops = append(ops, text+"}")
		s.sent[b.name] = o.id
	}
	if len(ops) == 0 {
		return ""
	}
	return fmt.Sprintf(`{"data":{"bucket":%q,"after":"0","has_more":false,"data":[%s],"next_after":"%d"}}`, b.name, strings.Join(ops, ","), s.sent[b.name])
}

// wanted are the rows that a client must show: of each the newest document.
func (s *modelServer) wanted() recordedRows {
	newest := map[rowName]modelOp{}
	for name, b := range s.buckets {
		for row, o := range b.entries() {
			if n := (rowName{row.table, row.id}); s.listed[name] && o.id > newest[n].id {
				newest[n] = o
			}
		}
	}
	all := recordedRows{"alpha": {}, "beta": {}}
	for n, o := range newest {
		if all[n.table] == nil {
			continue
		}
		row := map[string]any{}
		d := powersync.NewDocument([]byte(o.doc))
		for name, v, ok := d.Next(); ok; name, v, ok = d.Next() {
			switch {
			case string(name) == "later":
			case v.Kind == powersync.Text:
				row[string(name)] = string(v.Bytes)
			case v.Kind == powersync.Number:
				if row[string(name)] = json.Number(v.Bytes); v.Bytes[0] == 'N' || v.Bytes[0] == '-' {
					row[string(name)] = string(v.Bytes) // as in the recordings
				}
			}
		}
		all[n.table][n.id] = row
	}
	return all
}

// TestDownloadsLikeTheModel: whatever the server does, and whenever the program dies or the connection ends, the rows at the
// end of each checkpoint are those that the operations say.
func TestDownloadsLikeTheModel(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := newModelServer(seed, 60)
			m := &modelRun{t: t, s: s, path: t.TempDir() + "/context.db"}
			m.start()
			for range 40 {
				m.checkpoint()
			}
			if m.completed < 20 {
				t.Errorf("%d checkpoints were completed", m.completed)
			}
		})
	}
}

type modelRun struct {
	t         *testing.T
	s         *modelServer
	path      string
	k         *client
	completed int
}

// start is a start of the program: nothing of before is in memory.
func (m *modelRun) start() {
	m.k = newClient(m.t, m.path, modelTables())
	m.k.f.down.most, m.k.f.down.live = 3+m.s.rnd.IntN(30), 1+m.s.rnd.IntN(30)
	m.k.f.down.hold = downHold * time.Duration(m.s.rnd.IntN(2)) // a slice may be of a few rows
	m.reconnect()
}

func (m *modelRun) reconnect() { m.s.open(m.k.connect()) }

// checkpoint changes something, and sends it with whatever may come between.
func (m *modelRun) checkpoint() {
	rnd := m.s.rnd
	for range 1 + rnd.IntN(20) {
		m.s.change()
	}
	if rnd.IntN(15) == 0 {
		m.s.rebuild()
		m.reconnect()
	}
	m.hear(m.s.announce())
	for priority := 1; priority <= 3; priority++ {
		for m.send(priority) {
			switch rnd.IntN(25) {
			case 0:
				m.start()
				m.hear(m.s.announce())
				priority = 0
			case 1:
				m.reconnect()
				m.hear(m.s.announce())
				priority = 0
			case 2: // another checkpoint takes its place
				m.s.change()
				m.hear(m.s.announce())
				priority = 1
			}
			priority = max(priority, 1)
		}
		if priority < 3 {
			m.hear(fmt.Sprintf(`{"partial_checkpoint_complete":{"last_op_id":"%d","priority":%d}}`, m.s.head, priority))
		}
		if m.k.left != "" {
			break
		}
	}
	m.hear(fmt.Sprintf(`{"checkpoint_complete":{"last_op_id":"%d"}}`, m.s.head))
	if m.k.left != "" { // it did not add up, as after a rebuild
		m.reconnect()
		return
	}
	m.completed++
	compareRows(m.t, m.path, m.s.wanted())
	if m.t.Failed() {
		m.t.FailNow()
	}
}

// send sends one line of a bucket of the priority, if there is one to send.
func (m *modelRun) send(priority int) bool {
	for _, name := range m.s.names() {
		b := m.s.buckets[name]
		if b.priority != priority || !m.s.listed[name] {
			continue
		}
		if line := m.s.data(b, 1+m.s.rnd.IntN(8)); line != "" {
			m.hear(line)
			return m.k.left == ""
		}
	}
	return false
}

func (m *modelRun) hear(line string) {
	if m.k.left == "" {
		m.k.hear([]byte(line))
	}
}

// syncAll follows the model's server to the end of its checkpoint.
func syncAll(ctx context.Context, f *File, s *modelServer) error {
	for {
		buckets, err := f.Buckets(ctx)
		if err != nil {
			return err
		}
		s.open(buckets)
		m := powersync.New(powersync.Config{Buckets: buckets})
		lines := []string{s.announce()}
		for _, name := range s.names() {
			for s.listed[name] {
				line := s.data(s.buckets[name], 20)
				if line == "" {
					break
				}
				lines = append(lines, line)
			}
		}
		lines = append(lines, fmt.Sprintf(`{"checkpoint_complete":{"last_op_id":"%d"}}`, s.head))
		if again, err := carryOut(ctx, f, m, lines); err != nil || !again {
			return err
		}
	}
}

func carryOut(ctx context.Context, f *File, m *powersync.Machine, lines []string) (again bool, err error) {
	for _, line := range lines {
		for _, i := range m.Line([]byte(line)) {
			switch i := i.(type) {
			case powersync.Store:
				err = f.Store(ctx, i)
			case powersync.Restart:
				err = f.Restart(ctx, i)
			case powersync.Apply:
				for out := (powersync.Applied{More: true}); out.More && err == nil; {
					out, err = f.Apply(ctx, i)
					if out.Refetch {
						return true, err
					}
				}
			case powersync.Reconnect:
				return true, nil
			}
			if err != nil {
				return false, err
			}
		}
	}
	return false, nil
}
