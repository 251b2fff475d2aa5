//go:build !long

package standalone

// leaseRaces is how often machines race for a lease on each kind of target.
const leaseRaces = 10
