//go:build !long

package story_test

import "time"

// The sizes of the normal suite.
const (
	patience       = 5 * time.Minute // until a test is given up; nothing waits for it
	storyRows      = 0               // rows added to the story's database beforehand
	asideRows      = 30_000          // some 30 MB more: the larger, the longer a copy of the whole file takes
	killRounds     = 50
	idleFor        = time.Minute
	harmFor        = time.Minute
	movedRows      = 200_000 // of a standalone file that moves to the cloud
	teamTurns      = 40      // changes of who sees what while all write
	checkpointsFor = 30 * time.Second
)
