package sqlite

import "golang.org/x/sys/unix"

// networkTypes are the file systems whose locks other machines do not see, by their magic number. FUSE is among them
// because most of what it carries is remote.
var networkTypes = map[int64]string{
	unix.NFS_SUPER_MAGIC: "NFS", unix.SMB_SUPER_MAGIC: "SMB", unix.CIFS_SUPER_MAGIC: "SMB", unix.SMB2_SUPER_MAGIC: "SMB",
	unix.AFS_SUPER_MAGIC: "AFS", unix.CEPH_SUPER_MAGIC: "Ceph", unix.CODA_SUPER_MAGIC: "Coda", unix.V9FS_MAGIC: "9P",
	unix.FUSE_SUPER_MAGIC: "FUSE",
}

func networkVolume(folder string) (kind string, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(folder, &st); err != nil {
		return "", err
	}
	return networkTypes[int64(uint32(st.Type))], nil
}

// diskFree is what this account may still write to the disk of folder, in bytes.
func diskFree(folder string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(folder, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:unconvert // of another type on some systems
}
