package window

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/coditect-ai/coditect-sync/config"
)

// size is how large the window was when it was closed, in the system's units.
type size struct {
	Width     int  `json:"width"`
	Height    int  `json:"height"`
	Maximised bool `json:"maximised,omitempty"`
}

// The page is made for the first size, and still whole at the smallest.
var (
	usual    = size{Width: 760, Height: 560}
	smallest = size{Width: 320, Height: 320}
)

// largest is more than any screen has; what is beyond was written by nobody we know.
const largest = 20_000

func sizePath(home string) string { return filepath.Join(home, "window.json") }

// loadSize is the size of the last time, and the usual one where it is not known: it is not worth a word to a person.
func loadSize(home string) size {
	raw, err := os.ReadFile(sizePath(home))
	var s size
	if err != nil || json.Unmarshal(raw, &s) != nil || !s.fits() {
		return usual
	}
	return s
}

func (s size) fits() bool {
	return s.Width >= smallest.Width && s.Height >= smallest.Height && s.Width <= largest && s.Height <= largest
}

// saveSize keeps s for the next time. A maximised window keeps the size that it had before.
func saveSize(home string, s size) error {
	if s.Maximised {
		before := loadSize(home)
		s.Width, s.Height = before.Width, before.Height
	}
	if !s.fits() || s == loadSize(home) {
		return nil
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return config.WriteFile(sizePath(home), append(raw, '\n'))
}
