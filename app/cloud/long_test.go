//go:build long

package cloud

import "time"

// The sizes of the long suite.
const (
	faultPairs  = 5
	faultRounds = 20
	agentKills  = 50
	writesFor   = 5 * time.Minute
	interrupted = 30
)
