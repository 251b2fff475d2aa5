package desktop

import (
	"net/url"

	"github.com/coditect-ai/coditect-sync/app"
)

// OpenURL shows an http or https address in this person's browser, like OpenFile.
func OpenURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return app.Errorf(app.CodeInvalid, "open", "This is no address of a page.")
	}
	if err := launch(browser(u.String())); err != nil {
		return app.Errorf(app.CodeFailed, "open", "No browser opens here.").WithHint("Open the address in a browser of this machine.").Wrap(err)
	}
	return nil
}
