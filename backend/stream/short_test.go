//go:build !long

package stream

import "time"

const (
	heldOpen = 2 * time.Second
	rounds   = 3
)
