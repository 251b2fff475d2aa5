package standalone

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// TestPassingFaultsAreRidenOut: one broken request of any kind is not seen from outside.
func TestPassingFaultsAreRiddenOut(t *testing.T) {
	target, g := gcsTarget(t)
	patient(t, target)
	large := make([]byte, uploadChunk+5)
	mustPut(t, target.store, "large", time.Time{}, large)
	operations := map[string]func() error{
		"small upload": func() error {
			_, err := target.store.put(t.Context(), "s", time.Time{}, writeAll([]byte("x")))
			return err
		},
		"large upload": func() error { _, err := target.store.put(t.Context(), "l", time.Time{}, writeAll(large)); return err },
		"list":         func() error { _, err := target.store.dirs(t.Context(), "x"); return err },
		"delete":       func() error { return target.store.remove(t.Context(), "s") },
		"read": func() error {
			if b := mustRead(t, target.store, "large", 0, 0); len(b) != len(large) {
				return fmt.Errorf("%d bytes", len(b))
			}
			return nil
		},
	}
	faults := map[string]apptest.Fault{
		"503":       {Status: 503, Reason: "backendError", Times: 1},
		"429":       {Status: 429, Reason: "rateLimitExceeded", Times: 1},
		"no reply":  {Cut: apptest.CutReply, Times: 1},
		"no server": {Cut: apptest.CutFirst, Times: 1},
		"cut":       {Cut: apptest.CutBody, Keep: 1000, Times: 1},
	}
	for op, run := range operations {
		for name, fault := range faults {
			if op == "delete" {
				mustPut(t, target.store, "s", time.Time{}, []byte("x"))
			}
			lift := g.Fault(apptest.Every, fault)
			if err := run(); err != nil {
				t.Errorf("%s with %s: %v", op, name, err)
			}
			lift()
		}
	}
}

// patient keeps a slow machine from looking like a dead endpoint.
func patient(t *testing.T, target *Target) {
	t.Helper()
	switch s := target.store.(type) {
	case *gcsStore:
		s.idle = time.Minute
	case *s3Store:
		target.store = newS3Store(target.at, app.AccessKey{}, time.Minute)
	case *sftpStore:
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
		target.store = newSFTPStore(target.at, time.Minute)
	default:
		t.Fatalf("%T", s)
	}
}

// TestCloudFaultsHaveNames: every lasting fault has its code, a sentence and a hint.
func TestCloudFaultsHaveNames(t *testing.T) {
	for name, tc := range map[string]struct {
		match apptest.Match
		fault apptest.Fault
		code  app.Code
		says  string
	}{
		"may not write":  {apptest.Uploads, apptest.Deny, app.CodeDenied, "write"},
		"may not read":   {apptest.Reads, apptest.Deny, app.CodeDenied, "read"},
		"may not list":   {apptest.Lists, apptest.Deny, app.CodeDenied, "list"},
		"may not delete": {apptest.Deletes, apptest.Deny, app.CodeDenied, "delete"},
		"retention":      {apptest.Deletes, apptest.Fault{Status: 403, Reason: "retentionPolicyNotMet"}, app.CodeDenied, "retention policy"},
		"unknown key":    {apptest.Every, apptest.Fault{Status: 401, Reason: "authError"}, app.CodeDenied, "credentials"},
		"no quota":       {apptest.Uploads, apptest.Full, app.CodeNoSpace, "full"},
		"too fast":       {apptest.Every, apptest.Fault{Status: 403, Reason: "rateLimitExceeded"}, app.CodeUnreachable, "403"},
		"not paid":       {apptest.Every, apptest.Fault{Status: 403, Reason: "accountDisabled"}, app.CodeDenied, "paid"},
		"out of order":   {apptest.Every, apptest.Down, app.CodeUnreachable, "503"},
		"unplugged":      {apptest.Every, apptest.Unplugged, app.CodeUnreachable, "reached"},
	} {
		t.Run(name, func(t *testing.T) {
			target, g := gcsTarget(t)
			g.Fault(tc.match, tc.fault)
			began := time.Now()
			_, err := target.Probe(t.Context())
			e := mustCode(t, err, tc.code)
			if !strings.Contains(e.Message, tc.says) {
				t.Errorf("%q, want %q in it", e.Message, tc.says)
			}
			t.Logf("after %v: %s %s", time.Since(began).Round(time.Millisecond), e.Message, e.Hint)
		})
	}
}

func TestMissingBucket(t *testing.T) {
	g := apptest.StartGCS(t)
	g.Setenv(t)
	target := openTarget(t, TargetConfig{URL: "gs://nowhere"})
	_, err := target.Probe(t.Context())
	if e := mustCode(t, err, app.CodeNotFound); !strings.Contains(e.Message, `bucket "nowhere"`) || !strings.Contains(e.InShell(), "--create") {
		t.Errorf("%q %q", e.Message, e.Hint)
	}
	_, _, err = target.EnsureUser(t.Context(), "")
	mustCode(t, err, app.CodeNotFound)
	_, err = replicaOf(target, "m").Timeline(t.Context(), "")
	mustCode(t, err, app.CodeNotFound)
	for range 2 { // it may be there already
		if err := target.Create(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := target.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	lift := g.Fault(apptest.On(http.MethodPost, "/b?"), apptest.Deny)
	defer lift()
	mustCode(t, openTarget(t, TargetConfig{URL: "gs://another"}).Create(t.Context()), app.CodeDenied)
}

func TestNobodyListens(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	t.Setenv(emulatorEnv, addr)
	began := time.Now()
	_, err = openTarget(t, TargetConfig{URL: "gs://memory"}).Probe(t.Context())
	e := mustCode(t, err, app.CodeUnreachable)
	t.Logf("after %v: %s", time.Since(began), e.Message)
}

// TestSilentServerIsLeft: a connection on which nothing moves ends, and says so as a timeout.
func TestSilentServerIsLeft(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("some of it"))
		_ = http.NewResponseController(w).Flush()
		<-release
	}))
	defer srv.Close()
	defer close(release)
	client := &http.Client{Transport: newTransport(50 * time.Millisecond)}
	resp, err := client.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b := make([]byte, 100)
	n := 0
	for err == nil {
		var m int
		m, err = resp.Body.Read(b[n:])
		n += m
	}
	if n != 10 {
		t.Errorf("got %d bytes", n)
	}
	mustCode(t, classify("restore", &accessError{need: rightRead, place: "x", key: "k", err: err}), app.CodeUnreachable)
}

func TestCredentials(t *testing.T) {
	seen := make(chan string, 16)
	storageServer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get("Authorization")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"kind":"storage#objects"}`))
	}))
	defer storageServer.Close()
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/refused" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"from-key","token_type":"Bearer","expires_in":3600}`))
	}))
	defer tokens.Close()
	t.Setenv(emulatorEnv, storageServer.URL)
	dir := t.TempDir()
	list := func(cfg TargetConfig) error {
		cfg.URL = "gs://memory"
		_, err := openTarget(t, cfg).store.dirs(t.Context(), "x")
		return asError("probe", err)
	}
	if err := list(TargetConfig{Credentials: keyFileFor(t, dir, tokens.URL+"/ok")}); err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != "Bearer from-key" {
		t.Errorf("key file: %q", got)
	}
	if err := list(TargetConfig{Bearer: person("from-sign-in")}); err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != "Bearer from-sign-in" {
		t.Errorf("sign-in: %q", got)
	}
	if err := list(TargetConfig{}); err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != "" {
		t.Errorf("emulator: %q", got)
	}
	mustCode(t, list(TargetConfig{Credentials: keyFileFor(t, dir, tokens.URL+"/refused")}), app.CodeDenied)
	mustCode(t, list(TargetConfig{Credentials: filepath.Join(dir, "none.json")}), app.CodeDenied)
	odd := filepath.Join(dir, "odd.json")
	if err := os.WriteFile(odd, []byte(`{"type":"authorized_user"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	mustCode(t, list(TargetConfig{Credentials: odd}), app.CodeDenied)
	t.Setenv(emulatorEnv, "")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(dir, "none.json"))
	if e := mustCode(t, list(TargetConfig{}), app.CodeDenied); !strings.Contains(e.Message, "no Google credentials") {
		t.Errorf("%q", e.Message)
	}
}

// keyFileFor makes a service-account key that is good for nothing but the given token server.
func keyFileFor(t *testing.T, dir, tokenURL string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "copies@example.iam.gserviceaccount.com", "project_id": "example",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": tokenURL,
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, rand.Text()+".json")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
