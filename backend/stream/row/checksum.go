package row

import (
	"crypto/sha256"
	"encoding/binary"
)

// PutChecksum is the checksum of an operation that sets a row's document. Clients add them up modulo 2^32.
func PutChecksum(table, id, document string) uint32 {
	return checksum("put.", table, id, document)
}

// RemoveChecksum is the checksum of an operation that removes a row.
func RemoveChecksum(table, id string) uint32 {
	return checksum("delete.", table, id, "")
}

func checksum(verb, table, id, document string) uint32 {
	text := make([]byte, 0, 64+len(id)+len(document))
	text = append(append(append(append(text, verb...), table...), '.'), id...)
	text = append(append(text, '.'), document...)
	sum := sha256.Sum256(text)
	return binary.LittleEndian.Uint32(sum[:4])
}
