package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/coditect-ai/coditect-sync/app"
)

func start(t *testing.T, scene string) *httptest.Server {
	t.Helper()
	d := newDesk()
	if err := d.show(scene); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(handler(fstest.MapFS{"index.html": {Data: []byte("the page")}}, d.handler()))
	t.Cleanup(srv.Close)
	return srv
}

func call(t *testing.T, method, url, body string, into any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s %s: %v in %q", method, url, err, raw)
	}
	return res.StatusCode
}

func TestServesPageAndScene(t *testing.T) {
	srv := start(t, "offline")
	res, err := srv.Client().Get(srv.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); string(text) != "the page" {
		t.Errorf("page: %q", text)
	}
	var st app.Status
	if code := call(t, "GET", srv.URL+"/api/v1/status", "", &st); code != 200 || st.Progress.Phase != app.PhaseOffline {
		t.Errorf("status %d: %+v", code, st)
	}
}

func TestErrorsComeAsTheAgentSendsThem(t *testing.T) {
	srv := start(t, "new")
	var e app.Error
	if code := call(t, "POST", srv.URL+"/api/v1/target/try", `{"target":"gs://write-only"}`, &e); code != 403 || e.Code != app.CodeDenied || e.Hint == "" {
		t.Errorf("%d: %+v", code, e)
	}
	if code := call(t, "POST", srv.URL+"/api/v1/target/try", `{"tarket":1}`, &e); code != 400 {
		t.Errorf("an unknown field: %d", code)
	}
}

func TestSetupGoesOnStepByStep(t *testing.T) {
	srv := start(t, "new")
	var res app.SetupResult
	call(t, "POST", srv.URL+"/api/v1/setup", `{"target":"file:///x"}`, &res)
	if res.Status.Progress == nil || res.Status.Progress.Phase != app.PhaseFirstCopy {
		t.Fatalf("after setup: %+v", res.Status)
	}
	for range 2 {
		call(t, "POST", srv.URL+"/dev/step", "", &struct{}{})
	}
	var st app.Status
	call(t, "GET", srv.URL+"/api/v1/status", "", &st)
	if !st.Healthy || st.Standalone.Target != "file:///x" {
		t.Errorf("in the end: %+v", st)
	}
}

// TestProxyLeadsToAnAgent asks as a browser does: the agent itself refuses everything from web pages.
func TestProxyLeadsToAnAgent(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var got http.Header
	agent := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		reply(w, map[string]string{"host": r.Host, "path": r.URL.Path}, nil)
	})}
	go func() { _ = agent.Serve(ln) }() // ends with Close
	t.Cleanup(func() { _ = agent.Close() })
	srv := httptest.NewServer(handler(fstest.MapFS{}, proxy(socket)))
	t.Cleanup(srv.Close)
	for site, want := range map[string]int{"same-origin": 200, "cross-site": 403} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+"/api/v1/status", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Sec-Fetch-Site", site)
		req.Header.Set("Origin", srv.URL)
		res, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %d %s", site, res.StatusCode, text)
		}
	}
	if got.Get("Origin")+got.Get("Sec-Fetch-Site") != "" {
		t.Errorf("the agent saw %v", got)
	}
}

func TestSceneMustExist(t *testing.T) {
	srv := start(t, "new")
	var e app.Error
	if code := call(t, "POST", srv.URL+"/dev/scene", `{"name":"nowhere"}`, &e); code != 404 {
		t.Errorf("%d: %+v", code, e)
	}
}

// TestSharingIsSeenByItsReaders shares a project and asks who sees it, as the page does.
func TestSharingIsSeenByItsReaders(t *testing.T) {
	srv := start(t, "cloud-synced")
	api := srv.URL + "/api/v1"
	var projects []app.Project
	call(t, "GET", api+"/projects", "", &projects)
	last := projects[len(projects)-1]
	var readers []app.Reader
	if call(t, "GET", api+"/projects/readers?project="+last.ID, "", &readers); last.Visibility != app.VisiblePrivate || len(readers) != 1 {
		t.Fatalf("%+v is seen by %+v", last, readers)
	}
	var shared app.Project
	call(t, "POST", api+"/projects/share", `{"project":"`+last.ID+`","visibility":"team","team":"t-platform","read_only":true}`, &shared)
	call(t, "GET", api+"/projects/readers?project="+last.ID, "", &readers)
	if shared.TeamName != "Platform" || len(readers) != 3 || !readers[0].CanWrite || readers[1].CanWrite {
		t.Errorf("%+v is seen by %+v", shared, readers)
	}
	var e app.Error
	if code := call(t, "POST", api+"/teams/member", `{"team":"t-platform","out":true}`, &e); code != 400 {
		t.Errorf("the only admin leaves: %d %+v", code, e)
	}
	if code := call(t, "GET", api+"/projects/readers?project=none", "", &e); code != 404 {
		t.Errorf("no project: %d %+v", code, e)
	}
}
