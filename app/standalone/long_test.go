//go:build long

package standalone

const (
	leaseRaces  = 100
	engineRaces = 100
	mutations   = 500
	increments  = 10_000
	killRounds  = 50
	cycles      = 200
	cycleSteps  = 4
)
