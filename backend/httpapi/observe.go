package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/coditect-ai/coditect-sync/backend"
)

func marshal(v any) ([]byte, error) { return json.Marshal(v) }

// record is what is known of a request when it is over.
type record struct {
	id      string
	machine string
	status  int
	cause   error
}

type recordKey struct{}

func recordOf(ctx context.Context) *record {
	r, _ := ctx.Value(recordKey{}).(*record)
	if r == nil {
		return &record{}
	}
	return r
}

func requestID(ctx context.Context) string            { return recordOf(ctx).id }
func noteMachine(ctx context.Context, machine string) { recordOf(ctx).machine = machine }

// note keeps an error's cause for the log line. It is the cause alone, because the rest is in the answer.
func (a *API) note(ctx context.Context, err error) {
	var known *backend.Error
	if errors.As(err, &known) {
		err = known.Err
	}
	recordOf(ctx).cause = err
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	record *record
}

func (w *statusWriter) WriteHeader(status int) {
	if w.record.status == 0 {
		w.record.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.record.status == 0 {
		w.record.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// observe gives every request an id, a log line and its place in the metrics, and turns a panic into a 500.
func (a *API) observe(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &record{id: rand.Text()}
		r = r.WithContext(context.WithValue(r.Context(), recordKey{}, rec))
		w.Header().Set("X-Request-Id", rec.id)
		begun := time.Now()
		_, route := mux.Handler(r)
		defer func() {
			a.recovered(&statusWriter{w, rec}, rec, recover())
			a.metrics.answered(route, rec.status, time.Since(begun))
			a.log(r, route, rec, time.Since(begun))
		}()
		mux.ServeHTTP(&statusWriter{w, rec}, r)
	})
}

func (a *API) recovered(w http.ResponseWriter, rec *record, panicked any) {
	if panicked == nil {
		return
	}
	// The value may quote data; where it happened does not.
	a.Log.Error("a request panicked", "request_id", rec.id, "stack", string(debug.Stack()))
	if rec.status == 0 {
		problemOf(errors.New("panic"), rec.id).write(w)
	}
}

func (a *API) log(r *http.Request, route string, rec *record, took time.Duration) {
	level := slog.LevelInfo
	if rec.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	attributes := []slog.Attr{slog.String("request_id", rec.id), slog.String("route", route), slog.Int("status", rec.status),
		slog.Duration("took", took), slog.Int64("bytes", r.ContentLength), slog.String("machine_id", rec.machine)}
	if rec.cause != nil {
		attributes = append(attributes, slog.String("cause", rec.cause.Error()))
	}
	a.Log.LogAttrs(r.Context(), level, "request answered", attributes...)
}
