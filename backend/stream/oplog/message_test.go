package oplog

import (
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/backend/stream/row"
)

func bytes(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// The layout is that of PostgreSQL's manual, "Logical Replication Message Formats", without what we do not read.
func TestParse(t *testing.T) {
	text := func(s string) row.Value { return row.Value{Kind: row.Text, Data: []byte(s)} }
	for _, c := range []struct {
		raw  string
		want any
	}{
		{"42 0000000100000002", beginMessage{0x100000002}},
		{"43 00 0000000000000001 0000000200000003", commitMessage{0x200000003}},
		{"52 00000009 7000 7400 66 0001 01 696400 00000019 ffffffff", relationMessage{9, "p", "t", true, []row.Column{{Name: "id", Type: 25}}}},
		{"49 00000009 4e 0003 74 00000001 61 6e 75", changeMessage{9, nil, []row.Value{text("a"), {}, {Kind: row.Unchanged}}}},
		{"55 00000009 4e 0001 74 00000001 61", changeMessage{9, nil, []row.Value{text("a")}}},
		{"55 00000009 4b 0001 74 00000001 62 4e 0001 74 00000001 61", changeMessage{9, []row.Value{text("b")}, []row.Value{text("a")}}},
		{"44 00000009 4f 0001 74 00000001 61", changeMessage{9, []row.Value{text("a")}, nil}},
		{"54 00000002 00 00000009 0000000a", truncateMessage{[]uint32{9, 10}}},
		{"4d 01 0000000000000001 7000 00000002 6869", logicalMessage{"p", []byte("hi")}},
		{"59 00", nil},
	} {
		raw := bytes(t, c.raw)
		got, err := parse(raw)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, %v", c.raw, got, err)
		}
		for n := range len(raw) - 1 {
			if c.want == nil {
				break
			}
			if _, err := parse(raw[:n+1]); err == nil {
				t.Errorf("%s cut after %d passed", c.raw, n+1)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("R\x00\x00\x00\x09p\x00t\x00f\x00\x01"))
	f.Add([]byte("I\x00\x00\x00\x09N\xff\xff"))
	f.Fuzz(func(_ *testing.T, raw []byte) { _, _ = parse(raw) })
}

func TestPositions(t *testing.T) {
	for text, want := range map[string]lsn{"0/0": 0, "16/B374D848": 0x16B374D848, "FFFFFFFF/FFFFFFFF": 1<<64 - 1} {
		if got, err := parseLSN(text); err != nil || got != want || got.String() != text {
			t.Errorf("%s is %d (%s), %v", text, got, got, err)
		}
	}
	if _, err := parseLSN("nonsense"); err == nil {
		t.Error("nonsense is a position")
	}
}
