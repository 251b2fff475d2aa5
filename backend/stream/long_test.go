//go:build long

package stream

import "time"

const (
	heldOpen = 30 * time.Second // a transaction beside others
	rounds   = 10               // of kills and restarts
)
