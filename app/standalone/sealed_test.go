package standalone

import (
	"testing"
)

func newKey(t testing.TB) *Key {
	t.Helper()
	k, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sealedWith is a target that was opened with a key.
func (t *Target) sealedWith(key *Key) *Target {
	sealed := *t
	sealed.store = sealedStore{plainStore(t.store), key, t.at.name()}
	sealed.times = new(recordedTimes)
	return &sealed
}

// bothTargets runs a test for every kind of target, plain and sealed.
func bothTargets(t *testing.T, test func(t *testing.T, target *Target)) {
	t.Run("plain", func(t *testing.T) { eachTarget(t, test) })
	t.Run("sealed", func(t *testing.T) { eachSealed(t, test) })
}

func eachSealed(t *testing.T, test func(t *testing.T, target *Target)) {
	eachTarget(t, func(t *testing.T, target *Target) { test(t, target.sealedWith(newKey(t))) })
}
