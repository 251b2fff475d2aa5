package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
)

// shared are ann's projects, bob in the team of one of them, cy in none, and eve, who has another organisation.
const shared = `
	INSERT INTO app.tenants VALUES ('evil', 'Evil');
	INSERT INTO app.users (tenant_id, id, email) VALUES ('acme', 'cy', 'c@x'), ('evil', 'eve', 'e@x'), ('evil', 'ann', 'a2@x');
	INSERT INTO app.teams (tenant_id, id, name) VALUES ('acme', 'core', 'Core'), ('evil', 'core', 'Core');
	INSERT INTO app.memberships (tenant_id, team_id, user_id) VALUES ('acme', 'core', 'ann'), ('acme', 'core', 'bob'), ('evil', 'core', 'eve');
	INSERT INTO app.projects (tenant_id, id, user_id, team_id, visibility, members_can_write, name) VALUES
		('acme', 'own', 'ann', NULL, 'private', true, 'Own'), ('acme', 'team', 'ann', 'core', 'team', true, 'Team'), ('acme', 'org', 'ann', NULL, 'org', false, 'Org')`

// asks makes a request as somebody and wants a status.
func (s *server) asks(t *testing.T, who, method, path, body string, want int) string {
	t.Helper()
	tenant, user, _ := strings.Cut(who, "/")
	response, text := s.request(t, method, path, strings.NewReader(body), "Authorization", "Bearer "+s.tokenIn(t, tenant, user))
	if response.StatusCode != want {
		t.Errorf("%s: %s %.80s %.80s: %d %s, want %d", who, method, path, body, response.StatusCode, text, want)
	}
	return text
}

// sees are the projects that somebody sees, those that he writes with a star.
func (s *server) sees(t *testing.T, who string) string {
	t.Helper()
	var said struct {
		Projects []struct {
			ID       string `json:"project_id"`
			CanWrite bool   `json:"can_write"`
		}
	}
	if err := json.Unmarshal([]byte(s.asks(t, who, "GET", "/v1/projects", "", 200)), &said); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, p := range said.Projects {
		if p.CanWrite {
			p.ID += "*"
		}
		list = append(list, p.ID)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// TestWhoSeesAProject: everybody sees what is his or shared with him, and who else does; nobody learns of anything else.
func TestWhoSeesAProject(t *testing.T) {
	s := newServer(t, pgtest.New(t), plenty)
	s.db.Exec(t, shared)
	for who, want := range map[string]string{"acme/ann": "org* own* team*", "acme/bob": "org team*", "acme/cy": "org", "evil/eve": "", "evil/ann": ""} {
		if got := s.sees(t, who); got != want {
			t.Errorf("%s sees %q, want %q", who, got, want)
		}
	}
	s.db.Exec(t, `INSERT INTO app.machines (tenant_id, id, user_id, name, last_seen_at, revoked_at) VALUES
		('acme', 'm-old', 'ann', 'studio', now() - interval '1 day', NULL), ('acme', 'm-new', 'ann', 'laptop', now(), NULL),
		('acme', 'm-gone', 'ann', 'stolen', now(), now()), ('acme', '0193a1b2-6f2a', 'bob', '', NULL, NULL),
		('acme', 'm-cy', 'cy', 'cy-machine', now(), NULL), ('evil', 'm-ann', 'ann', 'evil-machine', now(), NULL)`)
	text := s.asks(t, "acme/bob", "GET", "/v1/projects/team/people", "", 200)
	for _, part := range []string{`"user_id":"ann"`, `"owner":true`, `"user_id":"bob"`, `"machines":["laptop","studio"]`, `"machines":["0193a1b2"]`} {
		if !strings.Contains(text, part) {
			t.Errorf("who sees it: %s lacks %s", text, part)
		}
	}
	if strings.Contains(text, "cy") || strings.Contains(text, "eve") || strings.Contains(text, "stolen") || strings.Contains(text, "evil") {
		t.Errorf("who sees it: %s", text)
	}
	for _, who := range []string{"acme/cy", "evil/eve", "evil/ann"} {
		s.asks(t, who, "GET", "/v1/projects/team/people", "", http.StatusNotFound)
		s.asks(t, who, "GET", "/v1/projects/own/people", "", http.StatusNotFound)
	}
	for _, id := range []string{"none", "' OR true --", "../own", "team\x00", "own%", strings.Repeat("x", 2000), "ä\u202e"} {
		response, text := s.request(t, "GET", "/v1/projects/"+url.PathEscape(id)+"/people", nil)
		if response.StatusCode < 400 || response.StatusCode >= 500 {
			t.Errorf("%q: %d %s", id, response.StatusCode, text)
		}
	}
	for _, path := range []string{"/v1/projects", "/v1/projects/org/people"} {
		if response, text := s.request(t, "GET", path, nil, "Authorization", "Bearer none"); response.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s without a token: %d %s", path, response.StatusCode, text)
		}
	}
}

// TestWhoMayWrite: the owner says whether members write, and what he says holds for the next push.
func TestWhoMayWrite(t *testing.T) {
	s := newServer(t, pgtest.New(t), plenty)
	s.db.Exec(t, shared)
	const no, yes = `{"members_can_write":false}`, `{"members_can_write":true}`
	s.asks(t, "acme/bob", "PATCH", "/v1/projects/team", no, http.StatusForbidden)
	s.asks(t, "acme/cy", "PATCH", "/v1/projects/team", no, http.StatusNotFound)
	s.asks(t, "evil/ann", "PATCH", "/v1/projects/team", no, http.StatusNotFound)
	for _, body := range []string{"", "{}", "[]", "null", `{"members_can_write":"no"}`, `{"members_can_write":null}`, `{"members_can_write":0}`, `{"members_can_write":false`} {
		s.asks(t, "acme/ann", "PATCH", "/v1/projects/team", body, http.StatusUnprocessableEntity)
	}
	s.asks(t, "acme/ann", "PATCH", "/v1/projects/team", `{"members_can_write":false,"x":"`+strings.Repeat("x", 1<<20)+`"}`, http.StatusRequestEntityTooLarge)
	if got := s.sees(t, "acme/bob"); got != "org team*" {
		t.Errorf("after all that was refused bob sees %q", got)
	}
	pushes := func(who string, group int) string {
		a := s.push(t, fmt.Sprintf(`{"machine_id":"bob-pc","client_id":"b","schema_version":1,"after":%d,"groups":[{"group":%d,"changes":[
			{"table":"decisions","op":"put","id":"d%d","data":{"decision":"x","project_id":"team"}}]}]}`, group-1, group, group),
			"Authorization", "Bearer "+s.token(t, who))
		return string(a.Results[0].Status)
	}
	if got := pushes("bob", 1); got != "applied" {
		t.Errorf("bob, who may write: %s", got)
	}
	s.asks(t, "acme/ann", "PATCH", "/v1/projects/team", no, http.StatusNoContent)
	if got := s.sees(t, "acme/bob"); got != "org team" {
		t.Errorf("bob, who only reads, sees %q", got)
	}
	if got := pushes("bob", 2); got != "rejected" {
		t.Errorf("bob, who only reads: %s", got)
	}
	s.asks(t, "acme/ann", "PATCH", "/v1/projects/team", yes, http.StatusNoContent)
	if got := pushes("bob", 3); got != "applied" {
		t.Errorf("bob, who may write again: %s", got)
	}
}
