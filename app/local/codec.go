package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

const jsonType = "application/json"

// answer serves f, which reads its request itself.
func answer[T any](s *Server, f func(*http.Request) (T, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := f(r)
		if err != nil {
			s.fail(w, r.URL.Path, err)
			return
		}
		s.write(w, http.StatusOK, out)
	})
}

// answerBody serves f with the request's body. The body is read to its end first: only then does net/http notice a
// client that hangs up, and cancel f.
func answerBody[In, Out any](s *Server, f func(context.Context, In) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The deadline is for the body only. A handler that is mounted without a connection has none.
		rc := http.NewResponseController(w)
		_ = rc.SetReadDeadline(time.Now().Add(s.cfg.Patience))
		in, err := decode[In](http.MaxBytesReader(w, r.Body, maxBody), r)
		if err != nil {
			s.fail(w, r.URL.Path, err)
			return
		}
		_ = rc.SetReadDeadline(time.Time{})
		answer(s, func(r *http.Request) (Out, error) { return f(r.Context(), in) }).ServeHTTP(w, r)
	})
}

// decode reads one JSON value of known fields, and nothing behind it. No body at all is the zero value.
func decode[In any](body io.Reader, r *http.Request) (In, error) {
	var in In
	raw, err := io.ReadAll(body)
	if err != nil {
		return in, badBody(err)
	}
	if len(raw) == 0 {
		return in, nil
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != jsonType {
		return in, app.Errorf(app.CodeInvalid, "api", "The request's content must be %s.", jsonType)
	}
	err = unmarshal(raw, &in)
	return in, err
}

func badBody(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return app.Errorf(app.CodeInvalid, "api", "The request is larger than 1 MiB.").Wrap(err)
	}
	return app.Errorf(app.CodeInvalid, "api", "The request did not arrive whole.").Wrap(err)
}

func unmarshal(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return app.Errorf(app.CodeInvalid, "api", "The request is not understood: %v.", err).Wrap(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return app.Errorf(app.CodeInvalid, "api", "The request has something behind its end.")
	}
	return nil
}

// write sends out whole or not at all.
func (s *Server) write(w http.ResponseWriter, status int, out any) {
	raw, err := json.Marshal(out)
	if err != nil {
		s.cfg.Logger.Error("reply cannot be written", "error", err)
		status, raw = http.StatusInternalServerError, []byte(`{"code":"failed","message":"The reply cannot be written."}`)
	}
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(raw, '\n')) // a client that left needs no reply
}

func (s *Server) fail(w http.ResponseWriter, op string, err error) {
	e := app.AsError(op, err)
	if _, said := errors.AsType[*app.Error](err); !said && errors.Is(err, context.Canceled) {
		e = app.Errorf(app.CodeCanceled, op, "It was canceled.").Wrap(err)
	}
	s.write(w, e.Code.HTTPStatus(), e)
}

// orNoRoute answers in JSON where mux would answer in plain text: 404 for a path that is not there, 405 for a method.
func (s *Server) orNoRoute(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		probe := statusOnly{header: http.Header{}}
		h.ServeHTTP(&probe, r)
		if probe.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", probe.header.Get("Allow"))
			s.write(w, probe.status, app.Errorf(app.CodeInvalid, "api", "%s is not for %s.", r.URL.Path, r.Method))
			return
		}
		s.fail(w, "api", app.Errorf(app.CodeNotFound, "api", "The agent knows no %s.", r.URL.Path))
	})
}

// statusOnly is a ResponseWriter that keeps what a mux says without its text.
type statusOnly struct {
	header http.Header
	status int
}

func (w *statusOnly) Header() http.Header         { return w.header }
func (w *statusOnly) WriteHeader(status int)      { w.status = status }
func (w *statusOnly) Write(p []byte) (int, error) { return len(p), nil }
