//go:build !linux

package sqlite

// openedBy finds nobody: this system does not show who has a file open. The locks still do.
func openedBy(string) ([]int, error) { return nil, nil }

// openers finds nobody, as openedBy.
func openers(string) error { return nil }

func processName(int) string { return "" }
