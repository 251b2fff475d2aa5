package config

import (
	"net/url"
	"path/filepath"

	"github.com/coditect-ai/coditect-sync/app"
)

// PrefsFile keeps the wishes.
type PrefsFile struct{ Path string }

// Load returns the wishes, and the zero ones where there is no file. A torn or foreign file is moved aside and damaged
// says so; the caller shows it to the person.
func (f PrefsFile) Load() (prefs app.Prefs, damaged *app.Error, err error) { return f.store().load() }

// Save replaces the wishes; they survive a crash or a power cut at any moment. A target URL with a password in it is
// refused, because the file is no place for secrets.
func (f PrefsFile) Save(prefs app.Prefs) error {
	if err := checkPrefs(prefs); err != nil {
		return err
	}
	return f.store().save(prefs)
}

func (f PrefsFile) store() store[app.Prefs] {
	return store[app.Prefs]{path: f.Path, kind: "coditect-sync preferences", version: 1, check: checkPrefs}
}

func checkPrefs(p app.Prefs) error {
	if p.Mode != app.ModeUnset {
		if _, err := app.ParseMode(string(p.Mode)); err != nil {
			return err
		}
	}
	if _, err := app.ParseRetention(p.Retention, app.Retention{}); p.Retention != "" && err != nil {
		return err
	}
	if p.DB != "" && !filepath.IsAbs(p.DB) {
		return app.Errorf(app.CodeInvalid, "save preferences", "The path of the file must be absolute, and %q is not.", p.DB)
	}
	for _, place := range append([]app.Place{{Target: p.Target}}, p.More...) {
		if err := checkTarget(place.Target); err != nil {
			return err
		}
	}
	return nil
}

func checkTarget(target string) error {
	u, err := url.Parse(target)
	if err != nil {
		return app.Errorf(app.CodeInvalid, "save preferences", "The storage address is not a URL.")
	}
	if _, password := u.User.Password(); password || u.User != nil && u.Scheme != "sftp" {
		return app.Errorf(app.CodeInvalid, "save preferences", "The storage address must not hold a password, and a user name for sftp only.").
			WithHint("Leave it out of the address and use a key file or the system's own credentials.")
	}
	for name := range u.Query() {
		if name != "endpoint" && name != "region" {
			return app.Errorf(app.CodeInvalid, "save preferences", "The storage address must not hold %q.", name).
				WithHint("Only ?endpoint= and region= have a meaning; keys are found where AWS tools keep them.")
		}
	}
	return nil
}
