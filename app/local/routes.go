package local

import (
	"context"
	"net/http"
	"strconv"

	"github.com/coditect-ai/coditect-sync/app"
)

func (s *Server) routes() http.Handler {
	svc := s.cfg.Service
	mux := http.NewServeMux()
	mux.Handle("GET /v1/status", answer(s, s.status))
	mux.Handle("PATCH /v1/prefs", answerBody(s, svc.EditPrefs))
	mux.Handle("POST /v1/setup", answerBody(s, svc.Setup))
	mux.Handle("POST /v1/quit", answerBody(s, func(ctx context.Context, _ nothing) (nothing, error) {
		return nothing{}, svc.Quit(ctx)
	}))
	mux.Handle("GET /v1/points", answer(s, s.points))
	mux.Handle("POST /v1/restore/plan", answerBody(s, svc.PlanRestore))
	mux.Handle("POST /v1/restore", answerBody(s, svc.Restore))
	mux.Handle("POST /v1/undo", answerBody(s, bare(svc.Undo)))
	mux.Handle("POST /v1/verify", answerBody(s, bare(svc.Verify)))
	mux.Handle("GET /v1/machines", answer(s, s.machines))
	mux.Handle("GET /v1/doctor", answer(s, s.doctor))
	mux.Handle("POST /v1/flush", answerBody(s, bare(svc.Flush)))
	s.deskRoutes(mux)
	s.cloudRoutes(mux)
	return s.orNoRoute(mux)
}

// nothing is the body of requests and replies without content.
type nothing struct{}

func bare[T any](f func(context.Context) (T, error)) func(context.Context, nothing) (T, error) {
	return func(ctx context.Context, _ nothing) (T, error) { return f(ctx) }
}

// status answers at once when the caller has seen nothing, or another run's revisions; else it waits for news, and
// when none comes it answers with what there is.
func (s *Server) status(r *http.Request) (app.Status, error) {
	since, err := sinceOf(r)
	if err != nil {
		return app.Status{}, err
	}
	now, err := s.cfg.Service.Status(r.Context())
	run := r.URL.Query().Get("run")
	if err != nil || since == 0 || now.Rev != since || run != "" && run != s.run {
		return now, err
	}
	return s.await(r.Context(), since)
}

// await is Watch, ended by the poll's limit or by Shutdown with the newest snapshot instead of an error.
func (s *Server) await(request context.Context, since uint64) (app.Status, error) {
	ctx, cancel := context.WithTimeout(request, s.cfg.Poll)
	defer cancel()
	defer context.AfterFunc(s.closing, cancel)()
	st, err := s.cfg.Service.Watch(ctx, since)
	if err != nil && ctx.Err() != nil && request.Err() == nil {
		return s.cfg.Service.Status(request)
	}
	return st, err
}

func sinceOf(r *http.Request) (uint64, error) {
	text := r.URL.Query().Get("since")
	if text == "" {
		return 0, nil
	}
	since, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, app.Errorf(app.CodeInvalid, "status", "%q is not a revision.", text)
	}
	return since, nil
}

func (s *Server) points(r *http.Request) (app.Timeline, error) {
	line, err := s.cfg.Service.Points(r.Context(), r.URL.Query().Get("machine"))
	line.Points = orEmpty(line.Points)
	return line, err
}

func (s *Server) machines(r *http.Request) ([]app.Machine, error) {
	list, err := s.cfg.Service.Machines(r.Context())
	return orEmpty(list), err
}

func (s *Server) doctor(r *http.Request) ([]app.Finding, error) {
	list, err := s.cfg.Service.Doctor(r.Context())
	return orEmpty(list), err
}

// orEmpty makes an absent list [] in JSON, not null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
