package agent

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOnBattery(t *testing.T) {
	for name, tc := range map[string]struct {
		supplies map[string]map[string]string
		want     bool
	}{
		"a desktop":                     {nil, false},
		"a laptop on its battery":       {map[string]map[string]string{"AC": {"type": "Mains", "online": "0"}, "BAT0": {"type": "Battery", "status": "Discharging"}}, true},
		"a laptop on mains":             {map[string]map[string]string{"AC": {"type": "Mains", "online": "1"}, "BAT0": {"type": "Battery", "status": "Charging"}}, false},
		"a mouse with a low battery":    {map[string]map[string]string{"hid": {"type": "Battery", "scope": "Device", "status": "Discharging"}}, false},
		"mains, though the cell drains": {map[string]map[string]string{"AC": {"type": "Mains", "online": "1"}, "BAT0": {"type": "Battery", "status": "Discharging"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for supply, files := range tc.supplies {
				if err := os.Mkdir(filepath.Join(dir, supply), 0o700); err != nil {
					t.Fatal(err)
				}
				for f, content := range files {
					if err := os.WriteFile(filepath.Join(dir, supply, f), []byte(content+"\n"), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			if got := onBattery(dir); got != tc.want {
				t.Errorf("onBattery = %v", got)
			}
		})
	}
}

func TestSaysMetered(t *testing.T) {
	for answer, want := range map[string]bool{"u 1\n": true, "u 3": true, "u 2": false, "u 4": false, "u 0": false, "": false, "s yes": false} {
		if saysMetered(answer) != want {
			t.Errorf("%q: %v", answer, !want)
		}
	}
}
