package wire

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// The lines are byte for byte those that a PowerSync Service sent, but for subkeys, which we do not need.
func TestLines(t *testing.T) {
	s := NewSession([]Stream{{"mine", true}, {"bench", false}})
	first, _ := s.Begin(nil, 2438, "12", []Listing{{Name: `1#mine["a"]`, Priority: 2, Why: DefaultWhy(0), State: State{ID: 1, Checksum: 3550767811, Count: 6, LastOp: 2438}}})
	diff, _ := s.Begin(nil, 2440, "12", []Listing{{Name: `1#org[]`, Priority: 3, Why: AskedWhy(1)}})
	for _, line := range []struct{ got, want string }{
		{string(first), `{"checkpoint":{"last_op_id":"2438","write_checkpoint":"12","buckets":[{"bucket":"1#mine[\"a\"]","checksum":-744199485,"count":6,"priority":2,"subscriptions":[{"default":0}]}],"streams":[{"name":"mine","is_default":true,"errors":[]},{"name":"bench","is_default":false,"errors":[]}]}}`},
		{string(diff), `{"checkpoint_diff":{"last_op_id":"2440","write_checkpoint":"12","removed_buckets":["1#mine[\"a\"]"],"updated_buckets":[{"bucket":"1#org[]","checksum":0,"count":0,"priority":3,"subscriptions":[{"sub":1}]}]}}`},
		{string(s.End(nil, Group{Priority: 1})), `{"partial_checkpoint_complete":{"last_op_id":"2440","priority":1}}`},
		{string(s.End(nil, Group{Last: true})), `{"checkpoint_complete":{"last_op_id":"2440"}}`},
		{string(AppendTokenExpires(nil, 29)), `{"token_expires_in":29}`},
		{string(AppendTokenExpires(nil, -3)), `{"token_expires_in":0}`},
		{string(AppendData(nil, "b", 5, true, true, []Operation{
			{ID: 6, Op: Put, Table: "t", RowID: "i", Checksum: 4294967295, Document: `{"a":"\n","b":NaN}`},
			{ID: 7, Op: Remove, Table: "t", RowID: "i", Checksum: 1},
			{ID: 8, Op: Move, Checksum: 2}, {ID: 9, Op: Clear, Checksum: 3}})),
			`{"data":{"bucket":"b","after":"5","has_more":true,"data":[` +
				`{"op_id":"6","op":"PUT","object_type":"t","object_id":"i","checksum":4294967295,"data":"{\"a\":\"\\n\",\"b\":NaN}"},` +
				`{"op_id":"7","op":"REMOVE","object_type":"t","object_id":"i","checksum":1,"data":null},` +
				`{"op_id":"8","op":"MOVE","checksum":2},{"op_id":"9","op":"CLEAR","checksum":3}],"next_after":"9"}}`},
		{string(AppendData(nil, "b", 5, false, false, []Operation{{ID: 6, Op: Put, Table: "t", RowID: "i", Document: `{"a":1}`}})),
			`{"data":{"bucket":"b","after":"5","has_more":false,"data":[{"op_id":"6","op":"PUT","object_type":"t","object_id":"i","checksum":0,"data":{"a":1}}],"next_after":"6"}}`},
	} {
		if line.got != line.want+"\n" {
			t.Errorf("got  %swant %s", line.got, line.want)
		}
		if !json.Valid([]byte(line.got)) {
			t.Errorf("no JSON: %s", line.got)
		}
	}
}

func TestParseRequest(t *testing.T) {
	r, err := ParseRequest([]byte(`{"buckets":[{"name":"a","after":"12"},{"name":"b","after":"-1"},{"name":"c","after":"99999999999999999999"}],
		"client_id":"x","raw_data":true,"streams":{"include_defaults":false,"subscriptions":[{"stream":"s","override_priority":1}]},"more":[]}`))
	if err != nil || r.Positions["a"] != 12 || r.Positions["b"] != 0 || r.Positions["c"] != 1<<63-1 || r.ClientID != "x" || !r.Raw ||
		r.Defaults || len(r.Asked) != 1 || *r.Asked[0].Priority != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
	for _, body := range []string{"{}", "[]", " [] ", `{"streams":{}}`} {
		if r, err := ParseRequest([]byte(body)); err != nil || !r.Defaults {
			t.Errorf("%s: %+v, %v", body, r, err)
		}
	}
	for body, want := range map[string]string{
		`{"buckets":"secret"}`:                          "/buckets",
		`{"buckets":[{"name":"secret"}]}`:               "/buckets/0",
		`{"buckets":[{"name":"x","after":"secret"}]}`:   "/buckets/0/after",
		`{"streams":{"subscriptions":{"secret":true}}}`: "/streams",
	} {
		_, err := ParseRequest([]byte(body))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") || errors.Is(err, ErrNotJSON) {
			t.Errorf("%s: %v", body, err)
		}
	}
	for _, body := range []string{"", "{", "nonsense"} {
		if _, err := ParseRequest([]byte(body)); !errors.Is(err, ErrNotJSON) {
			t.Errorf("%s: %v", body, err)
		}
	}
}
