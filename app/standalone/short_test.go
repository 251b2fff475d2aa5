//go:build !long

package standalone

const (
	// leaseRaces is how often machines race for a lease on each kind of target.
	leaseRaces = 10
	// mutations is how often a replica is damaged.
	mutations = 60
)
