package standalone

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
	"github.com/coditect-ai/coditect-sync/app/standalone/s3"
)

func writeAll(b []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		for piece := range slices.Chunk(b, 70_000) { // as a stream would come
			if _, err := w.Write(piece); err != nil {
				return err
			}
		}
		return nil
	}
}

func mustPut(t *testing.T, s store, key string, at time.Time, b []byte) {
	t.Helper()
	n, err := s.put(t.Context(), key, at, writeAll(b))
	if err != nil || n != int64(len(b)) {
		t.Fatalf("put %s: %d, %v", key, n, err)
	}
}

func mustRead(t *testing.T, s store, key string, offset, size int64) []byte {
	t.Helper()
	r, err := s.open(t.Context(), key, offset, size)
	if err != nil {
		t.Fatalf("open %s: %v", key, err)
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read %s: %v", key, err)
	}
	return b
}

func names(t *testing.T, s store, dir, from string) (list []string) {
	t.Helper()
	for o, err := range s.list(t.Context(), dir, from) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, o.name)
	}
	return list
}

// TestStores is what every kind of target promises.
func TestStores(t *testing.T) {
	bothTargets(t, func(t *testing.T, target *Target) {
		s, ctx := target.store, t.Context()
		at := time.UnixMilli(1_700_000_000_123).UTC()
		for _, size := range []int{0, 1, smallObject, smallObject + 1, s3.MinPart, 2*s3.MinPart + 1, uploadChunk + 12345} {
			want := bytes.Repeat([]byte("0123456789abcdef!"), size/17+1)[:size]
			mustPut(t, s, "standalone/u/m/x", at, want)
			if got := mustRead(t, s, "standalone/u/m/x", 0, 0); !bytes.Equal(got, want) {
				t.Errorf("%d bytes came back as %d", size, len(got))
			}
		}
		if got := mustRead(t, s, "standalone/u/m/x", 17, 5); string(got) != "01234" {
			t.Errorf("range: %q", got)
		}
		boom := errors.New("boom")
		for _, before := range []int{10, smallObject + 10, 2 * uploadChunk} {
			_, err := s.put(ctx, "standalone/u/m/x", at, func(w io.Writer) error {
				return errors.Join(writeAll(make([]byte, before))(w), boom)
			})
			if !errors.Is(err, boom) {
				t.Errorf("put that fails after %d bytes: %v", before, err)
			}
			if got := mustRead(t, s, "standalone/u/m/x", 0, 0); len(got) != uploadChunk+12345 {
				t.Errorf("a failed put left %d bytes", len(got))
			}
		}
		for _, key := range []string{"standalone/u/m/c", "standalone/u/m/a", "standalone/u/m/b/inner", "standalone/u/n/y"} {
			mustPut(t, s, key, time.Time{}, []byte(key))
		}
		if err := s.duplicate(ctx, "standalone/u/m/x", "standalone/u/m/copy/x"); err != nil {
			t.Fatal(err)
		}
		for o, err := range s.list(ctx, "standalone/u/m/copy", "") {
			if err != nil || o.name != "x" || o.size != uploadChunk+12345 || !o.at.Equal(at) && !(target.Kind() == kindSFTP && o.at.Equal(at.Truncate(time.Second))) {
				t.Errorf("duplicate: %+v, %v", o, err)
			}
		}
		if got := names(t, s, "standalone/u/m", ""); !slices.Equal(got, []string{"a", "c", "x"}) {
			t.Errorf("list: %v", got)
		}
		if got := names(t, s, "standalone/u/m", "b"); !slices.Equal(got, []string{"c", "x"}) {
			t.Errorf("list from b: %v", got)
		}
		if got := names(t, s, "standalone/nobody", ""); got != nil {
			t.Errorf("list of nothing: %v", got)
		}
		if dirs, err := s.dirs(ctx, "standalone/u"); err != nil || !slices.Equal(dirs, []string{"m", "n"}) {
			t.Errorf("dirs: %v, %v", dirs, err)
		}
		for range 2 { // the second finds nothing, which is no error
			if err := s.remove(ctx, "standalone/u/m/x"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.open(ctx, "standalone/u/m/x", 0, 0); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open of a removed object: %v", err)
		}
	})
}

func TestLTXTimesAndNames(t *testing.T) {
	bothTargets(t, func(t *testing.T, target *Target) {
		c := target.ReplicaClient("u", "m")
		for i := ltx.TXID(1); i <= 3; i++ {
			raw := encode(t, ltx.Header{PageSize: 512, Commit: 1, MinTXID: i, MaxTXID: i, Timestamp: 1_700_000_000_000 + int64(i)}, make([]byte, 512))
			got, err := c.WriteLTXFile(t.Context(), 0, i, i, bytes.NewReader(raw))
			if err != nil || got.Size != int64(len(raw)) || got.CreatedAt.UnixMilli() != 1_700_000_000_000+int64(i) {
				t.Fatalf("wrote %+v, %v", got, err)
			}
		}
		itr, err := c.LTXFiles(t.Context(), 0, 2, false)
		if err != nil {
			t.Fatal(err)
		}
		infos, err := ltx.SliceFileIterator(itr)
		if err != nil || len(infos) != 2 || infos[0].MinTXID != 2 || infos[1].CreatedAt.UnixMilli() != 1_700_000_000_003 {
			t.Fatalf("listed %+v, %v", infos, err)
		}
		if err := c.DeleteLTXFiles(t.Context(), infos); err != nil {
			t.Fatal(err)
		}
		if _, err := c.OpenLTXFile(t.Context(), 0, 2, 2, 0, 0); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open of a deleted one: %v", err)
		}
		if err := c.DeleteAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		if h, err := readHistory(t.Context(), c); err != nil || len(h) != 0 {
			t.Errorf("after DeleteAll: %v, %v", h, err)
		}
	})
}

func TestProbeSaysWhatItDidAndLeavesNothing(t *testing.T) {
	eachTarget(t, func(t *testing.T, target *Target) {
		steps, err := target.Probe(t.Context())
		if err != nil || len(steps) != 5 {
			t.Fatalf("%q, %v", steps, err)
		}
		if left := names(t, target.store, layoutRoot, ""); left != nil {
			t.Errorf("left behind: %v", left)
		}
	})
}

func TestUserRule(t *testing.T) {
	eachTarget(t, func(t *testing.T, target *Target) {
		ctx := t.Context()
		first, known, err := target.EnsureUser(ctx, "")
		if err != nil || len(first) < 8 || known != nil {
			t.Fatalf("first machine: %q %v %v", first, known, err)
		}
		if again, known, err := target.EnsureUser(ctx, ""); err != nil || again != first || !slices.Equal(known, []string{first}) {
			t.Errorf("second machine: %q %v %v", again, known, err)
		}
		if bob, _, err := target.EnsureUser(ctx, "bob"); err != nil || bob != "bob" {
			t.Errorf("named: %q %v", bob, err)
		}
		want := []string{first, "bob"}
		slices.Sort(want)
		if users, err := target.Users(ctx); err != nil || !slices.Equal(users, want) {
			t.Errorf("users %v, %v; want %v", users, err, want)
		}
		_, known, err = target.EnsureUser(ctx, "")
		e := mustCode(t, err, app.CodeInvalid)
		if !slices.Equal(known, want) || !strings.Contains(e.Message, "bob") {
			t.Errorf("known %v, %q", known, e.Message)
		}
		for _, id := range []string{"../x", "a/b", ".hidden", indexName, "a b", "ä", strings.Repeat("x", 200)} {
			_, _, err := target.EnsureUser(ctx, id)
			mustCode(t, err, app.CodeInvalid)
		}
	})
}

func TestMachines(t *testing.T) {
	bothTargets(t, func(t *testing.T, target *Target) {
		ctx := t.Context()
		_, err := target.ReadMachine(ctx, "ada", "m1")
		if app.CodeOf(err) != app.CodeNotFound {
			t.Fatalf("before it was written: %v", err)
		}
		info := app.MachineInfo{Host: "mira", OS: "linux", Lineage: "l1", LastReplicated: time.UnixMilli(7).UTC(), Rows: map[string]int64{"notes": 3}}
		for range 2 {
			if err := target.WriteMachine(ctx, "ada", "m1", info); err != nil {
				t.Fatal(err)
			}
		}
		mustPut(t, target.store, "standalone/ada/m2/ltx/0/x", time.Time{}, []byte("x"))
		mustPut(t, target.store, "standalone/ada/m3/machine.json", time.Time{}, []byte("{torn"))
		mustPut(t, target.store, "standalone/ada/lineage/l1.json", time.Time{}, []byte("{}"))
		got, err := NewReplica(ReplicaConfig{Target: target, User: "ada", Machine: "m2"}).Machines(ctx)
		if err != nil || len(got) != 3 {
			t.Fatalf("%+v, %v", got, err)
		}
		if got[0].ID != "m1" || got[0].Host != "mira" || got[0].Rows["notes"] != 3 || got[0].This || !got[1].This || got[2].Host != "" {
			t.Errorf("%+v", got)
		}
	})
}

func TestWhichMachine(t *testing.T) {
	target := fileTarget(t)
	newTwin(t, target, "old", 4096).write(3, 100)
	here := replicaOf(target, "new")
	tl, err := here.Timeline(t.Context(), "")
	if err != nil || tl.Machine != "old" || len(tl.Points) != 1 {
		t.Fatalf("the only other: %+v, %v", tl, err)
	}
	newTwin(t, target, "older", 4096).write(3, 100)
	_, err = here.Plan(t.Context(), "", app.Moment{})
	if e := mustCode(t, err, app.CodeInvalid); !strings.Contains(e.Message, "old, older") {
		t.Errorf("%q", e.Message)
	}
	_, err = here.Plan(t.Context(), "oldest", app.Moment{})
	if e := mustCode(t, err, app.CodeNotFound); !strings.Contains(e.Hint, "older") {
		t.Errorf("%q", e.Hint)
	}
	newTwin(t, target, "new", 4096).write(3, 100)
	if tl, err := here.Timeline(t.Context(), ""); err != nil || tl.Machine != "new" {
		t.Errorf("this one: %+v, %v", tl, err)
	}
	empty := replicaOf(fileTarget(t), "new")
	if tl, err := empty.Timeline(t.Context(), ""); err != nil || len(tl.Points) != 0 || tl.Machine != "new" {
		t.Errorf("nothing yet: %+v, %v", tl, err)
	}
	_, err = empty.Plan(t.Context(), "", app.Moment{})
	mustCode(t, err, app.CodeNotFound)
}

func TestFileTargetIsForItsOwnerAndNeverMakesParents(t *testing.T) {
	base := t.TempDir()
	target := openTarget(t, TargetConfig{URL: "file://" + filepath.Join(base, "copies")})
	newTwin(t, target, "m1", 4096).write(3, 100)
	err := filepath.WalkDir(filepath.Join(base, "copies"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err == nil && fi.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v", path, fi.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	orphan := openTarget(t, TargetConfig{URL: "file://" + filepath.Join(base, "no", "copies")})
	_, err = orphan.Probe(t.Context())
	mustCode(t, err, app.CodeNotFound)
	for _, try := range []func() error{
		func() error { return orphan.WriteMachine(t.Context(), "u", "m", app.MachineInfo{}) },
		func() error { _, err := orphan.Users(t.Context()); return err },
		func() error { _, err := replicaOf(orphan, "m").Timeline(t.Context(), ""); return err },
		func() error { return orphan.Present(t.Context(), "u", "m", false) },
	} {
		mustCode(t, try(), app.CodeNotFound)
	}
	if _, err := os.Stat(filepath.Join(base, "no")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a parent was made: %v", err)
	}
}

// A folder that went away, with the disk it was on, must not come back as an empty one: that would look like a place
// that never had copies.
func TestLookingMakesNoFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "copies")
	target, err := OpenTarget(t.Context(), TargetConfig{URL: "file://" + dir})
	if err != nil {
		t.Fatal(err)
	}
	for what, try := range map[string]func() error{
		"timeline": func() error { _, err := replicaOf(target, "m").Timeline(t.Context(), ""); return err },
		"machines": func() error { _, err := replicaOf(target, "m").Machines(t.Context()); return err },
		"probe":    func() error { _, err := target.Probe(t.Context()); return err },
		"write":    func() error { return target.WriteMachine(t.Context(), "u", "m", app.MachineInfo{}) },
	} {
		if e := mustCode(t, try(), app.CodeNotFound); !strings.Contains(e.Message, dir) {
			t.Errorf("%s: %q", what, e.Message)
		}
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was made: %v", err)
	}
}

func TestPresentKnowsAnEmptyMountPoint(t *testing.T) {
	target := fileTarget(t)
	if err := target.Present(t.Context(), "u", "m", false); err != nil {
		t.Errorf("a new folder: %v", err)
	}
	mustCode(t, target.Present(t.Context(), "u", "m", true), app.CodeUnreachable)
	if err := target.WriteMachine(t.Context(), "u", "m", app.MachineInfo{}); err != nil {
		t.Fatal(err)
	}
	if err := target.Present(t.Context(), "u", "m", true); err != nil {
		t.Errorf("with its data: %v", err)
	}
}

func TestSameDisk(t *testing.T) {
	target := fileTarget(t)
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "not there yet")} {
		if same, err := target.SameDisk(path); err != nil || !same {
			t.Errorf("%s: %v, %v", path, same, err)
		}
	}
	if same, err := target.SameDisk("/proc"); err != nil || same {
		t.Errorf("/proc: %v, %v", same, err)
	}
}

// TestLargeUploadGoesOnAfterASilentPart: what a chunk needs again is not taken from the beginning.
func TestLargeUploadGoesOnAfterASilentPart(t *testing.T) {
	target, g := gcsTarget(t)
	target.store.(*gcsStore).idle = 3 * time.Second
	want := make([]byte, 5*uploadChunk)
	_, _ = rand.Read(want)
	for _, fault := range []apptest.Fault{{Cut: apptest.CutReply, Times: 1}, {Delay: time.Minute, Times: 1}, {Status: 503, Times: 1}} {
		lift := g.Fault(apptest.On(http.MethodPost, "upload_id"), fault)
		g.Forget()
		if _, err := target.store.put(t.Context(), "standalone/x", time.Time{}, writeAll(want)); err != nil {
			t.Errorf("%+v: %v", fault, err)
		}
		lift()
		if got := g.Read("memory", "some/where/standalone/x"); !bytes.Equal(got, want) {
			t.Errorf("%+v: stored %d bytes, want the %d that were sent", fault, len(got), len(want))
		}
		if n := g.Counts().A; n != 1 {
			t.Errorf("%+v: %d uploads, want one that goes on", fault, n)
		}
	}
}

// TestSamePlace: one storage has many names, and two of them are no second copy.
func TestSamePlace(t *testing.T) {
	folder := fileTarget(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(folder.at.path, link); err != nil {
		t.Fatal(err)
	}
	s3, server := s3Target(t)
	other := strings.Replace(s3.URL(), "127.0.0.1", "localhost", 1)
	if other == s3.URL() {
		t.Fatal(server.URL)
	}
	for name, c := range map[string]struct {
		one, two *Target
		same     bool
	}{
		"a link":           {folder, openTarget(t, TargetConfig{URL: "file://" + link}), true},
		"sealed":           {folder.sealedWith(newKey(t)), openTarget(t, TargetConfig{URL: "file://" + link}), true},
		"another name":     {s3, openTarget(t, TargetConfig{URL: other}), true},
		"another folder":   {folder, fileTarget(t), false},
		"another prefix":   {s3, openTarget(t, TargetConfig{URL: server.Target("memory/else/where")}), false},
		"of another kind":  {folder, s3, false},
		"the same, looked": {s3, s3, true},
	} {
		if same, err := c.one.SamePlace(t.Context(), c.two); err != nil || same != c.same {
			t.Errorf("%s: %v, %v", name, same, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(folder.at.path, "standalone", "*")); err != nil || left != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
