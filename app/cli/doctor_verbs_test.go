package cli

import (
	"archive/zip"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestDoctorFindsSomethingBad(t *testing.T) {
	f := world()
	f.DoctorFunc = func(context.Context) ([]app.Finding, error) {
		return []app.Finding{{Check: "storage", Level: app.LevelBad, Detail: "It does not answer.", Hint: "Look at the network."}}, nil
	}
	got := call(t, f, terminal{own: true}, "doctor")
	if got.status != 1 || got.err != "1 thing needs you.\n" {
		t.Errorf("%+v", got)
	}
	contains(t, got.out, "✖ storage: It does not answer.\n  Look at the network.\n", "CODITECT Sync is not running")
	got = call(t, f, terminal{}, "doctor", "--json")
	var said doctorJSON
	if err := json.Unmarshal([]byte(got.out), &said); err != nil || len(said.Findings) != 1 || got.status != 1 {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestDoctorNamesAnAgentOfAnotherVersion(t *testing.T) {
	st := protected()
	st.Version = "v-old"
	contains(t, call(t, serving(st), terminal{}, "doctor").out, "The agent is version v-old, this program is v-test.")
}

func TestBundleIsWhatTheAgentSays(t *testing.T) {
	f := world()
	f.DiagnosticsFunc = func(context.Context) (map[string]string, error) {
		return map[string]string{"status.json": "{}\n", "about.json": "{\"version\": \"v\"}\n"}, nil
	}
	home, file := t.TempDir(), filepath.Join(t.TempDir(), "report.zip")
	got := call(t, f, terminal{}, "doctor", "--home", home, "--bundle", file)
	if got.status != 0 {
		t.Fatalf("%+v", got)
	}
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if len(z.File) != 2 || z.File[0].Name != "about.json" || string(readAll(t, z.File[1])) != "{}\n" {
		t.Errorf("%+v", z.File)
	}
	contains(t, got.out, "about.json (", "versions and system", "status.json (")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if got = call(t, world(), terminal{}, "doctor", "--home", home, "--bundle", file); got.status != 5 {
		t.Errorf("%+v", got)
	}
}

func readAll(t *testing.T, f *zip.File) []byte {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
