//go:build !long

package cloud

import "time"

// The sizes of the normal suite.
const (
	faultPairs  = 4 // a round of one pair is a run: 20 of them
	faultRounds = 5
	agentKills  = 4
	writesFor   = 15 * time.Second
	interrupted = 6 // how often an upload is
)
