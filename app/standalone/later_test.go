package standalone

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

// scattered is a history of a large object and many small ones, whose pages lie all over it, as the stock restore makes it.
func scattered(t *testing.T, target *Target, changes, rows int) *resumable {
	t.Helper()
	r := &resumable{twin: newTwin(t, target, "m1", 4096), target: target}
	r.large = true
	r.write(2000, 3000)
	for range changes {
		r.exec("UPDATE notes SET body=randomblob(2900) WHERE id IN (SELECT abs(random()) % 2000 FROM notes LIMIT ?)", rows)
		r.send()
	}
	plan, err := replicaOf(target, "m1").Plan(t.Context(), "", app.Moment{})
	if err != nil {
		t.Fatal(err)
	}
	r.plan = plan
	r.image = r.stockRestore(r.order[len(r.order)-1])
	r.place()
	return r
}

// TestScatteredPagesAreResumed stops a restore again and again while most of what it read lies behind the image, or is on its way
// from there. Nothing of it is read twice, and nothing is left behind the image in the end.
func TestScatteredPagesAreResumed(t *testing.T) {
	target := fileTarget(t)
	r := scattered(t, target, 500, 8)
	reached, total := int64(0), r.plan.Bytes
	small := int64(0)
	for _, f := range r.list(0)[1:] {
		small += f.Size
	}
	for _, at := range []int64{small / 3, small / 3, small / 2, small - 1, small + progressStep, small + 3*progressStep, total - progressStep} {
		now, err := r.canceled(at)
		if app.CodeOf(err) != app.CodeCanceled && err != nil || now < reached-inFlight {
			t.Errorf("canceled at %d: %v; came to %d, and had come to %d before", at, err, now, reached)
		}
		reached = max(reached, now)
		if now < small && now > 2*progressStep {
			if fi, err := os.Stat(r.to); err != nil || fi.Size() <= int64(len(r.image)) {
				t.Errorf("nothing lies behind the image: %d of %d bytes, %v", fi.Size(), len(r.image), err)
			}
		}
	}
	had, _, err := r.resumed(t.Context(), nil)
	if err != nil || had < reached-inFlight {
		t.Errorf("came to %d; then had %d, %v", reached, had, err)
	}
	r.exact()
	if had, fetched, err := r.resumed(t.Context(), nil); err != nil || had != total || fetched != 0 {
		t.Errorf("a whole one: had %d, fetched %d, %v", had, fetched, err)
	}
	r.exact()
}

// TestWhatLiesBehindIsNotBelieved: of what lies behind the image any byte may be another, or all be gone.
func TestWhatLiesBehindIsNotBelieved(t *testing.T) {
	target := fileTarget(t)
	r := scattered(t, target, 300, 8)
	small := r.plan.Bytes - r.list(0)[0].Size
	for round := range 8 {
		r.place()
		at := small * 2 / 3
		if round%2 == 1 {
			at = small + 2*progressStep // some of it is in the image
		}
		if _, err := r.canceled(at); app.CodeOf(err) != app.CodeCanceled {
			t.Fatal(err)
		}
		content := fileContent(t, r.to)
		behind := len(content) - len(r.image)
		if behind <= 0 {
			t.Fatalf("%d bytes lie behind the image", behind)
		}
		switch round / 2 {
		case 0:
			content = content[:len(r.image)]
		case 1:
			content = content[:len(r.image)+rand.N(behind)]
		default:
			content[len(r.image)+rand.N(behind)] ^= 1 << rand.N(8)
		}
		if err := os.WriteFile(r.to, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.resumed(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		r.exact()
	}
}

// TestNotAllIsKeptForLater: what is more than that is written at once, and the image is the same.
func TestNotAllIsKeptForLater(t *testing.T) {
	target := fileTarget(t)
	r := scattered(t, target, 60, 200)
	h, err := readHistory(t.Context(), r.client)
	if err != nil {
		t.Fatal(err)
	}
	plan := h.plan(r.order[len(r.order)-1])
	for _, room := range []int{0, 5000, 1 << 20, laterMost} {
		a := &assembly{client: r.client, node: nodeID("m1"), objects: plan, laterRoom: room}
		to := filepath.Join(t.TempDir(), "image.db")
		if err := a.fetch(t.Context(), to); err != nil || !bytes.Equal(fileContent(t, to), r.image) {
			t.Errorf("%d bytes for later: %v", room, err)
		}
		if a.image.laterRoom < 0 || len(a.image.later) != 0 {
			t.Errorf("%d bytes for later: %d are left, and %d pages", room, a.image.laterRoom, len(a.image.later))
		}
	}
}

// TestNoRoomBehindTheImage: where nothing can be written there the restore goes on, and is not gone on with.
func TestNoRoomBehindTheImage(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "image"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	w, err := os.Create(filepath.Join(t.TempDir(), "notes"))
	if err != nil {
		t.Fatal(err)
	}
	m := &image{f: f, pageSize: 4096, commit: 3, notes: &notes{"", newSlabSums(), w}, tail: 1 << 62}
	if err := m.writeOut(&slab{buf: []byte("page"), pages: []uint32{1}, sizes: []int{4}}); err != nil || m.notes.f != nil {
		t.Errorf("%v, the notes go on: %v", err, m.notes.f != nil)
	}
	if fi, err := f.Stat(); err != nil || fi.Size() != m.size() {
		t.Errorf("the image has %d bytes, %v", fi.Size(), err)
	}
}
