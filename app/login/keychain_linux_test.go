package login_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// keyrings is a session bus with gnome-keyring of the test's own.
type keyrings struct {
	home   string
	daemon *exec.Cmd
}

// newKeyrings starts one whose login collection is open.
func newKeyrings(t *testing.T) *keyrings {
	t.Helper()
	k := &keyrings{home: t.TempDir()}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", apptest.StartBus(t))
	t.Cleanup(func() { k.stop(t) })
	k.run(t)
	return k
}

// run starts the daemon, with its login collection open.
func (k *keyrings) run(t *testing.T) {
	t.Helper()
	k.stop(t)
	cmd := exec.Command("gnome-keyring-daemon", "--foreground", "--components=secrets", "--control-directory="+t.TempDir(), "--unlock")
	cmd.Env = append(os.Environ(), "HOME="+k.home, "XDG_DATA_HOME="+filepath.Join(k.home, "data"), "XDG_RUNTIME_DIR="+k.home)
	cmd.Stdin = strings.NewReader("a password\n")
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v (the Debian package gnome-keyring has it)", err)
	}
	k.daemon = cmd
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		said := owner()
		if strings.HasSuffix(strings.TrimSpace(said), fmt.Sprintf("uint32 %d", cmd.Process.Pid)) {
			said = send("org.freedesktop.DBus.Properties.Get", "string:org.freedesktop.Secret.Service", "string:Collections")
			if strings.Contains(said, "collection/login") {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the keychain does not answer: %s", said)
		}
	}
}

// owner asks the bus which process is the Secret Service. To ask the service before it is there would have the bus start
// another daemon, whose login collection is not open and which takes the name, at the latest when ours is stopped.
func owner() string {
	said, _ := exec.Command("dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus",
		"org.freedesktop.DBus.GetConnectionUnixProcessID", "string:org.freedesktop.secrets").CombinedOutput() // as in send
	return string(said)
}

// send calls a method of the Secret Service, and returns what it says.
func send(method string, args ...string) string {
	said, _ := exec.Command("dbus-send", append([]string{"--session", "--print-reply", "--dest=org.freedesktop.secrets",
		"/org/freedesktop/secrets", method}, args...)...).CombinedOutput() // an error is in what it says
	return string(said)
}

// lock shuts the collection, as when a session is locked; nobody is there to be asked for the password.
func (k *keyrings) lock(t *testing.T) {
	t.Helper()
	const login = "/org/freedesktop/secrets/collection/login"
	if said := send("org.freedesktop.Secret.Service.Lock", "array:objpath:"+login); !strings.Contains(said, login) {
		t.Fatal(said)
	}
}

func (k *keyrings) stop(t *testing.T) {
	t.Helper()
	if k.daemon != nil {
		_ = k.daemon.Process.Kill()
		_ = k.daemon.Wait()
		k.daemon = nil
	}
}

// withKeychain is a machine with a keychain, where somebody is signed in at a server that behaves.
func withKeychain(t *testing.T) (*desk, *evil, *keyrings) {
	t.Helper()
	k, e := newKeyrings(t), newEvil(t)
	d := evilDesk(t, e)
	d.config.NoKeychain, d.config.Now = false, d.clock.now
	d.again(t)
	if err := tryEvil(t, d, e); err != nil {
		t.Fatal(err)
	}
	return d, e, k
}

// TestTheKeychain keeps the refresh token, gives it to the next process, and forgets it.
func TestTheKeychain(t *testing.T) {
	d, e, _ := withKeychain(t)
	text, err := keyring.Get("CODITECT Sync", "studio")
	if err != nil || !strings.Contains(text, "csr_evil") || d.Info().Note != "" {
		t.Fatal(text, err, d.Info().Note)
	}
	for name, text := range d.files(t) {
		if strings.Contains(text, "csr_evil") || strings.HasSuffix(name, "sealed") || strings.HasSuffix(name, "key") {
			t.Errorf("%s is there", name)
		}
	}
	e.grant["refresh_token"] = "csr_next"
	d.again(t)
	if _, err := d.Token(t.Context()); err != nil || e.forms["/v1/token"].Get("refresh_token") != "csr_evil" {
		t.Fatal(err)
	}
	if text, err := keyring.Get("CODITECT Sync", "studio"); err != nil || !strings.Contains(text, "csr_next") {
		t.Error(text, err)
	}
	e.metadata["x"] = 1
	if _, err := d.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text, err := keyring.Get("CODITECT Sync", "studio"); err == nil {
		t.Error("it is still there: " + text)
	}
}

// TestALockedKeychain: nobody is signed out, nobody waits long, and it goes on when the keychain opens.
func TestALockedKeychain(t *testing.T) {
	d, e, k := withKeychain(t)
	k.lock(t)
	d.again(t)
	for range 3 {
		begun := time.Now()
		_, err := d.Token(t.Context())
		if e := wantCode(t, err, app.CodeUnreachable); e.Message != "The keychain is locked." {
			t.Error(e)
		}
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("it took %s", took)
		}
		d.clock.move(2 * time.Second)
	}
	if _, err := d.Logout(t.Context()); app.CodeOf(err) != app.CodeUnreachable || !d.Info().SignedIn {
		t.Errorf("signing out with a locked keychain: %v", err)
	}
	// Signing in again does not need it: the file takes the token, and the person is told.
	if err := tryEvil(t, d, e); err != nil || !strings.Contains(d.Info().Note, "file") {
		t.Errorf("%v, %q", err, d.Info().Note)
	}
	k.run(t)
	d.again(t)
	if _, err := d.Token(t.Context()); err != nil || d.Info().Note != "" {
		t.Fatal(err, d.Info().Note)
	}
	if _, err := os.Stat(filepath.Join(d.home, "login", "sealed")); !os.IsNotExist(err) {
		t.Error("the file stays beside the keychain")
	}
}

// TestNoKeychain: a bus without one, and no bus, are told at once, and nothing is started.
func TestNoKeychain(t *testing.T) {
	for _, address := range []string{apptest.StartBus(t), "unix:path=" + filepath.Join(t.TempDir(), "none")} {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
		e := newEvil(t)
		d := evilDesk(t, e)
		d.config.NoKeychain = false
		d.again(t)
		if err := tryEvil(t, d, e); err != nil || !strings.Contains(d.Info().Note, "file") {
			t.Errorf("%v, %q", err, d.Info().Note)
		}
	}
}

// TestSafeInTheKeychain: a secret is in the keychain alone; one that is locked is no lost secret, and does not keep a new one
// from being kept.
func TestSafeInTheKeychain(t *testing.T) {
	k := newKeyrings(t)
	home := t.TempDir()
	safe := safeOf(home, "m1", false)
	if note, err := safe.Keep("one", "first-secret"); err != nil || note != "" {
		t.Fatal(note, err)
	}
	eachFile(t, home, func(path string, _ []byte, _ fs.FileMode) { t.Errorf("%s is there", path) })
	if text, err := keyring.Get("CODITECT Sync", "m1/one"); err != nil || text != "first-secret" {
		t.Error(err)
	}
	if got, err := safeOf(home, "m1", false).Get("one"); err != nil || got != "first-secret" {
		t.Errorf("the next process: %v", err)
	}
	if _, err := safe.Get("two"); app.CodeOf(err) != app.CodeNotFound {
		t.Errorf("another: %v", err)
	}
	k.lock(t)
	if _, err := safe.Get("one"); app.CodeOf(err) != app.CodeUnreachable {
		t.Errorf("locked: %v", err)
	}
	if note, err := safe.Keep("three", "third-secret"); err != nil || !strings.Contains(note, "file") {
		t.Errorf("kept while it is locked: %q, %v", note, err)
	}
	if got, err := safe.Get("three"); err != nil || got != "third-secret" {
		t.Errorf("from the file: %v", err)
	}
	k.run(t)
	if err := safe.Forget("one"); err != nil {
		t.Error(err)
	}
	if _, err := safe.Get("one"); app.CodeOf(err) != app.CodeNotFound {
		t.Errorf("forgotten: %v", err)
	}
}
