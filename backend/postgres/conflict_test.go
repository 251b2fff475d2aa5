package postgres_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// lostLines are the values that lost, oldest first: "kind table.column value".
func (c *client) lostLines() string {
	c.t.Helper()
	found, err := c.Lost(c.t.Context(), c.who, 0, 1000)
	if err != nil {
		c.t.Fatal(err)
	}
	var texts []string
	for i := len(found) - 1; i >= 0; i-- {
		l := found[i]
		texts = append(texts, strings.TrimSuffix(fmt.Sprintf("%s %s.%s", l.Kind, l.Table, l.Column), ".")+" "+string(l.Value))
	}
	return strings.Join(texts, "; ")
}

func TestConflicts(t *testing.T) {
	const row = "SELECT concat_ws('|', decision, rationale) FROM app.decisions WHERE id = 'a'"
	for _, x := range []struct {
		name    string
		changes []string // each a group of its own; by its clock's node, of the laptop or the desktop
		want    string
		lost    string
	}{
		{"columns apart", []string{
			patch("decisions", "a", `{"decision":"d2"}`, `{"decision":"d"}`, at(2, "desktop")),
			patch("decisions", "a", `{"rationale":"r2"}`, `{"rationale":"r"}`, at(1, "laptop"))}, "d2|r2", ""},
		{"the older comes later", []string{
			patch("decisions", "a", `{"decision":"newer"}`, `{"decision":"d"}`, at(5, "desktop")),
			patch("decisions", "a", `{"decision":"older"}`, `{"decision":"d"}`, at(2, "laptop"))},
			"newer|r", `older decisions.decision "older"`},
		{"the newer had not seen it", []string{
			patch("decisions", "a", `{"decision":"first"}`, `{"decision":"d"}`, at(2, "desktop")),
			patch("decisions", "a", `{"decision":"second"}`, `{"decision":"d"}`, at(5, "laptop"))},
			"second|r", `overwritten decisions.decision "first"`},
		{"the newer had seen it", []string{
			patch("decisions", "a", `{"decision":"first"}`, `{"decision":"d"}`, at(2, "desktop")),
			patch("decisions", "a", `{"decision":"second"}`, `{"decision":"first"}`, at(5, "laptop"))}, "second|r", ""},
		{"nobody says what was seen", []string{
			patch("decisions", "a", `{"decision":"first"}`, `null`, at(2, "desktop")),
			patch("decisions", "a", `{"decision":"second"}`, `null`, at(5, "laptop"))},
			"second|r", `overwritten decisions.decision "d"; overwritten decisions.decision "first"`},
		{"both say the same", []string{
			patch("decisions", "a", `{"decision":"same"}`, `{"decision":"d"}`, at(2, "desktop")),
			patch("decisions", "a", `{"decision":"same"}`, `{"decision":"d"}`, at(3, "laptop")),
			patch("decisions", "a", `{"decision":"between"}`, `{"decision":"d"}`, string(pushapi.NewHLC(clockBase.Add(2500*time.Millisecond), 0, "desktop")))},
			"same|r", `older decisions.decision "between"`},
		{"one clock, one client: the last word", []string{
			patch("decisions", "a", `{"decision":"x"}`, `{"decision":"d"}`, at(2, "laptop")),
			patch("decisions", "a", `{"decision":"y"}`, `{"decision":"x"}`, at(2, "laptop"))}, "y|r", ""},
		{"deleted, then an older edit", []string{
			remove("decisions", "a", at(5, "seed")),
			patch("decisions", "a", `{"decision":"late"}`, `{"decision":"d"}`, at(3, "laptop"))},
			"", `deleted decisions {"decision":"late"}`},
		{"deleted, then a newer edit of a column", []string{
			remove("decisions", "a", at(5, "seed")),
			patch("decisions", "a", `{"decision":"late"}`, `{"decision":"d"}`, at(9, "laptop"))},
			"", `deleted decisions {"decision":"late"}`},
		{"deleted, then an older put", []string{
			remove("decisions", "a", at(5, "seed")),
			put("decisions", "a", `{"decision":"again"}`, at(3, "laptop"))}, "", `deleted decisions {"decision":"again"}`},
		{"deleted, then made again", []string{
			remove("decisions", "a", at(5, "seed")),
			put("decisions", "a", `{"decision":"again"}`, at(9, "laptop"))}, "again", ""},
		{"edited, then an older deletion", []string{
			patch("decisions", "a", `{"decision":"edited"}`, `{"decision":"d"}`, at(9, "laptop")),
			remove("decisions", "a", at(5, "desktop"))}, "edited|r", `undeleted decisions null`},
		{"deleted by somebody who did not write it", []string{
			patch("decisions", "a", `{"decision":"edited"}`, `{"decision":"d"}`, at(2, "laptop")),
			remove("decisions", "a", at(5, "desktop"))}, "", `deleted decisions {"confidence":null,`},
		{"a put of what is there", []string{
			put("decisions", "a", `{"decision":"d","rationale":"r"}`, at(9, "laptop"))}, "d|r", ""},
		{"a put keeps columns that it does not say", []string{
			put("decisions", "a", `{"decision":"d3"}`, at(9, "seed"))}, "d3|r", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			ann := newCloud(t).client(t, "ann")
			ann.push(put("decisions", "a", `{"decision":"d","rationale":"r"}`, at(0, "seed")))
			for _, change := range x.changes {
				ann.push(change)
			}
			if got := ann.value(t, row); got != x.want {
				t.Errorf("the row is %q, want %q", got, x.want)
			}
			got := ann.lostLines()
			if got != x.lost && (x.lost == "" || !strings.HasPrefix(got, x.lost)) {
				t.Errorf("lost is %q, want %q", got, x.lost)
			}
		})
	}
}

var clockBase = pushapi.HLC(at(0, "n")).Time()

func TestChangesOfOneRequestAreFolded(t *testing.T) {
	for _, x := range []struct{ name, changes, want string }{
		{"put and patch", put("decisions", "a", `{"decision":"1","rationale":"r"}`, at(1, "n")) + "," + patch("decisions", "a", `{"decision":"2"}`, `{"decision":"1"}`, at(2, "n")), "2|r"},
		{"put and delete", put("decisions", "a", `{"decision":"1"}`, at(1, "n")) + "," + remove("decisions", "a", at(2, "n")), ""},
		{"delete and put", put("decisions", "a", `{"decision":"1","rationale":"r"}`, at(1, "n")) + "," + remove("decisions", "a", at(2, "n")) + "," +
			put("decisions", "a", `{"decision":"3"}`, at(3, "n")), "3"},
		{"put twice", put("decisions", "a", `{"decision":"1"}`, at(1, "n")) + "," + put("decisions", "a", `{"rationale":"2"}`, at(2, "n")), "1|2"},
	} {
		t.Run(x.name, func(t *testing.T) {
			ann := newCloud(t).client(t, "ann")
			ann.push(x.changes)
			if got := ann.value(t, "SELECT concat_ws('|', decision, rationale) FROM app.decisions"); got != x.want {
				t.Errorf("%q, want %q", got, x.want)
			}
			if lost := ann.lostLines(); lost != "" {
				t.Errorf("lost %s", lost)
			}
		})
	}
}

func TestAnEditInTheSameRequestKeepsItsOwnClock(t *testing.T) {
	ann := newCloud(t).client(t, "ann")
	ann.push(put("decisions", "a", `{"decision":"1","rationale":"r"}`, at(1, "n"))+","+patch("decisions", "a", `{"decision":"2"}`, `{"decision":"1"}`, at(8, "n")),
		patch("decisions", "a", `{"rationale":"r2"}`, `{"rationale":"r"}`, at(4, "m")))
	if got := ann.value(t, "SELECT decision || rationale || hlc || cv::text FROM app.decisions"); got == "" || !strings.HasPrefix(got, "2r2") {
		t.Error(got)
	}
	ann.push(patch("decisions", "a", `{"decision":"between"}`, `{"decision":"1"}`, at(5, "m")))
	if got := ann.lostLines(); got != `older decisions.decision "between"` {
		t.Error(got)
	}
}

func TestMessagesAreWrittenOnce(t *testing.T) {
	ann := newCloud(t).client(t, "ann")
	ann.push(put("messages", "m", `{"content":"said","role":"user","hash":null}`, at(1, "a")))
	ann.push(patch("messages", "m", `{"hash":"h"}`, `{"hash":null}`, at(2, "a")))
	ann.push(put("messages", "m", `{"content":"said","hash":"h"}`, at(3, "b")))
	ann.push(patch("messages", "m", `{"content":"changed","hash":"h2","session_id":"s"}`, `{"content":"said"}`, at(4, "a")))
	if got := ann.value(t, "SELECT content || hash || session_id FROM app.messages"); got != "saidhs" {
		t.Error(got)
	}
	if got := ann.lostLines(); got != `immutable messages.hash "h2"; immutable messages.content "changed"` && got != `immutable messages.content "changed"; immutable messages.hash "h2"` {
		t.Error(got)
	}
}

// TestArrivalOrderDoesNotMatter pushes the same edits of two machines in every order of their arrival.
func TestArrivalOrderDoesNotMatter(t *testing.T) {
	edits := []string{
		patch("decisions", "a", `{"decision":"1","rationale":"1"}`, `null`, at(3, "a")),
		patch("decisions", "a", `{"decision":"2"}`, `null`, at(7, "b")),
		patch("decisions", "a", `{"rationale":"3"}`, `null`, at(5, "c")),
		put("decisions", "a", `{"decision":"4","rationale":"4","tags":"4"}`, at(4, "d")),
	}
	c := newCloud(t)
	ann := c.client(t, "ann")
	n := 0
	permute(edits, func(order []string) {
		n++
		id := fmt.Sprint("row", n)
		ann.push(put("decisions", id, `{"decision":"d","rationale":"r"}`, at(0, "seed")))
		for _, e := range order {
			ann.push(strings.ReplaceAll(e, `"id": "a"`, fmt.Sprintf(`"id": %q`, id)))
		}
	})
	if got := c.value(t, "SELECT string_agg(DISTINCT concat_ws('|', decision, rationale, tags), ' and ') FROM app.decisions"); got != "2|3|4" || n != 24 {
		t.Errorf("%s after %d orders", got, n)
	}
}

func permute(list []string, use func([]string)) {
	var walk func(done, rest []string)
	walk = func(done, rest []string) {
		if len(rest) == 0 {
			use(done)
		}
		for i := range rest {
			walk(append(done[:len(done):len(done)], rest[i]), append(append([]string(nil), rest[:i]...), rest[i+1:]...))
		}
	}
	walk(nil, list)
}

func TestClocks(t *testing.T) {
	c := newCloud(t)
	ann := c.client(t, "ann")
	future := string(pushapi.NewHLC(time.Now().Add(24*time.Hour), 7, "fast"))
	ann.push(put("decisions", "a", `{"decision":"from tomorrow"}`, future), `{"table":"decisions","op":"put","id":"b","data":{"decision":"no clock"}}`)
	clamped := pushapi.HLC(c.value(t, "SELECT hlc FROM app.decisions WHERE id = 'a'"))
	if ahead := time.Until(clamped.Time()); ahead > 5*time.Minute || ahead < 3*time.Minute || clamped.Node() != "fast" {
		t.Errorf("%s is %v ahead", clamped, ahead)
	}
	arrival := pushapi.HLC(c.value(t, "SELECT hlc FROM app.decisions WHERE id = 'b'"))
	if age := time.Since(arrival.Time()); age > time.Minute || age < -time.Second || arrival.Node() != "ann-client" {
		t.Errorf("%s", arrival)
	}
	ann.push(`{"table":"decisions","op":"patch","id":"b","data":{"decision":"later"}}`)
	if got := c.value(t, "SELECT decision FROM app.decisions WHERE id = 'b'"); got != "later" {
		t.Error(got)
	}
}

// TestAGroupFoldedWithABadOneStaysItself: groups are tried together, folded, and then one by one. What the bad one would have
// made of the row must not be in the good one.
func TestAGroupFoldedWithABadOneStaysItself(t *testing.T) {
	c := newCloud(t)
	ann := c.client(t, "ann")
	results := ann.send(ann.body(put("projects", "own", `{"name":"one"}`, at(1, "n")),
		patch("projects", "own", `{"name":"two","visibility":"everybody"}`, `{"name":"one"}`, at(2, "n"))))
	if got := statuses(results); got != "applied rejected/BAD_VALUE" {
		t.Error(got)
	}
	if got := c.value(t, "SELECT name || ' ' || hlc FROM app.projects WHERE id = 'own'"); got != "one "+at(1, "n") {
		t.Error(got)
	}
}

// Who loses may have seen the winner already, with a clock that was behind: the row is written once more, so that the stream
// brings it to whoever shows something else.
func TestTheWinnerComesOnceMore(t *testing.T) {
	c := newCloud(t)
	ann := c.client(t, "ann")
	ann.push(put("decisions", "a", `{"decision":"d"}`, at(5, "laptop")), put("messages", "m", `{"content":"said"}`, at(5, "laptop")))
	version := func(table string) string { return c.value(t, "SELECT xmin::text FROM app."+table) }
	for name, change := range map[string]struct{ table, text string }{
		"older":     {"decisions", patch("decisions", "a", `{"decision":"older"}`, `{"decision":"d"}`, at(2, "desk"))},
		"undeleted": {"decisions", remove("decisions", "a", at(2, "desk"))},
		"immutable": {"messages", patch("messages", "m", `{"content":"edited"}`, `{"content":"said"}`, at(9, "desk"))},
	} {
		before := version(change.table)
		ann.push(change.text)
		if version(change.table) == before {
			t.Errorf("%s: the row does not come again", name)
		}
	}
	if got := c.value(t, "SELECT decision || (SELECT content FROM app.messages) FROM app.decisions"); got != "dsaid" {
		t.Error(got)
	}
}

// What everybody is told of a conflict: who wrote what lost, and what won, each on which machine.
func TestWhoWonAConflict(t *testing.T) {
	town := newCloud(t)
	town.db.Exec(t, `UPDATE app.projects SET visibility = 'team'; UPDATE app.users SET name = 'Ann B' WHERE id = 'ann';
		INSERT INTO app.machines (tenant_id, id, user_id, name) VALUES ('acme', 'ann-pc', 'ann', 'studio'), ('acme', 'bob-pc', 'bob', '')`)
	ann, bob := town.client(t, "ann"), town.client(t, "bob")
	row := func(c *client, op func(table, id, data, hlc string) string, says string, second int) {
		c.push(op("decisions", "a", fmt.Sprintf(`{"project_id":"p","decision":%q}`, says), at(second, c.id)))
	}
	unseen := func(table, id, data, hlc string) string { return patch(table, id, data, `{"decision":"unseen"}`, hlc) }
	row(ann, put, "d", 1)
	row(bob, unseen, "of bob", 5)
	row(ann, unseen, "of ann, older", 3)
	row(ann, unseen, "of ann, newer", 9)
	bob.push(remove("decisions", "a", at(20, "nobody")))

	for _, x := range []struct {
		asks *client
		want string
	}{
		{bob, `Ann B@studio lost to me@bob-pc; Ann B@studio lost to me@bob-pc; me@bob-pc lost to Ann B@studio; Ann B@studio lost to @`},
		{ann, `me@studio lost to b@x@bob-pc; me@studio lost to b@x@bob-pc; b@x@bob-pc lost to me@studio; me@studio lost to @`},
	} {
		found, err := x.asks.Lost(t.Context(), x.asks.who, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, l := range slices.Backward(found) {
			told = append(told, writer(l.By)+" lost to "+writer(l.WinnerBy))
		}
		if got := strings.Join(told, "; "); got != x.want {
			t.Errorf("%s is told\n%s, want\n%s", x.asks.who.User, got, x.want)
		}
	}
}

func writer(w backend.Writer) string {
	if w.Self {
		w.Name = "me"
	}
	return w.Name + "@" + w.Machine
}

// Of a client under which two people pushed nobody is named, and of somebody with whom nothing is shared no machine.
func TestWhoIsNotNamed(t *testing.T) {
	town := newCloud(t)
	town.db.Exec(t, `INSERT INTO app.machines (tenant_id, id, user_id, name) VALUES ('acme', 'ann-pc', 'ann', 'studio'), ('acme', 'bob-pc', 'bob', 'hut')`)
	ann, bob := town.client(t, "ann"), town.client(t, "bob")
	ann.push(put("decisions", "a", `{"decision":"d"}`, at(1, ann.id)))
	bob.push(put("decisions", "b", `{"decision":"d"}`, at(1, bob.id)))
	ann.push(patch("decisions", "a", `{"decision":"x"}`, `{"decision":"unseen"}`, at(2, bob.id))) // says that bob wrote it
	told := func() string {
		t.Helper()
		found, err := ann.Lost(t.Context(), ann.who, 0, 1)
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		return writer(found[0].WinnerBy)
	}
	if got := told(); got != "b@x@" {
		t.Errorf("with nothing shared: %q", got)
	}
	ann.id = bob.id
	ann.push(put("decisions", "c", `{"decision":"d"}`, at(3, "n")))
	if got := told(); got != "@" {
		t.Errorf("of a client that two people used: %q", got)
	}
	if n := ann.value(t, "SELECT count(*) FROM app.clients"); n != "3" {
		t.Errorf("%s clients are known", n)
	}
}
