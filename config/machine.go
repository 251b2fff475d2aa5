package config

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/google/uuid"
)

// Machine is the identity of one installation.
type Machine struct {
	// ID names the machine's folder at the target. It changes only when the home directory is found on another
	// computer, or is a copy of one on this computer, so that no two of them write to one folder.
	ID string `json:"id"`
	// Lineage names the history of the file. It stays when the ID changes, and a restore carries it to other machines.
	Lineage string `json:"lineage"`
	// From is whose history the file was restored from, while this machine goes on with one of its own.
	From app.Origin `json:"from,omitzero"`
	// Was is the ID before the last change; empty while it never changed.
	Was string `json:"was,omitempty"`
	// OSHash is a hash of the OS machine id; empty while the system had none.
	OSHash string `json:"os_hash,omitempty"`
	// Home is the home directory's path, and Folder its number in the file system (0 where there is none). A directory
	// that was moved keeps the one, a disk that was mounted again the other; a copy has neither.
	Home   string `json:"home,omitempty"`
	Folder uint64 `json:"folder,omitempty"`
}

// MachineFile keeps the Machine. OSID returns the id that the operating system gives this computer; nil means the real
// one. An error or "" means unknown, and then the computer counts as the same one.
type MachineFile struct {
	Path string
	OSID func() (string, error)
}

// LoadMachine is MachineFile.Load for the machine.json of a home directory.
func LoadMachine(home string) (machine Machine, damaged *app.Error, err error) {
	return MachineFile{Path: NewLayout(home).Machine}.Load()
}

// Load returns the machine's identity. It mints and saves one where there is none yet, and a new ID on another
// computer. A torn or foreign file is moved aside, a new identity minted, and damaged says so.
func (f MachineFile) Load() (machine Machine, damaged *app.Error, err error) {
	old, damaged, err := f.store().load()
	if err != nil {
		return Machine{}, nil, err
	}
	machine = old
	if hash := f.osHash(); hash != "" {
		if machine.OSHash != "" && machine.OSHash != hash {
			machine.Was, machine.ID = machine.ID, ""
		}
		machine.OSHash = hash
	}
	f.place(&machine)
	if err := machine.mint(); err != nil {
		return Machine{}, nil, err
	}
	if machine == old {
		return machine, damaged, nil
	}
	return machine, damaged, f.store().save(machine)
}

// place notes where the home directory is, and makes the id of a copy go.
func (f MachineFile) place(m *Machine) {
	home, err := filepath.EvalSymlinks(filepath.Dir(f.Path))
	if err == nil {
		home, err = filepath.Abs(home)
	}
	info, statErr := os.Stat(home)
	if err != nil || statErr != nil {
		return // not made yet
	}
	folder := fileNumber(info)
	if m.Home != "" && m.Home != home && m.Folder != 0 && folder != 0 && m.Folder != folder && m.ID != "" {
		m.Was, m.ID = m.ID, ""
	}
	m.Home, m.Folder = home, folder
}

// SetLineage records the lineage of the history that the file now follows, and the one it came from; zero for none.
func (f MachineFile) SetLineage(lineage string, from app.Origin) error {
	machine, _, err := f.Load()
	if err != nil || machine.Lineage == lineage && machine.From == from {
		return err
	}
	machine.Lineage, machine.From = lineage, from
	return f.store().save(machine)
}

// mint fills what is missing.
func (m *Machine) mint() error {
	for _, id := range []*string{&m.ID, &m.Lineage} {
		if *id != "" {
			continue
		}
		fresh, err := uuid.NewV7()
		if err != nil {
			return app.Errorf(app.CodeFailed, "name the machine", "The system gives no random numbers.").Wrap(err)
		}
		*id = fresh.String()
	}
	return nil
}

// osHash is "" while the system does not say. The id itself is confidential, so only a hash of it is kept.
func (f MachineFile) osHash() string {
	osID := f.OSID
	if osID == nil {
		osID = osMachineID
	}
	id, err := osID()
	if err != nil || id == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("coditect-sync machine " + id))
	return hex.EncodeToString(sum[:16])
}

func (f MachineFile) store() store[Machine] {
	return store[Machine]{path: f.Path, kind: "coditect-sync machine", version: 1, check: func(m Machine) error {
		if m.ID == "" || m.Lineage == "" {
			return errForeign
		}
		return nil
	}}
}
