package postgres_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/postgres"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// cloud is a store on a database of its own, with the office in it.
type cloud struct {
	*postgres.Store
	db   *pgtest.DB
	root *pgx.Conn // nothing is hidden from it
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	return cloudOn(t, pgtest.New(t))
}

func cloudOn(t *testing.T, db *pgtest.DB) *cloud {
	t.Helper()
	db.Exec(t, office)
	return cloudOnly(t, db)
}

// cloudOnly is a store on a database that has its people.
func cloudOnly(t testing.TB, db *pgtest.DB) *cloud {
	t.Helper()
	s, err := postgres.Open(t.Context(), postgres.Config{DSN: db.DSN("app_api"), MaxConns: 8, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return &cloud{s, db, db.Connect(t, "postgres")}
}

// client is one machine of a person's.
type client struct {
	*cloud
	t     *testing.T
	who   backend.Principal
	id    string
	group int64
}

func (c *cloud) client(t *testing.T, user string) *client {
	return &client{cloud: c, t: t, who: backend.Principal{Tenant: "acme", User: user, Machine: user + "-pc"}, id: user + "-client"}
}

// body is a request with one group per argument, each the JSON of its changes, numbered on from the last.
func (c *client) body(groups ...string) string {
	var all []string
	for _, changes := range groups {
		c.group++
		all = append(all, fmt.Sprintf(`{"group": %d, "changes": [%s]}`, c.group, changes))
	}
	return c.envelope(all...)
}

func (c *client) envelope(groups ...string) string {
	return fmt.Sprintf(`{"machine_id": %q, "client_id": %q, "schema_version": 1, "groups": [%s]}`,
		c.who.Machine, c.id, strings.Join(groups, ","))
}

// send pushes a body, which must be decided.
func (c *client) send(body string) []pushapi.Result {
	c.t.Helper()
	results, err := c.trySend(body)
	if err != nil {
		c.t.Fatalf("%s: %v", cut(body), err)
	}
	return results
}

func (c *client) trySend(body string) ([]pushapi.Result, error) {
	batch, err := pushapi.Decode([]byte(body))
	if err != nil {
		return nil, err
	}
	return c.Push(c.t.Context(), c.who, batch)
}

// push sends groups and wants all of them applied.
func (c *client) push(groups ...string) []pushapi.Result {
	c.t.Helper()
	results := c.send(c.body(groups...))
	for i, r := range results {
		if r.Status != pushapi.Applied {
			c.t.Fatalf("%s: %+v", cut(groups[i]), r)
		}
	}
	return results
}

func cut(s string) string { return s[:min(len(s), 300)] }

// statuses are the answers in a line: "applied rejected/BAD_VALUE".
func statuses(results []pushapi.Result) string {
	var texts []string
	for _, r := range results {
		text := string(r.Status)
		if r.Code != "" {
			text += "/" + string(r.Code)
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, " ")
}

// value is the only value of a query, as text; "" for NULL or nothing.
func (c *cloud) value(t *testing.T, sql string, args ...any) string {
	t.Helper()
	var v *string
	if err := c.root.QueryRow(t.Context(), "SELECT ("+sql+")::text", args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if v == nil {
		return ""
	}
	return *v
}

// at is a clock, seconds after a fixed moment.
func at(seconds int, node string) string {
	return string(pushapi.NewHLC(time.Date(2026, 11, 20, 14, 0, seconds, 0, time.UTC), 0, node))
}

// put, patch and remove are changes; data and old are JSON.
func put(table, id, data, hlc string) string {
	return fmt.Sprintf(`{"table": %q, "op": "put", "id": %q, "data": %s, "hlc": %q}`, table, id, data, hlc)
}

func patch(table, id, data, old, hlc string) string {
	return fmt.Sprintf(`{"table": %q, "op": "patch", "id": %q, "data": %s, "old": %s, "hlc": %q}`, table, id, data, old, hlc)
}

func remove(table, id, hlc string) string {
	return fmt.Sprintf(`{"table": %q, "op": "delete", "id": %q, "hlc": %q}`, table, id, hlc)
}

func TestEveryColumnArrives(t *testing.T) {
	c := newCloud(t)
	ann := c.client(t, "ann")
	documents := map[string]string{
		"projects":        `{"created_at":"c","updated_at":"u","team_id":"core","visibility":"team","name":"näme \"q\" \ud83d\ude00","path":""}`,
		"sessions":        `{"created_at":"c","updated_at":"u","project_id":"x","title":"t","source":"s","started_at":"1","ended_at":null}`,
		"messages":        `{"created_at":"c","updated_at":"u","project_id":"x","session_id":"x","hash":"h","role":"user","content":"line\nline","source_type":"jsonl","occurred_at":"o"}`,
		"decisions":       `{"created_at":"c","updated_at":"u","project_id":null,"decision_type":"d","decision":"x","rationale":"r","confidence":0.1,"tags":"[]"}`,
		"skill_learnings": `{"created_at":"c","updated_at":"u","project_id":"x","skill_name":"s","outcome":"o","effectiveness_score":"-Infinity","errors":"e","analyzed_at":"a"}`,
		"error_solutions": `{"created_at":"c","updated_at":"u","project_id":"x","error_type":"t","error_signature":"s","solution":"s","solution_code":"c","success_count":9007199254740995}`,
	}
	var changes []string
	for table, data := range documents {
		changes = append(changes, put(table, "x", data, at(1, "n")))
	}
	ann.push(strings.Join(changes, ","))
	for table, data := range documents {
		var want map[string]any
		if err := json.Unmarshal([]byte(data), &want); err != nil {
			t.Fatal(err)
		}
		for column := range want {
			wantJSON := c.value(t, "SELECT to_jsonb($1::json -> $2)", data, column)
			got := c.value(t, "SELECT to_jsonb(t) -> $1 FROM app."+table+" t WHERE id = 'x'", column)
			if got != wantJSON {
				t.Errorf("%s.%s is %s, want %s", table, column, got, wantJSON)
			}
		}
		if owner := c.value(t, "SELECT user_id || ' ' || tenant_id || ' ' || hlc FROM app."+table+" WHERE id = 'x'"); owner != "ann acme "+at(1, "n") {
			t.Errorf("%s: %s", table, owner)
		}
	}
}

func TestAGroupIsWholeOrNothing(t *testing.T) {
	c := newCloud(t)
	ann := c.client(t, "ann")
	results := ann.send(ann.body(
		put("decisions", "a", `{"decision":"one"}`, at(1, "n")),
		put("decisions", "b", `{"decision":"two"}`, at(1, "n"))+","+patch("decisions", "nowhere", `{"decision":"x"}`, "null", at(1, "n")),
		put("decisions", "c", `{"decision":"three"}`, at(1, "n")),
	))
	if got := statuses(results); got != "applied rejected/NOT_FOUND applied" {
		t.Error(got)
	}
	if r := results[1]; r.Change == nil || *r.Change != 1 || r.ID != "nowhere" || len(r.Current) != 2 || string(r.Current[0].Data) != "null" {
		t.Errorf("%+v", r)
	}
	if ids := c.value(t, "SELECT string_agg(id, ' ' ORDER BY id) FROM app.decisions"); ids != "a c" {
		t.Error(ids)
	}
}
