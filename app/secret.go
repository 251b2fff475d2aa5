package app

import "log/slog"

// Secret is a text that no log and no format shows, such as the recovery key of encrypted copies. JSON carries it: the local
// API has no other way.
type Secret string

// String hides it.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[secret]"
}

// GoString hides it.
func (s Secret) GoString() string { return s.String() }

// LogValue hides it.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Reveal is the text.
func (s Secret) Reveal() string { return string(s) }

// AccessKey is what lets in to a storage that speaks S3: an id, which is no secret, and the secret that belongs to it.
type AccessKey struct {
	ID     string `json:"id"`
	Secret Secret `json:"secret"`
}
