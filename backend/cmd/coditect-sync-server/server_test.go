package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" {
		os.Exit(run(context.Background(), []string{"serve"}, os.Environ(), os.Stdin, os.Stdout, os.Stderr))
	}
	pgtest.Main(m)
}

// cloud is a database and the settings of a server on it.
type cloud struct {
	db      *pgtest.DB
	environ []string
	url     string
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	return cloudOn(t, pgtest.New(t))
}

func cloudOn(t *testing.T, db *pgtest.DB) *cloud {
	t.Helper()
	t.Cleanup(func() { dropSlots(t, db) })
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	without := strings.Replace(db.DSN("app_api"), "user=app_api", "", 1)
	c := &cloud{db: db, url: "http://" + address, environ: []string{"HOME=/nowhere", prefix + "LISTEN=" + address, prefix + "URL=http://" + address,
		prefix + "SECRET=" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("s"), 32)), prefix + "DATABASE=" + without}}
	c.does(t, 0, "migrate")
	return c
}

// dropSlots is for the database to be dropped, when nobody holds them any more.
func dropSlots(t *testing.T, db *pgtest.DB) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := pgx.Connect(context.Background(), db.DSN("postgres"))
		if err == nil {
			_, err = conn.Exec(context.Background(), "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()")
			_ = conn.Close(context.Background())
		}
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Error(err)
			return
		}
	}
}

// output is what a program says; it may be read while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// does runs a verb and wants an exit status.
func (c *cloud) does(t *testing.T, status int, args ...string) string {
	t.Helper()
	return c.doesWith(t, status, "", args...)
}

func (c *cloud) doesWith(t *testing.T, status int, in string, args ...string) string {
	t.Helper()
	var said output
	if got := run(t.Context(), args, c.environ, strings.NewReader(in), &said, &said); got != status {
		t.Fatalf("%q: exit %d, want %d: %s", args, got, status, said.String())
	}
	return said.String()
}

// serves runs the server until the test ends or stop is called, which returns what it said.
func (c *cloud) serves(t *testing.T) (stop func() string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var said output
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"serve"}, c.environ, strings.NewReader(""), &said, &said) }()
	stop = sync.OnceValue(func() string {
		cancel()
		if status := <-ended; status != 0 {
			t.Errorf("exit %d: %s", status, said.String())
		}
		return said.String()
	})
	t.Cleanup(func() { stop() })
	for _, path := range []string{"/readyz", "/probes/readiness"} {
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			response, err := http.Get(c.url + path)
			if err == nil {
				response.Body.Close()
				if response.StatusCode == http.StatusOK {
					break
				}
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s is not ready: %v %s", path, err, said.String())
			}
		}
	}
	return stop
}

var (
	hidden = regexp.MustCompile(`name="request" value="([^"]+)"`)
	shown  = regexp.MustCompile(`shown this once: (\S+)`)
)

// signIn is what the program on a machine does, with a browser.
func (c *cloud) signIn(t *testing.T, email, password, machine string) map[string]any {
	t.Helper()
	discovered, err := oidc.NewProvider(t.Context(), c.url+"/id")
	if err != nil {
		t.Fatal(err)
	}
	config := oauth2.Config{ClientID: "coditect-sync", Endpoint: discovered.Endpoint(), RedirectURL: "http://127.0.0.1:4321/callback", Scopes: []string{"openid", "email"}}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/callback" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	verifier, nonceVerifier := oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	page, err := browser.Get(config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier), oidc.Nonce(oauth2.S256ChallengeFromVerifier(nonceVerifier))))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(page.Body)
	page.Body.Close()
	sent, err := browser.PostForm(c.url+"/id/sign-in", url.Values{"request": {hidden.FindStringSubmatch(string(text))[1]}, "email": {email}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	sent.Body.Close()
	back, err := sent.Location()
	if err != nil {
		t.Fatalf("%s does not sign in with %q: %s", email, password, sent.Status)
	}
	token, err := config.Exchange(t.Context(), back.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.PostForm(c.url+"/v1/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"},
		"subject_token": {token.Extra("id_token").(string)}, "subject_token_type": {"urn:ietf:params:oauth:token-type:id_token"},
		"nonce_verifier": {nonceVerifier}, "machine_id": {machine}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var got map[string]any
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil || got["access_token"] == nil {
		t.Fatal(got, err)
	}
	return got
}

// ask sends a request with a token and returns the status and the body.
func (c *cloud) ask(t *testing.T, token, method, path, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// TestAWholeCloud: a person is added, signs in on two machines, pushes from one, and the other's stream has it.
func TestAWholeCloud(t *testing.T) {
	c := newCloud(t)
	c.does(t, 0, "tenant", "add", "lumen", "--name", "Lumen")
	secret := shown.FindStringSubmatch(c.does(t, 0, "user", "add", "mira@lumen.works", "--tenant", "lumen"))[1]
	stop := c.serves(t)
	one, two := c.signIn(t, "mira@lumen.works", secret, "studio"), c.signIn(t, "mira@lumen.works", secret, "laptop")
	access, other := one["access_token"].(string), two["access_token"].(string)

	lines := c.stream(t, other)
	status, text := c.ask(t, access, "POST", "/v1/push", `{"machine_id":"studio","client_id":"c1","schema_version":1,"groups":[{"group":1,"changes":[
		{"table":"decisions","op":"put","id":"d1","data":{"decision":"ship it","user_id":"`+one["user_id"].(string)+`"}}]}]}`)
	if status != http.StatusOK || !strings.Contains(text, `"applied"`) {
		t.Fatalf("%d %s", status, text)
	}
	for line := range lines {
		if strings.Contains(line, "ship it") {
			break
		}
	}
	c.machines(t, access, other)
	c.teams(t, access)
	c.wrongBodies(t, access)
	if log := stop(); strings.Contains(log, secret) || strings.Contains(log, access) || strings.Contains(log, one["refresh_token"].(string)) || strings.Contains(log, "ship it") {
		t.Error("the log has a secret or a row")
	}
	for line := range lines { // the stream ended with the server
		_ = line
	}
}

// stream reads the lines of a stream until it ends.
func (c *cloud) stream(t *testing.T, token string) <-chan string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", c.url+"/sync/stream", strings.NewReader(`{"buckets":[],"include_checksum":true,"raw_data":true,"client_id":"c2"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Token "+token)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Fatal(response.Status)
	}
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		defer response.Body.Close()
		for in := bufio.NewScanner(response.Body); in.Scan(); {
			lines <- in.Text()
		}
	}()
	return lines
}

// machines lists, renames and revokes, with the token of the machine studio; laptop has the other one.
func (c *cloud) machines(t *testing.T, access, other string) {
	t.Helper()
	var list struct {
		Machines []struct {
			ID      string `json:"machine_id"`
			Name    string `json:"name"`
			Current bool   `json:"current"`
			Revoked bool   `json:"revoked"`
		} `json:"machines"`
	}
	if status, text := c.ask(t, access, "PATCH", "/v1/machines/laptop", `{"name":"The laptop"}`); status != http.StatusNoContent {
		t.Errorf("rename: %d %s", status, text)
	}
	status, text := c.ask(t, access, "GET", "/v1/machines", "")
	if err := json.Unmarshal([]byte(text), &list); err != nil || status != http.StatusOK || len(list.Machines) != 2 {
		t.Fatalf("%d %s %v", status, text, err)
	}
	for _, m := range list.Machines {
		if m.Current != (m.ID == "studio") || m.Revoked || m.ID == "laptop" && m.Name != "The laptop" {
			t.Errorf("%+v", m)
		}
	}
	if status, _ := c.ask(t, access, "DELETE", "/v1/machines/nobodys", ""); status != http.StatusNotFound {
		t.Errorf("nobody's: %d", status)
	}
	if status, _ := c.ask(t, other, "GET", "/v1/machines", ""); status != http.StatusOK {
		t.Errorf("before it is revoked: %d", status)
	}
	if status, text := c.ask(t, access, "DELETE", "/v1/machines/laptop", ""); status != http.StatusNoContent {
		t.Errorf("revoke: %d %s", status, text)
	}
	for _, path := range []string{"/v1/machines", "/v1/lost", "/write-checkpoint2.json?client_id=x"} {
		if status, _ := c.ask(t, other, "GET", path, ""); status != http.StatusUnauthorized {
			t.Errorf("%s after it was revoked: %d", path, status)
		}
	}
	if status, _ := c.ask(t, "", "GET", "/v1/machines", ""); status != http.StatusUnauthorized {
		t.Error("without a token")
	}
}

// teams makes one and puts a person in.
func (c *cloud) teams(t *testing.T, access string) {
	t.Helper()
	c.does(t, 0, "user", "add", "jo@lumen.works", "--tenant", "lumen", "--no-password")
	var made struct {
		ID string `json:"team_id"`
	}
	status, text := c.ask(t, access, "POST", "/v1/teams", `{"name":"Core"}`)
	if err := json.Unmarshal([]byte(text), &made); err != nil || status != http.StatusOK || made.ID == "" {
		t.Fatalf("%d %s %v", status, text, err)
	}
	var list struct {
		People []struct {
			ID    string `json:"user_id"`
			Email string `json:"email"`
		} `json:"people"`
	}
	status, text = c.ask(t, access, "GET", "/v1/people", "")
	if err := json.Unmarshal([]byte(text), &list); err != nil || status != http.StatusOK || len(list.People) != 2 {
		t.Fatalf("%d %s %v", status, text, err)
	}
	jo := list.People[0].ID
	if status, text := c.ask(t, access, "PUT", "/v1/teams/"+made.ID+"/members/"+jo, `{}`); status != http.StatusNoContent {
		t.Errorf("%d %s", status, text)
	}
	if _, text := c.ask(t, access, "GET", "/v1/teams", ""); !strings.Contains(text, jo) || !strings.Contains(text, "Core") {
		t.Error(text)
	}
	if status, text := c.ask(t, access, "DELETE", "/v1/teams/"+made.ID+"/members/"+jo, ""); status != http.StatusNoContent {
		t.Errorf("%d %s", status, text)
	}
}

// wrongBodies are told without what was in them.
func (c *cloud) wrongBodies(t *testing.T, access string) {
	t.Helper()
	for _, body := range []string{`{"name":{"hidden":1}}`, `{"name":"hidden`, `hidden`, `{"name":5,"hidden":1}`, `["hidden"]`, `{"name":"` + strings.Repeat("hidden", 2000) + `"}`} {
		for _, path := range []string{"POST /v1/teams", "PATCH /v1/machines/studio"} {
			method, path, _ := strings.Cut(path, " ")
			status, text := c.ask(t, access, method, path, body)
			if status < 400 || status >= 500 || strings.Contains(text, "hidden") || !strings.Contains(text, `"code"`) {
				t.Errorf("%s %s: %d %.300s", method, path, status, text)
			}
		}
	}
}

func TestPeopleTenantsAndTeams(t *testing.T) {
	c := newCloud(t)
	c.does(t, 0, "tenant", "add", "lumen", "--name", "Lumen")
	if said := c.does(t, 1, "tenant", "add", "lumen"); !strings.Contains(said, "There is a tenant of that id.") {
		t.Error(said)
	}
	c.does(t, 1, "tenant", "add", "Not An ID")
	c.doesWith(t, 0, "a password of hers\n", "user", "add", "mira@lumen.works", "--tenant", "lumen", "--name", "Mira", "--password-stdin")
	c.does(t, 0, "user", "add", "jo@lumen.works", "--tenant", "lumen", "--issuer", "https://accounts.test", "--subject", "jo")
	c.does(t, 0, "user", "add", "kim@lumen.works", "--tenant", "lumen", "--no-password")
	for want, args := range map[string][]string{
		"This tenant has a user of that address.": {"user", "add", "MIRA@lumen.works", "--tenant", "lumen"},
		"There is no such tenant.":                {"user", "add", "x@y.z", "--tenant", "none"},
		"is no email address.":                    {"user", "add", "Mira <x@y.z>", "--tenant", "lumen"},
		"There is no user nobody@x.y.":            {"user", "disable", "nobody@x.y"},
		"signs in elsewhere":                      {"user", "password", "jo@lumen.works"},
		"There is no such team.":                  {"team", "join", "none", "mira@lumen.works"},
	} {
		if said := c.does(t, 1, args...); !strings.Contains(said, want) {
			t.Errorf("%q: %s", args, said)
		}
	}
	if said := c.doesWith(t, 1, "short\n", "user", "password", "mira@lumen.works", "--password-stdin"); !strings.Contains(said, "12 to 1024") {
		t.Error(said)
	}
	team := regexp.MustCompile(`is team (\S+) of`).FindStringSubmatch(c.does(t, 0, "team", "add", "Core", "--tenant", "lumen"))[1]
	c.does(t, 0, "team", "join", team, "mira@lumen.works")
	c.does(t, 0, "team", "join", team, "mira@lumen.works")
	c.does(t, 0, "team", "join", team, "jo@lumen.works")
	c.does(t, 0, "team", "leave", team, "jo@lumen.works")
	if said := c.does(t, 0, "team", "list"); !strings.Contains(said, "Core  mira@lumen.works\n") {
		t.Error(said)
	}
	c.does(t, 0, "user", "disable", "mira@lumen.works")
	var users []struct {
		Email    string   `json:"email"`
		Disabled bool     `json:"disabled"`
		Issuers  []string `json:"issuers"`
	}
	if err := json.Unmarshal([]byte(c.does(t, 0, "user", "list", "--json")), &users); err != nil || len(users) != 3 {
		t.Fatal(users, err)
	}
	if got := fmt.Sprint(users); got != "[{jo@lumen.works false [https://accounts.test]} {kim@lumen.works false []} {mira@lumen.works true ["+c.url+"/id]}]" {
		t.Error(got)
	}
	c.does(t, 0, "user", "enable", "mira@lumen.works")
	c.serves(t)
	c.signIn(t, "mira@lumen.works", "a password of hers", "studio")
	fresh := shown.FindStringSubmatch(c.does(t, 0, "user", "password", "mira@lumen.works"))[1]
	c.signIn(t, "mira@lumen.works", fresh, "studio")
}

func TestReplacedKeysEndTokens(t *testing.T) {
	c := newCloud(t)
	c.does(t, 0, "tenant", "add", "lumen")
	c.doesWith(t, 0, "a password of hers\n", "user", "add", "m@l.w", "--tenant", "lumen", "--password-stdin")
	stop := c.serves(t)
	got := c.signIn(t, "m@l.w", "a password of hers", "studio")
	c.does(t, 0, "keys", "replace")
	stop() // or wait a minute
	c.serves(t)
	if status, _ := c.ask(t, got["access_token"].(string), "GET", "/v1/machines", ""); status != http.StatusUnauthorized {
		t.Errorf("%d", status)
	}
	response, err := http.PostForm(c.url+"/v1/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got["refresh_token"].(string)}})
	if err != nil || response.StatusCode != http.StatusOK {
		t.Error(response, err)
	}
}

func TestServingRefusesAPowerfulRole(t *testing.T) {
	c := newCloud(t)
	for setting, role := range map[string]string{"DATABASE_API": "postgres", "DATABASE_IDENTITY": "postgres", "DATABASE_STREAM": "app_migrator"} {
		environ := c.environ
		c.environ = append(slices.Clone(environ), prefix+setting+"="+c.db.DSN(role))
		if said := c.does(t, 1, "serve"); !strings.Contains(said, "must not use this role") {
			t.Errorf("%s: %s", setting, said)
		}
		c.environ = environ
	}
}

func TestDoctor(t *testing.T) {
	c := newCloud(t)
	if said := c.does(t, 0, "doctor"); strings.Contains(said, "wrong") {
		t.Error(said)
	}
	c.serves(t)()
	well := c.environ
	c.environ = append(slices.Clone(well), prefix+"SECRET="+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("x"), 32)))
	if said := c.does(t, 1, "doctor"); !strings.Contains(said, "wrong  the server's secret opens the signing keys: ") {
		t.Error(said)
	}
	c.does(t, 1, "serve")
	c.environ = append(slices.Clone(well), prefix+`ISSUERS=[{"issuer":"http://127.0.0.1:1","client_id":"x"}]`)
	if said := c.does(t, 1, "doctor"); !strings.Contains(said, "wrong  the identity providers answer: ") {
		t.Error(said)
	}
	c.environ = append(slices.Clone(well), prefix+"DATABASE_API="+c.db.DSN("postgres"))
	if said := c.does(t, 1, "doctor"); !strings.Contains(said, "wrong  the database, as the API: ") || !strings.Contains(said, "ok     the database, as sign-in") {
		t.Error(said)
	}
}

func TestServingNeedsAMigratedDatabase(t *testing.T) {
	c := newCloud(t)
	c.db.Exec(t, "DROP SCHEMA identity CASCADE; DROP SCHEMA app CASCADE")
	if said := c.does(t, 1, "serve"); !strings.Contains(said, "migrate") {
		t.Error(said)
	}
}

func TestEveryMistakeIsASentence(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "settings")
	text := "# a comment\n\nLISTEN=nowhere\nURL=http://sync.example.com\nTOKEN_LIFE=1h\nDAILY=lots\n" + prefix + "STREAM = maybe\nDATABASE=host=x user=y\nUNKNOWN=1\nSECRET_FILE=" + dir + "/none\n" +
		`ISSUERS=[{"issuer":"http://elsewhere.test","client_id":"x"}]` + "\nCALLBACKS=callback\nLOG=loud\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var said output
	status := run(t.Context(), []string{"serve", "--config", file}, []string{prefix + "LOG_FORMAT=xml", prefix + "LOG=debug"}, nil, &said, &said)
	want := []string{
		prefix + `CALLBACKS: "callback" is no path.`,
		prefix + `DAILY: "lots" is no number of MB, GB or TB.`,
		prefix + "DATABASE: it must be an address without a user.",
		prefix + `ISSUERS: issuer "http://elsewhere.test" needs an https address and a client_id.`,
		prefix + `LISTEN: "nowhere" is no HOST:PORT.`,
		prefix + `LOG_FORMAT: "xml" is neither text nor json.`,
		prefix + "SECRET is missing: make one with `openssl rand -base64 32` and keep it.",
		prefix + "SECRET_FILE: open " + dir + "/none: no such file or directory.",
		prefix + `STREAM: "maybe" is neither on nor off.`,
		prefix + "TOKEN_LIFE must be 5m to 15m.",
		prefix + "UNKNOWN is no setting.",
		prefix + `URL: "http://sync.example.com" must be https; http is for 127.0.0.1 and [::1] only.`,
	}
	for i, line := range want {
		want[i] = "coditect-sync-server: " + line
	}
	if got := strings.Split(strings.TrimSpace(said.String()), "\n"); status != 2 || !slices.Equal(got, want) {
		t.Errorf("exit %d:\n%s\nwant:\n%s", status, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestNoPasswordOfTheDatabaseIsQuoted(t *testing.T) {
	var said output
	status := run(t.Context(), []string{"serve"}, []string{prefix + "DATABASE_API=postgres://app_api:hunter2@h:notaport/d"}, nil, &said, &said)
	if status != 2 || strings.Contains(said.String(), "hunter2") {
		t.Errorf("exit %d: %s", status, said.String())
	}
}

func TestSettingsAreTaken(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"secret": base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("s"), 40)) + "\n", "settings": "LISTEN=127.0.0.1:1\nSETTLE=5s\nDATABASE=postgres://h/d?sslmode=disable\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := load(filepath.Join(dir, "settings"), []string{prefix + "LISTEN=127.0.0.1:2", prefix + "SECRET_FILE=" + filepath.Join(dir, "secret"), prefix + "URL=https://sync.lumen.works",
		prefix + "DATABASE_STREAM=postgres://other/d", prefix + "CONFIG=ignored here", "PATH=/bin"}, true)
	if err != nil {
		t.Fatal(err)
	}
	if s.listen != "127.0.0.1:2" || s.settle != 5*time.Second || s.embedded() != "https://sync.lumen.works/id" || !s.stream || !s.provider ||
		s.databases["app_api"] != "postgres://app_api@h/d?sslmode=disable" || s.databases["powersync"] != "postgres://other/d" {
		t.Errorf("%+v", s)
	}
}

// TestMigratingNeedsNoSecret: whoever migrates the database need not know what the server seals with, nor the others' addresses.
func TestMigratingNeedsNoSecret(t *testing.T) {
	db := pgtest.New(t)
	c := &cloud{db: db, environ: []string{prefix + "DATABASE_ADMIN=" + db.DSN("app_migrator")}}
	c.does(t, 0, "migrate")
	c.does(t, 0, "tenant", "add", "lumen")
	if said := c.does(t, 2, "serve"); !strings.Contains(said, "SECRET is missing") {
		t.Error(said)
	}
}

// TestAnOlderDatabaseIsNotServed: a new version waits for its migrations by ending, so that the old one goes on.
func TestAnOlderDatabaseIsNotServed(t *testing.T) {
	c := newCloud(t)
	c.db.Exec(t, "DELETE FROM public.goose_db_version WHERE version_id = 7")
	if said := c.does(t, 1, "serve"); !strings.Contains(said, "not up to date") || !strings.Contains(said, "migration 7") {
		t.Error(said)
	}
}
