//go:build bindings

package cli

import (
	"context"

	"github.com/coditect-ai/coditect-sync/app/window"
)

// withoutVerb is what Wails' tool runs to look at the program; it must come to an end.
func (p *program) withoutVerb(context.Context) error { return window.Describe() }
