//go:build !linux

package standalone

import "os"

// startWriteback has no counterpart here: the fsync at the end does it all.
func startWriteback(*os.File, int64, int64) {}

// reserve has no counterpart here: room is found as pages are written.
func reserve(*os.File, int64) {}
