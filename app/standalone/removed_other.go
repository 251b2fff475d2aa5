//go:build !linux

package standalone

// logRemoved is not known here. On Windows an open file cannot be removed.
func logRemoved(string) bool { return false }
