package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"github.com/coditect-ai/coditect-sync/app"
)

type nothing struct{}

// handler has the routes of the local API, and those that play the scene.
func (d *desk) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, r *http.Request) {
		since, _ := strconv.ParseUint(r.URL.Query().Get("since"), 10, 64) // what is no number has seen nothing
		reply(w, d.await(r.Context(), since), nil)
	})
	mux.HandleFunc("GET /v1/points", func(w http.ResponseWriter, r *http.Request) {
		now := d.now()
		reply(w, now.Timeline(r.URL.Query().Get("machine")), locked(now))
	})
	get(mux, "/v1/machines", func() any { return d.now().Machines() })
	get(mux, "/v1/doctor", func() any { return d.now().Findings() })
	get(mux, "/v1/activity", func() any { return d.now().Activity() })
	get(mux, "/v1/settings", func() any { return d.now().Settings })
	get(mux, "/v1/diagnostics", func() any { return d.now().Diagnostics() })
	mux.Handle("PATCH /v1/prefs", post(d.editPrefs))
	mux.Handle("PATCH /v1/settings", post(d.editSettings))
	mux.Handle("POST /v1/retention/plan", post(d.planRetention))
	mux.Handle("POST /v1/setup", post(d.setup))
	mux.Handle("POST /v1/target/try", post(d.try))
	mux.Handle("POST /v1/key", post(d.newKey))
	mux.Handle("PUT /v1/key", post(d.keepKey))
	mux.Handle("POST /v1/restore", post(d.restore))
	mux.Handle("POST /v1/restore/plan", post(d.plan))
	mux.Handle("POST /v1/preview", post(d.preview))
	mux.Handle("POST /v1/undo", post(d.undo))
	mux.Handle("POST /v1/verify", post(d.verify))
	mux.Handle("POST /v1/quit", post(func(context.Context, nothing) (nothing, error) { return nothing{}, d.show("off") }))
	d.cloudRoutes(mux)
	d.sharingRoutes(mux)
	mux.Handle("POST /dev/scene", post(d.showNamed))
	mux.Handle("POST /dev/step", post(d.step))
	return mux
}

func get(mux *http.ServeMux, path string, f func() any) {
	mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { reply(w, f(), nil) })
}

// post reads a request of known fields, as the agent does, and to its end, so that a client that hangs up is noticed.
func post[In, Out any](f func(context.Context, In) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in In
		dec := json.NewDecoder(r.Body)
		dec.DisallowUnknownFields()
		if err := dec.Decode(&in); err != nil && err != io.EOF { // Decode returns io.EOF itself for no body
			reply(w, nil, app.Errorf(app.CodeInvalid, "api", "The request is not understood: %v.", err))
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		out, err := f(r.Context(), in)
		reply(w, out, err)
	})
}

func reply(w http.ResponseWriter, out any, err error) {
	status := http.StatusOK
	if e := app.AsError("api", err); e != nil {
		status, out = e.Code.HTTPStatus(), e
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out) // a client that left needs no reply
}
