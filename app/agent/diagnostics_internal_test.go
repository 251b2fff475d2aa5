package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTailBeginsWithAWholeLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("first line\nsecond line\nthird\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := string(tailOf(path, 10)); got != "third\n" {
		t.Errorf("%q", got)
	}
	if got := string(tailOf(path, 1000)); got != "first line\nsecond line\nthird\n" {
		t.Errorf("%q", got)
	}
	if got := tailOf(path+"x", 10); got != nil {
		t.Errorf("%q", got)
	}
}

func TestRedactorHidesAFolderOfAnotherComputer(t *testing.T) {
	hide := newRedactor("host", "sftp://mira@nas.lumen.works:2222/srv/copies")
	text := `sftp://mira@nas.lumen.works:2222/srv/copies, /srv/copies at nas.lumen.works, dial nas.lumen.works:2222, for mira`
	got := string(hide.redact([]byte(text)))
	for _, part := range []string{"mira", "lumen", "srv"} {
		if strings.Contains(got, part) {
			t.Errorf("%q is in %s", part, got)
		}
	}
}

// TestRedactorHidesABucketAtOnesOwnServer: each part of its address, for the log has them apart; and a key's id.
func TestRedactorHidesABucketAtOnesOwnServer(t *testing.T) {
	hide := newRedactor("host", "s3://mira-memory/notes?endpoint=https://minio.lumen.works:9000&region=eu")
	text := `s3://mira-memory/notes?endpoint=https://minio.lumen.works:9000&region=eu "mira-memory" mira-memory/notes ` +
		`dial minio.lumen.works:9000, lookup minio.lumen.works, AKIAIOSFODNN7EXAMPLE, AGE-SECRET-KEY-1QQQQXYZ, age-secret-key-1qqqqxyz`
	got := string(hide.redact([]byte(text)))
	for _, part := range []string{"mira", "lumen", "notes", "AKIA", "QQQQ", "qqqq"} {
		if strings.Contains(got, part) {
			t.Errorf("%q is in %s", part, got)
		}
	}
}
