//go:build long

package story_test

import "time"

// The sizes of the long suite.
const (
	patience       = 15 * time.Minute
	storyRows      = 1_300_000 // some 1.2 GB
	asideRows      = 250_000
	killRounds     = 300
	idleFor        = 10 * time.Minute
	harmFor        = 10 * time.Minute
	movedRows      = 200_000 // of a standalone file that moves to the cloud
	teamTurns      = 400     // changes of who sees what while all write
	checkpointsFor = 5 * time.Minute
)
