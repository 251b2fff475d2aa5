package agent

import (
	"slices"

	"github.com/coditect-ai/coditect-sync/app"
)

// Access keeps the secrets of access keys on this machine.
type Access interface {
	// Keep keeps one in the place of the one before; note is what a person should know of where, undo puts back what was.
	// It fails, and changes nothing, where what is there cannot be read.
	Keep(key app.AccessKey) (note string, undo func() error, err error)
	// Forget removes one.
	Forget(id string) error
}

// takeAccess keeps the secret that a request brings, so that the storage can be opened with it. undo puts back what was.
func (a *Agent) takeAccess(req app.SetupRequest) (notes []string, undo func(), err error) {
	if req.Access == nil {
		return nil, func() {}, nil
	}
	if a.cfg.Access == nil {
		return nil, nil, app.Errorf(app.CodeRefused, "access key", "This program cannot keep access keys.").WithHint("Use coditect-sync.")
	}
	note, putBack, err := a.cfg.Access.Keep(*req.Access)
	if err != nil {
		return nil, nil, err
	}
	if note != "" {
		notes = append(notes, "The secret of the access key is kept on this machine. "+note)
	}
	return notes, func() {
		if err := putBack(); err != nil {
			a.log.Error("the access key of before is not put back", "id", req.Access.ID, "error", err)
		}
	}, nil
}

// forgetAccess removes the secrets that no storage needs any more, and says what the person should know.
func (a *Agent) forgetAccess(was, p app.Prefs) (notes []string) {
	for _, place := range was.Places() {
		if place.Access == "" || slices.ContainsFunc(p.Places(), func(is app.Place) bool { return is.Access == place.Access }) {
			continue
		}
		if err := a.cfg.Access.Forget(place.Access); err != nil {
			a.log.Warn("access key not forgotten", "error", err)
			notes = append(notes, "The secret of the former access key is still kept on this machine: the keychain does not open.")
		}
	}
	return notes
}
