//go:build !bindings

package cli

import "context"

// withoutVerb is the program without a verb.
func (p *program) withoutVerb(ctx context.Context) error { return p.agentOrWindow(ctx) }
