package standalone

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// conditional selects the writes that must be refused where the object is.
func conditional(r *http.Request) bool { return r.Header.Get("If-None-Match") != "" }

// TestS3FaultsHaveNames: every lasting fault has its code, a sentence and a hint.
func TestS3FaultsHaveNames(t *testing.T) {
	for name, tc := range map[string]struct {
		match apptest.Match
		fault apptest.Fault
		code  app.Code
		says  string
	}{
		"may not write":     {apptest.S3Uploads, apptest.Fault{Status: 403, Reason: "AccessDenied"}, app.CodeDenied, "may not write"},
		"may not read":      {apptest.S3Reads, apptest.Fault{Status: 403, Reason: "AccessDenied"}, app.CodeDenied, "may not read"},
		"may not list":      {apptest.S3Lists, apptest.Fault{Status: 403, Reason: "AccessDenied"}, app.CodeDenied, "may not list"},
		"may not delete":    {apptest.Deletes, apptest.Fault{Status: 403, Reason: "AccessDenied"}, app.CodeDenied, "may not delete"},
		"unknown key":       {apptest.Every, apptest.Fault{Status: 403, Reason: "InvalidAccessKeyId"}, app.CodeDenied, "does not know these credentials"},
		"another region":    {apptest.Every, apptest.Fault{Status: 301, Reason: "region=eu-central-1"}, app.CodeInvalid, "in the region eu-central-1"},
		"some other region": {apptest.Every, apptest.Fault{Status: 400, Reason: "AuthorizationHeaderMalformed"}, app.CodeInvalid, "another region"},
		"a wrong clock":     {apptest.Every, apptest.Fault{Status: 403, Reason: "RequestTimeTooSkewed"}, app.CodeDenied, "clock"},
		"no room":           {apptest.S3Uploads, apptest.Fault{Status: 507, Reason: "XMinioStorageFull"}, app.CodeNoSpace, "full"},
		"too fast":          {apptest.Every, apptest.Fault{Status: 503, Reason: "SlowDown"}, app.CodeUnreachable, "503"},
		"out of order":      {apptest.Every, apptest.Fault{Status: 500, Reason: "SomethingElse"}, app.CodeUnreachable, "500"},
		"unplugged":         {apptest.Every, apptest.Unplugged, app.CodeUnreachable, "reached"},
		"no conditions":     {conditional, apptest.Fault{Status: 501, Reason: "NotImplemented"}, app.CodeRefused, "cannot do what is needed"},
		"ignored condition": {conditional, apptest.Fault{Status: 200}, app.CodeRefused, "cannot keep two machines apart"},
	} {
		t.Run(name, func(t *testing.T) {
			target, server := s3Target(t)
			server.Fault(tc.match, tc.fault)
			began := time.Now()
			_, err := target.Probe(t.Context())
			e := mustCode(t, err, tc.code)
			if !strings.Contains(e.Message, tc.says) {
				t.Errorf("%q, want %q in it", e.Message, tc.says)
			}
			if strings.Contains(e.Error()+e.Hint, server.Secret()) {
				t.Error("it says the secret key")
			}
			t.Logf("after %v: %s %s", time.Since(began).Round(time.Millisecond), e.Message, e.Hint)
			server.Heal()
			if left := names(t, target.store, layoutRoot, ""); left != nil && name != "may not delete" {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestS3PassingFaultsAreRiddenOut: one broken request of any kind is not seen from outside.
func TestS3PassingFaultsAreRiddenOut(t *testing.T) {
	target, server := s3Target(t)
	patient(t, target)
	large := make([]byte, uploadChunk*2)
	mustPut(t, target.store, "large", time.Time{}, large)
	operations := map[string]func() error{
		"small upload": func() error {
			_, err := target.store.put(t.Context(), "s", time.Time{}, writeAll([]byte("x")))
			return err
		},
		"large upload": func() error { _, err := target.store.put(t.Context(), "l", time.Time{}, writeAll(large)); return err },
		"list":         func() error { _, err := target.store.dirs(t.Context(), "x"); return err },
		"delete":       func() error { return target.store.remove(t.Context(), "s") },
	}
	faults := map[string]apptest.Fault{
		"503":       {Status: 503, Reason: "SlowDown", Times: 1},
		"500":       {Status: 500, Reason: "InternalError", Times: 1},
		"no reply":  {Cut: apptest.CutReply, Times: 1},
		"no server": {Cut: apptest.CutFirst, Times: 1},
	}
	for op, run := range operations {
		for name, fault := range faults {
			lift := server.Fault(apptest.Every, fault)
			if err := run(); err != nil {
				t.Errorf("%s with %s: %v", op, name, err)
			}
			lift()
		}
	}
}

func TestS3MissingBucket(t *testing.T) {
	server := apptest.StartS3(t)
	server.Setenv(t)
	target := openTarget(t, TargetConfig{URL: server.Target("nowhere")})
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
	lift := server.Fault(apptest.On(http.MethodPut, "/another"), apptest.Fault{Status: 403, Reason: "AccessDenied"})
	defer lift()
	if e := mustCode(t, openTarget(t, TargetConfig{URL: server.Target("another")}).Create(t.Context()), app.CodeDenied); !strings.Contains(e.Message, "create") {
		t.Errorf("%q", e.Message)
	}
}

// TestS3BucketOfAnother: a name that somebody else has is not ours to use.
func TestS3BucketOfAnother(t *testing.T) {
	server := apptest.StartS3(t)
	server.Setenv(t)
	server.Fault(apptest.On(http.MethodPut, "/theirs"), apptest.Fault{Status: 409, Reason: "BucketAlreadyExists"})
	server.Fault(apptest.On(http.MethodHead, "/theirs"), apptest.Fault{Status: 403, Reason: "Forbidden"})
	mustCode(t, openTarget(t, TargetConfig{URL: server.Target("theirs")}).Create(t.Context()), app.CodeDenied)
}

func TestS3Credentials(t *testing.T) {
	target, server := s3Target(t)
	probe := func() error { _, err := target.Probe(t.Context()); return err }
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if e := mustCode(t, probe(), app.CodeDenied); !strings.Contains(e.Message, "no AWS credentials") || !strings.Contains(e.Hint, "~/.aws/credentials") {
		t.Errorf("%q %q", e.Message, e.Hint)
	}
	server.Setenv(t) // they came; nothing of the failure is remembered
	target = openTarget(t, TargetConfig{URL: target.URL()})
	if err := probe(); err != nil {
		t.Error(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "nobody") // to some servers that is a 404, and nothing is missing
	target = openTarget(t, TargetConfig{URL: target.URL()})
	if e := mustCode(t, probe(), app.CodeDenied); !strings.Contains(e.Message, "does not know these credentials") {
		t.Errorf("%q", e.Message)
	}
	server.Setenv(t)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
	target = openTarget(t, TargetConfig{URL: target.URL()})
	if e := mustCode(t, probe(), app.CodeDenied); !strings.Contains(e.Message, "does not know these credentials") {
		t.Errorf("%q", e.Message)
	}
}

func TestS3NobodyListens(t *testing.T) {
	server := apptest.StartS3(t)
	server.Setenv(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = openTarget(t, TargetConfig{URL: "s3://memory?endpoint=http://" + addr}).Probe(t.Context())
	mustCode(t, err, app.CodeUnreachable)
}

// TestS3IsAskedForTimesOnce: a listing has no times, so each object is asked for its own, once, and none of ours.
func TestS3IsAskedForTimesOnce(t *testing.T) {
	target, server := s3Target(t)
	at := time.UnixMilli(1_700_000_000_123).UTC()
	mustPut(t, target.store, "standalone/u/m/a.ltx", at, []byte("a"))
	mustPut(t, target.store, "standalone/u/m/b.ltx", at, []byte("b"))
	if err := target.store.claim(t.Context(), "standalone/u/m/1.json", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	looks := func() (n int) {
		for _, r := range server.Requests() {
			if r.Method == http.MethodHead {
				n++
			}
		}
		return n
	}
	names(t, target.store, "standalone/u/m", "")
	if n := looks(); n != 0 {
		t.Errorf("%d requests for what it wrote itself", n)
	}
	other := openTarget(t, TargetConfig{URL: target.URL()})
	for range 2 {
		for o, err := range other.store.list(t.Context(), "standalone/u/m", "a") {
			if err != nil || o.name != "1.json" && !o.at.Equal(at) {
				t.Errorf("%+v, %v", o, err)
			}
		}
	}
	if n := looks(); n != 2 {
		t.Errorf("%d requests for the times of two objects", n)
	}
}
