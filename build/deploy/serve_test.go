package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience is for a machine that does much else.
const patience = 3 * time.Minute

// database runs PostgreSQL with nothing in it, as compose.yaml's would, and makes the database with roles.sql. It returns
// the directory of its socket.
func database(t *testing.T, passwords string, settings ...string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "deploy-pg-") //nolint:usetesting // PostgreSQL's user could not reach the test's own
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	cmd := exec.Command("../setup/postgres.sh", append([]string{"run", dir, "fsync=off"}, settings...)...) // ended by its input
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, said.String())
		}
	})
	socket := filepath.Join(dir, "socket")
	super := connect(t, "host="+socket+" user=postgres dbname=postgres")
	exe(t, super, "CREATE DATABASE coditect")
	_ = super.Close(t.Context())
	roles, err := os.ReadFile("roles/roles.sql")
	if err != nil {
		t.Fatal(err)
	}
	made := connect(t, "host="+socket+" user=postgres dbname=coditect")
	exe(t, made, string(roles))
	exe(t, made, passwords)
	_ = made.Close(t.Context())
	return socket
}

func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		conn, err := pgx.Connect(t.Context(), address)
		if err == nil {
			return conn
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func exe(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// program is the server, built.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "coditect-sync-server")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "../../backend/cmd/coditect-sync-server").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// service is one of compose.yaml as it says itself.
type service struct {
	Command     []string          `json:"command"`
	Environment map[string]string `json:"environment"`
	Secrets     []struct {
		Source string `json:"source"`
		Target string `json:"target"`
	} `json:"secrets"`
}

// composed is compose.yaml as the library of docker compose reads it, everything checked.
func composed(t *testing.T) map[string]service {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tool(t, compose), "-format", "json", "compose/compose.yaml")
	cmd.Env = append(os.Environ(), "COMPOSE_PROFILES=public")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var all struct{ Services map[string]service }
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return all.Services
}

// environ is what a service's process would have. Its secrets are files of dir here, and nothing else is different.
func (s service) environ(t *testing.T, dir string, more ...string) []string {
	t.Helper()
	mounted := map[string]bool{}
	for _, secret := range s.Secrets {
		mounted["/run/secrets/"+secret.Source] = true
	}
	environ := []string{"HOME=/nowhere"}
	for name, value := range s.Environment {
		if strings.HasPrefix(value, "/run/secrets/") {
			if !mounted[value] {
				t.Errorf("%s is %s, which is not mounted", name, value)
			}
			value = filepath.Join(dir, filepath.Base(value))
		}
		environ = append(environ, name+"="+value)
	}
	return append(environ, more...)
}

// TestComposeServes does by hand what docker compose would: the secrets of setup.sh, PostgreSQL with the flags of the file,
// the roles, the migrations, the server, each with the settings that the file gives.
func TestComposeServes(t *testing.T) {
	all, dir := composed(t), filepath.Join(t.TempDir(), "secrets")
	for range 2 { // the second time changes nothing
		if out, err := exec.CommandContext(t.Context(), "compose/setup.sh", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	var settings []string
	for _, word := range all["database"].Command[1:] {
		if word != "-c" {
			settings = append(settings, word)
		}
	}
	passwords, err := os.ReadFile(filepath.Join(dir, "passwords.sql"))
	if err != nil {
		t.Fatal(err)
	}
	socket := database(t, string(passwords), settings...)
	here(t, dir, socket)
	server := program(t)
	migrate := exec.CommandContext(t.Context(), server, all["migrate"].Command...)
	migrate.Env = all["migrate"].environ(t, dir)
	if out, err := migrate.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	listen, metrics := free(t), free(t)
	serves(t, server, all["server"].Command, all["server"].environ(t, dir, "CODITECT_SERVER_LISTEN="+listen, "CODITECT_SERVER_METRICS="+metrics))
	for _, address := range []string{listen + "/readyz", listen + "/probes/readiness", metrics + "/metrics"} {
		answers(t, "http://"+address)
	}
}

// here makes the addresses in the secrets lead to a socket.
func here(t *testing.T, dir, socket string) {
	t.Helper()
	for _, name := range []string{"api", "identity", "stream", "admin"} {
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		write(t, dir, name, bytes.Replace(text, []byte("host=database "), []byte("host="+socket+" "), 1))
	}
}

func free(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// serves runs a program until the test ends.
func serves(t *testing.T, path string, args, environ []string) {
	t.Helper()
	cmd := exec.Command(path, args...)
	var said bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = environ, &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("%v: %s", err, said.String())
		}
	})
}

func answers(t *testing.T, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
			err = fmt.Errorf("it answers %d", response.StatusCode)
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", address, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// TestSettingsAreTaken runs the real program with the settings and files of each overlay, on a real database. Doctor looks
// at every setting, and at the database as each role.
func TestSettingsAreTaken(t *testing.T) {
	socket, server := database(t, ""), program(t)
	for _, overlay := range overlays {
		all, dir := objects(t, render(t, overlay)), t.TempDir()
		for name, role := range map[string]string{"api": "app_api", "identity": "app_identity", "stream": "powersync", "admin": "app_migrator"} {
			write(t, dir, name, []byte("host="+socket+" dbname=coditect user="+role))
		}
		write(t, dir, "secret", []byte(strings.Repeat("c2VjcmV0", 8)))
		for _, run := range []struct{ kind, name, verb string }{{"Job", "coditect-sync-migrate", ""}, {"Deployment", "coditect-sync-server", "doctor"}} {
			container := find(t, all, run.kind, run.name).pod().list("spec", "containers")[0]
			args := []string{run.verb}
			if run.verb == "" {
				args = []string{container["args"].([]any)[0].(string)}
			}
			cmd := exec.CommandContext(t.Context(), server, args...)
			cmd.Env = environ(t, all, container, dir)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %s: %v\n%s", overlay, run.name, err, out)
			}
		}
	}
}

// environ is what a container's process would have. Files that its volumes bring are those of dir.
func environ(t *testing.T, all []object, container object, dir string) []string {
	t.Helper()
	var lines []string
	for _, from := range container.list("envFrom") {
		for name, value := range find(t, all, "ConfigMap", from.text("configMapRef", "name")).at("data").(object) {
			text := value.(string)
			if strings.HasPrefix(text, "/etc/coditect/") {
				text = filepath.Join(dir, filepath.Base(text))
			}
			lines = append(lines, name+"="+text)
		}
	}
	if len(lines) == 0 {
		t.Fatalf("%v has no settings", container)
	}
	return lines
}
