package standalone

import (
	"context"
	"io"

	"github.com/superfly/ltx"
)

// wholeReader is a store that reads an object whole in fewer steps than by opening it.
type wholeReader interface {
	// whole reads an object, which was listed with this size, into what buf has room for, and more where that is not enough.
	whole(ctx context.Context, key string, size int64, buf []byte) ([]byte, error)
}

// readObject reads an object whole into buf, or what it grows to.
func readObject(ctx context.Context, client replicaClient, f *ltx.FileInfo, buf []byte) ([]byte, error) {
	if c, ok := client.(*ltxClient); ok {
		return readWhole(ctx, c.t.store, c.key(f.Level, f.MinTXID, f.MaxTXID), f.Size, buf)
	}
	rc, err := client.OpenLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, 0, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rc.Close() }() // only read
	return readAll(rc.Read, buf)
}

func readWhole(ctx context.Context, s objects, key string, size int64, buf []byte) ([]byte, error) {
	if s, ok := s.(wholeReader); ok {
		return s.whole(ctx, key, size, buf)
	}
	rc, err := s.open(ctx, key, 0, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rc.Close() }() // only read
	return readAll(rc.Read, buf)
}

// readAll reads into buf until read says io.EOF. It stops at twice the size of what is read whole: an object that was listed
// as a smaller one is damaged, whatever follows.
func readAll(read func([]byte) (int, error), buf []byte) ([]byte, error) {
	for buf = buf[:0]; len(buf) <= 2*prefetchWhole; {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF { //nolint:errorlint // a connection that broke wraps it, and is no end
			return buf, nil
		} else if err != nil {
			return buf, err
		}
	}
	return buf, nil
}
