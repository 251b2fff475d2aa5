package login_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/login"
	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
)

func TestMain(m *testing.M) { os.Exit(cloudtest.Run(m)) }

// patience is only reached by what is broken.
const patience = 2 * time.Minute

// desk is a person at a machine.
type desk struct {
	*login.Session
	cloud  *cloudtest.Cloud
	person cloudtest.Person
	home   string
	log    *lines
	clock  *clock
	net    *network
	config login.Config
}

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// clock is the real one, moved. Its readings have no steady part, as after a sleep or on a machine that was set.
type clock struct{ moved atomic.Int64 }

func (c *clock) now() time.Time       { return time.Now().Round(0).Add(time.Duration(c.moved.Load())) }
func (c *clock) move(d time.Duration) { c.moved.Add(int64(d)) }

// network carries requests, counts them, and may answer in the server's place.
type network struct {
	mu     sync.Mutex
	paths  []string
	answer func(r *http.Request) (*http.Response, error) // nil, or nil from it: the real answer
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	n.paths = append(n.paths, r.Method+" "+r.URL.Path)
	answer := n.answer
	n.mu.Unlock()
	if answer != nil {
		if response, err := answer(r); response != nil || err != nil {
			return response, err
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (n *network) set(answer func(r *http.Request) (*http.Response, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answer = answer
}

// asked is how often a path was asked for since the last call.
func (n *network) asked(path string) (times int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, one := range n.paths {
		if one == path {
			times++
		}
	}
	n.paths = nil
	return times
}

const tokenCalls = "POST /v1/token"

// newDesk is a machine of a new person, where nobody is signed in. There is no keychain.
func newDesk(t *testing.T, c *cloudtest.Cloud) *desk {
	t.Helper()
	name := strings.ToLower(path.Base(t.Name()))
	email := name + "@lumen.works"
	return deskOf(t, c, cloudtest.Person{Email: email, Password: c.Add(t, "lumen", email)}, "studio-of-"+name)
}

func deskOf(t *testing.T, c *cloudtest.Cloud, p cloudtest.Person, machine string) *desk {
	t.Helper()
	d := &desk{cloud: c, person: p, home: t.TempDir(), log: &lines{}, clock: &clock{}, net: &network{}}
	d.config = login.Config{Home: d.home, Machine: machine, MachineName: machine, NoKeychain: true, Now: d.clock.now, Transport: d.net,
		Logger: quietLog(d.log)}
	d.again(t)
	return d
}

func quietLog(l *lines) *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// again is another process of the same home.
func (d *desk) again(t *testing.T) *login.Session {
	t.Helper()
	s, damaged, err := login.New(d.config)
	if err != nil || damaged != nil {
		t.Fatal(damaged, err)
	}
	d.Session = s
	return s
}

// signIn signs the person in as the browser would be led.
func (d *desk) signIn(t *testing.T) (page string) {
	t.Helper()
	a, err := d.Begin(t.Context(), d.cloud.URL)
	if err != nil {
		t.Fatal(err)
	}
	page, err = d.person.SignIn(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := ended(t, a); err != nil {
		t.Fatal(err)
	}
	return page
}

// ended waits for an attempt.
func ended(t *testing.T, a *login.Attempt) error {
	t.Helper()
	select {
	case <-a.Done():
		a.Cancel() // the listener is gone, too
		return a.Err()
	case <-time.After(patience):
		t.Fatal("the sign-in does not end")
		return nil
	}
}

// token is one that the server takes.
func (d *desk) token(t *testing.T) string {
	t.Helper()
	token, err := d.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if status := d.ask(t, token); status != http.StatusOK {
		t.Fatalf("the server answers %d", status)
	}
	return token
}

// ask uses a token and returns the server's status.
func (d *desk) ask(t *testing.T, token string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, d.cloud.URL+"/v1/machines", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func wantCode(t *testing.T, err error, want app.Code) *app.Error {
	t.Helper()
	e, ok := errors.AsType[*app.Error](err)
	if !ok || e.Code != want || e.Message == "" || !strings.HasSuffix(e.Message, ".") || e.Hint == "" {
		t.Fatalf("%#v, want code %s with a sentence and a hint", err, want)
	}
	return e
}

// secretsOf are what no file, log or page may have in the clear.
func secretsOf(t *testing.T, d *desk) []string {
	t.Helper()
	token, err := d.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return []string{token, "csr_", d.person.Password, "code_verifier", "nonce_verifier"}
}

// files are the contents of everything below the home.
func (d *desk) files(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(d.home, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
