package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

func memory(t *testing.T) *File {
	t.Helper()
	f := newFile(t)
	if err := f.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

func fill(t *testing.T, f *File) int {
	t.Helper()
	n, err := f.FillSearch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// found returns what a search finds as "kind:id", sorted.
func found(t *testing.T, p *peer, words string) []string {
	t.Helper()
	rows := p.exec("SELECT kind || ':' || id FROM _coditect_search WHERE _coditect_search MATCH '%s'", words)
	slices.Sort(rows)
	return rows
}

func wantFound(t *testing.T, p *peer, words string, want ...string) {
	t.Helper()
	if got := found(t, p, words); !slices.Equal(got, want) {
		t.Errorf("%s: found %v, want %v", words, got, want)
	}
}

func TestSearchFindsWhatIsThereAndNothingElse(t *testing.T) {
	peers(t, func(t *testing.T, start func(testing.TB, string) *peer) {
		f := memory(t)
		p := start(t, f.path)
		p.exec("INSERT INTO messages (id, content) VALUES ('m1', 'Where does the lease expire?'), ('m2', 'Ärger mit dem lease')")
		p.exec("INSERT INTO decisions (id, decision, rationale, tags) VALUES ('d1', 'keep the lease', 'twins', '[\"sync\"]')")
		p.exec("INSERT INTO projects (id, name, path) VALUES ('p1', 'infra', '/srv/infra')")
		fill(t, f)
		wantFound(t, p, "lease", "decisions:d1", "messages:m1", "messages:m2")
		wantFound(t, p, "arger", "messages:m2")
		wantFound(t, p, "sync OR srv", "decisions:d1", "projects:p1")

		p.exec("UPDATE messages SET content = 'nothing of the kind' WHERE id = 'm1'")
		p.exec("DELETE FROM messages WHERE id = 'm2'")
		p.exec("UPDATE decisions SET id = 'd2' WHERE id = 'd1'")
		fill(t, f)
		wantFound(t, p, "lease", "decisions:d2")
		wantFound(t, p, "kind", "messages:m1")
		if n := fill(t, f); n != 0 {
			t.Errorf("%d rows looked at although nothing changed", n)
		}
	})
}

func TestSearchSurvivesReplaceInsertVacuumAndRebuiltTables(t *testing.T) {
	for _, recursive := range []string{"ON", "OFF"} {
		t.Run("recursive triggers "+recursive, func(t *testing.T) {
			f := memory(t)
			p := startPython(t, f.path)
			p.exec("PRAGMA recursive_triggers = %s", recursive)
			p.exec("INSERT INTO messages (id, content) VALUES ('m1', 'apple'), ('m2', 'banana'), ('m3', 'cherry')")
			fill(t, f)
			p.exec("INSERT OR REPLACE INTO messages (id, content) VALUES ('m1', 'apricot')")
			p.exec("INSERT OR IGNORE INTO messages (id, content) VALUES ('m2', 'berry')")
			fill(t, f)
			wantFound(t, p, "apple")
			wantFound(t, p, "apricot", "messages:m1")
			wantFound(t, p, "banana OR berry", "messages:m2")

			p.exec("DELETE FROM messages WHERE id = 'm1'")
			p.exec("VACUUM")
			p.exec("INSERT INTO messages (id, content) VALUES ('m4', 'damson')")
			fill(t, f)
			wantFound(t, p, "apricot")
			wantFound(t, p, "banana OR cherry OR damson", "messages:m2", "messages:m3", "messages:m4")

			// A tool that rebuilds a table loses the triggers.
			p.exec("CREATE TABLE new_messages AS SELECT * FROM messages WHERE id <> 'm3'")
			p.exec("DROP TABLE messages")
			p.exec("ALTER TABLE new_messages RENAME TO messages")
			p.exec("INSERT INTO messages (id, content) VALUES ('m5', 'elder')")
			fill(t, f)
			wantFound(t, p, "banana OR cherry OR damson OR elder", "messages:m2", "messages:m4", "messages:m5")
			p.exec("UPDATE messages SET content = 'fig' WHERE id = 'm5'")
			fill(t, f)
			wantFound(t, p, "elder OR fig", "messages:m5")
		})
	}
}

// A row that goes without a trigger is found missing by counting.
func TestSearchForgetsRowsReplacedThroughAnotherIndex(t *testing.T) {
	f := memory(t)
	p := startPython(t, f.path)
	p.exec("CREATE UNIQUE INDEX mine ON error_solutions (error_signature)")
	p.exec("INSERT INTO error_solutions (id, error_signature, solution) VALUES ('e1', 'sig', 'reboot')")
	fill(t, f)
	p.exec("INSERT OR REPLACE INTO error_solutions (id, error_signature, solution) VALUES ('e2', 'sig', 'update')")
	fill(t, f)
	wantFound(t, p, "sig", "error_solutions:e2")
	wantFound(t, p, "reboot")
}

func TestSearchIndexThatWasDroppedIsMadeAgain(t *testing.T) {
	f := memory(t)
	p := startPython(t, f.path)
	p.exec("INSERT INTO sessions (id, title) VALUES ('s1', 'friday')")
	fill(t, f)
	for _, gone := range []string{"TABLE _coditect_search", "TABLE _coditect_search_docs", "TABLE _coditect_search_notes", "TRIGGER _coditect_search_sessions_insert"} {
		p.exec("DROP %s", gone)
		if !strings.HasSuffix(gone, "notes") { // without notes the triggers cannot run, and the writer is told
			p.exec("INSERT INTO sessions (id, title) VALUES ('s%d', 'friday')", len(gone))
		}
		fill(t, f)
		rows := p.exec("SELECT count(*), (SELECT count(*) FROM sessions) FROM _coditect_search WHERE _coditect_search MATCH 'friday'")
		if n, of, _ := strings.Cut(rows[0], "|"); n != of {
			t.Errorf("without %s: found %s of %s", gone, n, of)
		}
	}
}

const (
	hashOfHello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	hashOfAbc   = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
)

func TestMessagesGetTheirContentHash(t *testing.T) {
	f := memory(t)
	p := startPython(t, f.path)
	p.exec("INSERT INTO messages (id, content, hash) VALUES ('m1', 'hello', NULL), ('m2', 'hello', 'theirs'), ('m3', NULL, NULL), ('m4', 'abc', '%s')", hashOfAbc)
	updated := p.exec("SELECT updated_at FROM messages WHERE id = 'm1'")
	fill(t, f)
	hashes := func() string {
		return strings.Join(p.exec("SELECT id || '=' || ifnull(hash, '-') FROM messages ORDER BY id"), " ")
	}
	want := fmt.Sprintf("m1=%s m2=theirs m3=- m4=%s", hashOfHello, hashOfAbc)
	if got := hashes(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := p.exec("SELECT updated_at FROM messages WHERE id = 'm1'"); got[0] != updated[0] {
		t.Error("filling the hash counts as an update of the row")
	}
	p.exec("UPDATE messages SET content = 'abc' WHERE id IN ('m1', 'm2')")
	p.exec("UPDATE messages SET content = 'hello' WHERE id = 'm4'")
	p.exec("UPDATE messages SET content = 'hello' WHERE id = 'm3'")
	fill(t, f)
	want = fmt.Sprintf("m1=%s m2=theirs m3=%s m4=%s", hashOfAbc, hashOfHello, hashOfHello)
	if got := hashes(); got != want {
		t.Errorf("after an update: got  %s\nwant %s", got, want)
	}
	p.exec("UPDATE messages SET hash = NULL WHERE id = 'm1'")
	fill(t, f)
	if got := hashes(); got != want {
		t.Errorf("after it was taken away: got  %s\nwant %s", got, want)
	}
	if n := fill(t, f); n != 0 {
		t.Errorf("its own changes made %d rows to look at", n)
	}
}

func TestSearchIsNoneOfAForeignFilesBusiness(t *testing.T) {
	f := adopted(t, 5)
	before := ask(t, f.path, "SELECT group_concat(sql) FROM sqlite_schema")
	if n := fill(t, f); n != 0 || ask(t, f.path, "SELECT group_concat(sql) FROM sqlite_schema") != before {
		t.Errorf("looked at %d rows", n)
	}
}

// The bookkeeping is not anybody's data: it neither enters the row hash nor the row counts.
func TestSearchLeavesTheRowHashAlone(t *testing.T) {
	f := memory(t)
	startPython(t, f.path).exec("INSERT INTO decisions (decision) VALUES ('a'), ('b')")
	before := check(t, f, "")
	if n := fill(t, f); n != 2 {
		t.Errorf("looked at %d rows", n)
	}
	if got := check(t, f, ""); !slices.Equal(got, before) {
		t.Errorf("got %v, want %v", got, before)
	}
	info, err := f.Inspect(t.Context())
	if err != nil || len(info.Rows) != 6 {
		t.Errorf("got %v, %v", info.Rows, err)
	}
}

// Many rows go in slices. Another program writes meanwhile, and everything is found in the end.
func TestSearchGoesInSlices(t *testing.T) {
	f := memory(t)
	p := startPython(t, f.path)
	p.exec("WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 700) INSERT INTO messages (id, content) SELECT 'm' || i, 'word' || i FROM k")
	done := make(chan error, 1)
	go func() {
		_, err := f.FillSearch(t.Context())
		done <- err
	}()
	other := startPython(t, f.path)
	for i := range 20 {
		other.exec("INSERT INTO sessions (id, title) VALUES ('s%d', 'meanwhile')", i)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	fill(t, f)
	if got := p.exec("SELECT count(*) FROM _coditect_search"); got[0] != "720" {
		t.Errorf("%v rows indexed", got)
	}
	wantFound(t, p, "word471", "messages:m471")
	if got := p.exec("SELECT count(*) FROM messages WHERE length(hash) = 64"); got[0] != "700" {
		t.Errorf("%v hashes", got)
	}
}

func TestSliceEndsAtItsDeadline(t *testing.T) {
	f := memory(t)
	p := startPython(t, f.path)
	fill(t, f)
	p.exec("INSERT INTO projects (id, name) VALUES ('p1', 'a'), ('p2', 'b'), ('p3', 'c')")
	c, err := open(t.Context(), f.path, modeWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, c)
	for left := 2; left >= 0; left-- {
		n, err := drain(t.Context(), c, time.Time{}) // long past: one note, no more
		if err != nil || n != 1 {
			t.Errorf("looked at %d, %v", n, err)
		}
		if got := p.exec("SELECT count(*) FROM _coditect_search_notes"); got[0] != fmt.Sprint(left) {
			t.Errorf("%v notes left, want %d", got, left)
		}
	}
}

func TestSearchStopsWithItsContext(t *testing.T) {
	f := memory(t)
	startPython(t, f.path).exec("INSERT INTO projects (name) VALUES ('a')")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.FillSearch(ctx)
	wantCode(t, err, app.CodeCanceled)
}

// Notes that are not ours ask nothing, and do not stop the others.
func TestSearchIgnoresStrangeNotes(t *testing.T) {
	f := memory(t)
	p := startPython(t, f.path)
	fill(t, f)
	p.exec("INSERT INTO _coditect_search_notes VALUES (NULL, NULL), ('sqlite_schema', 'x'), ('*nothing', ''), (x'00', 7)")
	p.exec("INSERT INTO projects (id, name) VALUES ('p1', 'a')")
	fill(t, f)
	wantFound(t, p, "a", "projects:p1")
}
