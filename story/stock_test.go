package story_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// stockLitestream is what `make test` builds too; here it is built where it is missing.
const stockLitestream = "github.com/benbjohnson/litestream/cmd/litestream@v0.5.18"

// TestStockLitestreamRestores is the way out: what we wrote comes back without us, with the litestream.yml that setup
// leaves in the home directory.
func TestStockLitestreamRestores(t *testing.T) {
	stock := buildStock(t)
	t.Run("folder", func(t *testing.T) {
		withoutUs(t, stock, fileURL(filepath.Join(t.TempDir(), "the copies")))
	})
	t.Run("cloud storage", func(t *testing.T) {
		gcs := apptest.StartGCS(t, "memory-backup")
		withoutUs(t, stock, "gs://memory-backup/mine", "STORAGE_EMULATOR_HOST="+gcs.URL)
	})
	t.Run("SSH", func(t *testing.T) {
		server := apptest.StartSSHD(t)
		withoutUs(t, stock, server.Target("copies"), server.Env()...)
	})
	t.Run("S3", func(t *testing.T) {
		server := apptest.StartS3(t, "memory-backup")
		withoutUs(t, stock, server.Target("memory-backup/mine"), server.Env()...)
	})
}

func buildStock(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "../build/setup/tool.sh", "../build/bin/tools", stockLitestream).CombinedOutput()
	if err != nil {
		t.Fatalf("building the stock litestream: %v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	path, err := filepath.Abs(lines[len(lines)-1])
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func withoutUs(t *testing.T, stock, target string, env ...string) {
	db, reference := memory(t)
	m := newMachine(t, env...)
	m.do("setup", "--db", db, "--target", target, "--user", "mira")
	m.start()
	w := startWriters(t, db)
	m.healthy()
	m.eventually("some history", func() bool { return len(m.points()) > 5 })
	w.stop()
	m.do("verify")
	m.quit()
	restored := filepath.Join(t.TempDir(), "restored.db")
	c := exec.CommandContext(t.Context(), stock, "restore", "-config", filepath.Join(m.home, "litestream.yml"), "-o", restored, db)
	c.Env = append(os.Environ(), env...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("litestream restore: %v\n%s", err, out)
	}
	out := ledger(t, "check", reference, db, restored)
	if !strings.HasSuffix(strings.TrimSpace(out), " ok") {
		t.Error(out)
	}
}
