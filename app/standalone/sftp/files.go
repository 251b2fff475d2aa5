package sftp

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pkg/sftp"
)

// Everything made is for its owner alone.
const (
	dirMode  = 0o700
	fileMode = 0o600
)

// tmpSuffix marks a file that is not whole yet.
const tmpSuffix = ".tmp"

// The extensions of OpenSSH that are used where a server has them.
const (
	extRename = "posix-rename@openssh.com"
	extLink   = "hardlink@openssh.com"
	extSync   = "fsync@openssh.com"
)

// ahead is how much is asked for or sent before the first answer is here.
const ahead = 256 << 10

// noSpace is how many free bytes mean that a disk is full.
const noSpace = 1 << 20

// Put makes the file that write writes: whole, or not at all and as it was before. A non-zero at is kept as its time, in
// whole seconds. It returns the file's size in bytes.
func (f *Folder) Put(ctx context.Context, key string, at time.Time, write func(io.Writer) error) (size int64, err error) {
	name := f.name(key)
	if err := f.use(ctx, func(c *sftp.Client) error { return f.makeDirs(c, path.Dir(key)) }); err != nil {
		return 0, f.why(ctx, err)
	}
	c, err := f.connect(ctx)
	if err != nil {
		return 0, err
	}
	err = c.during(ctx, func() error {
		if size, err = writeFile(c.files, name+tmpSuffix, at, write); err == nil {
			err = replace(c.files, name+tmpSuffix, name)
		}
		return err
	})
	if err != nil {
		if errors.Is(err, errLost) {
			f.leave(c)
		}
		err = f.why(ctx, err)
		f.sweep(ctx, name+tmpSuffix)
		return 0, err
	}
	return size, nil
}

// sweepTimeout bounds how long a file that did not become whole is being taken away.
const sweepTimeout = 5 * time.Second

// sweep takes a file away that failed, also after ctx ended; if it cannot, the next attempt does.
func (f *Folder) sweep(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepTimeout)
	defer cancel()
	_ = f.use(ctx, func(c *sftp.Client) error { return c.Remove(name) })
}

func writeFile(c *sftp.Client, name string, at time.Time, write func(io.Writer) error) (int64, error) {
	file, err := createNew(c, name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }() // the second close of the good path is harmless
	if err := file.Chmod(fileMode); err != nil {
		return 0, err
	}
	out := &durable{w: bufio.NewWriterSize(file, ahead), sync: func() error { return nil }}
	if _, ok := c.HasExtension(extSync); ok {
		out.sync = file.Sync
	}
	if err := write(out); err != nil {
		return 0, err
	}
	if err := out.flush(); err != nil {
		return 0, err
	}
	if err := file.Close(); err != nil {
		return 0, err
	}
	if !at.IsZero() {
		err = c.Chtimes(name, at, at)
	}
	return out.n, err
}

// createNew makes a file in place of one that was left: never the same one, because its server may still be writing what came
// over a connection that broke.
func createNew(c *sftp.Client, name string) (*sftp.File, error) {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	file, err := c.OpenFile(name, flags)
	if err == nil || c.Remove(name) != nil {
		return file, err
	}
	return c.OpenFile(name, flags)
}

// syncEvery is after how many bytes a file on its way up is made durable so far. All of a large file at once takes a slow
// disk longer than a silent server is waited for.
const syncEvery = 32 << 20

// durable counts what is written and makes it durable.
type durable struct {
	w        *bufio.Writer
	sync     func() error
	n, since int64
}

func (d *durable) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	d.n, d.since = d.n+int64(n), d.since+int64(n)
	if err == nil && d.since >= syncEvery {
		err = d.flush()
	}
	return n, err
}

func (d *durable) flush() error {
	d.since = 0
	if err := d.w.Flush(); err != nil {
		return err
	}
	return d.sync()
}

// replace gives a file its name, whatever has it. Without the extension there is a moment when nothing has it.
func replace(c *sftp.Client, from, to string) error {
	if _, ok := c.HasExtension(extRename); ok {
		return c.PosixRename(from, to)
	}
	if err := c.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return c.Rename(from, to)
}

// makeDirs makes the folders of a key below the root; never the root itself.
func (f *Folder) makeDirs(c *sftp.Client, dir string) error {
	if _, err := c.Stat(f.name(dir)); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	at := f.cfg.Root
	for part := range strings.SplitSeq(dir, "/") {
		at = path.Join(at, part)
		err := c.Mkdir(at)
		if err != nil {
			if fi, statErr := c.Stat(at); statErr == nil && fi.IsDir() {
				continue
			}
			return err
		}
		if err := c.Chmod(at, dirMode); err != nil {
			return err
		}
	}
	return nil
}

// Claim makes a small file only if there is none of that name: a Fault of the kind Exists else. Of several that claim at
// the same time one succeeds, as far as the server's file system keeps its word on links, or without them on O_EXCL.
func (f *Folder) Claim(ctx context.Context, key string, content []byte) error {
	name := f.name(key)
	own := name + "-" + rand.Text() + tmpSuffix
	err := f.use(ctx, func(c *sftp.Client) error {
		if err := f.makeDirs(c, path.Dir(key)); err != nil {
			return err
		}
		if _, ok := c.HasExtension(extLink); !ok {
			return claimed(c, name, claimInPlace(c, name, content))
		}
		if _, err := writeFile(c, own, time.Time{}, func(w io.Writer) error { _, err := w.Write(content); return err }); err != nil {
			return err
		}
		defer func() { _ = c.Remove(own) }()
		return claimed(c, name, c.Link(own, name))
	})
	return f.why(ctx, err)
}

// claimInPlace takes away what it could not write: a torn file would count as another's.
func claimInPlace(c *sftp.Client, name string, content []byte) error {
	file, err := c.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err != nil {
		_ = c.Remove(name)
	}
	return err
}

// claimed finds out whether a failure is that the name is taken, which the protocol has no word for.
func claimed(c *sftp.Client, name string, err error) error {
	if vague(err) || errors.Is(err, fs.ErrExist) {
		if _, statErr := c.Lstat(name); statErr == nil {
			return &Fault{Kind: Exists, Err: err}
		}
	}
	return err
}

// Open reads size bytes from offset; a size of 0 means all. What it returns must be closed before the Folder is.
func (f *Folder) Open(ctx context.Context, key string, offset, size int64) (io.ReadCloser, error) {
	var file *sftp.File
	err := f.use(ctx, func(c *sftp.Client) (err error) {
		file, err = c.Open(f.name(key))
		return err
	})
	if err != nil {
		return nil, f.why(ctx, err)
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil { // only remembered here, nothing is asked
		_ = file.Close()
		return nil, err
	}
	if size <= 0 {
		return &reader{ctx, bufio.NewReaderSize(file, ahead), file}, nil
	}
	return &reader{ctx, bufio.NewReaderSize(io.LimitReader(file, size), int(min(ahead, size))), file}, nil
}

type reader struct {
	ctx  context.Context
	in   *bufio.Reader
	file *sftp.File
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.in.Read(p)
	return n, known(err)
}

func (r *reader) Close() error { return r.file.Close() }

// Entry is one entry of a folder.
type Entry struct {
	Name string
	Size int64
	At   time.Time // in whole seconds
	Dir  bool
}

// List reads a folder, in the order of names, without files that are not whole. One that is missing below the root is
// empty.
func (f *Folder) List(ctx context.Context, dir string) ([]Entry, error) {
	var found []os.FileInfo
	err := f.use(ctx, func(c *sftp.Client) (err error) {
		found, err = c.ReadDirContext(ctx, f.name(dir))
		if errors.Is(err, fs.ErrNotExist) {
			_, err = c.Stat(f.cfg.Root)
		}
		return err
	})
	if err != nil {
		return nil, f.why(ctx, err)
	}
	var list []Entry
	for _, fi := range found {
		if !strings.HasSuffix(fi.Name(), tmpSuffix) {
			list = append(list, Entry{fi.Name(), fi.Size(), fi.ModTime().UTC(), fi.IsDir()})
		}
	}
	slices.SortFunc(list, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Remove deletes a file; one that is not there is no error.
func (f *Folder) Remove(ctx context.Context, key string) error {
	return f.why(ctx, f.use(ctx, func(c *sftp.Client) error {
		err := c.Remove(f.name(key))
		if errors.Is(err, fs.ErrNotExist) {
			_, err = c.Stat(f.cfg.Root)
		}
		return err
	}))
}

// Sweep takes away the files below dir that did not become whole and were last written before a time. left is how many are
// younger.
func (f *Folder) Sweep(ctx context.Context, dir string, before time.Time) (left int, err error) {
	err = f.use(ctx, func(c *sftp.Client) error {
		left = 0
		walk := c.Walk(f.name(dir))
		for walk.Step() {
			fi := walk.Stat()
			switch {
			case errors.Is(walk.Err(), fs.ErrNotExist): // since its folder was read
			case walk.Err() != nil:
				return walk.Err()
			case fi.IsDir() || !strings.HasSuffix(fi.Name(), tmpSuffix):
			case !fi.ModTime().Before(before):
				left++
			default:
				if err := c.Remove(walk.Path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
		}
		return nil
	})
	return left, f.why(ctx, err)
}

// Link gives a file a second name, whatever has it. False means that the server cannot.
func (f *Folder) Link(ctx context.Context, from, to string) (able bool, err error) {
	own := f.name(to) + tmpSuffix
	err = f.use(ctx, func(c *sftp.Client) error {
		if _, able = c.HasExtension(extLink); !able {
			return nil
		}
		if err := f.makeDirs(c, path.Dir(to)); err != nil {
			return err
		}
		if err := c.Remove(own); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := c.Link(f.name(from), own); err != nil {
			if vague(err) { // a file system without links
				able = false
				return nil
			}
			return err
		}
		err := replace(c, own, f.name(to))
		if rmErr := c.Remove(own); err == nil && !errors.Is(rmErr, fs.ErrNotExist) {
			err = rmErr // it was the same file already, and a rename of one name of a file to another does nothing
		}
		return err
	})
	return able, f.why(ctx, err)
}

// Create makes the root where its parent exists.
func (f *Folder) Create(ctx context.Context) error {
	return f.why(ctx, f.use(ctx, func(c *sftp.Client) error {
		fi, err := c.Stat(f.cfg.Root)
		switch {
		case err == nil && !fi.IsDir():
			return &Fault{Kind: NotFolder, Err: fs.ErrExist}
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
		if err := c.Mkdir(f.cfg.Root); err != nil {
			return err
		}
		return c.Chmod(f.cfg.Root, dirMode)
	}))
}

// why finds out what a failure means that the protocol has no word for.
func (f *Folder) why(ctx context.Context, err error) error {
	if err == nil || KindOf(err) != Unknown || !vague(err) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	kind := Unknown
	_ = f.use(ctx, func(c *sftp.Client) error { // what cannot be found out stays as it is
		if _, statErr := c.Stat(f.cfg.Root); errors.Is(statErr, fs.ErrNotExist) {
			kind = NoFolder
		} else if disk, diskErr := c.StatVFS(f.cfg.Root); vague(err) && diskErr == nil && disk.Frsize*disk.Bavail < noSpace {
			kind = Full
		}
		return nil
	})
	if kind == Unknown {
		return err
	}
	return &Fault{Kind: kind, Err: err}
}

// Time is when a file was made, in whole seconds.
func (f *Folder) Time(ctx context.Context, key string) (at time.Time, err error) {
	err = f.use(ctx, func(c *sftp.Client) error {
		fi, err := c.Stat(f.name(key))
		if err == nil {
			at = fi.ModTime().UTC()
		}
		return err
	})
	return at, f.why(ctx, err)
}
