package cloud

import (
	"github.com/coditect-ai/coditect-sync/app"
)

// canceled is what a call returns whose ctx ended.
func canceled(err error) error {
	return app.Errorf(app.CodeCanceled, op, "It was stopped before it was done.").Wrap(err)
}
