package powersync

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// told renders instructions as a test compares them.
func told(instructions []Instruction) []string {
	all := []string{}
	for _, i := range instructions {
		switch i := i.(type) {
		case Store:
			text := fmt.Sprintf("store %s@%d+%d", i.To.Name, i.To.Position, i.To.Checksum)
			for _, o := range i.Ops {
				text += fmt.Sprintf(" %d:%s:%s", o.Kind, o.Row, o.Document)
			}
			all = append(all, text)
		case Restart:
			all = append(all, fmt.Sprintf("restart %s@%d+%d", i.To.Name, i.To.Position, i.To.Checksum))
		case Apply:
			text := fmt.Sprintf("apply %d", i.LastOp)
			if !i.All {
				text += fmt.Sprintf(" to %d", i.Priority)
			} else if i.WriteCheckpoint > 0 {
				text += fmt.Sprintf(" written %d", i.WriteCheckpoint)
			}
			for _, l := range i.Listed {
				text += " " + l.Name
			}
			all = append(all, text)
		case Fetch:
			all = append(all, fmt.Sprintf("fetch %d", i.Seconds))
		case Reconnect:
			all = append(all, "reconnect "+string(i.Reason))
		case Advance:
			all = append(all, fmt.Sprintf("%d/%d", i.Done, i.Total))
		}
	}
	return all
}

// hears gives lines to the machine; each is followed by what must come of it, joined by "; ".
func hears(t *testing.T, m *Machine, script ...string) {
	t.Helper()
	for i := 0; i < len(script); i += 2 {
		if got := strings.Join(told(m.Line([]byte(script[i]))), "; "); got != script[i+1] {
			t.Errorf("%s:\n got %s\nwant %s", script[i], got, script[i+1])
		}
	}
}

const (
	begin = `{"checkpoint":{"last_op_id":"10","buckets":[{"bucket":"a","checksum":-1,"count":2,"priority":1},{"bucket":"b","checksum":7,"count":1,"priority":3}],"streams":[]}}`
	dataA = `{"data":{"bucket":"a","after":"0","next_after":"9","has_more":false,"data":[{"op_id":"3","op":"PUT","object_type":"t","object_id":"x","subkey":"s","checksum":4294967290,"data":"{\"n\":1}"},{"op_id":"9","op":"REMOVE","object_type":"t","object_id":"x","checksum":5,"data":null}]}}`
	dataB = `{"data":{"bucket":"b","after":"0","next_after":"10","has_more":false,"data":[{"op_id":"10","op":"MOVE","checksum":7}]}}`
	done  = `{"checkpoint_complete":{"last_op_id":"10"}}`
)

func TestFirstSync(t *testing.T) {
	hears(t, New(Config{}),
		begin, "0/3",
		dataA, `store a@9+4294967295 1:x:{"n":1} 2:x:; 2/3`,
		`{"partial_checkpoint_complete":{"last_op_id":"10","priority":1}}`, "apply 10 to 1 a b",
		dataB, "store b@10+7 3::; 3/3",
		done, "apply 10 a b",
		` `, "", "\r\n", "",
		`{"something_new":{"a":[1]},"token_expires_in":40}`, "",
		`{"token_expires_in":29}`, "fetch 29",
		`{"token_expires_in":20}`, "",
		`{"token_expires_in":0}`, "reconnect expired",
		done, "")
}

func TestSupersededCheckpoint(t *testing.T) {
	hears(t, New(Config{}),
		begin, "0/3",
		dataA, `store a@9+4294967295 1:x:{"n":1} 2:x:; 2/3`,
		`{"checkpoint_diff":{"last_op_id":"12","write_checkpoint":"9007199254740995","updated_buckets":[{"bucket":"a","checksum":4,"count":3,"priority":1}],"removed_buckets":[]}}`, "2/4",
		dataB, "store b@10+7 3::; 3/4",
		`{"data":{"bucket":"a","after":"9","data":[{"op_id":"12","op":"PUT","object_type":"t","object_id":"y","checksum":5,"data":"{}"}],"next_after":"12"}}`, "store a@12+4 1:y:{}; 4/4",
		`{"checkpoint_complete":{"last_op_id":"12"}}`, "apply 12 written 9007199254740995 a b",
		// Nothing but a write checkpoint, then one that is silent about it: no reset.
		`{"checkpoint_diff":{"last_op_id":"12","write_checkpoint":"9007199254740996","updated_buckets":[],"removed_buckets":[]}}`, "",
		`{"checkpoint_complete":{"last_op_id":"12"}}`, "apply 12 written 9007199254740996 a b",
		`{"checkpoint_diff":{"last_op_id":"13","updated_buckets":[],"removed_buckets":[]}}`, "",
		`{"checkpoint_complete":{"last_op_id":"13"}}`, "apply 13 written 9007199254740996 a b")
}

func TestWhatDoesNotAddUpIsRestarted(t *testing.T) {
	m := New(Config{Buckets: []Bucket{{Name: "a", Position: 99999999, Checksum: 3, Known: 2}, {Name: "b", Position: 99999999, Checksum: 7, Known: 1}}})
	hears(t, m, begin, "", `{"partial_checkpoint_complete":{"last_op_id":"10","priority":1}}`, "restart a@0+0; reconnect checksum", done, "")
	// The other one matches by its content: its position is set, also downwards.
	m = New(Config{Buckets: []Bucket{{Name: "a"}, {Name: "b", Position: 99999999, Checksum: 7, Known: 1}}})
	hears(t, m, begin, "0/2", dataA, `store a@9+4294967295 1:x:{"n":1} 2:x:; 2/2`, done, "apply 10 a b",
		`{"checkpoint_diff":{"last_op_id":"11","updated_buckets":[{"bucket":"b","checksum":8,"count":2,"priority":3}],"removed_buckets":[]}}`, "0/1",
		`{"data":{"bucket":"b","after":"10","data":[{"op_id":"11","op":"MOVE","checksum":1}],"next_after":"11"}}`, "store b@11+8 3::; 1/1")
}

func TestBucketsComeAndGo(t *testing.T) {
	have := Config{Buckets: []Bucket{{Name: "a", Position: 5, Checksum: 4294967295, Known: 2}, {Name: "gone", Position: 5, Checksum: 1}}}
	hears(t, New(have),
		`{"checkpoint":{"last_op_id":"10","buckets":[{"bucket":"a","checksum":4294967295,"count":2,"priority":1}]}}`, "restart gone@0+0",
		`{"checkpoint_diff":{"last_op_id":"10","updated_buckets":[],"removed_buckets":["a","other"]}}`, "reconnect nothing_listed")
	have.AllowNothing = true
	hears(t, New(have),
		`{"checkpoint":{"last_op_id":"10","buckets":[]}}`, "restart a@0+0; restart gone@0+0", done, "apply 10")
	hears(t, New(Config{}), `{"checkpoint":{"last_op_id":"10","buckets":[]}}`, "", done, "apply 10")
	hears(t, New(Config{Buckets: have.Buckets}),
		`{"checkpoint":{"last_op_id":"10","buckets":[{"bucket":"a","checksum":-1,"count":2},{"bucket":"gone","checksum":1,"count":1}]}}`, "0/1",
		`{"checkpoint_diff":{"last_op_id":"11","removed_buckets":["gone"],"updated_buckets":[]}}`, "restart gone@0+0",
		`{"checkpoint_complete":{"last_op_id":"11"}}`, "apply 11 a",
		`{"checkpoint_diff":{"last_op_id":"12","removed_buckets":[],"updated_buckets":[{"bucket":"gone","checksum":1,"count":1}]}}`, "0/1",
		`{"data":{"bucket":"gone","after":"0","data":[{"op_id":"2","op":"PUT","object_type":"t","object_id":"z","checksum":1,"data":"{}"}],"next_after":"2"}}`, "store gone@2+1 1:z:{}; 1/1",
		`{"checkpoint_complete":{"last_op_id":"12"}}`, "apply 12 a gone")
}

func TestClear(t *testing.T) {
	m := New(Config{Buckets: []Bucket{{Name: "a", Position: 5, Checksum: 77, Known: 2}}})
	hears(t, m,
		`{"checkpoint":{"last_op_id":"10","buckets":[{"bucket":"a","checksum":-3,"count":9}]}}`, "0/7",
		`{"data":{"bucket":"a","after":"5","data":[{"op_id":"6","op":"PUT","object_type":"t","object_id":"x","checksum":1,"data":"{}"},{"op_id":"8","op":"CLEAR","checksum":-5},{"op_id":"9","op":"PUT","object_type":"t","object_id":"y","checksum":2,"data":"{}"}],"next_after":"9"}}`,
		"restart a@8+4294967291; store a@9+4294967293 1:y:{}; 3/7",
		done, "apply 10 a")
}

func TestLinesOutOfPlace(t *testing.T) {
	for _, text := range []string{done, `{"checkpoint_diff":{"last_op_id":"1","updated_buckets":[]}}`, `{`, `[]`, `nonsense`,
		`{"checkpoint":{"last_op_id":"x"}}`, `{"checkpoint":{"last_op_id":"99999999999999999999"}}`, `{"data":{"data":{}}}`} {
		hears(t, New(Config{}), text, "reconnect broken", begin, "")
	}
	hears(t, New(Config{}), dataA, "", begin, "0/3",
		`{"data":{"bucket":"unlisted","data":[{"op_id":"1","op":"PUT","checksum":1}]}}`, "",
		`{"data":{"bucket":"a","data":[{"op_id":"9","op":"LATER","checksum":4294967295,"more":{}}]}}`, "store a@9+4294967295 0::; 1/3")
	m := New(Config{})
	if got := told(m.End()); !reflect.DeepEqual(got, []string{"reconnect ended"}) || m.End() != nil {
		t.Errorf("got %v", got)
	}
}

func TestRequest(t *testing.T) {
	one := 1
	body, err := New(Config{ClientID: "c", Buckets: []Bucket{{Name: `1#"a"`, Position: 1<<63 - 1}}, Metadata: map[string]string{"v": "1"},
		Subscriptions: []Subscription{{Stream: "s", Parameters: map[string]any{"org": "o"}, Priority: &one}}}).Request()
	want := `{"buckets":[{"name":"1#\"a\"","after":"9223372036854775807"}],"include_checksum":true,"raw_data":true,"client_id":"c","parameters":{},` +
		`"app_metadata":{"v":"1"},"streams":{"include_defaults":true,"subscriptions":[{"stream":"s","parameters":{"org":"o"},"override_priority":1}]}}`
	if string(body) != want || err != nil {
		t.Errorf("got %s, %v", body, err)
	}
	if body, _ := New(Config{}).Request(); !json.Valid(body) || strings.Contains(string(body), "null") {
		t.Errorf("got %s", body)
	}
}

// A line of many megabytes is one line.
func TestLongLines(t *testing.T) {
	m := New(Config{})
	hears(t, m, begin, "0/3")
	long := strings.Repeat("x", 12<<20)
	out := m.Line([]byte(`{"data":{"bucket":"a","data":[{"op_id":"1","op":"PUT","object_type":"t","object_id":"x","checksum":1,"data":"{\"a\":\"` + long + `\"}"}]}}`))
	s, is := out[0].(Store)
	if !is || len(s.Ops[0].Document) != len(long)+len(`{"a":""}`) {
		t.Errorf("got %d", len(out))
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   Reaction
		code   string
	}{
		{200, "", ReactRead, ""},
		{401, `{"error":{"code":"PSYNC_S2103"}}`, ReactNewToken, "PSYNC_S2103"},
		{401, `{"error":{"code":"PSYNC_S2302"}}`, ReactNewToken, "PSYNC_S2302"},
		{401, `<html>`, ReactNewToken, ""},
		{403, ``, ReactNewToken, ""},
		{404, `{"error":{"code":"PSYNC_S2002"}}`, ReactFault, "PSYNC_S2002"},
		{400, `{"error":{"code":"FST_ERR_CTP_EMPTY_JSON_BODY"}}`, ReactFault, "FST_ERR_CTP_EMPTY_JSON_BODY"},
		{415, ``, ReactFault, ""}, {405, ``, ReactFault, ""}, {302, ``, ReactFault, ""}, {204, ``, ReactFault, ""},
		{429, ``, ReactRetry, ""}, {502, `null`, ReactRetry, ""},
		{503, `{"error":{"code":"PSYNC_S2003"}}`, ReactRetry, "PSYNC_S2003"},
		{500, `{"error":{"code":"PSYNC_S2305"}}`, ReactFault, "PSYNC_S2305"},
		{500, `{"error":{"code":"PSYNC_S2001","status":500}}`, ReactRetry, "PSYNC_S2001"},
	} {
		got := Refused(c.status, []byte(c.body))
		if got.Reaction != c.want || got.Code != c.code || (got.Cause == "") != (c.want == ReactRead) {
			t.Errorf("%d %s: got %+v", c.status, c.body, got)
		}
	}
	if !Refused(401, []byte(`{"error":{"code":"PSYNC_S2103"}}`)).Expired {
		t.Error("not told apart")
	}
}
