package cli

import "os"

func alive(*os.Process) bool { return false }

func runsHere(int, string) bool { return false }
