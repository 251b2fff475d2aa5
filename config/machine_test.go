package config

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

func machineFile(t *testing.T) MachineFile {
	t.Helper()
	return MachineFile{Path: filepath.Join(t.TempDir(), "machine.json"), OSID: osID("board-1")}
}

func osID(id string) func() (string, error) { return func() (string, error) { return id, nil } }

func mustMachine(t *testing.T, f MachineFile) Machine {
	t.Helper()
	m, damaged, err := f.Load()
	if err != nil || damaged != nil {
		t.Fatalf("load: %v, %v", damaged, err)
	}
	return m
}

func TestMachineIsMintedOnce(t *testing.T) {
	f := machineFile(t)
	first := mustMachine(t, f)
	if uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$`); !uuid.MatchString(first.ID) || !uuid.MatchString(first.Lineage) {
		t.Errorf("minted %+v", first)
	}
	if first.ID == first.Lineage {
		t.Error("machine and lineage have one id")
	}
	if again := mustMachine(t, f); again != first {
		t.Errorf("then %+v", again)
	}
	if raw, err := os.ReadFile(f.Path); err != nil || strings.Contains(string(raw), "board-1") {
		t.Errorf("the id of the system stands in the file: %s, %v", raw, err)
	}
}

func TestMachineOnAnotherComputer(t *testing.T) {
	f := machineFile(t)
	first := mustMachine(t, f)
	f.OSID = osID("board-2")
	second := mustMachine(t, f)
	if second.ID == first.ID || second.Was != first.ID {
		t.Errorf("on another computer: %+v after %+v", second, first)
	}
	if second.Lineage != first.Lineage {
		t.Error("the lineage changed")
	}
	if again := mustMachine(t, f); again != second {
		t.Errorf("then %+v", again)
	}
}

func TestMachineOfASystemWithoutAnID(t *testing.T) {
	f := machineFile(t)
	f.OSID = func() (string, error) { return "", errors.New("no machine-id") }
	first := mustMachine(t, f)
	for _, id := range []string{"board-1", ""} { // it learns one, and forgets it again
		f.OSID = osID(id)
		if m := mustMachine(t, f); m.ID != first.ID {
			t.Errorf("with the system id %q: %+v", id, m)
		}
	}
	f.OSID = osID("board-2")
	if m := mustMachine(t, f); m.ID == first.ID {
		t.Error("another computer has the same id")
	}
}

func TestDamagedMachineGetsNewIDs(t *testing.T) {
	f := machineFile(t)
	first := mustMachine(t, f)
	write(t, f.Path, `{"kind":"coditect-sync machine","version":1,"data":{"id":""}}`)
	second, damaged, err := f.Load()
	if err != nil || damaged == nil || damaged.Code != app.CodeDamaged {
		t.Fatalf("got %v, %v", damaged, err)
	}
	if second.ID == first.ID || second.Lineage == first.Lineage || second.ID == "" {
		t.Errorf("got %+v after %+v", second, first)
	}
}

func TestLineageIsCarriedAlong(t *testing.T) {
	f := machineFile(t)
	first := mustMachine(t, f)
	if err := f.SetLineage("of-another-machine", app.Origin{Machine: "m", Lineage: "former"}); err != nil {
		t.Fatal(err)
	}
	second := mustMachine(t, f)
	if second.Lineage != "of-another-machine" || second.From.Lineage != "former" || second.ID != first.ID {
		t.Errorf("got %+v", second)
	}
}

func TestMachineThatCannotBeSaved(t *testing.T) {
	f := MachineFile{Path: filepath.Join(t.TempDir(), "file", "machine.json")}
	write(t, filepath.Dir(f.Path), "in the way")
	if m, _, err := f.Load(); err == nil {
		t.Errorf("an identity that is not kept: %+v", m)
	}
}

func TestLoadMachineOfThisComputer(t *testing.T) {
	home := t.TempDir()
	first, _, err := LoadMachine(home)
	if err != nil {
		t.Fatal(err)
	}
	if again, _, err := LoadMachine(home); err != nil || again != first {
		t.Errorf("then %+v, %v", again, err)
	}
}

func TestMachineOfACopiedHome(t *testing.T) {
	dir := t.TempDir()
	at := func(home string) MachineFile {
		return MachineFile{Path: filepath.Join(dir, home, "machine.json"), OSID: osID("board-1")}
	}
	if err := os.Mkdir(filepath.Join(dir, "home"), 0o700); err != nil {
		t.Fatal(err)
	}
	first := mustMachine(t, at("home"))
	if err := os.Rename(filepath.Join(dir, "home"), filepath.Join(dir, "moved")); err != nil {
		t.Fatal(err)
	}
	moved := mustMachine(t, at("moved"))
	if moved.ID != first.ID {
		t.Error("a home that was moved has another id")
	}
	if err := os.CopyFS(filepath.Join(dir, "copy"), os.DirFS(filepath.Join(dir, "moved"))); err != nil {
		t.Fatal(err)
	}
	twin := mustMachine(t, at("copy"))
	if twin.ID == first.ID || twin.Was != first.ID || twin.Lineage != first.Lineage {
		t.Errorf("the copy of a home is %+v, the home %+v", twin, first)
	}
	if again := mustMachine(t, at("copy")); again != twin {
		t.Errorf("then %+v", again)
	}
	if again := mustMachine(t, at("moved")); again != moved {
		t.Errorf("the home itself is then %+v", again)
	}
}
