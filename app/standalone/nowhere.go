package standalone

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"
)

// nowhere is the replica that Litestream wants a database to have before it opens it. Ours are kept up to date by
// shippers, so this one is always where the database is: nothing is ever sent to it or taken from it.
type nowhere struct{ db *litestream.DB }

var _ replicaClient = nowhere{}

var errNowhere = errors.New("nothing is kept there")

// Type implements litestream.ReplicaClient.
func (nowhere) Type() string { return "none" }

// Init implements litestream.ReplicaClient.
func (nowhere) Init(context.Context) error { return nil }

// SetLogger implements litestream.ReplicaClient.
func (nowhere) SetLogger(*slog.Logger) {}

// LTXFiles says that every change that was captured is there.
func (n nowhere) LTXFiles(_ context.Context, level int, _ ltx.TXID, _ bool) (ltx.FileIterator, error) {
	var files []*ltx.FileInfo
	if pos, err := n.db.Pos(); err == nil && level == 0 && pos.TXID > 0 {
		files = append(files, &ltx.FileInfo{MinTXID: pos.TXID, MaxTXID: pos.TXID})
	}
	return ltx.NewFileInfoSliceIterator(files), nil
}

// OpenLTXFile implements litestream.ReplicaClient.
func (nowhere) OpenLTXFile(context.Context, int, ltx.TXID, ltx.TXID, int64, int64) (io.ReadCloser, error) {
	return nil, os.ErrNotExist
}

// WriteLTXFile refuses, so that what is not at a target cannot be taken for being there.
func (nowhere) WriteLTXFile(context.Context, int, ltx.TXID, ltx.TXID, io.Reader) (*ltx.FileInfo, error) {
	return nil, errNowhere
}

// DeleteLTXFiles implements litestream.ReplicaClient.
func (nowhere) DeleteLTXFiles(context.Context, []*ltx.FileInfo) error { return errNowhere }

// DeleteAll implements litestream.ReplicaClient.
func (nowhere) DeleteAll(context.Context) error { return errNowhere }
