package httpapi

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"

	"github.com/klauspost/compress/zstd"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// maxWindow is the memory that a zstd frame may ask for.
const maxWindow = 8 << 20

// readBody reads a request's body, inflated, at most pushapi.MaxBody: what a client sent compressed counts as what it becomes.
func readBody(r *http.Request) ([]byte, error) {
	inflated, err := inflate(r.Header.Get("Content-Encoding"), http.MaxBytesReader(nil, r.Body, pushapi.MaxBody))
	if err != nil {
		return nil, err
	}
	defer func() { _ = inflated.Close() }()
	limited := &io.LimitedReader{R: inflated, N: pushapi.MaxBody + 1}
	body, err := readAll(limited, r.ContentLength)
	var large *http.MaxBytesError
	switch {
	case limited.N == 0 || errors.As(err, &large):
		return nil, backend.Errorf(backend.TooLarge, "The body is larger than %d bytes.", pushapi.MaxBody)
	case err != nil:
		return nil, backend.Errorf(backend.Invalid, "The body cannot be read to its end.").Wrap(err)
	}
	return body, nil
}

// readAll spares the buffer most of its growing when the length is known, and believes no length further than 1 MiB.
func readAll(r io.Reader, length int64) ([]byte, error) {
	buffer := make([]byte, 0, min(max(length, 512), 1<<20)+1)
	for {
		n, err := r.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if errors.Is(err, io.EOF) {
			return buffer, nil
		}
		if err != nil {
			return buffer, err
		}
		if len(buffer) == cap(buffer) {
			buffer = append(buffer, 0)[:len(buffer)]
		}
	}
}

func inflate(encoding string, body io.ReadCloser) (io.ReadCloser, error) {
	switch encoding {
	case "", "identity":
		return body, nil
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, backend.Errorf(backend.Invalid, "The body is not gzip.").Wrap(err)
		}
		return z, nil
	case "zstd":
		z, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, backend.Errorf(backend.Invalid, "The body is not zstd.").Wrap(err)
		}
		return z.IOReadCloser(), nil
	}
	return nil, backend.Errorf(backend.Invalid, "The Content-Encoding is not one of gzip, zstd and identity.")
}
