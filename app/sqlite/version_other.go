//go:build !linux

package sqlite

// sqliteOf cannot tell on this system.
func sqliteOf(int) string { return "" }
