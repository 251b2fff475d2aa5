package stream

import (
	"compress/gzip"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// decoded undoes the encoding of a body, line by line as it comes.
func decoded(t testing.TB, body io.Reader, encoding string) io.Reader {
	t.Helper()
	var err error
	switch encoding {
	case "gzip":
		body, err = gzip.NewReader(body)
	case "zstd":
		var reader *zstd.Decoder
		reader, err = zstd.NewReader(body, zstd.WithDecoderConcurrency(1))
		if err == nil {
			t.Cleanup(reader.Close)
		}
		body = reader
	}
	if err != nil {
		t.Fatal(err)
	}
	return body
}
