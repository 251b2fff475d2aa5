//go:build !long

package standalone

const (
	// leaseRaces is how often machines race for a lease on each kind of target.
	leaseRaces = 10
	// engineRaces is how often whole engines do.
	engineRaces = 2
	// mutations is how often a replica is damaged.
	mutations = 60
	// increments is from how many objects a process restores that may have 256 files open.
	increments = 2000
	// killRounds is how many restores are killed at random places until one comes to its end.
	killRounds = 4
	// cycles is how often a file is copied and restored.
	cycles = 8
	// cycleSteps is the least number of things that happen in one, and at most not twice as many do.
	cycleSteps = 3
)
