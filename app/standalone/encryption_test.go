package standalone

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/standalone/crypt"
)

// asStored is a target without its key.
func (t *Target) asStored() *Target {
	stored := *t
	stored.store = plainStore(t.store)
	return &stored
}

func settle(t *testing.T, target *Target, user string, begin bool) error {
	t.Helper()
	_, err := target.SettleEncryption(t.Context(), user, begin)
	return err
}

// TestSettleEncryption: which target may be used how, on every kind of it.
func TestSettleEncryption(t *testing.T) {
	eachTarget(t, func(t *testing.T, target *Target) {
		key, other := newKey(t), newKey(t)
		sealed, wrong := target.sealedWith(key), target.sealedWith(other)
		if err := settle(t, target, "ada", false); err != nil {
			t.Fatalf("nothing is there, and nothing wished: %v", err)
		}
		mustCode(t, settle(t, sealed, "ada", false), app.CodeRefused) // nothing is there that the key could be of
		for range 2 {
			if err := settle(t, sealed, "ada", true); err != nil {
				t.Fatal(err)
			}
		}
		if err := settle(t, sealed, "ada", false); err != nil {
			t.Errorf("the next machine: %v", err)
		}
		if e := mustCode(t, settle(t, target, "ada", false), app.CodeDenied); e.Op != opKey {
			t.Errorf("without the key: %+v", e)
		}
		if e := mustCode(t, settle(t, wrong, "ada", true), app.CodeDenied); e.Op == opKey || !strings.Contains(e.Message, key.ID()) || !strings.Contains(e.Message, other.ID()) {
			t.Errorf("with another key: %+v", e)
		}
		// Each person has a key of their own, or none.
		if err := settle(t, wrong, "bob", true); err != nil {
			t.Error(err)
		}
		if err := target.WriteMachine(t.Context(), "eve", "m1", app.MachineInfo{Host: "h"}); err != nil {
			t.Fatal(err)
		}
		if e := mustCode(t, settle(t, sealed, "eve", true), app.CodeRefused); !strings.Contains(e.Message, "never mixed") {
			t.Errorf("over plain copies: %+v", e)
		}
		mustCode(t, settle(t, sealed, "eve", false), app.CodeRefused)
		if left := names(t, target.store, userDir("ada"), ""); len(left) != 1 || left[0] != encryptionName {
			t.Errorf("left behind: %v", left)
		}
	})
}

// TestLostEncryptionJSON: sealed copies are known as such without it, and it is written anew by who has the key.
func TestLostEncryptionJSON(t *testing.T) {
	eachTarget(t, func(t *testing.T, target *Target) {
		key := newKey(t)
		sealed := target.sealedWith(key)
		if err := settle(t, sealed, "ada", true); err != nil {
			t.Fatal(err)
		}
		if err := sealed.WriteMachine(t.Context(), "ada", "m1", app.MachineInfo{Host: "h"}); err != nil {
			t.Fatal(err)
		}
		forget := func() {
			if err := target.store.remove(t.Context(), encryptionKey("ada")); err != nil {
				t.Fatal(err)
			}
		}
		forget()
		if e := mustCode(t, settle(t, target, "ada", false), app.CodeDenied); e.Op != opKey {
			t.Errorf("without the key: %+v", e)
		}
		mustCode(t, settle(t, target.sealedWith(newKey(t)), "ada", true), app.CodeDenied)
		if err := settle(t, sealed, "ada", false); err != nil {
			t.Error(err)
		}
		if there, err := target.encryption(t.Context(), "ada"); err != nil || there.Key != key.ID() {
			t.Errorf("%+v, %v", there, err)
		}
		if err := target.writeJSON(t.Context(), encryptionKey("ada"), encryption{Format: encryptionFormat + 1}); err != nil {
			t.Fatal(err)
		}
		mustCode(t, settle(t, sealed, "ada", false), app.CodeRefused)
	})
}

// TestSealedObjectsTellNothing: what lies at a target, byte by byte, under names that say what it is.
func TestSealedObjectsTellNothing(t *testing.T) {
	eachSealed(t, func(t *testing.T, target *Target) {
		w := newTwin(t, target, "m1", 4096)
		w.exec("INSERT INTO notes(body) VALUES ('a-secret-row')")
		for range 3 {
			w.write(20, 300)
		}
		w.merge(1)
		w.snapshot()
		info := app.MachineInfo{Host: "a-secret-host", DB: "/a-secret-path", Rows: map[string]int64{"a-secret-table": 3}}
		if err := target.WriteMachine(t.Context(), twinUser, "m1", info); err != nil {
			t.Fatal(err)
		}
		if err := target.TakeOver(t.Context(), twinUser, "l1", "m1", "a-secret-host"); err != nil {
			t.Fatal(err)
		}
		found := 0
		for key, content := range target.everything(t) {
			found++
			if bytes.Contains(content, []byte("secret")) || bytes.Contains(content, []byte("LTX1")) {
				t.Errorf("%s is readable", key)
			}
			if !strings.HasSuffix(key, crypt.Suffix) || !bytes.HasPrefix(content, []byte("age-encryption.org/v1\n")) {
				t.Errorf("%s is no age file", key)
			}
		}
		if found < 6 {
			t.Errorf("only %d objects", found)
		}
		if got, err := target.ReadMachine(t.Context(), twinUser, "m1"); err != nil || got.Host != info.Host {
			t.Errorf("%+v, %v", got, err)
		}
		if p, err := target.Primary(t.Context(), twinUser, "l1"); err != nil || p.Host != info.Host {
			t.Errorf("%+v, %v", p, err)
		}
		w.holds(replicaOf(target, "m1"), w.order...)
		// Without the key there is nothing to restore, and no word that there never was anything.
		if _, err := replicaOf(target.asStored(), "m1").Plan(t.Context(), "m1", app.Moment{}); err == nil {
			t.Error("planned without the key")
		}
	})
}

// everything is all that lies at a target, as it is stored.
func (t *Target) everything(tb *testing.T) map[string][]byte {
	tb.Helper()
	all := map[string][]byte{}
	stored := t.asStored().store
	var walk func(dir string)
	walk = func(dir string) {
		for _, name := range names(tb, stored, dir, "") {
			all[path.Join(dir, name)] = mustRead(tb, stored, path.Join(dir, name), 0, 0)
		}
		dirs, err := stored.dirs(tb.Context(), dir)
		if err != nil {
			tb.Fatal(err)
		}
		for _, d := range dirs {
			walk(path.Join(dir, d))
		}
	}
	walk(layoutRoot)
	return all
}

// TestSealedMemory: a large object is sealed and opened in pieces.
func TestSealedMemory(t *testing.T) {
	target := fileTarget(t).sealedWith(newKey(t))
	const key, size = "standalone/u/m/ltx/9/x.ltx", 256 << 20
	base := heap()
	_, err := target.store.put(t.Context(), key, time.Time{}, func(w io.Writer) error {
		piece := make([]byte, 1<<20)
		for range size / len(piece) {
			if _, err := w.Write(piece); err != nil {
				return err
			}
		}
		if took := heap() - base; took > 8<<20 {
			t.Errorf("writing holds %d MB", took>>20)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int64{0, size / 2} {
		base := heap()
		r, err := target.store.open(t.Context(), key, offset, 0)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.CopyN(io.Discard, r, size/4)
		took := heap() - base
		rest, restErr := io.Copy(io.Discard, r)
		if err = errors.Join(err, restErr, r.Close()); err != nil || n+rest != size-offset {
			t.Errorf("%d bytes from %d: %v", n+rest, offset, err)
		}
		if took > 4<<20 {
			t.Errorf("reading from %d holds %d MB", offset, took>>20)
		}
	}
}

// heap is how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestSealedRangesAskForLittle: the part of an object that is wanted, not all of it.
func TestSealedRangesAskForLittle(t *testing.T) {
	eachTarget(t, func(t *testing.T, target *Target) {
		var m meter
		sealed := target.sealedWith(newKey(t)).metered(&m)
		const key, size = "standalone/u/m/ltx/0/x.ltx", 4 << 20
		want := bytes.Repeat([]byte("0123456789abcdef"), size/16)
		mustPut(t, sealed.store, key, time.Time{}, want)
		for _, c := range []struct{ offset, size, most, requests int64 }{
			{0, 100, 80 << 10, 1}, {0, 0, size + 20<<10, 1}, {size / 2, 100, 200 << 10, 5}, {size / 2, 0, size/2 + 200<<10, 5}, {size - 50, 0, 200 << 10, 5},
		} {
			before, reads := m.fetched.Load(), m.reads.Load()
			end := int64(size)
			if c.size > 0 {
				end = c.offset + c.size
			}
			if got := mustRead(t, sealed.store, key, c.offset, c.size); !bytes.Equal(got, want[c.offset:end]) {
				t.Errorf("%+v: %d bytes", c, len(got))
			}
			if took := m.fetched.Load() - before; took > c.most || m.reads.Load()-reads > c.requests {
				t.Errorf("%+v: %d bytes in %d requests", c, took, m.reads.Load()-reads)
			}
		}
		if _, err := sealed.store.open(context.Background(), "standalone/u/m/ltx/0/y.ltx", 10, 0); app.CodeOf(asError("read", err)) != app.CodeNotFound {
			t.Errorf("of what is not there: %v", err)
		}
	})
}

// TestChangedLease: a lease that somebody without the key changed or put in the place of another is said to be that, to who
// holds it and to who comes.
func TestChangedLease(t *testing.T) {
	eachSealed(t, func(t *testing.T, target *Target) {
		clock := newClock()
		holder := machineOn(t, target, "m1", clock)
		if err := holder.hold(t.Context()); err != nil {
			t.Fatal(err)
		}
		stored, key := target.asStored().store, storedKey(leaseKey(twinUser, "l1", 1))
		whole := mustRead(t, stored, key, 0, 0)
		changed := bytes.Clone(whole)
		changed[50] ^= 1
		for what, content := range map[string][]byte{"changed": changed, "cut": whole[:50]} {
			mustPut(t, stored, key, time.Time{}, content)
			clock.pass(2 * leaseEvery)
			if e := mustCode(t, asError("replicate", holder.hold(t.Context())), app.CodeDamaged); !strings.Contains(e.Message, target.at.name()) || !strings.Contains(e.Message, "recovery key") {
				t.Errorf("%s: %q", what, e.Message)
			}
			if err := machineOn(t, target, "m2", clock).hold(t.Context()); !errors.Is(err, errNotPrimary) {
				t.Errorf("%s, to another: %v", what, err)
			}
		}
		mustPut(t, stored, key, time.Time{}, whole)
		if err := holder.hold(t.Context()); err != nil {
			t.Errorf("put right: %v", err)
		}
	})
}
