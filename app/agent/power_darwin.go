package agent

import (
	"context"
	"os/exec"
	"strings"
	"time"
)

// saving tells that the machine runs on its battery.
func saving() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "/usr/bin/pmset", "-g", "batt").Output()
	first, _, _ := strings.Cut(string(out), "\n")
	return err == nil && strings.HasSuffix(first, "'Battery Power'")
}
