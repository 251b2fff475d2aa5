package login

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

const pathMachines = "/v1/machines"

// Machines lists the machines of the account, the last seen first. Errors are those of Token, or CodeUnreachable.
func (s *Session) Machines(ctx context.Context) ([]app.Machine, error) {
	var said struct {
		Machines []struct {
			ID      string    `json:"machine_id"`
			Name    string    `json:"name"`
			Seen    time.Time `json:"last_seen_at"`
			Revoked bool      `json:"revoked"`
			Current bool      `json:"current"`
		} `json:"machines"`
	}
	if err := s.call(ctx, http.MethodGet, pathMachines, nil, &said); err != nil {
		return nil, err
	}
	who, _ := s.Current()
	list := make([]app.Machine, 0, len(said.Machines))
	for _, m := range said.Machines {
		one := app.Machine{ID: m.ID, User: who.Who(), This: m.Current, Name: oneLine(m.Name), SeenAt: m.Seen, Revoked: m.Revoked}
		list = append(list, one)
	}
	return list, nil
}

// RenameMachine gives a machine of the account a name. CodeNotFound for one that is not there, CodeInvalid for no name.
func (s *Session) RenameMachine(ctx context.Context, id, name string) error {
	return s.call(ctx, http.MethodPatch, machinePath(id), map[string]string{"name": name}, nil)
}

// RevokeMachine signs a machine of the account out: its tokens have ended when this returns. CodeNotFound for one that is not
// there.
func (s *Session) RevokeMachine(ctx context.Context, id string) error {
	return s.call(ctx, http.MethodDelete, machinePath(id), nil, nil)
}

func machinePath(id string) string { return pathMachines + "/" + url.PathEscape(id) }

// call asks the server's API, with another token where the first one is refused.
func (s *Session) call(ctx context.Context, method, path string, in, into any) error {
	for first := true; ; first = false {
		token, err := s.Token(ctx)
		if err != nil {
			return err
		}
		who, _ := s.Current()
		err = s.server(who.Server).call(ctx, token, method, path, in, into)
		if refused, ok := errors.AsType[*refusal](err); !ok || refused.status != http.StatusUnauthorized || !first {
			return err
		}
		s.Refuse(token)
	}
}

func (s server) call(ctx context.Context, token, method, path string, in, into any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return app.Errorf(app.CodeInvalid, "machines", "The request cannot be written.").Wrap(err)
	}
	var content io.Reader
	if in != nil {
		content = strings.NewReader(string(body))
	}
	r, err := http.NewRequestWithContext(ctx, method, s.address+path, content)
	if err != nil {
		return app.Errorf(app.CodeInvalid, "machines", "This is no id of a machine.").Typed("List them with `coditect-sync machines`.")
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	return s.ask(r, into)
}
