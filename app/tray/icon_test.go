package tray

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestIconOf(t *testing.T) {
	waiting := func(d time.Duration) func(*app.Status) {
		return func(s *app.Status) { s.Standalone.WaitingSince = before(d) }
	}
	progress := func(p app.Progress) func(*app.Status) { return func(s *app.Status) { s.Progress = &p } }
	fault := func(c app.Code) func(*app.Status) {
		return func(s *app.Status) { s.State, s.Healthy, s.Error = app.StateError, false, app.Errorf(c, "x", "Y.") }
	}
	all := func(changes ...func(*app.Status)) func(*app.Status) {
		return func(s *app.Status) {
			for _, change := range changes {
				change(s)
			}
		}
	}
	unhealthy := func(s *app.Status) { s.Healthy = false }
	for _, c := range []struct {
		name string
		with func(*app.Status)
		want Icon
	}{
		{"healthy", func(*app.Status) {}, Protected},
		{"not healthy", unhealthy, Stalled},
		{"waits 5 s", waiting(5 * time.Second), Protected},
		{"waits longer", waiting(5*time.Second + 1), Syncing},
		{"waits a minute", waiting(time.Minute), Syncing},
		{"waits longer than a minute", waiting(time.Minute + 1), Stalled},
		{"a large upload that moves", all(waiting(time.Hour), unhealthy, progress(app.Progress{Phase: app.PhaseCopying, Rate: 10, Since: before(time.Hour)})), Syncing},
		{"a large upload that does not", all(waiting(time.Hour), unhealthy, progress(app.Progress{Phase: app.PhaseCopying, Since: before(time.Hour)})), Stalled},
		{"a young upload", all(waiting(time.Hour), unhealthy, progress(app.Progress{Phase: app.PhaseCopying, Since: before(time.Second)})), Syncing},
		{"offline, and still healthy", progress(app.Progress{Phase: app.PhaseOffline, Since: before(time.Second)}), Offline},
		{"offline for long", all(waiting(day), unhealthy, progress(app.Progress{Phase: app.PhaseOffline})), Offline},
		{"a drill beside a valid proof", progress(app.Progress{Phase: app.PhaseDrill}), Protected},
		{"a drill that is due", all(unhealthy, progress(app.Progress{Phase: app.PhaseDrill})), Syncing},
		{"no drill yet", func(s *app.Status) { s.Healthy, s.Standalone.LastDrill = false, nil }, Syncing},
		{"nothing copied yet", func(s *app.Status) { s.Healthy, s.Standalone.ReplicatedTXID = false, "" }, Syncing},
		{"just started", func(s *app.Status) { s.Healthy, s.Standalone = false, nil }, Syncing},
		{"a failed drill", func(s *app.Status) { s.Standalone.LastDrill.OK = false }, Attention},
		{"something to tell", func(s *app.Status) { s.Error = app.Errorf(app.CodeDamaged, "x", "The settings were damaged.") }, Attention},
		{"fetching for a restore", progress(app.Progress{Phase: app.PhaseFetch}), Restoring},
		{"flushing for a restore", all(func(s *app.Status) { s.State = app.StateRestoring }, progress(app.Progress{Phase: app.PhaseFlush})), Restoring},
		{"paused", func(s *app.Status) { s.State = app.StatePaused }, Paused},
		{"cloud", func(s *app.Status) {
			s.Mode, s.State, s.Standalone, s.Cloud = app.ModeCloud, app.StateCloud, nil, &app.CloudStatus{LastProof: &app.Proof{Equal: true}}
		}, Protected},
		{"cloud, nothing proved", func(s *app.Status) {
			s.Mode, s.State, s.Standalone, s.Cloud = app.ModeCloud, app.StateCloud, nil, &app.CloudStatus{}
		}, Syncing},
		{"an unknown state", func(s *app.Status) { s.State, s.Healthy = "other", false }, Stalled},
		{"denied", fault(app.CodeDenied), Attention},
		{"full", fault(app.CodeNoSpace), Attention},
		{"another machine writes", fault(app.CodeBusy), Attention},
		{"damaged", fault(app.CodeDamaged), Stopped},
		{"failed", fault(app.CodeFailed), Stopped},
		{"an error without a cause", func(s *app.Status) { s.State, s.Healthy = app.StateError, false }, Stopped},
	} {
		st := healthy()
		c.with(&st)
		if got := IconOf(st, noon); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestNeverGreenUnproved draws Status values at random: the one icon that claims a proof needs a healthy status in a
// state that works, with no fault, no failed drill and nothing waiting.
func TestNeverGreenUnproved(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	green := 0
	for range 200_000 {
		st := randomStatus(random)
		if IconOf(st, noon) != Protected {
			continue
		}
		green++
		working := st.State == app.StateStandalone || st.State == app.StateCloud
		if !st.Healthy || !working || st.Error != nil || disproved(st) || waited(st, noon) > syncingAfter || phase(st) == app.PhaseOffline {
			t.Fatalf("green for %+v", st)
		}
		if inCloud(st) && st.Cloud != nil && (st.Cloud.LastProof == nil || !st.Cloud.LastProof.Equal || coming(st)) {
			t.Fatalf("green for %+v with %+v", st, st.Cloud)
		}
	}
	if green < 1000 {
		t.Errorf("only %d green ones were drawn", green)
	}
}

func randomStatus(random *rand.Rand) app.Status {
	coin := func() bool { return random.IntN(2) == 0 }
	states := []app.State{app.StateNew, app.StateOff, app.StateSignedOut, app.StateCloud, app.StateStandalone, app.StatePaused, app.StateRestoring, app.StateError}
	phases := []app.Phase{app.PhaseFirstCopy, app.PhaseCopying, app.PhaseOffline, app.PhaseDrill, app.PhaseFetch, app.PhaseCheck, app.PhaseReplace, app.PhaseFlush}
	phases = append(phases, app.PhaseEnrol, app.PhaseUploading, app.PhaseFirstSync, app.PhaseCatchingUp, app.PhaseStalled, app.PhaseProof)
	st := app.Status{State: states[random.IntN(len(states))], Healthy: coin()}
	if coin() {
		st.Progress = &app.Progress{Phase: phases[random.IntN(len(phases))], Rate: float64(random.IntN(2)), Since: before(time.Duration(random.IntN(200)) * time.Second)}
	}
	if coin() {
		st.Error = app.Errorf(app.CodeDenied, "x", "Y.")
	}
	if coin() {
		st.Standalone = &app.StandaloneStatus{ReplicatedTXID: []string{"", "1"}[random.IntN(2)]}
		if coin() {
			st.Standalone.LastDrill = &app.Drill{OK: coin()}
		}
		if coin() {
			st.Standalone.WaitingSince = before(time.Duration(random.IntN(120)) * time.Second)
		}
	}
	if coin() {
		st.Mode, st.Cloud = app.ModeCloud, &app.CloudStatus{}
		if coin() {
			st.Cloud.LastProof = &app.Proof{Equal: coin(), Cure: []string{"", "It is put right."}[random.IntN(2)]}
		}
		if coin() {
			st.Cloud.WaitingSince = before(time.Duration(random.IntN(120)) * time.Second)
		}
	}
	return st
}

// TestPictures: every icon has its files in every size, and the picture of one icon is not that of another.
func TestPictures(t *testing.T) {
	for _, icon := range Icons {
		for _, variant := range []string{"light", "dark", "template"} {
			for _, px := range []int{16, 22, 32, 44} {
				img := picture(t, fmt.Sprintf("icons/%s-%d-%s.png", icon, px, variant))
				if b := img.Bounds(); b.Dx() != px || b.Dy() != px {
					t.Errorf("%s %s %d is %v", icon, variant, px, b)
				}
				if ink(img) == 0 {
					t.Errorf("%s %s %d is empty", icon, variant, px)
				}
			}
		}
	}
	for i, a := range Icons {
		for _, b := range Icons[:i] {
			for _, px := range []int{16, 22} {
				imgA := picture(t, fmt.Sprintf("icons/%s-%d-template.png", a, px))
				imgB := picture(t, fmt.Sprintf("icons/%s-%d-template.png", b, px))
				if d := difference(imgA, imgB); d < 0.4 {
					t.Errorf("%s and %s differ in %.0f %% of their ink at %d px", a, b, 100*d, px)
				}
			}
		}
	}
}

func picture(t *testing.T, path string) image.Image {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func alpha(img image.Image, x, y int) float64 {
	_, _, _, a := img.At(x, y).RGBA()
	return float64(a) / 0xffff
}

func ink(img image.Image) (sum float64) {
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			sum += alpha(img, x, y)
		}
	}
	return sum
}

// difference is the part of the ink of two pictures that they do not share.
func difference(a, b image.Image) float64 {
	var shared, all float64
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			shared += min(alpha(a, x, y), alpha(b, x, y))
			all += max(alpha(a, x, y), alpha(b, x, y))
		}
	}
	return 1 - shared/all
}

// TestWindowsIcons: an .ico holds exactly the committed pictures.
func TestWindowsIcons(t *testing.T) {
	for _, icon := range Icons {
		for _, variant := range []string{"light", "dark"} {
			ico, err := os.ReadFile(fmt.Sprintf("icons/%s-%s.ico", icon, variant))
			if err != nil {
				t.Fatal(err)
			}
			sizes := []int{16, 22, 32, 44}
			if kind, n := binary.LittleEndian.Uint16(ico[2:]), binary.LittleEndian.Uint16(ico[4:]); kind != 1 || int(n) != len(sizes) {
				t.Fatalf("%s %s: kind %d with %d pictures", icon, variant, kind, n)
			}
			for i, px := range sizes {
				entry := ico[6+16*i:]
				length, offset := binary.LittleEndian.Uint32(entry[8:]), binary.LittleEndian.Uint32(entry[12:])
				want, err := os.ReadFile(fmt.Sprintf("icons/%s-%d-%s.png", icon, px, variant))
				if err != nil {
					t.Fatal(err)
				}
				if int(entry[0]) != px || !bytes.Equal(ico[offset:offset+length], want) {
					t.Errorf("%s %s: the picture of %d px is another one", icon, variant, px)
				}
			}
		}
	}
}
