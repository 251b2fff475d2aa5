package agent

import "github.com/coditect-ai/coditect-sync/app"

// noAccount is the answer of everything that needs one.
func noAccount(op string) *app.Error {
	return app.Errorf(app.CodeSignedOut, op, "This machine is not signed in.").WithHint("Sign in.").Typed("Sign in with `coditect-sync login`.")
}
