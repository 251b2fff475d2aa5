package stream

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// TestOfficialClient lets the official client, unmodified, live through what a client lives through: the first sync,
// live changes, a project shared and taken away, the server and the writer of the log restarted in the middle. At each
// point its tables equal what PostgreSQL holds for the person.
func TestOfficialClient(t *testing.T) {
	s := product(t, pgtest.New(t))
	s.db.Exec(t, acme)
	s.db.Exec(t, `INSERT INTO app.messages (tenant_id, id, user_id, content) SELECT 'acme', 'many' || g, 'bob', repeat(md5(g::text), 4) FROM generate_series(1, 3000) g`)
	stopWriter := s.write(t)
	url, stopServer := s.serve(t)
	c := official(t, url)
	c.do("connect", map[string]any{"token": worker("acme", "bob")})
	conn := s.source(t)
	c.holds(conn, "bob")

	for _, sql := range []string{
		"UPDATE app.messages SET content = 'changed' WHERE id LIKE 'many1%'",
		"DELETE FROM app.messages WHERE id LIKE 'many2%'",
		`INSERT INTO app.error_solutions (tenant_id, id, user_id, solution, success_count) VALUES ('acme', 'e1', 'bob', E'quote " \\ \n ü 😀', 9007199254740993)`,
		"INSERT INTO app.decisions (tenant_id, id, user_id, confidence, tags) VALUES ('acme', 'd2', 'bob', 0.1, '[1]'), ('acme', 'd3', 'bob', 1e300, NULL), ('acme', 'd4', 'bob', 7, '')",
		"UPDATE app.projects SET visibility = 'team'",
		"INSERT INTO app.memberships VALUES ('acme', 'core', 'bob')",
		"UPDATE app.messages SET content = 'seen by bob' WHERE id = 'm1'",
		"DELETE FROM app.memberships WHERE user_id = 'bob'",
		"UPDATE app.messages SET content = 'not seen by bob' WHERE id = 'm1'",
		"INSERT INTO app.memberships VALUES ('acme', 'core', 'bob')",
	} {
		execute(t, conn, sql)
		c.holds(conn, "bob")
	}

	stop := pushes(t, s)
	stopServer()
	s.address = strings.TrimPrefix(url, "http://")
	s.serve(t)
	stopWriter()
	s.write(t)
	stop()
	c.holds(conn, "bob")
	execute(t, conn, "DELETE FROM app.memberships WHERE user_id = 'bob'")
	c.holds(conn, "bob")
}

// pushes writes rows of bob until stop is called.
func pushes(t *testing.T, s *site) (stop func()) {
	conn := s.source(t)
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			select {
			case <-end:
				return
			default:
			}
			sql := `INSERT INTO app.messages (tenant_id, id, user_id, content) VALUES ('acme', 'live' || $1, 'bob', 'live')`
			if _, err := conn.Exec(t.Context(), sql, n); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	return func() { close(end); <-done }
}

// officialClient is a process with the official client.
type officialClient struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

// official starts a client with an empty database.
func official(t *testing.T, url string) *officialClient {
	t.Helper()
	home := installed(t)
	node := filepath.Join(home, "node_modules", "node-"+runtime.GOOS+"-"+map[string]string{"amd64": "x64"}[runtime.GOARCH], "bin", "node")
	if runtime.GOARCH != "amd64" {
		node = filepath.Join(home, "node_modules", "node-"+runtime.GOOS+"-"+runtime.GOARCH, "bin", "node")
	}
	type column struct {
		Name string      `json:"name"`
		Type schema.Type `json:"type"`
	}
	type table struct {
		Name    string   `json:"name"`
		Columns []column `json:"columns"`
	}
	var tables []table
	for _, one := range schema.Tables() {
		next := table{Name: one.Name}
		for _, c := range one.Columns[1:] {
			next.Columns = append(next.Columns, column{c.Name, c.Type})
		}
		tables = append(tables, next)
	}
	text, _ := json.Marshal(tables)
	cmd := exec.Command(node, "driver.mjs", url, t.TempDir(), string(text))
	cmd.Dir, cmd.Stderr = home, &testWriter{t: t}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &officialClient{t: t, in: in, out: bufio.NewScanner(out)}
	c.out.Buffer(nil, 64<<20)
	t.Cleanup(func() { c.send("close", nil); _ = cmd.Wait() })
	c.answer()
	return c
}

// installed is a directory with the client's packages, those of the lock file and nothing else.
func installed(t *testing.T) string {
	t.Helper()
	lock, err := os.ReadFile("testdata/official/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	cache, err := filepath.Abs("../../build/tmp")
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(cache, "official-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(home); err != nil {
		install(t, cache, home)
	}
	driver, err := os.ReadFile("testdata/official/driver.mjs")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "driver.mjs"), driver, 0o600); err != nil {
		t.Fatal(err)
	}
	return home
}

func install(t *testing.T, cache, home string) {
	t.Helper()
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	fresh, err := os.MkdirTemp(cache, "official-new-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(fresh, os.DirFS("testdata/official")); err != nil {
		t.Fatal(err)
	}
	run := func(dir, name string, args ...string) {
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	script, err := filepath.Abs("../../build/setup/apt.sh")
	if err != nil {
		t.Fatal(err)
	}
	run(fresh, script, "npm=npm")
	run(fresh, "npm", "ci", "--no-progress")
	if err := os.Rename(fresh, home); err != nil && !exists(home) { // else another test process was faster
		t.Fatal(err)
	}
	_ = os.RemoveAll(fresh)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (c *officialClient) send(what string, arguments map[string]any) {
	command := map[string]any{"do": what}
	for name, value := range arguments {
		command[name] = value
	}
	text, _ := json.Marshal(command)
	_, _ = fmt.Fprintf(c.in, "%s\n", text)
}

func (c *officialClient) answer() (answer struct {
	Rows  []map[string]any
	Error string
}) {
	c.t.Helper()
	for c.out.Scan() {
		if json.Unmarshal(c.out.Bytes(), &answer) == nil {
			if answer.Error != "" {
				c.t.Fatal(answer.Error)
			}
			return answer
		}
		c.t.Logf("client: %s", c.out.Bytes())
	}
	c.t.Fatalf("the client has ended: %v", c.out.Err())
	return answer
}

// do sends a command and returns the rows of its answer.
func (c *officialClient) do(what string, arguments map[string]any) []map[string]any {
	c.t.Helper()
	c.send(what, arguments)
	return c.answer().Rows
}

// digest is one line per row of a table, hashed; the same text in SQLite and in PostgreSQL. A real is compared by its
// value to fifteen digits.
func digest(t schema.Table, sqlite bool) string {
	sql := "SELECT "
	for i, c := range t.Columns {
		if i > 0 {
			sql += " || '|' || "
		}
		switch {
		case c.Type == schema.Real && sqlite:
			sql += "coalesce(printf('%.14e', " + c.Name + "), '~')"
		case c.Type == schema.Real:
			sql += "coalesce(btrim(to_char(" + c.Name + "::numeric, '9.99999999999999EEEE')), '~')"
		default:
			sql += "coalesce(CAST(" + c.Name + " AS TEXT), '~')"
		}
	}
	return sql + " AS line FROM "
}

// holds waits until each of the client's tables equals what PostgreSQL holds for a person.
func (c *officialClient) holds(conn *pgx.Conn, user string) {
	c.t.Helper()
	for _, table := range schema.Tables() {
		where := "project_id IS NULL AND user_id = $1 OR project_id IN (SELECT project_id FROM app.access WHERE user_id = $1)"
		if table.Name == schema.Projects {
			where = "id IN (SELECT project_id FROM app.access WHERE user_id = $1)"
		}
		rows, err := conn.Query(c.t.Context(), digest(table, false)+"app."+table.Name+" WHERE "+where, user)
		if err != nil {
			c.t.Fatal(err)
		}
		want, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			c.t.Fatal(err)
		}
		hash := hashed(want)
		waitFor(c.t, func() error {
			var got []string
			for _, row := range c.do("query", map[string]any{"sql": digest(table, true) + table.Name}) {
				got = append(got, row["line"].(string))
			}
			if !reflect.DeepEqual(hashed(got), hash) {
				return fmt.Errorf("%s has %d rows, want %d; %.300q, want %.300q", table.Name, len(got), len(want), got, want)
			}
			return nil
		})
	}
}

// hashed is the sum of the hashes of lines, whatever their order.
func hashed(lines []string) (sum [4]uint64) {
	for _, line := range lines {
		h := sha256.Sum256([]byte(line))
		for i := range sum {
			for b := range 8 {
				sum[i] += uint64(h[i*8+b]) << (8 * b)
			}
		}
	}
	return sum
}
