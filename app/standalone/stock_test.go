package standalone

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/benbjohnson/litestream/file"
	"github.com/benbjohnson/litestream/gs"
	"github.com/benbjohnson/litestream/s3"
	"github.com/benbjohnson/litestream/sftp"
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
			if target.Kind() == kindSFTP {
				c := sftp.NewReplicaClient()
				c.Host, c.User, c.Path, c.KeyPath = net.JoinHostPort(target.at.host, target.at.port), target.at.user, path, filepath.Join(os.Getenv("HOME"), ".ssh", "id_ed25519")
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
		exact := time.Millisecond
		if target.Kind() == kindSFTP { // Litestream takes the file's time for the change's
			exact = time.Second
		}
		sameTimes(t, mine, ours.list(0), exact)
	})
}

func sameTimes(t *testing.T, ours, stock []*ltx.FileInfo, exact time.Duration) {
	t.Helper()
	for i := range ours {
		if len(stock) != len(ours) || !ours[i].CreatedAt.Truncate(exact).Equal(stock[i].CreatedAt.Truncate(exact)) || ours[i].Size != stock[i].Size {
			t.Errorf("we list %+v, Litestream %+v", ours[i], stock[i])
		}
	}
}
