package pushapi_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

func batch() pushapi.Batch {
	return pushapi.Batch{MachineID: "m", ClientID: "c", SchemaVersion: 1, After: 2, Groups: []pushapi.Group{
		{Number: 3, Changes: []pushapi.Change{
			{Table: "decisions", Op: pushapi.Put, ID: "ä \"b\"", Data: json.RawMessage(`{"a":"x\\y","b":[1,{"c":"]"}]}`), HLC: pushapi.NewHLC(time.UnixMilli(5), 6, "c")},
			{Table: "decisions", Op: pushapi.Delete, ID: "b"}}},
		{Number: 4, Part: 1, Parts: 2, Changes: []pushapi.Change{{Table: "t", Op: pushapi.Patch, ID: "b", Data: json.RawMessage(`{}`), Old: json.RawMessage(`{"a":null}`)}}},
	}}
}

func TestWhatIsSentIsRead(t *testing.T) {
	sent := batch()
	if err := sent.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, indent := range []string{"", "\t", "\r\n "} {
		body, err := json.MarshalIndent(sent, "", indent)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pushapi.Decode(body)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got.Groups {
			if got.Groups[i].Fault != "" || !strings.Contains(string(body), string(got.Groups[i].Raw)) {
				t.Errorf("%+v", got.Groups[i])
			}
		}
		again, err := json.Marshal(got)
		want, _ := json.Marshal(sent)
		if err != nil || string(again) != string(want) {
			t.Errorf("%s, want %s (%v)", again, want, err)
		}
	}
}

func TestValidateRefusesWhatTheServerWould(t *testing.T) {
	for name, change := range map[string]func(*pushapi.Batch){
		"no client":       func(b *pushapi.Batch) { b.ClientID = "" },
		"no groups":       func(b *pushapi.Batch) { b.Groups = nil },
		"an op":           func(b *pushapi.Batch) { b.Groups[0].Changes[0].Op = "merge" },
		"a clock":         func(b *pushapi.Batch) { b.Groups[0].Changes[0].HLC = "now" },
		"data":            func(b *pushapi.Batch) { b.Groups[0].Changes[0].Data = nil },
		"numbers":         func(b *pushapi.Batch) { b.Groups[1].Number = 3 },
		"too many":        func(b *pushapi.Batch) { b.Groups[0].Changes = make([]pushapi.Change, pushapi.MaxChanges+1) },
		"too many groups": func(b *pushapi.Batch) { b.Groups = make([]pushapi.Group, pushapi.MaxGroups+1) },
	} {
		b := batch()
		change(&b)
		var envelope *pushapi.EnvelopeError
		if err := b.Validate(); !errors.As(err, &envelope) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClocksAreInTheOrderOfTheirBytes(t *testing.T) {
	base := time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC)
	ordered := []pushapi.HLC{"", pushapi.NewHLC(time.UnixMilli(0), 0, "z"), pushapi.NewHLC(base, 0, "a"), pushapi.NewHLC(base, 0, "b"), pushapi.NewHLC(base, 1, "a"),
		pushapi.NewHLC(base, 65535, "a"), pushapi.NewHLC(base.Add(time.Millisecond), 0, "a"), pushapi.NewHLC(base.AddDate(200, 0, 0), 0, "a")}
	if !slices.IsSorted(ordered) {
		t.Error(ordered)
	}
	for _, h := range ordered[1:] {
		if !h.Valid() || pushapi.NewHLC(h.Time(), 0, h.Node()).Node() != h.Node() {
			t.Errorf("%s", h)
		}
	}
	late := ordered[len(ordered)-1]
	if got := late.AtMost(base); got != pushapi.NewHLC(base, 0, "a") || ordered[2].AtMost(base) != ordered[2] {
		t.Errorf("%s", got)
	}
	for _, bad := range []pushapi.HLC{"", "x", "0193f0c0a1b2-0001-", "0193f0c0a1b2-0001", "0193F0C0A1B2-0001-c", "0193f0c0a1b2-0001-c d", "0193f0c0a1b2-0001-ü",
		"0193f0c0a1b2_0001-c", pushapi.HLC("0193f0c0a1b2-0001-" + strings.Repeat("x", 129))} {
		if bad.Valid() || !bad.Time().IsZero() {
			t.Errorf("%q is valid", bad)
		}
	}
}

// FuzzDecode compares with encoding/json: what both read is the same, and nothing panics.
func FuzzDecode(f *testing.F) {
	body, err := json.Marshal(batch())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	for _, s := range []string{"", "{}", "[", `{"groups":[{"group":1,"changes":[{"table":"a","op":"put","id":"b","data":{"\u0000":"\ud800"}}]}]}`, `{"a":{"b":"}\""}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(compare)
}

func compare(t *testing.T, body []byte) {
	ours, err := pushapi.Decode(body)
	var theirs pushapi.Batch
	if json.Unmarshal(body, &theirs) != nil || err != nil || len(ours.Groups) != len(theirs.Groups) {
		return
	}
	for i, g := range ours.Groups {
		if g.Fault != "" || len(g.Changes) != len(theirs.Groups[i].Changes) {
			continue
		}
		for j, c := range g.Changes {
			other := theirs.Groups[i].Changes[j]
			if c.ID == other.ID && string(c.Data) != string(other.Data) && other.Data != nil && string(other.Data) != "null" {
				t.Errorf("data is %q, encoding/json has %q", c.Data, other.Data)
			}
		}
	}
}

// TestDamagedRequests changes bytes of a good one, many times.
func TestDamagedRequests(t *testing.T) {
	body, err := json.Marshal(batch())
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	alphabet := []byte(`{}[]",:\ue0 17x` + "\x00\xff\n")
	for range 20000 {
		damaged := slices.Clone(body)
		for range 1 + random.IntN(4) {
			damaged[random.IntN(len(damaged))] = alphabet[random.IntN(len(alphabet))]
		}
		compare(t, damaged)
	}
}
