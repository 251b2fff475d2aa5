package standalone

// openWALIndex returns an index that never tells of a blocked checkpoint: Windows cannot be asked who holds a lock.
func openWALIndex(string) (*walIndex, error) { return &walIndex{}, nil }

func (x *walIndex) blockedCheckpoint() bool { return false }
