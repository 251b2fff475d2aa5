package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// script runs build/setup/cloud.sh on a home of the test's own.
type script struct {
	home, port string
}

func (s *script) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join("..", "..", "..", "build", "setup", "cloud.sh"), args...)
	cmd.Env = append(os.Environ(), "CODITECT_CLOUD_HOME="+s.home, "PORT="+s.port)
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s%s", args, err, said, s.logs())
	}
	return string(said)
}

func (s *script) logs() (all string) {
	for _, name := range []string{"database.log", "pg/log", "server.log"} {
		text, _ := os.ReadFile(filepath.Join(s.home, name)) // one may not be there yet
		all += "\n" + name + ":\n" + string(text)
	}
	return all
}

// TestMakeCloud is what `make cloud` does after building, on a machine that has PostgreSQL: all is set up, the demo account
// signs in, everything is still there after a stop, and nothing is left after a removal.
func TestMakeCloud(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "coditect-sync-server")
	if said, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	home, err := os.MkdirTemp("", "cloud-") //nolint:usetesting // PostgreSQL's user could not reach a test's own directory
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &script{home: home, port: strconv.Itoa(free.Addr().(*net.TCPAddr).Port)}
	free.Close()
	t.Cleanup(func() {
		if out, err := exec.Command("env", "CODITECT_CLOUD_HOME="+home, filepath.Join("..", "..", "..", "build", "setup", "cloud.sh"), "remove").CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		if _, err := os.Stat(home); !os.IsNotExist(err) {
			t.Errorf("something is left: %v", err)
		}
	})
	said := s.run(t, "start", binary)
	found := regexp.MustCompile(`only shown now\) (\S+)`).FindStringSubmatch(said)
	if found == nil || !strings.Contains(said, "http://127.0.0.1:"+s.port+"\n") || strings.Contains(said, "wrong") {
		t.Fatal(said)
	}
	c := &cloud{url: "http://127.0.0.1:" + s.port}
	c.signIn(t, "demo@localhost.localdomain", found[1], "studio")
	if again := s.run(t, "start", binary); strings.Contains(again, "only shown now") {
		t.Errorf("the password is shown again: %s", again)
	}
	for _, name := range []string{"secret", "settings"} {
		if info, err := os.Stat(filepath.Join(home, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	s.run(t, "stop")
	if connection, err := net.Dial("tcp", "127.0.0.1:"+s.port); err == nil {
		connection.Close()
		t.Error("it still listens")
	}
	s.run(t, "start", binary)
	c.signIn(t, "demo@localhost.localdomain", found[1], "studio")
}
