package standalone

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/standalone/crypt"
)

// corruption is one way an object goes bad. It returns the objects at fault, nil where it does not fit these.
type corruption struct {
	name string
	do   func(t *testing.T, rnd *rand.Rand, dir string, objects []string, foreign string) []string
}

func anyOf(rnd *rand.Rand, objects []string) string { return objects[rnd.IntN(len(objects))] }

func rewrite(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

var corruptions = []corruption{
	{"flipped bit", func(t *testing.T, rnd *rand.Rand, dir string, objects []string, _ string) []string {
		o := anyOf(rnd, objects)
		rewrite(t, filepath.Join(dir, o), func(b []byte) []byte {
			b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
			return b
		})
		return []string{o}
	}},
	{"truncated", func(t *testing.T, rnd *rand.Rand, dir string, objects []string, _ string) []string {
		o := anyOf(rnd, objects)
		rewrite(t, filepath.Join(dir, o), func(b []byte) []byte { return b[:rnd.IntN(len(b))] })
		return []string{o}
	}},
	{"cut in the trailer", func(t *testing.T, rnd *rand.Rand, dir string, objects []string, _ string) []string {
		o := anyOf(rnd, objects)
		rewrite(t, filepath.Join(dir, o), func(b []byte) []byte { return b[:len(b)-1-rnd.IntN(40)] })
		return []string{o}
	}},
	{"empty", func(t *testing.T, rnd *rand.Rand, dir string, objects []string, _ string) []string {
		o := anyOf(rnd, objects)
		rewrite(t, filepath.Join(dir, o), func([]byte) []byte { return nil })
		return []string{o}
	}},
	{"deleted", func(t *testing.T, rnd *rand.Rand, dir string, objects []string, _ string) []string {
		o := anyOf(rnd, objects[:len(objects)-1]) // without the last one the history just ends earlier
		if err := os.Remove(filepath.Join(dir, o)); err != nil {
			t.Fatal(err)
		}
		return []string{o}
	}},
	{"a huge page", func(t *testing.T, rnd *rand.Rand, dir string, objects []string, _ string) []string {
		o := anyOf(rnd, objects)
		rewrite(t, filepath.Join(dir, o), func(b []byte) []byte {
			copy(b[ltx.HeaderSize+ltx.PageHeaderSize:], []byte{0xff, 0xff, 0xff, 0xf0})
			return b
		})
		return []string{o}
	}},
	{"grown", func(t *testing.T, rnd *rand.Rand, dir string, objects []string, _ string) []string {
		o := anyOf(rnd, objects)
		rewrite(t, filepath.Join(dir, o), func(b []byte) []byte { return append(b, make([]byte, 1+rnd.IntN(5000))...) })
		return []string{o}
	}},
	{"swapped", func(t *testing.T, rnd *rand.Rand, dir string, objects []string, _ string) []string {
		i := rnd.IntN(len(objects) - 1)
		a, b := filepath.Join(dir, objects[i]), filepath.Join(dir, objects[i+1])
		for _, step := range [][2]string{{a, a + "x"}, {b, a}, {a + "x", b}} {
			if err := os.Rename(step[0], step[1]); err != nil {
				t.Fatal(err)
			}
		}
		return []string{objects[i], objects[i+1]}
	}},
	{"stale copy", func(t *testing.T, rnd *rand.Rand, dir string, objects []string, _ string) []string {
		i := 1 + rnd.IntN(len(objects)-1)
		copyFile(t, filepath.Join(dir, objects[i-1]), filepath.Join(dir, objects[i]))
		return []string{objects[i]}
	}},
	{"zeroed", func(t *testing.T, rnd *rand.Rand, dir string, objects []string, _ string) []string {
		o := anyOf(rnd, objects)
		rewrite(t, filepath.Join(dir, o), func(b []byte) []byte { return make([]byte, len(b)) })
		return []string{o}
	}},
	{"an extra one", func(t *testing.T, rnd *rand.Rand, dir string, objects []string, _ string) []string {
		newest := filepath.Base(objects[len(objects)-1])
		end, err := ltx.ParseTXID(newest[17:33])
		if err != nil {
			t.Fatal(err)
		}
		extra := filepath.Join("ltx", "0", ltx.FormatFilename(end+1, end+1)) + strings.TrimPrefix(filepath.Ext(newest), ".ltx")
		copyFile(t, filepath.Join(dir, anyOf(rnd, objects)), filepath.Join(dir, extra))
		return []string{extra}
	}},
	{"another machine's", func(t *testing.T, rnd *rand.Rand, dir string, objects []string, foreign string) []string {
		o := anyOf(rnd, objects)
		copyFile(t, filepath.Join(foreign, o), filepath.Join(dir, o))
		return []string{o}
	}},
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestMutations damages a replica in random ways. A restore of the newest point must refuse, name what is at fault, and
// offer the newest point that can be restored, which really holds what the ledger says; every other point restores exactly or
// refuses.
func TestMutations(t *testing.T) {
	t.Run("plain", func(t *testing.T) { mutate(t, nil, "") })
	t.Run("sealed", func(t *testing.T) { mutate(t, newKey(t), crypt.Suffix) })
}

func mutate(t *testing.T, key *Key, suffix string) {
	folder := func(t *testing.T) *Target {
		return openTarget(t, TargetConfig{URL: "file://" + filepath.Join(t.TempDir(), "copies"), Key: key})
	}
	target := folder(t)
	w, other := newTwin(t, target, "m1", 4096), newTwin(t, target, "m2", 4096)
	for i := range 14 {
		w.write(15, 400)
		other.write(15, 400)
		if i == 4 || i == 9 {
			w.merge(1)
			other.merge(1)
		}
	}
	last := w.order[len(w.order)-1]
	if err := target.WriteMachine(t.Context(), twinUser, "m1", app.MachineInfo{Newest: last.String()}); err != nil {
		t.Fatal(err)
	}
	var objects []string // the newest point needs all of them
	for _, f := range w.needed(last) {
		objects = append(objects, objectName(f)+suffix)
	}
	root := target.at.path
	pristine, foreign := filepath.Join(root, machineDir(twinUser, "m1")), filepath.Join(root, machineDir(twinUser, "m2"))
	for i := range mutations {
		c := corruptions[i%len(corruptions)]
		t.Run(fmt.Sprintf("%03d %s", i, c.name), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(42, uint64(i)))
			hurt := folder(t)
			dir := filepath.Join(hurt.at.path, machineDir(twinUser, "m1"))
			if err := os.CopyFS(dir, os.DirFS(pristine)); err != nil {
				t.Fatal(err)
			}
			// What was merged is only where the plan takes it from: no second way around the damage.
			for _, f := range w.list(0) {
				if name := objectName(f) + suffix; !contains(objects, name) {
					if err := os.Remove(filepath.Join(dir, name)); err != nil {
						t.Fatal(err)
					}
				}
			}
			guilty := c.do(t, rnd, dir, objects, foreign)
			refuses(t, w, replicaOf(hurt, "m1"), last, guilty)
		})
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func (w *twin) needed(txid ltx.TXID) []*ltx.FileInfo {
	w.t.Helper()
	h, err := readHistory(w.t.Context(), w.client)
	if err != nil {
		w.t.Fatal(err)
	}
	return h.plan(txid)
}

func refuses(t *testing.T, w *twin, r app.Replica, last ltx.TXID, guilty []string) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "image.db")
	moments := []app.Moment{{}, {Point: last.String()}}
	if filepath.Base(guilty[0])[:16] > last.String() { // an extra object: what was there before it is whole
		moments = moments[:1]
	}
	var offered string
	for _, m := range moments {
		err := tryFetch(t, r, m, to)
		if err == nil {
			t.Fatalf("%v: restored in spite of a fault in %v", m, guilty)
		}
		if _, statErr := os.Stat(to); !errors.Is(statErr, os.ErrNotExist) {
			t.Errorf("a partial file was left: %v", statErr)
		}
		offered = offersGood(t, w, r, err, guilty)
	}
	newest := ""
	for _, txid := range w.order {
		path := filepath.Join(t.TempDir(), txid.String())
		if tryFetch(t, r, app.Moment{Point: txid.String()}, path) != nil {
			continue
		}
		if c := contentOfFile(t, path); c != w.ledger[txid] {
			t.Errorf("%s: wrong image: %s, want %s", txid, c, w.ledger[txid])
		}
		newest = txid.String()
	}
	if offered != newest {
		t.Errorf("offered is %q, the newest point that can be restored is %q", offered, newest)
	}
}

func tryFetch(t *testing.T, r app.Replica, m app.Moment, to string) error {
	t.Helper()
	plan, err := r.Plan(t.Context(), "m1", m)
	if err != nil {
		return err
	}
	return r.Fetch(t.Context(), plan, to, nil)
}

func offersGood(t *testing.T, w *twin, r app.Replica, err error, guilty []string) (good string) {
	t.Helper()
	e := mustCode(t, err, app.CodeDamaged)
	fault, ok := errors.AsType[*Damage](err)
	if !ok {
		t.Fatalf("no Damage in %v", err)
	}
	named := false
	for _, o := range guilty {
		named = named || sameEnd(fault.Object, o)
	}
	if !named || !strings.Contains(e.Message, fault.Object) {
		t.Errorf("%q does not name one of %v", e.Message, guilty)
	}
	if fault.Good.ID == "" {
		return "" // the base of everything is damaged
	}
	txid, parseErr := ltx.ParseTXID(fault.Good.ID)
	if parseErr != nil {
		t.Fatal(parseErr)
	}
	path, _ := fetch(t, r, "m1", app.Moment{Point: fault.Good.ID})
	if c := contentOfFile(t, path); c != w.ledger[txid] {
		t.Errorf("the offered point %s holds %s, want %s", txid, c, w.ledger[txid])
	}
	return fault.Good.ID
}

// sameEnd tolerates that of a missing object only the first change it held is known.
func sameEnd(named, guilty string) bool {
	return filepath.Base(named)[:16] == filepath.Base(guilty)[:16]
}
