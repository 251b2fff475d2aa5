package app

import "time"

// Stamp is what the file system tells of the memory file and its log. While it stays the same, next to nothing was committed: a
// commit can be read a moment after the last write to the log.
type Stamp struct {
	File, Log FileStamp
}

// FileStamp is one of the two. An empty log is none: whoever opens the file makes it, and removes it again when nobody else has
// the file open.
type FileStamp struct {
	Size     int64 // bytes
	Modified time.Time
}
