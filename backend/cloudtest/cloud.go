package cloudtest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
)

// patience is how long the server may take to answer, on a machine that does much else.
const patience = 2 * time.Minute

// built is the program of this process. A test binary has no other place to keep what all its tests use.
var built struct {
	sync.Mutex
	dir string
}

// Run runs the tests of a package, and removes what they needed. It returns the exit status.
func Run(m interface{ Run() int }) (status int) {
	status = pgtest.Run(m)
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	return status
}

// program builds the server, once a process, and returns its path.
func program(t testing.TB) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "cloudtest-") //nolint:usetesting // it outlives the test
		if err != nil {
			t.Fatal(err)
		}
		build := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(dir, "server.exe"), "./backend/cmd/coditect-sync-server")
		build.Dir = root()
		if said, err := build.CombinedOutput(); err != nil {
			_ = os.RemoveAll(dir)
			t.Fatalf("%v\n%s", err, said)
		}
		built.dir = dir
	}
	return filepath.Join(built.dir, "server.exe")
}

// root is the folder with go.mod of the source this was built from.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Cloud is a database and a server on it.
type Cloud struct {
	DB  *pgtest.DB
	URL string // of the server, while it runs and while it does not

	exe     string
	environ []string
	said    output
	running *exec.Cmd
}

// output is what a program says; it may be read while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// New returns a cloud that serves until the test ends. Settings are NAME=VALUE of the server's, without the prefix.
func New(t testing.TB, settings ...string) *Cloud {
	t.Helper()
	return On(t, pgtest.New(t), settings...)
}

// On is New with a database of the caller's.
func On(t testing.TB, db *pgtest.DB, settings ...string) *Cloud {
	t.Helper()
	conn := db.Connect(t, "postgres")
	t.Cleanup(func() { dropSlots(t, conn) })
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	c := &Cloud{DB: db, URL: "http://" + address, exe: program(t)}
	c.environ = []string{"HOME=/nowhere"}
	for _, s := range append([]string{"LISTEN=" + address, "URL=" + c.URL, "SECRET=" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("s"), 32)),
		"DATABASE=" + strings.Replace(db.DSN("app_api"), "user=app_api", "", 1)}, settings...) {
		c.environ = append(c.environ, "CODITECT_SERVER_"+s)
	}
	c.Does(t, "migrate")
	c.Start(t)
	t.Cleanup(func() { c.Stop(t) })
	return c
}

// dropSlots is for the database to be dropped, when nobody holds them any more.
func dropSlots(t testing.TB, conn *pgx.Conn) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		_, err := conn.Exec(context.Background(), "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()")
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Error(err)
			return
		}
	}
}

// Does runs a verb of the server's command line and returns what it says.
func (c *Cloud) Does(t testing.TB, args ...string) string {
	t.Helper()
	cmd := exec.Command(c.exe, args...)
	cmd.Env = c.environ
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, said)
	}
	return string(said)
}

// Start runs the server and returns when it is ready.
func (c *Cloud) Start(t testing.TB) {
	t.Helper()
	cmd := exec.Command(c.exe, "serve")
	cmd.Env, cmd.Stdout, cmd.Stderr = c.environ, &c.said, &c.said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.running = cmd
	for _, path := range []string{"/readyz", "/probes/readiness"} {
		for deadline := time.Now().Add(patience); !answers(c.URL + path); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s is not ready: %s", path, c.Log())
			}
		}
	}
}

func answers(url string) bool {
	response, err := http.Get(url)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// Stop ends the server as an operator would, and waits. One that does not run is no error.
func (c *Cloud) Stop(t testing.TB) {
	t.Helper()
	if c.running == nil {
		return
	}
	cmd := c.running
	c.running = nil
	if err := errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait()); err != nil {
		t.Errorf("the server ended badly: %v\n%s", err, c.Log())
	}
}

// Log is what the server has said.
func (c *Cloud) Log() string { return c.said.String() }

var shown = regexp.MustCompile(`shown this once: (\S+)`)

// Add makes a person with the address in a tenant of that id, which is made if it is missing, and returns the password.
func (c *Cloud) Add(t testing.TB, tenant, email string) (password string) {
	t.Helper()
	if !strings.Contains(c.Does(t, "tenant", "list"), tenant+" ") {
		c.Does(t, "tenant", "add", tenant, "--name", tenant)
	}
	found := shown.FindStringSubmatch(c.Does(t, "user", "add", email, "--tenant", tenant))
	if found == nil {
		t.Fatal("no password was shown")
	}
	return found[1]
}

// Person is somebody with an account who signs in at the server's pages.
type Person struct{ Email, Password string }

func (p Person) String() string { return fmt.Sprintf("%s at the page", p.Email) }
