package window

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
	"github.com/coditect-ai/coditect-sync/app/local"
)

func statusOf(t *testing.T, h http.Handler, query string) (app.Status, http.Header) {
	t.Helper()
	code, header, text := ask(h, request(t, "GET", "/api/v1/status"+query, ""))
	var st app.Status
	if err := json.Unmarshal([]byte(text), &st); err != nil || code != 200 {
		t.Fatalf("%d %s: %v", code, text, err)
	}
	return st, header
}

// TestPageAsksTheAgent: the agent itself refuses what comes from a page, so that an answer shows that nothing of the
// page is left.
func TestPageAsksTheAgent(t *testing.T) {
	home, agent := newHome(t), &apptest.FakeService{}
	serve(t, home, agent)
	h := opened(t, Config{Home: home}).handler()
	st, header := statusOf(t, h, "")
	if st.MachineID != "fake" || header.Get(local.RunHeader) == "" {
		t.Errorf("%+v, %v", st, header)
	}
	code, _, text := ask(h, request(t, "PATCH", "/api/v1/prefs", `{"mode":"off"}`))
	if code != 200 {
		t.Errorf("a body: %d %s", code, text)
	}
	if code, _, text := ask(h, request(t, "GET", "/api/v1/nothing", "")); code != 404 {
		t.Errorf("no such route: %d %s", code, text)
	}
	if code, _, text := ask(h, request(t, "GET", "/api/secret", "")); code != 404 {
		t.Errorf("outside of the API: %d %s", code, text)
	}
}

func TestLongPoll(t *testing.T) {
	home, agent := newHome(t), &apptest.FakeService{}
	serve(t, home, agent)
	h := opened(t, Config{Home: home}).handler()
	st, header := statusOf(t, h, "")
	query := fmt.Sprintf("?since=%d&run=%s", st.Rev, header.Get(local.RunHeader))
	time.AfterFunc(50*time.Millisecond, func() { agent.Publish(app.Status{Summary: "news"}) })
	if st, _ := statusOf(t, h, query); st.Summary != "news" {
		t.Errorf("%+v", st)
	}
}

// TestGivenUp: a web view does not tell that a page gave a request up, the page does.
func TestGivenUp(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan struct{})
	home := newHome(t)
	serve(t, home, &apptest.FakeService{RestoreFunc: func(ctx context.Context, _ app.RestoreRequest) (app.RestoreResult, error) {
		close(begun)
		<-ctx.Done()
		close(ended)
		return app.RestoreResult{}, ctx.Err()
	}})
	h := opened(t, Config{Home: home}).handler()
	answered := make(chan int, 1)
	go func() {
		r := request(t, "POST", "/api/v1/restore", "{}")
		r.Header.Set(callHeader, "17-0.5")
		code, _, _ := ask(h, r)
		answered <- code
	}()
	<-begun
	for _, call := range []string{"another", "17-0.5", "17-0.5"} {
		if code, _, text := ask(h, request(t, "POST", "/native/cancel", `{"call":"`+call+`"}`)); code != 200 {
			t.Errorf("cancel %s: %d %s", call, code, text)
		}
	}
	<-ended
	if code := <-answered; code != app.CodeCanceled.HTTPStatus() {
		t.Errorf("the page got %d", code)
	}
}

func TestWithoutAnAgent(t *testing.T) {
	h := opened(t, Config{Home: newHome(t)}).handler()
	code, _, text := ask(h, request(t, "GET", "/api/v1/status?since=0&run=", ""))
	var e app.Error
	if err := json.Unmarshal([]byte(text), &e); err != nil || code != 503 || e.Code != app.CodeNotRunning || e.Message == "" || e.Hint == "" {
		t.Errorf("%d %s: %v", code, text, err)
	}
}

// TestAgentIsStarted when the window opens; the page waits for it instead of being told that none runs.
func TestAgentIsStarted(t *testing.T) {
	home := newHome(t)
	h := opened(t, Config{Home: home, Start: func(context.Context) error {
		serve(t, home, &apptest.FakeService{})
		return nil
	}}).handler()
	if st, _ := statusOf(t, h, ""); st.MachineID != "fake" {
		t.Errorf("%+v", st)
	}
}

func TestAgentThatRunsIsLeftAlone(t *testing.T) {
	home := newHome(t)
	serve(t, home, &apptest.FakeService{})
	h := opened(t, Config{Home: home, Start: func(context.Context) error { t.Error("started again"); return nil }}).handler()
	statusOf(t, h, "")
	if code, _, text := ask(h, request(t, "POST", "/native/start", "{}")); code != 200 {
		t.Errorf("%d %s", code, text)
	}
}

// TestStartButton: what stopped the first attempt is told at the second.
func TestStartButton(t *testing.T) {
	home, attempts := newHome(t), 0
	h := opened(t, Config{Home: home, Start: func(context.Context) error {
		attempts++
		if attempts < 3 {
			return app.Errorf(app.CodeNoSpace, "start", "The disk is full.").WithHint("Free some.")
		}
		serve(t, home, &apptest.FakeService{})
		return nil
	}}).handler()
	if code, _, _ := ask(h, request(t, "GET", "/api/v1/status", "")); code != 503 {
		t.Errorf("after an attempt that failed: %d", code)
	}
	if code, _, text := ask(h, request(t, "POST", "/native/start", "{}")); code != 507 || text != "The disk is full. Free some.\n" {
		t.Errorf("%d %q", code, text)
	}
	if code, _, text := ask(h, request(t, "POST", "/native/start", "{}")); code != 200 {
		t.Errorf("%d %q", code, text)
	}
	statusOf(t, h, "")
}
