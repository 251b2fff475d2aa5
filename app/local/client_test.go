package local_test

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
	"github.com/coditect-ai/coditect-sync/app/local"
)

// TestContract: over the socket a service is what it is without it.
func TestContract(t *testing.T) {
	apptest.TestService(t, func(t *testing.T) apptest.Harness {
		w := apptest.NewWorld(t, t.TempDir(), "model-machine")
		m := apptest.NewModel(t, w)
		socket := socketPath(t)
		serve(t, socket, local.Config{Service: m, Version: "model"})
		return w.Harness(local.NewClient(socket, "model"), m.Done())
	})
}

// TestContractInShortPolls: the same when every poll ends before there is news.
func TestContractInShortPolls(t *testing.T) {
	apptest.TestService(t, func(t *testing.T) apptest.Harness {
		w := apptest.NewWorld(t, t.TempDir(), "model-machine")
		m := apptest.NewModel(t, w)
		socket := socketPath(t)
		serve(t, socket, local.Config{Service: m, Version: "model", Poll: time.Millisecond})
		return w.Harness(local.NewClient(socket, "model"), m.Done())
	})
}

func TestNotRunning(t *testing.T) {
	socket := socketPath(t)
	c := local.NewClient(socket, "1.0.0")
	_, err := c.Status(t.Context())
	if e := wantCode(t, err, app.CodeNotRunning); e.Hint == "" || !strings.Contains(e.Message, "not running") {
		t.Errorf("%+v", e)
	}
	stop := serve(t, socket, local.Config{Service: &apptest.FakeService{}})
	if _, err := c.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	_, err = c.Watch(t.Context(), 1)
	wantCode(t, err, app.CodeNotRunning)
}

// TestEverythingArrives: every argument and every field of every reply.
func TestEverythingArrives(t *testing.T) {
	at := time.Date(2026, 11, 20, 14, 2, 5, 123456789, time.UTC)
	mode, until := app.ModeOff, app.UntilResumed
	edit := app.PrefsEdit{Mode: &mode, PausedUntil: &until}
	req := app.RestoreRequest{Moment: app.Moment{At: at}, Machine: "m", To: "/x", Key: "secret"}
	setup := app.SetupRequest{DB: "/d", Target: "gs://b/p", User: "u", Credentials: "/k", Create: true, Encrypt: true, Key: "secret"}
	table := []app.TableHash{{Table: "t", Rows: 1 << 40, Sum: "ffffffffffffffff"}}
	point := app.RestorePoint{ID: "00000000000000ff", Time: at, Size: 1 << 40, Kind: app.PointMerged, Pinned: at}
	undo := &app.UndoPoint{Point: point, RestoredTo: at, RestoredAt: at, Until: at}
	drill := app.Drill{At: at, OK: true, TXID: point.ID, Rows: 3, Tables: table, Took: time.Second, Problem: "p"}
	st := app.Status{
		Version: "v", Rev: 1 << 52, MachineID: "m", Machine: "h", Mode: app.ModeCloud, ModeLocked: "cloud", State: app.StateError,
		Healthy: true, Summary: "s", PausedUntil: until, DB: app.DBStatus{Path: "/d", Bytes: 7, SQLiteVersion: "3"},
		Standalone: &app.StandaloneStatus{Target: "t", LagBytes: 9, LastReplicatedAt: at, LastDrill: &drill},
		Progress:   &app.Progress{Phase: app.PhaseFetch, Done: 1, Total: 2, Rate: 0.5, Since: at},
		Undo:       undo, Error: app.Errorf(app.CodeNoSpace, "o", "Full.").WithHint("Free some."),
	}
	plan := app.RestorePlan{Machine: "m", Point: point, Objects: 2, Bytes: 3, DBBytes: 4, Seconds: 1.5, WriterWait: 2.5, DiskNeeded: 5, DiskFree: 6}
	res := app.RestoreResult{Point: point, Path: "/x", Integrity: "ok", Rows: 8, Tables: table, Equal: true, Note: "n", Undo: undo, Took: 9, WritersWaited: 10, Kept: "/k"}
	done := app.SetupResult{DB: "/d", Target: "t", User: "u", Encryption: "00ff", Steps: []string{"a", "b"}, Notes: []string{"n"}, Status: st}
	machines := []app.Machine{{ID: "m", User: "u", This: true, MachineInfo: app.MachineInfo{Host: "h", LastReplicated: at, Rows: map[string]int64{"t": 1}}}}
	findings := []app.Finding{{Check: "c", Level: app.LevelBad, Detail: "d", Hint: "h"}}

	f := &apptest.FakeService{
		StatusFunc:      func(context.Context) (app.Status, error) { return st, nil },
		EditPrefsFunc:   wants(t, edit, st),
		SetupFunc:       wants(t, setup, done),
		PointsFunc:      wants(t, "a b&c=/é", app.Timeline{Machine: "m", Oldest: at, Points: []app.RestorePoint{point}}),
		PlanRestoreFunc: wants(t, req, plan),
		RestoreFunc:     wants(t, req, res),
		UndoFunc:        func(context.Context) (app.RestoreResult, error) { return res, nil },
		VerifyFunc:      func(context.Context) (app.Drill, error) { return drill, nil },
		MachinesFunc:    func(context.Context) ([]app.Machine, error) { return machines, nil },
		DoctorFunc:      func(context.Context) ([]app.Finding, error) { return findings, nil },
	}
	key := app.RecoveryKey{ID: "00ff", Key: "secret"}
	f.NewKeyFunc = func(context.Context) (app.RecoveryKey, error) { return key, nil }
	socket := socketPath(t)
	serve(t, socket, local.Config{Service: f})
	c, ctx := local.NewClient(socket, "1.0.0"), t.Context()
	same(t, st)(c.Status(ctx))
	same(t, st)(c.EditPrefs(ctx, edit))
	same(t, done)(c.Setup(ctx, setup))
	same(t, app.Timeline{Machine: "m", Oldest: at, Points: []app.RestorePoint{point}})(c.Points(ctx, "a b&c=/é"))
	same(t, plan)(c.PlanRestore(ctx, req))
	same(t, res)(c.Restore(ctx, req))
	same(t, res)(c.Undo(ctx))
	same(t, drill)(c.Verify(ctx))
	same(t, machines)(c.Machines(ctx))
	same(t, findings)(c.Doctor(ctx))
	same(t, key)(c.NewKey(ctx))
	given := app.Secret("")
	f.KeepKeyFunc = func(_ context.Context, k app.Secret) error {
		given = k
		return app.Errorf(app.CodeDenied, "wrong key", "Another one.")
	}
	if err := c.KeepKey(ctx, "secret"); app.CodeOf(err) != app.CodeDenied || given != "secret" {
		t.Errorf("%v, given %q", err, given.Reveal())
	}
}

// wants is a method that expects in and answers out.
func wants[In, Out any](t *testing.T, in In, out Out) func(context.Context, In) (Out, error) {
	return func(_ context.Context, got In) (Out, error) {
		if !reflect.DeepEqual(got, in) {
			t.Errorf("the service was asked %+v, want %+v", got, in)
		}
		return out, nil
	}
}

func same[T any](t *testing.T, want T) func(T, error) {
	return func(got T, err error) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
	}
}

// TestErrorsArrive: every code, with its hint and without its cause.
func TestErrorsArrive(t *testing.T) {
	codes := []app.Code{
		app.CodeFailed, app.CodeInvalid, app.CodeNotFound, app.CodeNotRunning, app.CodeSignedOut, app.CodeRefused, app.CodeBusy,
		app.CodeDenied, app.CodeUnreachable, app.CodeNoSpace, app.CodeDamaged, app.CodeCanceled,
	}
	var sent *app.Error
	socket := socketPath(t)
	serve(t, socket, local.Config{Service: &apptest.FakeService{
		UndoFunc: func(context.Context) (app.RestoreResult, error) {
			return app.RestoreResult{}, sent.Wrap(errors.New("secret cause"))
		},
	}})
	for _, code := range codes {
		sent = app.Errorf(code, "undo", "It did not work.").WithHint("Try %q.", "this")
		_, err := local.NewClient(socket, "1.0.0").Undo(t.Context())
		if e, ok := errors.AsType[*app.Error](err); !ok || *e != *sent {
			t.Errorf("sent %+v, got %+v", sent, err)
		}
	}
}

// TestPlainErrors: what is not an *app.Error arrives as one.
func TestPlainErrors(t *testing.T) {
	var sent error
	socket := socketPath(t)
	serve(t, socket, local.Config{Service: &apptest.FakeService{
		UndoFunc: func(context.Context) (app.RestoreResult, error) { return app.RestoreResult{}, sent },
	}})
	c := local.NewClient(socket, "1.0.0")
	sent = errors.New("it broke")
	_, err := c.Undo(t.Context())
	wantCode(t, err, app.CodeFailed)
	sent = context.Canceled
	_, err = c.Undo(t.Context())
	wantCode(t, err, app.CodeCanceled)
}

func TestVersionMismatch(t *testing.T) {
	socket := socketPath(t)
	serve(t, socket, local.Config{Version: "0.9.0", Service: &apptest.FakeService{
		UndoFunc: func(context.Context) (app.RestoreResult, error) {
			return app.RestoreResult{}, app.Errorf(app.CodeFailed, "undo", "It broke.")
		},
	}})
	c := local.NewClient(socket, "1.0.0")
	if v := c.AgentVersion(); v != "" {
		t.Errorf("before the first answer the agent's version is %q", v)
	}
	_, err := c.Undo(t.Context())
	e := wantCode(t, err, app.CodeFailed)
	if c.AgentVersion() != "0.9.0" || !strings.Contains(e.Hint, "0.9.0") || !strings.Contains(e.Hint, "1.0.0") {
		t.Errorf("version %q, hint %q", c.AgentVersion(), e.Hint)
	}
}

// TestCancelReachesTheAgent: a face that is closed ends what it asked for.
func TestCancelReachesTheAgent(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan struct{})
	socket := socketPath(t)
	serve(t, socket, local.Config{Service: &apptest.FakeService{
		RestoreFunc: func(ctx context.Context, _ app.RestoreRequest) (app.RestoreResult, error) {
			close(begun)
			<-ctx.Done()
			close(ended)
			return app.RestoreResult{}, ctx.Err()
		},
	}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-begun
		cancel()
	}()
	_, err := local.NewClient(socket, "1.0.0").Restore(ctx, app.RestoreRequest{})
	if wantCode(t, err, app.CodeCanceled); !errors.Is(err, context.Canceled) {
		t.Errorf("the error does not say why: %v", err)
	}
	<-ended
}

// TestWatchSeesTheNextAgent: revisions begin anew, and a watcher with a high one is not left waiting.
func TestWatchSeesTheNextAgent(t *testing.T) {
	socket := socketPath(t)
	old := &apptest.FakeService{}
	st := old.Publish(old.Publish(app.Status{Version: "old"}))
	stop := serve(t, socket, local.Config{Service: old})
	c := local.NewClient(socket, "1.0.0")
	if _, err := c.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	next := &apptest.FakeService{}
	for next.Publish(app.Status{Version: "next"}).Rev < st.Rev {
	}
	serve(t, socket, local.Config{Service: next})
	got, err := c.Watch(t.Context(), st.Rev)
	if err != nil || got.Version != "next" || got.Rev != st.Rev {
		t.Errorf("got %+v, %v; want the next agent's revision %d at once", got, err, st.Rev)
	}
}

// TestAgentDiesWhileAsked: a reply that breaks off is an agent that is gone, not a garbled answer.
func TestAgentDiesWhileAsked(t *testing.T) {
	socket := socketPath(t)
	ln := listen(t, socket)
	served := make(chan struct{})
	go func() {
		defer close(served)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		_, _ = http.ReadRequest(bufio.NewReader(conn))
		_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"rev\":"))
		_ = conn.Close()
	}()
	_, err := local.NewClient(socket, "1.0.0").Status(t.Context())
	wantCode(t, err, app.CodeNotRunning)
	_ = ln.Close()
	<-served
}
