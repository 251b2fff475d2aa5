//go:build long

package standalone

const (
	leaseRaces = 100
	mutations  = 500
)
