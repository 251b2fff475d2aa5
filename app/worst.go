package app

import (
	"cmp"
	"slices"
)

// WorstOff is the one of several targets that needs most; of equals the one that holds the oldest state.
func WorstOff(targets []StandaloneStatus) StandaloneStatus {
	return slices.MaxFunc(targets, func(a, b StandaloneStatus) int {
		return cmp.Or(cmp.Compare(a.need(), b.need()), b.LastReplicatedAt.Compare(a.LastReplicatedAt))
	})
}

func (s StandaloneStatus) need() int {
	switch {
	case s.Error != nil:
		return 7
	case s.LastDrill != nil && !s.LastDrill.OK:
		return 6
	case s.Progress != nil && s.Progress.Phase == PhaseOffline:
		return 5
	case s.ReplicatedTXID == "":
		return 4
	case s.LastDrill == nil:
		return 3
	case !s.Healthy:
		return 2
	case s.Progress != nil:
		return 1
	}
	return 0
}
