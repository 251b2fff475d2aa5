//go:build long

package standalone

const leaseRaces = 100
