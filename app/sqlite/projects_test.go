package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

// Sharing is an ordinary change of the project's row: it waits to go up, and no row of the project does.
func TestSharingIsAChangeOfTheProject(t *testing.T) {
	f := enrolledMemory(t, "INSERT INTO projects (id, name, user_id, updated_at) VALUES ('b', 'beta', 'u-1', 'long ago'), ('a', 'Alpha', NULL, 'long ago')",
		"INSERT INTO decisions (project_id) VALUES ('b'), ('b'), (NULL)", "INSERT INTO messages (project_id) VALUES ('b'), ('gone')")
	drainQueue(t, f)
	before := capture(t, f).Waiting
	if err := f.ShareProject(t.Context(), "b", app.VisibleTeam, "t-1"); err != nil {
		t.Fatal(err)
	}
	if waiting := capture(t, f).Waiting; waiting != before+1 {
		t.Errorf("%d changes wait, %d before", waiting, before)
	}
	list, err := f.Projects(t.Context())
	if said := fmt.Sprint(list); err != nil || said != "[{a Alpha    false private   0 <nil> <nil>} {b beta  u-1  false team t-1  3 <nil> <nil>}]" {
		t.Errorf("%s, %v", said, err)
	}
	if err := f.ShareProject(t.Context(), "b", app.VisiblePrivate, ""); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, f.path, "SELECT visibility || ':' || ifnull(team_id, '-') || ':' || (updated_at > '2020') FROM projects WHERE id = 'b'"); got != "private:-:1" {
		t.Errorf("got %s", got)
	}
	if err := f.ShareProject(t.Context(), "none", app.VisibleOrg, ""); app.CodeOf(err) != app.CodeNotFound {
		t.Error(err)
	}
}

func TestAForeignFileHasNoProjects(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	makeDB(t, path, "CREATE TABLE projects (id)", "INSERT INTO projects VALUES (1)")
	f, err := New(Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if list, err := f.Projects(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}
