package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestWhatEndsAnOpenStream: a machine that is revoked, a session that is signed out and a person who is disabled lose their
// open streams within seconds, and nobody else does.
func TestWhatEndsAnOpenStream(t *testing.T) {
	c := newCloud(t)
	c.does(t, 0, "tenant", "add", "lumen")
	for _, person := range []string{"mira@lumen.works", "jo@lumen.works"} {
		c.doesWith(t, 0, "a password of theirs\n", "user", "add", person, "--tenant", "lumen", "--password-stdin")
	}
	c.serves(t)
	sign := func(person, machine string) (access, refresh string) {
		got := c.signIn(t, person, "a password of theirs", machine)
		return got["access_token"].(string), got["refresh_token"].(string)
	}
	studio, _ := sign("mira@lumen.works", "studio")
	laptop, _ := sign("mira@lumen.works", "laptop")
	tablet, refresh := sign("mira@lumen.works", "tablet")
	other, _ := sign("jo@lumen.works", "other")
	streams := map[string]<-chan string{}
	for name, token := range map[string]string{"studio": studio, "laptop": laptop, "tablet": tablet, "other": other} {
		streams[name] = c.stream(t, token)
	}
	if status, text := c.ask(t, studio, "DELETE", "/v1/machines/laptop", ""); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, text)
	}
	ends(t, "a revoked machine", streams["laptop"])
	response, err := http.PostForm(c.url+"/v1/revoke", url.Values{"token": {refresh}, "token_type_hint": {"refresh_token"}})
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
	response.Body.Close()
	ends(t, "a session that signed out", streams["tablet"])
	c.does(t, 0, "user", "disable", "jo@lumen.works")
	ends(t, "a disabled person", streams["other"])
	status, text := c.ask(t, studio, "POST", "/v1/push", `{"machine_id":"studio","client_id":"c1","schema_version":1,"groups":[{"group":1,"changes":[
		{"table":"decisions","op":"put","id":"d1","data":{"decision":"still here"}}]}]}`)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	for line := range streams["studio"] { // another machine's goes on
		if strings.Contains(line, "still here") {
			return
		}
	}
	t.Error("another machine's stream ended")
}

// ends waits for a stream's proper end.
func ends(t *testing.T, whose string, lines <-chan string) {
	t.Helper()
	var last string
	for late := time.After(time.Minute); ; {
		select {
		case line, open := <-lines:
			if !open {
				if last != `{"token_expires_in":0}` {
					t.Errorf("%s: the last line was %.300s", whose, last)
				}
				return
			}
			last = line
		case <-late:
			t.Fatalf("%s: the stream is still open", whose)
		}
	}
}
