package sqlite

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// judge answers an outbox as a server does that rejects the group of each change that bad names a code for.
func judge(t testing.TB, f *File, out pushapi.Outbox, bad func(pushapi.Change) pushapi.Code, current map[string]string) app.Settled {
	t.Helper()
	b, err := pushapi.Decode(out.Body("machine-1"))
	if err != nil {
		t.Fatal(err)
	}
	var answer pushapi.Answer
	for _, g := range b.Groups {
		r := pushapi.Result{Group: g.Number, Part: g.Part, Status: pushapi.Applied}
		for i, c := range g.Changes {
			if code := bad(c); code != "" && r.Status == pushapi.Applied {
				r.Status, r.Code, r.Message, r.Change, r.Table, r.ID = pushapi.Rejected, code, "It is not taken.", &i, c.Table, c.ID
			}
		}
		for _, c := range g.Changes {
			if r.Status == pushapi.Rejected {
				data := json.RawMessage("null")
				if row, there := current[c.ID]; there {
					data = json.RawMessage(row)
				}
				r.Current = append(r.Current, pushapi.Row{Table: c.Table, ID: c.ID, Data: data})
			}
		}
		answer.Results = append(answer.Results, r)
	}
	s, err := f.Settle(t.Context(), out.ClientID, answer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rejecting pushes everything to such a server, and returns how many requests it took and what it has in effect.
func rejecting(t testing.TB, f *File, bad func(pushapi.Change) pushapi.Code, current map[string]string) (requests int, applied []string) {
	t.Helper()
	for {
		out := next(t, f)
		if len(out.Groups) == 0 {
			return requests, applied
		}
		if requests++; requests > 60 {
			t.Fatal("it does not come to an end")
		}
		for _, g := range out.Groups {
			whole := pushapi.DecodeGroup(g.Raw)
			if !slices.ContainsFunc(whole.Changes, func(c pushapi.Change) bool { return bad(c) != "" }) {
				for _, c := range whole.Changes {
					applied = append(applied, c.ID)
				}
			}
		}
		judge(t, f, out, bad, current)
	}
}

func forbidden(ids ...string) func(pushapi.Change) pushapi.Code {
	return func(c pushapi.Change) pushapi.Code {
		if slices.Contains(ids, c.ID) {
			return pushapi.Forbidden
		}
		return ""
	}
}

func lost(t testing.TB, f *File) []app.LostItem {
	t.Helper()
	items, err := f.Lost(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func TestARejectedRowGoesAloneAndTheServersIsPutBack(t *testing.T) {
	f := enrolledMemory(t, "INSERT INTO decisions (id, decision, created_at, updated_at) VALUES ('d3', 'theirs', 'c', 'u')")
	drainQueue(t, f)
	makeDB(t, f.path, "BEGIN", "INSERT INTO decisions (id, decision, confidence) VALUES ('d1', 'a', 9e999), ('d2', 'b', 1)",
		"UPDATE decisions SET decision = 'mine', tags = 'x' WHERE id = 'd3'", "DELETE FROM decisions WHERE id = 'd1'", "INSERT INTO projects (id, name) VALUES ('p', 'n')", "COMMIT")
	_, applied := rejecting(t, f, forbidden("d3"), map[string]string{"d3": `{"decision":"newest","created_at":"c","updated_at":"u","confidence":"-Infinity","tags":null,"unknown":1}`})
	if !slices.Equal(applied, []string{"d1", "d2", "d1", "p"}) {
		t.Errorf("applied %v", applied)
	}
	items := lost(t, f)
	if len(items) != 1 || items[0].Row != "d3" || items[0].Op != "patch" || items[0].Code != "FORBIDDEN" || string(items[0].Mine) != `{"decision":"mine","tags":"x"}` || items[0].Kind != app.LostRejected || !items[0].Reappliable {
		t.Errorf("%+v", items)
	}
	if got := ask(t, f.path, "SELECT decision || confidence || ifnull(tags, 'x') FROM decisions WHERE id = 'd3'"); got != "newest-Infx" {
		t.Errorf("put back %q", got)
	}
	if s := capture(t, f); s.Waiting != 0 || s.Lost != 1 {
		t.Errorf("%+v", s)
	}
	item, err := f.ReapplyLost(t.Context(), items[0].ID)
	if err != nil || item.Row != "d3" {
		t.Fatal(item, err)
	}
	wantLines(t, next(t, f), `patch decisions d3 {"decision":"mine","tags":"x"}`)
	if len(lost(t, f)) != 0 {
		t.Error("it is still there")
	}
}

// What the cloud cannot keep takes nothing else with it, and no byte of it is lost.
func TestPoisonGoesAlone(t *testing.T) {
	f := enrolledMemory(t)
	p := startPython(t, f.path)
	p.exec("BEGIN")
	for i := range 5 {
		p.exec("INSERT INTO messages (id, content) VALUES ('m%d', 'fine')", i)
	}
	p.exec("INSERT INTO messages (id, content) VALUES ('nul', 'a' || char(0) || 'b')")
	p.exec("INSERT INTO messages (id, content) VALUES ('half', CAST(x'61ff62' AS TEXT))")
	p.exec("INSERT INTO messages (id, content) VALUES ('', 'no id')")
	p.exec("INSERT INTO messages (id, content) VALUES (printf('%%.*c', 300, 'x'), 'long id')")
	p.exec("INSERT INTO messages (id, content) VALUES ('m5', 'fine')")
	p.exec("COMMIT")
	bad := func(c pushapi.Change) pushapi.Code {
		if content := string(member(c.Data, "content")); strings.HasPrefix(content, "{") || strings.Contains(content, "u0000") {
			return pushapi.BadValue
		}
		return ""
	}
	requests, applied := rejecting(t, f, bad, nil)
	if requests > 2 || !slices.Equal(applied, []string{"m0", "m1", "m2", "m3", "m4", "m5"}) {
		t.Errorf("%d requests, applied %v", requests, applied)
	}
	items := lost(t, f)
	if len(items) != 4 {
		t.Fatalf("%+v", items)
	}
	for _, i := range items {
		if _, err := f.ReapplyLost(t.Context(), i.ID); err != nil {
			t.Errorf("%s: %v", i.Why, err)
		}
	}
	if got := ask(t, f.path, "SELECT group_concat(hex(content)) FROM (SELECT content FROM messages WHERE id IN ('nul', 'half') ORDER BY id DESC)"); got != "610062,61FF62" {
		t.Errorf("reapplied %s", got)
	}
}

func TestWhenAllIsRejectedFewRequestsFindOut(t *testing.T) {
	f := enrolledMemory(t)
	makeDB(t, f.path, "WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 900) INSERT INTO projects (id, name) SELECT 'p' || i, 'n' FROM k")
	all := func(pushapi.Change) pushapi.Code { return pushapi.Forbidden }
	if requests, applied := rejecting(t, f, all, nil); requests > 25 || len(applied) > 0 {
		t.Errorf("%d requests, %v", requests, applied)
	}
	if n := len(lost(t, f)); n != 900 {
		t.Errorf("%d are lost", n)
	}
	if got := ask(t, f.path, "SELECT count(*) FROM projects"); got != "0" {
		t.Errorf("%s rows are left", got)
	}
}

// A row that was changed since is not put back: it goes up as it is now.
func TestARejectedRowThatWasChangedSinceGoesUpAsItIs(t *testing.T) {
	f := enrolledMemory(t)
	makeDB(t, f.path, "INSERT INTO projects (id, name) VALUES ('p', 'bad'), ('q', 'good')")
	out := next(t, f)
	makeDB(t, f.path, "UPDATE projects SET name = 'better' WHERE id = 'p'", "UPDATE projects SET path = '/' WHERE id = 'q'")
	judge(t, f, out, forbidden("p"), nil)
	wantLines(t, next(t, f), `put projects q {"name":"good"}`, `patch projects q {"path":"/"}`, `put projects p {"name":"better"}`)
	if got := ask(t, f.path, "SELECT name FROM projects WHERE id = 'p'"); got != "better" {
		t.Errorf("the row is %q", got)
	}
	if items := lost(t, f); len(items) != 1 || string(items[0].Mine) == "" {
		t.Errorf("%+v", items)
	}
}

// A number that was used for something else: a new client id, and all of it again.
func TestAReusedNumberRenewsTheClient(t *testing.T) {
	f := enrolledMemory(t, "INSERT INTO projects (id, name) VALUES ('p', 'n')")
	makeDB(t, f.path, "INSERT INTO projects (id, name) VALUES ('q', 'n')")
	out := next(t, f)
	s := judge(t, f, out, func(pushapi.Change) pushapi.Code { return pushapi.Reused }, nil)
	again := next(t, f)
	if !s.Renewed || again.ClientID == out.ClientID || again.After != 0 || again.Groups[0].Number != 1 {
		t.Errorf("%+v, %+v", s, again)
	}
	wantLines(t, again, lines(t, out)...)
	if settle(t, f, out, pushapi.Applied).Applied != 0 {
		t.Error("an answer to the old client was taken")
	}
	if len(lost(t, f)) != 0 {
		t.Error("something is in lost & found")
	}
}

// One transaction is one group, in parts when it is large; sent again they are the same bytes, also by another process.
func TestALargeTransactionGoesInParts(t *testing.T) {
	f := enrolledMemory(t)
	makeDB(t, f.path, "WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 2500) INSERT INTO projects (id, name) SELECT 'p' || i, 'n' FROM k",
		"INSERT INTO projects (id, name) VALUES ('after', '')")
	out := next(t, f)
	if g := out.Groups[0]; len(out.Groups) != 1 || g.Part != 1 || g.Parts != 3 || out.Changes != 1000 || !out.More {
		t.Fatalf("%+v", out)
	}
	settle(t, f, out, pushapi.Staged)
	makeDB(t, f.path, "INSERT INTO projects (id, name) VALUES ('later', '')")
	f = fileAt(t, f.path)
	second := next(t, f)
	if g := second.Groups[0]; g.Part != 2 || g.Number != out.Groups[0].Number {
		t.Fatalf("%+v", g)
	}
	settle(t, f, second, pushapi.Staged)
	third := next(t, f)
	settle(t, f, third, pushapi.Staged) // the server forgot some: all of it goes again
	if again := next(t, f); string(again.Body("m")) != string(out.Body("m")) {
		t.Error("the parts are other ones")
	}
	if s := capture(t, f); s.Waiting != 2502 {
		t.Errorf("%+v", s)
	}
	if n := drainQueue(t, f); n != 2502 {
		t.Errorf("%d changes went up", n)
	}
}

func TestATargetIsForWhatWasThereWhenItWasAskedFor(t *testing.T) {
	f := enrolledMemory(t, "INSERT INTO projects (id, name) VALUES ('p', 'n')")
	if _, drained, err := f.QueueMark(t.Context()); err != nil || drained {
		t.Error(drained, err)
	}
	drainQueue(t, f)
	mark, drained, err := f.QueueMark(t.Context())
	if err != nil || !drained {
		t.Fatal(drained, err)
	}
	makeDB(t, f.path, "INSERT INTO projects (id, name) VALUES ('q', 'n')")
	if ok, err := f.SetTarget(t.Context(), 7, mark); ok || err != nil {
		t.Error("a change came in between", err)
	}
	drainQueue(t, f)
	if ok, err := f.SetTarget(t.Context(), 7, mark); ok || err != nil {
		t.Error("a change came in between, and is acknowledged", err)
	}
	if mark, _, err = f.QueueMark(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ok, err := f.SetTarget(t.Context(), 8, mark); !ok || err != nil {
		t.Error(ok, err)
	}
	if n := ask(t, f.path, "SELECT count(*) FROM _coditect_queue"); n != "1" {
		t.Errorf("%s acknowledged changes are kept until they are seen, want 1", n)
	}
	if err := f.writing(t.Context(), "test", func(c *conn) error { return c.setState(t.Context(), keySeen, 8) }); err != nil {
		t.Fatal(err)
	}
	next(t, f)
	if n := ask(t, f.path, "SELECT count(*) FROM _coditect_queue"); n != "1" {
		t.Errorf("%s seen changes are kept until they are shown, want 1", n)
	}
	if err := f.writing(t.Context(), "test", func(c *conn) error { return c.showSeen(t.Context()) }); err != nil {
		t.Fatal(err)
	}
	next(t, f)
	if n := ask(t, f.path, "SELECT (SELECT count(*) FROM _coditect_queue) + (SELECT count(*) FROM _coditect_groups)"); n != "0" {
		t.Errorf("%s are left", n)
	}
}

// A server that was set back does not know what it had acknowledged.
func TestWhatAServerForgotGoesUpAgain(t *testing.T) {
	f := enrolledMemory(t)
	makeDB(t, f.path, "INSERT INTO projects (id, name) VALUES ('p', 'n')")
	drainQueue(t, f)
	makeDB(t, f.path, "INSERT INTO projects (id, name) VALUES ('q', 'n')")
	out := next(t, f)
	if out.After == 0 {
		t.Error("the last answered group is not named")
	}
	_, err := f.Settle(t.Context(), out.ClientID, pushapi.Answer{Results: []pushapi.Result{{Group: out.Groups[0].Number, Status: pushapi.Retry, Code: pushapi.OutOfOrder}}})
	if err != nil {
		t.Fatal(err)
	}
	again := next(t, f)
	if again.After != 0 {
		t.Errorf("after is %d", again.After)
	}
	wantLines(t, again, `put projects p {"name":"n"}`, `put projects q {"name":"n"}`)
}

// A clock that is a day behind, or ahead, is corrected by the server's; the order of this machine's changes stays.
func TestClocksFollowTheServers(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"behind": -24 * time.Hour, "ahead": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			f := enrolledMemory(t)
			makeDB(t, f.path, "INSERT INTO projects (id, name) VALUES ('p', 'n')")
			out := next(t, f)
			server := time.Now().Add(-ahead) // the machine's clock is ahead of that
			answer := pushapi.Answer{Results: []pushapi.Result{{Group: out.Groups[0].Number, Status: pushapi.Applied}}, Time: server.Format(time.RFC3339Nano)}
			if _, err := f.Settle(t.Context(), out.ClientID, answer); err != nil {
				t.Fatal(err)
			}
			makeDB(t, f.path, "UPDATE projects SET name = 'm'", "UPDATE projects SET name = 'o'")
			changes := decoded(t, next(t, f))
			for _, c := range changes {
				if d := c.HLC.Time().Sub(server); d < -time.Minute || d > 6*time.Minute {
					t.Errorf("%s is %v from the server's time", c.HLC, d)
				}
			}
			if len(changes) != 2 || changes[0].HLC >= changes[1].HLC {
				t.Errorf("%v", changes)
			}
		})
	}
}

func TestLostAndFoundKeepsWhatOthersSayOnce(t *testing.T) {
	f := newFile(t)
	if err := f.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	item := app.LostItem{ID: "conflict 7", Kind: app.LostConflict, Table: "projects", Row: "p", Op: "patch", Mine: json.RawMessage(`{"name":"x"}`), Why: "It was older."}
	for range 2 {
		if err := f.KeepLost(t.Context(), item, app.LostItem{Kind: app.LostLocal, Table: "projects", Row: "q", Op: "put", Mine: json.RawMessage(`{"name":"y"}`), Why: "w"}); err != nil {
			t.Fatal(err)
		}
	}
	if items := lost(t, f); len(items) != 3 {
		t.Errorf("%+v", items)
	}
	first := lost(t, f)[2]
	if _, err := f.ReapplyLost(t.Context(), first.ID); app.CodeOf(err) != app.CodeRefused {
		t.Errorf("columns of a row that is not there: %v", err)
	}
	if _, err := f.ReapplyLost(t.Context(), lost(t, f)[0].ID); err != nil {
		t.Error(err)
	}
	if err := f.DiscardLost(t.Context(), first.ID); err != nil {
		t.Error(err)
	}
	wantCode(t, f.DiscardLost(t.Context(), first.ID), app.CodeNotFound)
	var b strings.Builder
	if err := f.ExportLost(t.Context(), &b); err != nil || strings.Count(b.String(), "\n") != 1 || !strings.Contains(b.String(), `"name":"y"`) {
		t.Errorf("%s, %v", b.String(), err)
	}
	if got := ask(t, f.path, "SELECT name FROM projects WHERE id = 'q'"); got != "y" {
		t.Errorf("got %q", got)
	}
}

// Both versions are kept: the one in use stays, and the other becomes a row with an id of its own that goes up like any other.
func TestBothVersionsOfAConflictAreKept(t *testing.T) {
	f := enrolledMemory(t, "INSERT INTO decisions (id, user_id, decision, rationale, created_at, updated_at) VALUES ('d', 'jonas', 'theirs', 'why', 'c', 'u')")
	drainQueue(t, f)
	conflict := func(id, table, op, mine string) app.LostItem {
		return app.LostItem{ID: id, Kind: app.LostConflict, Table: table, Row: "d", Op: op, Mine: json.RawMessage(mine), Why: "Later."}
	}
	if err := f.KeepLost(t.Context(), conflict("1", "decisions", "patch", `{"decision":"mine"}`), conflict("2", "projects", "patch", `{"name":"n"}`),
		conflict("3", "decisions", "delete", `null`), app.LostItem{ID: "4", Kind: app.LostRejected, Table: "decisions", Row: "d", Op: "put", Why: "No."}); err != nil {
		t.Fatal(err)
	}
	items := lost(t, f) // newest first
	for i, both := range []bool{false, false, false, true} {
		if items[i].Both != both {
			t.Errorf("%+v: both %v", items[i], items[i].Both)
		}
	}
	if theirs := string(items[3].Theirs); !strings.Contains(theirs, `"decision":"theirs"`) || string(items[2].Theirs) != "null" {
		t.Errorf("in use: %s and %s", theirs, items[2].Theirs)
	}
	if _, err := f.KeepBoth(t.Context(), items[3].ID); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, f.path, "SELECT group_concat(decision || rationale || ifnull(user_id, '-'), ' ') FROM (SELECT * FROM decisions ORDER BY rowid)"); got != "theirswhyjonas minewhy-" {
		t.Errorf("the rows are %s", got)
	}
	if changes := next(t, f); len(changes.Groups) != 1 || len(lost(t, f)) != 3 {
		t.Errorf("it goes up as %+v, and %d items are left", changes, len(lost(t, f)))
	}
	for _, item := range items[:3] {
		_, err := f.KeepBoth(t.Context(), item.ID)
		wantCode(t, err, app.CodeRefused)
	}
	makeDB(t, f.path, "DELETE FROM decisions WHERE id = 'd'")
	if err := f.KeepLost(t.Context(), conflict("5", "decisions", "patch", `{"decision":"mine"}`)); err != nil {
		t.Fatal(err)
	}
	_, err := f.KeepBoth(t.Context(), lost(t, f)[0].ID)
	wantCode(t, err, app.CodeRefused)
	_, err = f.KeepBoth(t.Context(), "none")
	wantCode(t, err, app.CodeNotFound)
}
