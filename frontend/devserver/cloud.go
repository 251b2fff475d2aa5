package main

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/frontend/scenes"
)

// cloudRoutes are the account, the moves between the modes, and lost & found.
func (d *desk) cloudRoutes(mux *http.ServeMux) {
	get(mux, "/v1/login", func() any { return d.signIn() })
	get(mux, "/v1/lost", func() any { return append([]app.LostItem{}, d.now().Lost...) })
	mux.Handle("POST /v1/login", post(d.login))
	mux.Handle("DELETE /v1/login", post(d.cancelLogin))
	mux.Handle("POST /v1/logout", post(d.logout))
	mux.Handle("POST /v1/push", post(d.push))
	mux.Handle("POST /v1/prove", post(d.prove))
	mux.Handle("POST /v1/rebuild", post(d.rebuild))
	mux.Handle("POST /v1/move/plan", post(d.planMove))
	mux.Handle("POST /v1/move", post(d.move))
	named(mux, "PATCH /v1/machines/{id}", func(id string) func(context.Context, newName) (nothing, error) {
		return func(_ context.Context, in newName) (nothing, error) { return d.renameMachine(id, in.Name) }
	})
	named(mux, "DELETE /v1/machines/{id}", func(id string) func(context.Context, nothing) (nothing, error) {
		return func(context.Context, nothing) (nothing, error) { return d.revokeMachine(id) }
	})
	named(mux, "POST /v1/lost/{id}/reapply", func(id string) func(context.Context, nothing) (app.LostItem, error) {
		return func(context.Context, nothing) (app.LostItem, error) { return d.settle(id) }
	})
	named(mux, "POST /v1/lost/{id}/both", func(id string) func(context.Context, nothing) (app.LostItem, error) {
		return func(context.Context, nothing) (app.LostItem, error) { return d.settle(id) }
	})
	named(mux, "DELETE /v1/lost/{id}", func(id string) func(context.Context, nothing) (app.LostItem, error) {
		return func(context.Context, nothing) (app.LostItem, error) { return d.settle(id) }
	})
}

// newName is the body that names something.
type newName struct {
	Name string `json:"name"`
}

// named is a route about one thing.
func named[In, Out any](mux *http.ServeMux, pattern string, about func(id string) func(context.Context, In) (Out, error)) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { post(about(r.PathValue("id"))).ServeHTTP(w, r) })
}

// login begins a sign-in; the next step ends it.
func (d *desk) login(_ context.Context, req app.LoginRequest) (app.Login, error) {
	if req.Google != nil {
		return d.googleLogin(*req.Google)
	}
	server := req.Server
	if c := d.now().Status.Cloud; server == "" && c != nil {
		server = c.Server
	}
	switch {
	case server == "":
		return app.Login{}, app.Errorf(app.CodeInvalid, "login", "No server is configured.").
			WithHint("Back up to your own storage, or type the address of your server.")
	case !strings.HasPrefix(server, "https://"):
		return app.Login{}, app.Errorf(app.CodeInvalid, "login", "%q is not the address of a server.", server).
			WithHint("An address begins with https://.")
	case strings.Contains(server, "unreachable"):
		return app.Login{}, app.Errorf(app.CodeUnreachable, "login", "%s does not answer.", server)
	}
	d.change(func(*scenes.Scene) {
		d.entering = app.Login{
			State: app.LoginWaiting, Server: server, Until: scenes.Now.Add(9*time.Minute + 40*time.Second),
			URL: "https://accounts.lumen.works/authorize?client_id=coditect-sync&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
		}
		if req.Device {
			d.entering.URL, d.entering.Code = "https://accounts.lumen.works/device", "KXPT-4QLM"
		}
		d.script = []func(*scenes.Scene){d.signedIn}
	})
	return d.signIn(), nil
}

// signedIn is what happens when a person is done in the browser: the first copy and its proof, or a move to be asked for.
func (d *desk) signedIn(s *scenes.Scene) {
	d.entering.State, d.entering.User = app.LoginDone, scenes.Account
	if s.Status.State == app.StateStandalone {
		d.entering.Move = true
		joined, _ := scenes.Find("standalone-joined") // named here only
		s.Status.Cloud = joined.Status.Cloud
		return
	}
	d.entering.Notes = []string{"There is no keychain here, so the key is kept in an encrypted file."}
	var list []func(*scenes.Scene)
	for _, name := range []string{"cloud-first-proof", "cloud-synced"} {
		list = append(list, func(s *scenes.Scene) { as(s, name) })
	}
	d.script = append(d.script[:1:1], list...)
	as(s, "cloud-first-upload")
}

// as makes the scene another one, without lost items: nobody has changed anything yet.
func as(s *scenes.Scene, name string) {
	next, _ := scenes.Find(name) // named in this package only
	rev := s.Status.Rev
	*s = next
	s.Status.Rev, s.Lost = rev, nil
	if c := s.Status.Cloud; c != nil && c.LastProof != nil {
		c.Rejected, c.LastProof.At = 0, scenes.Now.Add(-3*time.Second)
	}
}

func (d *desk) signIn() app.Login {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.entering.State == "" {
		return app.Login{State: app.LoginIdle}
	}
	return d.entering
}

func (d *desk) cancelLogin(context.Context, nothing) (nothing, error) {
	d.change(func(*scenes.Scene) { d.entering, d.script = app.Login{}, nil })
	return nothing{}, nil
}

func (d *desk) logout(_ context.Context, req app.LogoutRequest) (app.LogoutResult, error) {
	if n := d.now().Status.Cloud.PendingUploads; n > 0 && !req.Force {
		return app.LogoutResult{}, app.Errorf(app.CodeRefused, "logout", "%d changes are on this machine only.", n).
			WithHint("Wait until they are in the cloud, or sign out all the same.")
	}
	st := d.change(func(s *scenes.Scene) {
		as(s, "cloud-signed-out")
		s.Status.Cloud.PendingUploads, s.Status.Cloud.WaitingSince = 0, time.Time{}
	})
	return app.LogoutResult{Steps: []string{"This machine is signed out."}, Status: st}, nil
}

func (d *desk) push(context.Context, app.PushRequest) (app.PushResult, error) {
	n := d.now().Status.Cloud.PendingUploads
	return app.PushResult{Pushed: n, Status: d.change(func(s *scenes.Scene) { as(s, "cloud-synced") })}, nil
}

func (d *desk) prove(ctx context.Context, _ nothing) (app.Proof, error) {
	before := d.now().Status
	d.change(func(s *scenes.Scene) {
		s.Status.Progress = &app.Progress{Phase: app.PhaseProof, Done: 3, Total: 5, ETASeconds: 2, Unit: "tables", Since: scenes.Now}
	})
	err := d.next(ctx)
	st := d.change(func(s *scenes.Scene) {
		s.Status = before
		if err == nil {
			c := *before.Cloud
			c.LastProof = scenes.Prove(scenes.Now.Add(-3 * time.Second))
			s.Status.Cloud = &c
		}
	})
	if err != nil {
		return app.Proof{}, err
	}
	return *st.Cloud.LastProof, nil
}

func (d *desk) rebuild(context.Context, nothing) (app.Status, error) {
	return d.change(func(s *scenes.Scene) {
		as(s, "cloud-first-sync")
		d.script = []func(*scenes.Scene){func(s *scenes.Scene) { as(s, "cloud-synced") }}
	}), nil
}

func (d *desk) renameMachine(id, name string) (nothing, error) {
	if strings.TrimSpace(name) == "" {
		return nothing{}, app.Errorf(app.CodeInvalid, "machines", "A machine needs a name.")
	}
	d.change(func(s *scenes.Scene) {
		s.Fleet = slices.Clone(s.Fleet)
		for i := range s.Fleet {
			if s.Fleet[i].ID == id {
				s.Fleet[i].Name = name
			}
		}
	})
	return nothing{}, nil
}

func (d *desk) revokeMachine(id string) (nothing, error) {
	d.change(func(s *scenes.Scene) {
		s.Fleet = slices.Clone(s.Fleet)
		for i := range s.Fleet {
			s.Fleet[i].Revoked = s.Fleet[i].Revoked || s.Fleet[i].ID == id
		}
	})
	return nothing{}, nil
}

// settle takes an item out of lost & found.
func (d *desk) settle(id string) (app.LostItem, error) {
	var found app.LostItem
	d.change(func(s *scenes.Scene) {
		s.Lost = slices.DeleteFunc(slices.Clone(s.Lost), func(item app.LostItem) bool {
			if item.ID == id {
				found = item
			}
			return item.ID == id
		})
		c := *s.Status.Cloud
		c.Rejected = int64(len(s.Lost))
		s.Status.Cloud = &c
	})
	if found.ID == "" {
		return found, app.Errorf(app.CodeNotFound, "lost", "It is not in lost & found any more.")
	}
	return found, nil
}
