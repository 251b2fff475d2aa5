package config

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

const envSaver = "CODITECT_TEST_SAVE_IN_A_LOOP"

// TestMain is the saving process too: it runs until it is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv(envSaver); path != "" {
		saveForever(PrefsFile{Path: path})
	}
	os.Exit(m.Run())
}

// written are the values that the saving process writes in turn: of different lengths, so that a torn file shows.
func written() []app.Prefs {
	long := "/" + strings.Repeat("0123456789/", 300)
	return []app.Prefs{{Mode: app.ModeOff}, {Mode: app.ModeStandalone, DB: long, Target: "file:///copies"}, {DB: "/short"}}
}

func saveForever(f PrefsFile) {
	for i := 0; ; i++ {
		if err := f.Save(written()[i%3]); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		if i == 0 {
			os.Stdout.WriteString("saving\n")
		}
	}
}

func TestKilledAtAnyMoment(t *testing.T) {
	f := PrefsFile{Path: filepath.Join(t.TempDir(), "prefs.json")}
	seen := map[string]int{}
	for range 50 {
		saveAndKill(t, f.Path)
		got, damaged, err := f.Load()
		if err != nil || damaged != nil {
			t.Fatalf("after a kill: %v, %v", damaged, err)
		}
		seen[fmt.Sprintf("%+v", got)]++
	}
	for _, value := range written() {
		delete(seen, fmt.Sprintf("%+v", value))
	}
	if len(seen) != 0 {
		t.Errorf("values that nobody wrote: %v", seen)
	}
}

// saveAndKill runs the saving process and kills it within 20 ms of its first save.
func saveAndKill(t *testing.T, path string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envSaver+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	time.Sleep(time.Duration(rand.Int64N(int64(20 * time.Millisecond))))
	if killErr := cmd.Process.Kill(); killErr != nil {
		t.Error(killErr)
	}
	if waitErr := cmd.Wait(); err != nil || line != "saving\n" {
		t.Fatalf("the saving process said %q: %v, %v", line, err, waitErr)
	}
}
