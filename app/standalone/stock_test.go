package standalone

import (
	"path/filepath"
	"testing"

	"github.com/benbjohnson/litestream"
	"github.com/benbjohnson/litestream/file"
	"github.com/benbjohnson/litestream/gs"
	"github.com/benbjohnson/litestream/s3"
	"github.com/superfly/ltx"
)

// TestLitestreamReadsOursAndWeReadLitestreams: what its own clients for disk and cloud make of our objects, and we of
// theirs.
func TestLitestreamReadsOursAndWeReadLitestreams(t *testing.T) {
	eachTarget(t, func(t *testing.T, target *Target) {
		stock := func(machine string) litestream.ReplicaClient {
			if target.Kind() == kindFile {
				return file.NewReplicaClient(filepath.Join(target.at.path, filepath.FromSlash(machineDir(twinUser, machine))))
			}
			path := target.at.path + "/" + machineDir(twinUser, machine)
			if target.Kind() == kindS3 {
				c := s3.NewReplicaClient()
				c.Bucket, c.Path, c.Endpoint, c.ForcePathStyle = target.at.bucket, path+"/ltx", target.at.endpoint, true
				return c
			}
			c := gs.NewReplicaClient()
			c.Bucket, c.Path = target.at.bucket, path
			return c
		}
		ours := newTwin(t, target, "m1", 4096)
		theirs := newTwinOn(t, stock("m2"), "m2", 4096)
		for range 3 {
			ours.write(10, 300)
			theirs.write(10, 300)
		}
		ours.snapshot()
		theirs.snapshot()
		theirs.holds(replicaOf(target, "m1"), theirs.order...)
		mine := ours.list(0)
		ours.client = stock("m1") // now Litestream restores with its own client
		ours.holds(replicaOf(target, "m1"), ours.order...)
		sameTimes(t, mine, ours.list(0))
	})
}

func sameTimes(t *testing.T, ours, stock []*ltx.FileInfo) {
	t.Helper()
	for i := range ours {
		if len(stock) != len(ours) || !ours[i].CreatedAt.Equal(stock[i].CreatedAt) || ours[i].Size != stock[i].Size {
			t.Errorf("we list %+v, Litestream %+v", ours[i], stock[i])
		}
	}
}
