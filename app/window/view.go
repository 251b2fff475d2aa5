package window

import (
	"encoding/json"
	"regexp"

	"github.com/coditect-ai/coditect-sync/app"
)

// viewForm is what the page's routes look like: restore, settings/diagnostics, restore?at=2026-03-01T10:00:00Z.
var viewForm = regexp.MustCompile(`^[a-z]+(-[a-z]+)*(/[a-z-]+)?(\?[a-z]+=[0-9A-Za-z:.+%_-]*)?$`)

const maxView = 200

// checkView refuses what cannot be a view. A view that is well formed and not there shows the home view.
func checkView(view string) error {
	if view == "" || len(view) <= maxView && viewForm.MatchString(view) {
		return nil
	}
	return app.Errorf(app.CodeInvalid, "window", "%q is no view of the window.", view).
		WithHint("Views are home, restore, activity, settings, first-run, diagnostics and doctor.")
}

// goScript leads a page that is shown to a checked view.
func goScript(view string) string {
	hash, err := json.Marshal("#/" + view)
	if err != nil {
		return "" // a string always has a JSON form
	}
	return "location.hash = " + string(hash)
}
