package stream

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
	"github.com/coditect-ai/coditect-sync/backend/httpapi"
	"github.com/coditect-ai/coditect-sync/backend/identity"
	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/postgres"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// TestOfficialClient lets the official client, unmodified, with real tokens, live through what a client lives through: the
// first sync, live changes, a project shared and taken away, uploads to our API, edits made offline, an edit that is
// refused, the server and the writer of the log restarted in the middle. At each point its tables equal what PostgreSQL
// holds for the person.
func TestOfficialClient(t *testing.T) {
	s := product(t, pgtest.New(t))
	s.db.Exec(t, acme)
	s.db.Exec(t, `INSERT INTO app.messages (tenant_id, id, user_id, content) SELECT 'acme', 'many' || g, 'bob', repeat(md5(g::text), 4) FROM generate_series(1, 3000) g`)
	bob := s.withAPI(t)
	stopWriter := s.write(t)
	url, stopServer := s.serve(t)
	c := official(t, url)
	c.do("connect", map[string]any{"token": bob, "push": url + "/v1/push"})
	conn := s.source(t)
	c.holds(conn, "bob")

	c.liveChanges(conn)
	c.uploads(conn)

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

// liveChanges makes changes in the database, some of them to what bob may see.
func (c *officialClient) liveChanges(conn *pgx.Conn) {
	c.t.Helper()
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
		execute(c.t, conn, sql)
		c.holds(conn, "bob")
	}
}

// uploads makes changes in the client, at first while it is connected, then while it is not, and one that is refused.
func (c *officialClient) uploads(conn *pgx.Conn) {
	c.t.Helper()
	local := func(sql string) { c.do("execute", map[string]any{"sql": sql}) }
	in := func(sql string) error {
		var found bool
		err := conn.QueryRow(c.t.Context(), "SELECT EXISTS ("+sql+")").Scan(&found)
		if err == nil && !found {
			err = fmt.Errorf("not there: %s", sql)
		}
		return err
	}
	local("INSERT INTO decisions (id, user_id, created_at, updated_at, decision, confidence) VALUES ('up1', 'bob', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', 'uploaded', 0.25)")
	waitFor(c.t, func() error { return in("SELECT FROM app.decisions WHERE id = 'up1' AND confidence = 0.25") })
	c.holds(conn, "bob")
	local("UPDATE decisions SET decision = 'changed here' WHERE id = 'up1'")
	local("DELETE FROM messages WHERE id = 'many30'")
	waitFor(c.t, func() error { return in("SELECT WHERE NOT EXISTS (SELECT FROM app.messages WHERE id = 'many30')") })
	c.holds(conn, "bob")

	c.do("disconnect", nil)
	local("UPDATE decisions SET decision = 'made offline' WHERE id = 'up1'")
	local("INSERT INTO sessions (id, user_id, created_at, updated_at, title) VALUES ('up2', 'bob', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', 'offline')")
	local("INSERT INTO sessions (id, user_id, created_at, updated_at, project_id) VALUES ('up3', 'bob', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', 'not-his')")
	execute(c.t, conn, "UPDATE app.messages SET content = 'meanwhile' WHERE id LIKE 'many4%'")
	c.do("connect", nil)
	waitFor(c.t, func() error { return in("SELECT FROM app.sessions WHERE id = 'up2'") })
	waitFor(c.t, func() error { return in("SELECT FROM app.decisions WHERE decision = 'made offline'") })
	c.holds(conn, "bob")
	if rejected := c.do("status", nil)[0]["rejected"]; rejected != 1.0 {
		c.t.Errorf("%v groups were refused, want 1", rejected)
	}
}

// withAPI puts the push API beside the stream, and both behind tokens. It returns one of bob's.
func (s *site) withAPI(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256"}}}
	verifier, err := identity.NewVerifier(identity.Config{Keys: keys, Issuer: "https://id.test", Audience: "api"})
	if err != nil {
		t.Fatal(err)
	}
	store, err := postgres.Open(t.Context(), postgres.Config{DSN: s.db.DSN("app_api"), Log: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	s.verifier = Tokens(verifier)
	s.beside = httpapi.New(httpapi.Config{Store: store, Verifier: verifier, Log: testLog(t), Version: "1"})
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}},
		(&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(jwt.Claims{Issuer: "https://id.test", Subject: "bob", Audience: jwt.Audience{"api", "powersync"},
		IssuedAt: jwt.NewNumericDate(time.Now()), Expiry: jwt.NewNumericDate(time.Now().Add(10 * time.Minute))}).
		Claims(map[string]any{"tenant_id": "acme", "machine_id": "bob-pc"}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
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
			sql := `INSERT INTO app.messages (tenant_id, id, user_id, content) VALUES ('acme', 'live' || $1::int, 'bob', 'live')`
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
	node, home := cloudtest.Official(t, "testdata/official/driver.mjs")
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
