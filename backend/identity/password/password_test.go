package password

import (
	"context"
	"strings"
	"testing"
)

func TestAPasswordIsItsOwnHashsOnly(t *testing.T) {
	h := NewHasher()
	stored, err := h.Hash(t.Context(), "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(stored, "horse") || !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("stored as %q", stored)
	}
	again, _ := h.Hash(t.Context(), "correct horse battery")
	if again == stored {
		t.Error("two hashes of one password are the same: there is no salt")
	}
	for password, want := range map[string]bool{"correct horse battery": true, "correct horse batter": false, "": false,
		"Correct horse battery": false, "correct horse battery\x00": false} {
		right, stale, err := h.Verify(t.Context(), stored, password)
		if err != nil || right != want || stale {
			t.Errorf("%q: right %v, stale %v, %v", password, right, stale, err)
		}
	}
}

func TestNobodyHasNoPassword(t *testing.T) {
	h := NewHasher()
	for _, password := range []string{"", "x", h.decoy} {
		if right, _, err := h.Verify(t.Context(), "", password); right || err != nil {
			t.Errorf("%q is right, %v", password, err)
		}
	}
}

func TestAnOlderCostIsStale(t *testing.T) {
	old := hash(cost{memory: 8 << 10, passes: 1, threads: 1}, "an old password")
	right, stale, err := NewHasher().Verify(t.Context(), old, "an old password")
	if !right || !stale || err != nil {
		t.Errorf("right %v, stale %v, %v", right, stale, err)
	}
}

func TestWhatIsNoHashIsAnError(t *testing.T) {
	good := hash(today, "x")
	for _, stored := range []string{"x", "$argon2i$v=19$m=8,t=1,p=1$AA$AA", strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=19456", "m=4000000", 1), strings.Replace(good, "t=2", "t=0", 1), strings.Replace(good, "p=1", "p=0", 1),
		good[:len(good)-4], good + "$"} {
		if right, _, err := NewHasher().Verify(t.Context(), stored, "x"); right || err == nil {
			t.Errorf("%q: right %v, %v", stored, right, err)
		}
	}
}

func TestWaitingForASlotEndsWithTheRequest(t *testing.T) {
	h := NewHasher()
	for range cap(h.slots) {
		h.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := h.Verify(ctx, "", "x"); err == nil {
		t.Error("it did not wait")
	}
	if _, err := h.Hash(ctx, "x"); err == nil {
		t.Error("it did not wait")
	}
}

func TestLongAndShortPasswords(t *testing.T) {
	for length, fine := range map[int]bool{0: false, 11: false, 12: true, 1024: true, 1025: false} {
		if err := Check(strings.Repeat("x", length)); (err == nil) != fine {
			t.Errorf("%d: %v", length, err)
		}
	}
	h := NewHasher()
	stored := hash(today, strings.Repeat("x", MaxLength))
	if right, _, _ := h.Verify(t.Context(), stored, strings.Repeat("x", MaxLength+1)); right {
		t.Error("a password that goes on is right")
	}
}
