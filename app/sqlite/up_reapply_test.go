package sqlite

import (
	"testing"
)

// A downloaded checkpoint that lacks what was written here is written first, and what waits or is acknowledged on top.
func TestWhatIsNotSeenYetIsWrittenOnTop(t *testing.T) {
	f := enrolledMemory(t, "INSERT INTO projects (id, name, path) VALUES ('a', 'old', 'p'), ('b', 'old', 'p'), ('c', 'old', 'p')")
	drainQueue(t, f)
	makeDB(t, f.path, "UPDATE projects SET name = 'acknowledged' WHERE id = 'a'")
	drainQueue(t, f)
	makeDB(t, f.path, "DELETE FROM projects WHERE id = 'b'", "INSERT INTO projects (id, name) VALUES ('d', 'new')", "UPDATE projects SET path = NULL WHERE id = 'c'")
	ctx := t.Context()
	err := f.writing(ctx, "test", func(c *conn) error {
		return c.withoutCapture(ctx, func() error {
			if err := c.exec(ctx, "DELETE FROM projects"); err != nil {
				return err
			}
			if err := c.exec(ctx, "INSERT INTO projects (id, name, path) VALUES ('a', 'theirs', 'theirs'), ('b', 'theirs', 'x'), ('c', 'theirs', 'x')"); err != nil {
				return err
			}
			return c.eachUnseen(ctx, func(_, id string) bool { return id != "nobody" }, func(u unseen) error { return c.reapply(ctx, u) })
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	got := ask(t, f.path, "SELECT group_concat(id || ':' || ifnull(name, '-') || ':' || ifnull(path, '-')) FROM (SELECT * FROM projects ORDER BY id)")
	if got != "a:acknowledged:theirs,c:theirs:-,d:new:-" {
		t.Errorf("got %s", got)
	}
	if s := capture(t, f); s.Waiting != 3 {
		t.Errorf("what was written on top was captured: %+v", s)
	}
}
