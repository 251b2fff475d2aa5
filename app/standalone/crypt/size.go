package crypt

// The parts of an age file with our two stanzas, in bytes.
const (
	// before is what stands before the first piece: the header's lines, and the nonce.
	before = len("age-encryption.org/v1\n") +
		len("-> X25519 ") + b64of32 + 1 + b64of32 + 1 +
		len("-> "+boundStanza) + 1 + b64of32 + 1 +
		len("--- ") + b64of32 + 1 + 16
	b64of32 = 43
	piece   = 64 << 10
	tag     = 16
)

// Size is how many bytes an object has that holds so many.
func Size(content int64) int64 { return int64(before) + content + tag*max(1, (content+piece-1)/piece) }

// ContentSize is how many bytes are in an object of this size, 0 or less where it cannot be a whole one.
func ContentSize(size int64) int64 {
	size -= int64(before)
	return size - tag*((size+piece+tag-1)/(piece+tag))
}

// Until is how many bytes from an object's beginning hold the first n of its content.
func Until(n int64) int64 { return int64(before) + (n+piece-1)/piece*(piece+tag) }
