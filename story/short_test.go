//go:build !long

package story_test

import "time"

// The sizes of the normal suite.
const (
	patience       = 2 * time.Minute // until a test is given up; nothing waits for it
	storyRows      = 0               // rows added to the story's database beforehand
	killRounds     = 50
	idleFor        = time.Minute
	harmFor        = time.Minute
	checkpointsFor = 30 * time.Second
)
