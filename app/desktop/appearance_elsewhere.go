//go:build !unix || darwin

package desktop

import "context"

// PrefersDark is false: the web views of these systems know by themselves.
func PrefersDark(context.Context) bool { return false }
