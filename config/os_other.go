//go:build !linux && !darwin && !windows

package config

// osMachineID is unknown here: the machine keeps its id wherever the home directory is found.
func osMachineID() (string, error) { return "", nil }
