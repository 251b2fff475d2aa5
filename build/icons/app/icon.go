// Package icon is the program's icon, for windows that must bring theirs.
package icon

import _ "embed" // the picture is in the program

// PNG is 128 pixels wide and high.
//
//go:embed coditect-sync-128.png
var PNG []byte
