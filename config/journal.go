package config

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"github.com/coditect-ai/coditect-sync/app"
)

// JournalFile keeps what happened, one JSON object a line, oldest first. Nothing depends on it: it is there to be read.
type JournalFile struct{ Path string }

// maxLine bounds one event.
const maxLine = 64 << 10

// Load returns the events. A line that cannot be read, such as a torn last one, is left out.
func (f JournalFile) Load() ([]app.Event, error) {
	raw, err := os.ReadFile(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fileError("read", f.Path, err)
	}
	var events []app.Event
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var e app.Event
		if json.Unmarshal(lines.Bytes(), &e) == nil && e.Kind != "" {
			events = append(events, e)
		}
	}
	return events, lines.Err()
}

// Append adds events. A line that was torn by a crash stays a line of its own.
func (f JournalFile) Append(events ...app.Event) error {
	lines, err := linesOf(events)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(f.Path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return fileError("write", f.Path, err)
	}
	if torn(file) {
		lines = append([]byte{'\n'}, lines...)
	}
	_, err = file.Write(lines)
	if err = errors.Join(err, file.Close()); err != nil {
		return fileError("write", f.Path, err)
	}
	return nil
}

func torn(file *os.File) bool {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return false
	}
	last := make([]byte, 1)
	_, err = file.ReadAt(last, info.Size()-1)
	return err == nil && last[0] != '\n'
}

// Replace makes these the only events.
func (f JournalFile) Replace(events []app.Event) error {
	lines, err := linesOf(events)
	if err != nil {
		return err
	}
	return WriteFile(f.Path, lines)
}

func linesOf(events []app.Event) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	for _, e := range events {
		if err := enc.Encode(e); err != nil {
			return nil, app.Errorf(app.CodeFailed, "write", "%s could not be written.", JournalName).Wrap(err)
		}
	}
	return out.Bytes(), nil
}

// JournalName is the journal's name in the home directory.
const JournalName = "activity.jsonl"
