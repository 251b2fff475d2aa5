package powersync

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// recorded are the short lines of the recordings, as what a fuzzer starts from.
func recorded(t testing.TB) [][]byte {
	t.Helper()
	files, err := filepath.Glob("../../backend/stream/testdata/recordings/*/lines*.ndjson")
	if err != nil || len(files) < 10 {
		t.Fatalf("recordings: %d, %v", len(files), err)
	}
	var lines [][]byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			lines = append(lines, line)
		}
	}
	return lines
}

// asIs reads JSON as encoding/json does, members of objects by their exact names.
func asIs(text []byte) (any, bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil || d.More() {
		return nil, false
	}
	return v, json.Valid(text)
}

// FuzzScanner: every text that is UTF-8 is JSON for us exactly when it is for encoding/json, and has the same values.
func FuzzScanner(f *testing.F) {
	for _, line := range recorded(f) {
		if len(line) < 4096 {
			f.Add(line)
		}
	}
	for _, text := range []string{`{}`, `[1,2.5e-3,"\ud83d\ude00\ud800x\u0000"]`, `{"a":{"b":[[]]}}`, `01`, `"` + "\x7f\u2028" + `"`, `-`, ` [ ] `, `[1,]`, `nul`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) || bytes.Count(text, []byte{'['})+bytes.Count(text, []byte{'{'}) > maxDepth {
			return
		}
		want, valid := asIs(text)
		s := scanner{src: bytes.Clone(text)}
		got := build(&s)
		if err := s.end(); (err == nil) != valid {
			t.Fatalf("%q: %v, want valid %v", text, err, valid)
		}
		if valid && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %#v, want %#v", text, got, want)
		}
		skipped := scanner{src: bytes.Clone(text)}
		skipped.skip(0)
		if err := skipped.end(); (err == nil) != valid {
			t.Fatalf("%q: skipping: %v, want valid %v", text, err, valid)
		}
	})
}

// build reads a value as encoding/json would.
func build(s *scanner) any {
	switch s.space() {
	case '{':
		all := map[string]any{}
		for more := s.enter('{', '}'); more; more = s.next('}') {
			name := string(s.key())
			all[name] = build(s)
		}
		return all
	case '[':
		all := []any{}
		for more := s.enter('[', ']'); more; more = s.next(']') {
			all = append(all, build(s))
		}
		return all
	case '"':
		return string(s.text())
	case 't', 'f':
		return s.boolean()
	case 'n':
		s.literal("null")
		return nil
	}
	return json.Number(s.number())
}

// FuzzLine: whatever comes, the machine neither panics nor goes on after it has left, and what it stores was there.
func FuzzLine(f *testing.F) {
	for _, line := range recorded(f) {
		if len(line) < 4096 {
			f.Add(line, []byte(`{"checkpoint_complete":{"last_op_id":"5"}}`))
		}
	}
	f.Add([]byte(`{"checkpoint":{"last_op_id":"7","buckets":[{"bucket":"b","checksum":-1,"count":1}]}}`),
		[]byte(`{"data":{"bucket":"b","data":[{"op_id":"7","op":"CLEAR","checksum":4294967295},{"op_id":"8","op":"PUT","data":{"a":NaN}}]}}`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		m := New(Config{Buckets: []Bucket{{Name: "b", Position: 3, Checksum: 9}, {Name: ""}}})
		for _, text := range [][]byte{first, second, first} {
			over := m.over
			for _, i := range m.Line(bytes.Clone(text)) {
				if over {
					t.Fatalf("%#v after the end", i)
				}
				if s, is := i.(Store); is && len(s.Ops) == 0 {
					t.Fatal("nothing to store")
				}
			}
		}
		if _, err := m.Request(); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzRefused: any body of any status leads to a reaction, and to a sentence that does not repeat it.
func FuzzRefused(f *testing.F) {
	f.Add(401, []byte(`{"error":{"code":"PSYNC_S2103","status":401}}`))
	f.Add(500, []byte(`{"error":[]}`))
	f.Add(200, []byte(``))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := Refused(status, body)
		switch r.Reaction {
		case ReactRead:
			if status != 200 {
				t.Errorf("%d is read", status)
			}
		case ReactRetry, ReactNewToken, ReactFault:
			if !strings.HasSuffix(r.Cause, ".") {
				t.Errorf("%d: no sentence", status)
			}
		default:
			t.Errorf("%d: %q", status, r.Reaction)
		}
	})
}

// FuzzDocument: a document that encoding/json can read has the same columns and values for us.
func FuzzDocument(f *testing.F) {
	for _, line := range recorded(f) {
		if l, err := parse(bytes.Clone(line), nil); err == nil {
			for _, o := range l.ops {
				if o.Kind == Put && len(o.Document) < 4096 {
					f.Add(bytes.Clone(o.Document))
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) {
			return
		}
		want, valid := asIs(text)
		columns, isObject := want.(map[string]any)
		got := map[string]any{}
		d := NewDocument(bytes.Clone(text))
		for name, v, ok := d.Next(); ok; name, v, ok = d.Next() {
			got[string(name)] = loosely(t, v)
		}
		if valid && isObject && d.Err() != nil || d.Err() == nil && valid && !isObject {
			t.Fatalf("%q: %v", text, d.Err())
		}
		if valid && isObject && !reflect.DeepEqual(got, columns) {
			t.Fatalf("%q: got %#v, want %#v", text, got, columns)
		}
	})
}

func loosely(t *testing.T, v Value) any {
	v.Float64()
	v.Int64()
	switch v.Kind {
	case Null:
		return nil
	case Bool:
		return len(v.Bytes) == 4
	case Number:
		return json.Number(v.Bytes)
	case Text:
		return string(v.Bytes)
	case JSON:
	}
	nested, ok := asIs(v.Bytes)
	if !ok && !bytes.Contains(v.Bytes, []byte("N")) && !bytes.Contains(v.Bytes, []byte("Infinity")) {
		t.Fatalf("%q is no JSON", v.Bytes)
	}
	return nested
}

func TestDocumentsThatAreNoJSON(t *testing.T) {
	d := NewDocument([]byte(`{"a":NaN,"b":-Infinity,"c":Infinity,"d":9007199254740995,"e":1.0,"f":"x","g":true,"h":[1,NaN],"i":null}`))
	var got []string
	for name, v, ok := d.Next(); ok; name, v, ok = d.Next() {
		f, isFloat := v.Float64()
		n, isInt := v.Int64()
		got = append(got, fmt.Sprintf("%s %d %v%v%d%v", name, v.Kind, f, isFloat, n, isInt))
	}
	want := []string{"a 2 NaNtrue0false", "b 2 -Inftrue0false", "c 2 +Inftrue0false", "d 2 9.007199254740996e+15true9007199254740995true",
		"e 2 1true1true", "f 1 0false0false", "g 3 1true1true", "h 4 0false0false", "i 0 0false0false"}
	if !reflect.DeepEqual(got, want) || d.Err() != nil {
		t.Errorf("got %q, %v", got, d.Err())
	}
	for _, text := range []string{`{"a":-NaN}`, `{"a":Inf}`, `{"a":1`, `[]`, ``, `{"a":1}x`} {
		d := NewDocument([]byte(text))
		for _, _, ok := d.Next(); ok; _, _, ok = d.Next() {
		}
		if d.Err() == nil {
			t.Errorf("%s was read", text)
		}
	}
	if f, ok := (Value{Number, []byte("1e999")}).Float64(); !ok || !math.IsInf(f, 1) {
		t.Errorf("got %v, %v", f, ok)
	}
}
