//go:build window

package window_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
	"github.com/coditect-ai/coditect-sync/app/local"
)

// TestGivenUp goes away from a moment while the agent is looking into it. A web view tells nobody that a page gave a
// request up; the agent must hear of it all the same, or a restore could not be canceled.
func TestGivenUp(t *testing.T) {
	m := freshMachine(t)
	begun, ended := make(chan struct{}, 10), make(chan struct{}, 10)
	at := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	agent := &apptest.FakeService{PointsFunc: func(context.Context, string) (app.Timeline, error) {
		return app.Timeline{Oldest: at, Points: []app.RestorePoint{
			{ID: "0000000000000002", Time: at.Add(time.Minute)}, {ID: "0000000000000001", Time: at},
		}}, nil
	}}
	agent.PreviewFunc = func(ctx context.Context, _ app.RestoreRequest) (app.Preview, error) {
		begun <- struct{}{}
		<-ctx.Done()
		ended <- struct{}{}
		return app.Preview{}, ctx.Err()
	}
	serve(t, m.home, agent)
	m.open("restore?at=" + url.QueryEscape(at.Format(time.RFC3339)))
	await(t, "a look into the moment", begun)
	m.open("home")
	await(t, "its end", ended)
	m.close()
}

// serve answers as the agent of home until the test ends.
func serve(t *testing.T, home string, svc app.Service) {
	t.Helper()
	ln, err := local.Listen(local.SocketPath(home))
	if err != nil {
		t.Fatal(err)
	}
	server, served := local.NewServer(local.Config{Service: svc, Version: "v-test"}), make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		<-served
	})
}

func await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(time.Minute):
		t.Fatalf("gave up waiting for %s", what)
	}
}
