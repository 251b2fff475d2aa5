//go:build long

package story_test

import "time"

// The sizes of the long suite.
const (
	patience       = 15 * time.Minute
	storyRows      = 1_300_000 // some 1.2 GB
	killRounds     = 300
	idleFor        = 10 * time.Minute
	harmFor        = 10 * time.Minute
	checkpointsFor = 5 * time.Minute
)
