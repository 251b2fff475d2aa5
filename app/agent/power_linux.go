package agent

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// saving tells that the machine runs on its battery or on a metered network.
func saving() bool { return onBattery("/sys/class/power_supply") || metered() }

// metered asks NetworkManager; where there is none, no network counts as metered.
func metered() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	const service, object = "org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager"
	out, err := exec.CommandContext(ctx, "busctl", "--system", "get-property", service, object, service, "Metered").Output()
	return err == nil && saysMetered(string(out))
}

// saysMetered reads busctl's answer, a type and an NMMetered: 1 is yes, 3 is a guessed yes.
func saysMetered(answer string) bool {
	answer = strings.TrimSpace(answer)
	return answer == "u 1" || answer == "u 3"
}

// onBattery reads what the kernel says of the power supplies: on battery is when one discharges and no mains is online.
func onBattery(dir string) bool {
	supplies, _ := filepath.Glob(filepath.Join(dir, "*"))
	discharging := false
	for _, s := range supplies {
		if read(s, "type") == "Mains" && read(s, "online") == "1" {
			return false
		}
		if read(s, "type") == "Battery" && read(s, "scope") != "Device" && read(s, "status") == "Discharging" {
			discharging = true
		}
	}
	return discharging
}

func read(dir, name string) string {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
