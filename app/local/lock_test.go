package local_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/local"
)

func TestLockHasOneHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "home", "agent.lock")
	first, err := local.Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = local.Lock(path)
	want := fmt.Sprintf("CODITECT Sync is already running (process %d).", os.Getpid())
	if e := wantCode(t, err, app.CodeBusy); e.Message != want || e.Hint == "" {
		t.Errorf("%+v, want %q", e, want)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := local.Lock(path)
	if err != nil {
		t.Fatalf("after release: %v", err)
	}
	if err := again.Release(); err != nil {
		t.Fatal(err)
	}
}

func TestLockThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := local.Lock(filepath.Join(file, "agent.lock"))
	if e := wantCode(t, err, app.CodeFailed); !strings.Contains(e.Message, "agent.lock") || e.Hint == "" {
		t.Errorf("%+v", e)
	}
}
