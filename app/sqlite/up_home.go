package sqlite

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
)

// home says where a file lies: on which machine, under which name, and which file it is. A file that is copied, moved or
// restored by whatever means has another one, and takes a new client id, so that no two files are one client. What was
// written over in place has the same; the server finds that out, because a number is used again for other bytes.
func (f *File) home(machine string) string {
	name := machine + "\x00" + f.path + "\x00"
	if info, err := os.Stat(f.path); err == nil {
		name += inode(info)
	}
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:12])
}
