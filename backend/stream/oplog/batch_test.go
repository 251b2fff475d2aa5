package oplog

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/backend/stream/row"
	"github.com/coditect-ai/coditect-sync/backend/stream/rules"
	"github.com/coditect-ai/coditect-sync/backend/stream/wire"
)

// notes is a table whose rows are in the bucket of their owner, and granted as shares to somebody.
func notes(t *testing.T, full bool) *relation {
	t.Helper()
	d := rules.Definition{
		Lookups: []rules.Lookup{{Name: "shares", Table: "notes", Who: []string{"friend"}, Claims: []string{"sub"}, Key: []string{"id"}}},
		Streams: []rules.Stream{{Name: "own", Claims: []string{"sub"}, Sources: []rules.Source{{Table: "notes", Key: []string{"owner"}}}}},
	}
	columns := []row.Column{{Name: "id", Type: 25}, {Name: "owner", Type: 25}, {Name: "text", Type: 25}, {Name: "friend", Type: 25}}
	match, err := d.Matcher("notes", []string{"id", "owner", "text", "friend"})
	if err != nil {
		t.Fatal(err)
	}
	return &relation{name: "notes", number: 1, columns: columns, full: full, key: []int{0}, match: match}
}

// values reads "id owner text friend", where ~ is NULL and ? is left out.
func values(text string) []row.Value {
	if text == "" {
		return nil
	}
	var all []row.Value
	for _, v := range strings.Fields(text) {
		switch v {
		case "~":
			all = append(all, row.Value{})
		case "?":
			all = append(all, row.Value{Kind: row.Unchanged})
		default:
			all = append(all, row.Value{Kind: row.Text, Data: []byte(v)})
		}
	}
	return all
}

// told is what a batch adds and makes void.
func (b *batch) told() string {
	var all []string
	for _, v := range b.void {
		all = append(all, fmt.Sprintf("void %d/%d", v.bucket, v.number))
	}
	for _, o := range b.added {
		if !o.dropped {
			all = append(all, strings.TrimSpace(fmt.Sprintf("%c%d %s %s", o.op, o.bucket, o.rowID, row.Member(o.document, "text"))))
		}
	}
	return strings.Join(all, ", ")
}

func TestBatch(t *testing.T) {
	const (
		inA    = 1 // the number of the bucket of owner a, of what is stored
		inHeld = 0
	)
	for _, c := range []struct {
		name    string
		stored  int // a bucket that has x, or -1
		changes [][2]string
		want    string
	}{
		{"insert", -1, [][2]string{{"", "x a one ~"}}, `P1 x "one"`},
		{"insert for nobody", -1, [][2]string{{"", "x ~ one ~"}}, `P0 x "one"`},
		{"update", inA, [][2]string{{"", "x a two ~"}}, `void 1/7, P1 x "two"`},
		{"update leaves the text out", inA, [][2]string{{"", "x a ? ~"}}, `void 1/7, P1 x "old"`},
		{"and comes from nobody", inHeld, [][2]string{{"", "x a ? ~"}}, `void 0/7, P1 x "old"`},
		{"update many times", inA, [][2]string{{"", "x a two ~"}, {"", "x a three ~"}, {"", "x a ? ~"}}, `void 1/7, P1 x "three"`},
		{"to another bucket", inA, [][2]string{{"", "x b two ~"}}, `void 1/7, R1 x, P2 x "two"`},
		{"there and back", inA, [][2]string{{"", "x b two ~"}, {"", "x a three ~"}}, `void 1/7, R2 x, P1 x "three"`},
		{"to nobody", inA, [][2]string{{"", "x ~ two ~"}}, `void 1/7, R1 x, P0 x "two"`},
		{"delete", inA, [][2]string{{"x ~ ~ ~", ""}}, `void 1/7, R1 x`},
		{"delete of nobody's", inHeld, [][2]string{{"x ~ ~ ~", ""}}, `void 0/7`},
		{"insert and delete", -1, [][2]string{{"", "x a one ~"}, {"x ~ ~ ~", ""}}, `R1 x`},
		{"delete and insert", inA, [][2]string{{"x ~ ~ ~", ""}, {"", "x a new ~"}}, `void 1/7, P1 x "new"`},
		{"another key", inA, [][2]string{{"x ~ ~ ~", "y a ? ~"}}, `void 1/7, R1 x, P1 y "old"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := notes(t, false)
			b := newBatch(func(name string) int32 { return map[string]int32{`own["a"]`: inA, `own["b"]`: 2}[name] })
			if c.stored >= 0 {
				key := r.rowKey(values("x ~ ~ ~"))
				b.places[key] = []*place{{bucket: int32(c.stored), op: wire.Put, number: 7, rowID: "x", document: `{"id":"x","text":"old"}`}}
			}
			for _, one := range c.changes {
				b.apply(change{relation: r, old: values(one[0]), now: values(one[1])})
			}
			if got := b.told(); got != c.want || b.lost > 0 {
				t.Errorf("got %s, want %s (%d lost)", got, c.want, b.lost)
			}
		})
	}
}

// With REPLICA IDENTITY FULL the change itself has what it left out, and nothing is held for nobody.
func TestBatchWithTheWholeRow(t *testing.T) {
	b := newBatch(func(string) int32 { return 1 })
	r := notes(t, true)
	b.apply(change{relation: r, now: values("x ~ one ~")}.fill())
	b.apply(change{relation: r, old: values("x ~ one ~"), now: values("x a ? ~")}.fill())
	if got := b.told(); got != `P1 x "one"` {
		t.Errorf("got %s", got)
	}
	b.apply(change{relation: r, now: values("z a ? ~")})
	if b.lost != 1 {
		t.Error("a value is nowhere to be found, and nobody says so")
	}
}

func TestGrantsFollowTheirRow(t *testing.T) {
	b, r := newBatch(func(string) int32 { return 1 }), notes(t, false)
	b.apply(change{relation: r, now: values("x a one bob")})
	b.apply(change{relation: r, now: values("y a one cy")})
	b.apply(change{relation: r, old: values("x ~ ~ ~"), now: values("z a one bob")})
	b.apply(change{relation: r, old: values("y ~ ~ ~")})
	var got []string
	for _, g := range b.grants {
		if g != nil {
			got = append(got, g.Who+g.Key)
		}
	}
	if !slices.Equal(got, []string{`["bob"]["z"]`}) || len(b.grants) != 3 {
		t.Errorf("got %q of %d", got, len(b.grants))
	}
}

// Numbers and sums of a batch add up per bucket.
func TestSums(t *testing.T) {
	h := &holder{state: state{lastOp: 10, held: 3}}
	added := []*operation{{bucket: 1, op: wire.Put, checksum: 5}, {bucket: held}, {bucket: 2, op: wire.Remove, checksum: 6}, {bucket: 1, op: wire.Put, checksum: 7}}
	numbers := h.number(added)
	if !slices.Equal(numbers, []int64{11, 4, 12, 13}) || h.state.lastOp != 13 || h.state.held != 4 {
		t.Errorf("numbers %v, %+v", numbers, h.state)
	}
	deltas := map[int32]*delta{}
	h.sum(deltas, added, numbers, []stored{{1, 3, wire.Put}, {2, 4, wire.Remove}, {held, 1, wire.Put}})
	if len(deltas) != 2 || *deltas[1] != (delta{12, 2, 13, 13, 1, 1}) || *deltas[2] != (delta{6, 1, 12, 13, 0, 1}) {
		t.Errorf("got %+v, %+v", deltas[1], deltas[2])
	}
}
