package wire

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// listing is a bucket with a state whose checksum tells its last operation.
func listing(name string, priority int, after, last int64) Listing {
	return Listing{Name: name, Priority: priority, Why: DefaultWhy(0), After: after,
		State: State{ID: 1, Checksum: uint32(last) * 7, Count: last, LastOp: last}}
}

// deliver sends everything a checkpoint has to send, one operation per bucket, and returns the kinds of lines.
func deliver(s *Session, lines []byte) string {
	for _, g := range s.Groups() {
		for _, b := range g.Buckets {
			if b.HasNews() {
				lines = AppendData(lines, b.Name, b.After, false, true, []Operation{{ID: b.LastOp, Op: Move}})
				b.Sent(b.LastOp, true)
			}
		}
		lines = s.End(lines, g)
	}
	return kinds(lines)
}

func kinds(lines []byte) string {
	var all []string
	for _, line := range strings.Split(strings.TrimSpace(string(lines)), "\n") {
		var keys map[string]struct {
			Bucket   string
			Priority int
		}
		if json.Unmarshal([]byte(line), &keys) != nil {
			all = append(all, "BAD "+line)
		}
		for kind, body := range keys {
			all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s", map[string]string{"checkpoint": "begin", "checkpoint_diff": "diff",
				"data": "data", "partial_checkpoint_complete": fmt.Sprint("partial", body.Priority), "checkpoint_complete": "complete"}[kind], body.Bucket)))
		}
	}
	return strings.Join(all, ", ")
}

// The orders of lines are those of the recordings: see testdata of package stream.
func TestOrderOfLines(t *testing.T) {
	s := NewSession(nil)
	all := []Listing{listing("know", 1, 0, 3), listing("work", 2, 0, 5), listing("talk", 3, 0, 4), listing("org", 3, 0, 0)}
	begin := func(lastOp int64, request string, all ...Listing) string {
		lines, ok := s.Begin(nil, lastOp, request, all)
		if !ok {
			return ""
		}
		return deliver(s, lines)
	}
	change := func(lastOp int64, request string, changed map[string]State) string {
		lines, ok := s.Change(nil, lastOp, request, changed)
		if !ok {
			return ""
		}
		return deliver(s, lines)
	}
	state := func(last int64) State { return listing("", 0, 0, last).State }
	for _, step := range []struct{ what, got, want string }{
		{"first", begin(5, "", all...), "begin, data know, partial1, data work, partial2, data talk, complete"},
		{"nothing new", begin(5, "", all...), ""},
		{"nothing of mine", change(9, "", map[string]State{"theirs": state(9)}), ""},
		{"a message", change(10, "", map[string]State{"talk": state(10)}), "diff, data talk, complete"},
		{"knowledge", change(11, "", map[string]State{"know": state(11)}), "diff, data know, partial1, complete"},
		{"a write checkpoint", change(11, "1", nil), "diff, complete"},
		{"the same again", change(11, "1", nil), ""},
		{"all three", change(14, "1", map[string]State{"know": state(12), "work": state(13), "talk": state(14)}),
			"diff, data know, partial1, data work, partial2, data talk, complete"},
		{"a bucket gained", begin(15, "1", append(all[3:], listing("know", 1, 0, 12), listing("work", 2, 0, 13), listing("talk", 3, 0, 14), listing("team", 3, 0, 9))...),
			"diff, data team, complete"},
		{"and lost", begin(16, "1", append(all[3:], listing("know", 1, 0, 12), listing("work", 2, 0, 13), listing("talk", 3, 0, 14))...), "diff, complete"},
	} {
		if step.got != step.want {
			t.Errorf("%s:\n got %s\nwant %s", step.what, step.got, step.want)
		}
	}
}

// Who has the newest of everything gets nothing but the ends; also for priorities that never had data.
func TestResume(t *testing.T) {
	s := NewSession(nil)
	lines, _ := s.Begin(nil, 9, "", []Listing{listing("know", 1, 9, 3), listing("work", 2, 4, 5), listing("talk", 3, 100, 4)})
	if got := deliver(s, lines); got != "begin, partial1, data work, partial2, complete" {
		t.Errorf("got %s", got)
	}
	if s.Has("work") == false || s.Has("other") || s.LastOp() != 9 {
		t.Error("the session has forgotten what it listed")
	}
}

// A checkpoint that is interrupted goes on under the next one; what is announced is what is completed.
func TestInterrupted(t *testing.T) {
	s := NewSession(nil)
	lines, _ := s.Begin(nil, 5, "", []Listing{listing("know", 1, 0, 3), listing("talk", 3, 0, 5)})
	talk := s.Groups()[1].Buckets[0]
	talk.Sent(2, false)
	if _, ok := s.Change(nil, 6, "", map[string]State{"theirs": {}}); ok || s.LastOp() != 5 {
		t.Errorf("what does not concern the client moves the checkpoint to %d", s.LastOp())
	}
	lines, ok := s.Change(lines, 7, "", map[string]State{"know": listing("", 0, 0, 7).State})
	if got := deliver(s, lines); !ok || got != "begin, diff, data know, partial1, data talk, complete" {
		t.Errorf("got %s", got)
	}
	if !slices.Contains(strings.Split(string(s.End(nil, Group{Last: true})), "\""), "7") {
		t.Error("it does not complete the newest checkpoint")
	}
}
