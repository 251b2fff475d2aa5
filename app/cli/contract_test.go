package cli

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app/apptest"
	"github.com/coditect-ai/coditect-sync/app/local"
)

// TestContract: the program itself, with SQLite, Litestream and a folder as its target, asked through its socket.
func TestContract(t *testing.T) {
	apptest.TestService(t, func(t *testing.T) apptest.Harness {
		db := apptest.MustOpenDB(t, t.TempDir())
		client, done := startProgram(t)
		return db.Harness(client, done)
	})
}

// startProgram starts an agent with a home of its own and returns once it answers. done is closed when it has ended.
func startProgram(t *testing.T) (client *local.Client, done <-chan struct{}) {
	t.Helper()
	home, err := os.MkdirTemp("", "cs") //nolint:usetesting // t.TempDir has the test's name in it and is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	agent := exec.Command("coditect-sync", "agent", "--headless", "--home", home)
	agent.Env = append(os.Environ(), "CODITECT_SYNC_MODE=")
	agent.Stderr = t.Output()
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = agent.Wait() // how it ends is for other tests
	}()
	client = local.NewClient(local.SocketPath(home), "v-test")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := client.Quit(ctx); err != nil {
			_ = agent.Process.Kill() // it has ended, or never will by itself
		}
		<-ended
		if err := os.RemoveAll(home); err != nil {
			t.Error(err)
		}
	})
	awaitAnswer(t, client, ended, filepath.Join(home, "agent.log"))
	return client, ended
}

func awaitAnswer(t *testing.T, client *local.Client, ended <-chan struct{}, log string) {
	t.Helper()
	late := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := client.Status(t.Context())
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ended:
			t.Fatalf("the agent ended before it answered: %v (%s)", err, log)
		case <-late:
			t.Fatalf("the agent does not answer: %v (%s)", err, log)
		}
	}
}
