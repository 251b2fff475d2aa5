package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/emersion/go-smtp"
	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"
)

// office is an SMTP server on loopback that hands out what it is given.
type office chan string

func (o office) NewSession(*smtp.Conn) (smtp.Session, error) { return visit{o}, nil }

type visit struct{ office }

func (visit) Mail(string, *smtp.MailOptions) error { return nil }
func (visit) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (visit) Reset()                               {}
func (visit) Logout() error                        { return nil }

func (v visit) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	v.office <- strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(string(text))
	return err
}

func newOffice(t *testing.T) (office, string) {
	t.Helper()
	o := make(office, 10)
	server := smtp.NewServer(o)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close() })
	return o, "smtp://" + ln.Addr().String()
}

var linked = regexp.MustCompile(`http://\S+/id/letter\?code=([a-z0-9]+)`)

// letter waits for one to somebody and returns its link.
func (o office) letter(t *testing.T, to string) string {
	t.Helper()
	select {
	case text := <-o:
		if link := linked.FindString(text); strings.Contains(text, to) && link != "" {
			return link
		}
		t.Fatalf("another letter: %s", text)
	case <-time.After(time.Minute):
		t.Fatal("no letter came")
	}
	return ""
}

// choose opens a link and chooses a password. It returns the status and what the page says.
func (c *cloud) choose(t *testing.T, link, password string) (int, string) {
	t.Helper()
	page, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(page.Body)
	page.Body.Close()
	code := linked.FindStringSubmatch(link)[1]
	if page.StatusCode != http.StatusOK || !strings.Contains(string(text), `value="`+code+`"`) || page.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s", page.StatusCode, text)
	}
	return c.form(t, "/id/letter", url.Values{"code": {code}, "password": {password}})
}

func (c *cloud) form(t *testing.T, path string, values url.Values) (int, string) {
	t.Helper()
	response, err := http.PostForm(c.url+path, values)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

// TestAnInvitedPersonJoins: an admin of a team invites somebody, who gets a letter, chooses a password, signs in on a machine
// and is in the team; forgets the password, and gets another, which ends what the old one began.
func TestAnInvitedPersonJoins(t *testing.T) {
	c := newCloud(t)
	o, mailer := newOffice(t)
	c.environ = append(c.environ, prefix+"INVITATIONS=on", prefix+"MAIL="+mailer, prefix+"MAIL_FROM=sync@lumen.works")
	c.does(t, 0, "tenant", "add", "lumen")
	secret := shown.FindStringSubmatch(c.does(t, 0, "user", "add", "mira@lumen.works", "--tenant", "lumen"))[1]
	stop := c.serves(t)
	access := c.signIn(t, "mira@lumen.works", secret, "studio")["access_token"].(string)
	_, text := c.ask(t, access, "POST", "/v1/teams", `{"name":"Core"}`)
	team := regexp.MustCompile(`"team_id":"([a-z0-9]+)"`).FindStringSubmatch(text)[1]

	if status, text := c.ask(t, access, "POST", "/v1/invitations", `{"email":"lin@lumen.works","name":"Lin","team_id":"`+team+`"}`); status != http.StatusOK || text != `{"joined":false,"sent":true}`+"\n" {
		t.Fatalf("%d %q", status, text)
	}
	link := o.letter(t, "lin@lumen.works")
	if status, text := c.choose(t, link, "short"); status != http.StatusUnprocessableEntity || !strings.Contains(text, "at least 12") {
		t.Errorf("%d %s", status, text)
	}
	if status, text := c.choose(t, link, "four words of Lin's"); status != http.StatusOK || !strings.Contains(text, "Your password is chosen") {
		t.Fatalf("%d %s", status, text)
	}
	if status, text := c.choose(t, link, "another one of a thief"); status != http.StatusUnprocessableEntity || !strings.Contains(text, "no longer good") {
		t.Errorf("twice: %d %s", status, text)
	}
	lin := c.signIn(t, "lin@lumen.works", "four words of Lin's", "laptop")
	if _, text := c.ask(t, lin["access_token"].(string), "GET", "/v1/teams", ""); !strings.Contains(text, lin["user_id"].(string)) {
		t.Errorf("not in the team: %s", text)
	}
	c.invitesThatAreRefused(t, access, lin["access_token"].(string), team)

	forgot := func(email string) (int, string) { return c.form(t, "/id/forgot", url.Values{"email": {email}}) }
	unknownStatus, unknown := forgot("nobody@lumen.works")
	status, known := forgot("Lin@lumen.works")
	if status != http.StatusOK || status != unknownStatus || known != unknown {
		t.Errorf("it tells who is known: %d %d", unknownStatus, status)
	}
	if status, text := c.choose(t, o.letter(t, "lin@lumen.works"), "four other words of Lin's"); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	if status, _ := c.ask(t, lin["access_token"].(string), "GET", "/v1/machines", ""); status != http.StatusUnauthorized {
		t.Errorf("a machine of before: %d", status)
	}
	c.signIn(t, "lin@lumen.works", "four other words of Lin's", "laptop")
	if log := stop(); strings.Contains(log, linked.FindStringSubmatch(link)[1]) || strings.Contains(log, "of Lin's") {
		t.Error("the log has a link's code, or a password")
	}
}

// TestAWithdrawnInvitationIsGoodForNothing: an admin sees who has not come yet, without the link, and takes it back.
func TestAWithdrawnInvitationIsGoodForNothing(t *testing.T) {
	c := newCloud(t)
	o, mailer := newOffice(t)
	c.environ = append(c.environ, prefix+"INVITATIONS=on", prefix+"MAIL="+mailer, prefix+"MAIL_FROM=sync@lumen.works")
	c.does(t, 0, "tenant", "add", "lumen")
	secret := shown.FindStringSubmatch(c.does(t, 0, "user", "add", "mira@lumen.works", "--tenant", "lumen"))[1]
	other := shown.FindStringSubmatch(c.does(t, 0, "user", "add", "jo@lumen.works", "--tenant", "lumen"))[1]
	c.serves(t)
	mira := c.signIn(t, "mira@lumen.works", secret, "studio")["access_token"].(string)
	jo := c.signIn(t, "jo@lumen.works", other, "desk")["access_token"].(string)
	_, text := c.ask(t, mira, "POST", "/v1/teams", `{"name":"Core"}`)
	team := regexp.MustCompile(`"team_id":"([a-z0-9]+)"`).FindStringSubmatch(text)[1]
	c.ask(t, mira, "POST", "/v1/invitations", `{"email":"lin@lumen.works","name":"Lin","team_id":"`+team+`"}`)
	link := o.letter(t, "lin@lumen.works")

	status, text := c.ask(t, mira, "GET", "/v1/invitations", "")
	lin := regexp.MustCompile(`"user_id":"([a-z0-9]+)","email":"lin@lumen.works","name":"Lin","invited_by":"mira@lumen.works"`).FindStringSubmatch(text)
	if status != http.StatusOK || lin == nil || strings.Contains(text, linked.FindStringSubmatch(link)[1]) {
		t.Fatalf("%d %s", status, text)
	}
	if status, text := c.ask(t, jo, "GET", "/v1/invitations", ""); status != http.StatusOK || text != `{"invitations":[]}`+"\n" {
		t.Errorf("for somebody else: %d %s", status, text)
	}
	path := "/v1/teams/" + team + "/invitations/" + lin[1]
	if status, _ := c.ask(t, jo, "DELETE", path, ""); status != http.StatusForbidden {
		t.Errorf("by somebody else: %d", status)
	}
	if status, _ := c.ask(t, "", "DELETE", path, ""); status != http.StatusUnauthorized {
		t.Errorf("by nobody: %d", status)
	}
	if status, text := c.ask(t, mira, "DELETE", path, ""); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, text)
	}
	if status, _ := c.ask(t, mira, "DELETE", path, ""); status != http.StatusNotFound {
		t.Errorf("twice: %d", status)
	}
	if status, text := c.choose(t, link, "four words of Lin's"); status != http.StatusUnprocessableEntity || !strings.Contains(text, "no longer good") {
		t.Errorf("the link: %d %s", status, text)
	}
	if _, text := c.ask(t, mira, "GET", "/v1/people", ""); strings.Contains(text, "lin@") {
		t.Errorf("he is still here: %s", text)
	}
}

func (c *cloud) invitesThatAreRefused(t *testing.T, admin, member, team string) {
	t.Helper()
	body := func(email, team string) string { return fmt.Sprintf(`{"email":%q,"team_id":%q}`, email, team) }
	for _, test := range []struct {
		what, token, body string
		status            int
	}{
		{"by no admin", member, body("x@lumen.works", team), http.StatusForbidden},
		{"into no team", admin, body("x@lumen.works", "none"), http.StatusForbidden},
		{"no address", admin, body("x", team), http.StatusUnprocessableEntity},
		{"another header", admin, body("x@lumen.works\r\nBcc: y@z", team), http.StatusUnprocessableEntity},
		{"somebody who is here", admin, body("LIN@lumen.works", team), http.StatusOK},
	} {
		if status, text := c.ask(t, test.token, "POST", "/v1/invitations", test.body); status != test.status {
			t.Errorf("%s: %d %s", test.what, status, text)
		}
	}
}

// TestLinksWithoutAMailer: whoever runs the server gets the links to pass on, and nobody else does.
func TestLinksWithoutAMailer(t *testing.T) {
	c := newCloud(t)
	c.does(t, 0, "tenant", "add", "lumen")
	first := linked.FindString(c.does(t, 0, "user", "invite", "lin@lumen.works", "--tenant", "lumen"))
	link := linked.FindString(c.does(t, 0, "user", "invite", "lin@lumen.works", "--tenant", "lumen"))
	c.does(t, 1, "user", "reset", "lin@lumen.works")
	c.serves(t)
	if status, _ := c.choose(t, first, "four words of Lin's"); status != http.StatusUnprocessableEntity {
		t.Errorf("the link before the last: %d", status)
	}
	if status, text := c.choose(t, link, "four words of Lin's"); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	c.does(t, 1, "user", "invite", "lin@lumen.works", "--tenant", "lumen")
	if status, text := c.form(t, "/id/forgot", url.Values{"email": {"lin@lumen.works"}}); status != http.StatusUnprocessableEntity || !strings.Contains(text, "Ask whoever runs") {
		t.Errorf("%d %s", status, text)
	}
	reset := linked.FindString(c.does(t, 0, "user", "reset", "lin@lumen.works"))
	c.db.Exec(t, "UPDATE identity.letters SET expires_at = now() - interval '1 second'")
	if status, _ := c.choose(t, reset, "four other words of Lin's"); status != http.StatusUnprocessableEntity {
		t.Errorf("too late: %d", status)
	}
	lin := c.signIn(t, "lin@lumen.works", "four words of Lin's", "laptop")["access_token"].(string)
	if status, _ := c.ask(t, lin, "POST", "/v1/invitations", `{}`); status != http.StatusNotFound {
		t.Errorf("invitations are off: %d", status)
	}
}

// TestADeviceSignsIn is a machine without a browser, from its code to its first push.
func TestADeviceSignsIn(t *testing.T) {
	c := newCloud(t)
	c.does(t, 0, "tenant", "add", "lumen")
	secret := shown.FindStringSubmatch(c.does(t, 0, "user", "add", "mira@lumen.works", "--tenant", "lumen"))[1]
	c.serves(t)
	discovered, err := oidc.NewProvider(t.Context(), c.url+"/id")
	if err != nil {
		t.Fatal(err)
	}
	config := oauth2.Config{ClientID: "coditect-sync", Endpoint: discovered.Endpoint(), Scopes: []string{"openid"}}
	nonceVerifier := oauth2.GenerateVerifier()
	device, err := config.DeviceAuth(t.Context(), oidc.Nonce(oauth2.S256ChallengeFromVerifier(nonceVerifier)))
	if err != nil {
		t.Fatal(err)
	}
	if status, text := c.form(t, "/id/device", url.Values{"code": {device.UserCode}, "email": {"mira@lumen.works"}, "password": {secret}, "do": {"sign-in"}}); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	token, err := config.DeviceAccessToken(t.Context(), device)
	if err != nil {
		t.Fatal(err)
	}
	_, text := c.form(t, "/v1/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {token.Extra("id_token").(string)},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:id_token"}, "nonce_verifier": {nonceVerifier}, "machine_id": {"server-room"}})
	var got struct {
		Access string `json:"access_token"`
		User   string `json:"user_id"`
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || got.Access == "" {
		t.Fatal(text)
	}
	c.pushes(t, got.Access, "server-room", 1, fmt.Sprintf(`{"table":"decisions","op":"put","id":"d1","data":{"decision":"headless","user_id":%q}}`, got.User), "applied")
}

func (c *cloud) pushes(t *testing.T, token, machine string, group int, changes, want string) {
	t.Helper()
	status, text := c.ask(t, token, "POST", "/v1/push", fmt.Sprintf(`{"machine_id":%q,"client_id":%q,"schema_version":1,"groups":[{"group":%d,"changes":[%s]}]}`, machine, "c-"+machine, group, changes))
	if status != http.StatusOK || !strings.Contains(text, `"`+want+`"`) {
		t.Fatalf("%d %s", status, text)
	}
}

const marker = "zebra-in-the-attic"

// TestErasure: everything a person wrote is searched for in the whole database and in the stream of somebody who saw it,
// before and after.
func TestErasure(t *testing.T) {
	for _, how := range []string{"by the person", "by whoever runs the server"} {
		t.Run(how, func(t *testing.T) { erasure(t, how == "by the person") })
	}
}

func erasure(t *testing.T, self bool) {
	c := newCloud(t)
	c.does(t, 0, "tenant", "add", "lumen")
	password := func(email, name string) string {
		return shown.FindStringSubmatch(c.does(t, 0, "user", "add", email, "--tenant", "lumen", "--name", name))[1]
	}
	miras, jos := password("mira@lumen.works", marker), password("jo@lumen.works", "Jo")
	c.serves(t)
	mira, jo := c.signIn(t, "mira@lumen.works", miras, "studio"), c.signIn(t, "jo@lumen.works", jos, "laptop")
	access, user := mira["access_token"].(string), mira["user_id"].(string)
	change := func(table, id, data string) string {
		return fmt.Sprintf(`{"table":%q,"op":"put","id":%q,"data":{"user_id":%q,%s}}`, table, id, user, data)
	}
	c.pushes(t, access, "studio", 1, strings.Join([]string{
		change("projects", "p1", `"visibility":"org","name":"`+marker+`"`), change("projects", "p2", `"visibility":"private","path":"`+marker+`"`)}, ","), "applied")
	c.pushes(t, access, "studio", 2, strings.Join([]string{
		change("sessions", "s1", `"project_id":"p1","title":"`+marker+`"`), change("messages", "m1", `"project_id":"p1","content":"`+marker+`"`),
		change("decisions", "d1", `"decision":"`+marker+`"`), change("skill_learnings", "k1", `"project_id":"p2","skill_name":"`+marker+`"`),
		change("error_solutions", "e1", `"project_id":"p1","solution":"`+marker+`"`)}, ","), "applied")
	c.pushes(t, access, "studio", 3, change("no_such_table", "x", `"content":"`+marker+`"`), "rejected")
	c.pushes(t, jo["access_token"].(string), "laptop", 1, fmt.Sprintf(`{"table":"messages","op":"put","id":"mj","data":{"project_id":"p1","content":"of jo","user_id":%q}}`, jo["user_id"]), "applied")
	c.db.Exec(t, `INSERT INTO app.lost (tenant_id, user_id, project_id, table_name, row_id, column_name, kind, value, hlc, winner_hlc, client_id, group_no)
		VALUES ('lumen', $1, 'p1', 'messages', 'm1', 'content', 'older', $2, '', '', 'c', 1)`, user, `"`+marker+`"`)
	c.db.Exec(t, `INSERT INTO app.staged (tenant_id, user_id, client_id, group_no, part, parts, digest, raw) VALUES ('lumen', $1, 'c-studio', 9, 1, 2, '', $2)`, user, []byte(marker))
	lines := c.stream(t, jo["access_token"].(string))
	seen(t, lines, marker)

	exported := c.does(t, 0, "user", "export", "mira@lumen.works")
	for _, table := range []string{"users", "machines", "projects", "sessions", "messages", "decisions", "skill_learnings", "error_solutions", "lost", "rejected", "staged"} {
		if !strings.Contains(exported, `{"table":"`+table+`",`) {
			t.Errorf("the export has nothing of %s", table)
		}
	}
	if status, text := c.ask(t, access, "GET", "/v1/account/export", ""); status != http.StatusOK || text != exported+"{\"end\":true}\n" || strings.Contains(text, "of jo") {
		t.Errorf("%d %s\nthe command line: %s", status, text, exported)
	}
	conn := c.db.Connect(t, "postgres")
	if found := search(t, conn, marker, "mira@lumen.works"); len(found) < 10 {
		t.Fatalf("before: only %q", found)
	}
	c.erase(t, access, self)
	if status, _ := c.ask(t, access, "GET", "/v1/machines", ""); status != http.StatusUnauthorized {
		t.Errorf("the session goes on: %d", status)
	}
	seen(t, lines, `"REMOVE"`)
	var found []string
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) { // the writer of the log is behind by moments
		if found = search(t, conn, marker, "mira@lumen.works"); len(found) == 0 || time.Now().After(end) {
			break
		}
	}
	if len(found) > 0 {
		t.Errorf("after: %q", found)
	}
	again := c.stream(t, jo["access_token"].(string))
	if all := seen(t, again, `"checkpoint_complete"`); strings.Contains(all, marker) || !strings.Contains(all, "of jo") {
		t.Errorf("a new stream has: %s", all)
	}
}

func (c *cloud) erase(t *testing.T, access string, self bool) {
	t.Helper()
	if !self {
		c.does(t, 2, "user", "erase", "mira@lumen.works")
		c.does(t, 0, "user", "erase", "mira@lumen.works", "--yes")
		return
	}
	if status, _ := c.ask(t, access, "DELETE", "/v1/account", `{"email":"jo@lumen.works"}`); status != http.StatusUnprocessableEntity {
		t.Errorf("another address: %d", status)
	}
	if status, text := c.ask(t, access, "DELETE", "/v1/account", `{"email":"Mira@lumen.works"}`); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, text)
	}
}

// seen collects the lines of a stream until one has a text.
func seen(t *testing.T, lines <-chan string, text string) string {
	t.Helper()
	var all []string
	for end := time.After(time.Minute); ; {
		select {
		case line, ok := <-lines:
			all = append(all, line)
			if strings.Contains(line, text) {
				return strings.Join(all, "\n")
			}
			if !ok {
				t.Fatalf("the stream ended before %s: %q", text, all)
			}
		case <-end:
			t.Fatalf("%s did not come: %q", text, all)
		}
	}
}

// search looks for texts in every table of the database, as text and as bytes.
func search(t *testing.T, conn *pgx.Conn, texts ...string) (found []string) {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 25 || !slices.Contains(tables, "sync_log.ops") {
		t.Fatal(tables, err)
	}
	for _, table := range tables {
		for _, text := range texts {
			var n int
			err := conn.QueryRow(t.Context(), "SELECT count(*) FROM "+table+" x WHERE strpos(x::text, $1) > 0 OR strpos(x::text, $2) > 0", text, hex.EncodeToString([]byte(text))).Scan(&n)
			if err != nil {
				t.Fatal(err)
			}
			if n > 0 {
				found = append(found, fmt.Sprintf("%s in %d of %s", text, n, table))
			}
		}
	}
	return found
}
