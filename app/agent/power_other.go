//go:build !linux && !darwin && !windows

package agent

func saving() bool { return false }
