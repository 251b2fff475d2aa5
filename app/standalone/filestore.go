package standalone

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Everything a file target creates is for its owner alone.
const (
	dirMode  = 0o700
	fileMode = 0o600
)

// tmpSuffix marks an object that is not whole yet. There is one writer per key, so a left-over is overwritten by the
// next attempt, or swept.
const tmpSuffix = ".tmp"

// fileStore keeps objects as files below a folder. It never makes the folder's parents, and nothing at all while the
// folder is missing: that is how a disk that is not mounted looks, and copies must not pile up under its mount point.
type fileStore struct{ root string }

func (s *fileStore) file(key string) string { return filepath.Join(s.root, filepath.FromSlash(key)) }

func (s *fileStore) fail(need right, key string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		if _, statErr := os.Stat(s.root); errors.Is(statErr, fs.ErrNotExist) {
			err = errors.Join(errNoPlace, err)
		}
	}
	return &accessError{need: need, place: s.root, key: key, err: err}
}

// put writes beside the object, makes that durable with its time, and only then gives it its name.
func (s *fileStore) put(_ context.Context, key string, at time.Time, write func(io.Writer) error) (int64, error) {
	if err := s.makeDirs(path.Dir(key)); err != nil {
		return 0, s.fail(rightWrite, key, err)
	}
	name := s.file(key)
	size, err := writeDurably(name+tmpSuffix, at, write)
	if err == nil {
		err = os.Rename(name+tmpSuffix, name)
	}
	if err == nil {
		err = syncDir(filepath.Dir(name))
	}
	if err != nil {
		_ = os.Remove(name + tmpSuffix) // it is overwritten by the next attempt in any case
		return 0, s.fail(rightWrite, key, err)
	}
	return size, nil
}

func writeDurably(name string, at time.Time, write func(io.Writer) error) (int64, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // the second close of the good path is harmless
	if err := write(f); err != nil {
		return 0, err
	}
	if err := f.Sync(); err != nil {
		return 0, err
	}
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if err := f.Close(); err != nil {
		return 0, err
	}
	if !at.IsZero() {
		err = os.Chtimes(name, at, at)
	}
	return fi.Size(), err
}

// makeDirs makes the folders of a key below the root, each durably.
func (s *fileStore) makeDirs(dir string) error {
	if _, err := os.Stat(s.file(dir)); err == nil {
		return nil
	}
	at := s.root
	for part := range strings.SplitSeq(dir, "/") {
		parent := at
		at = filepath.Join(at, part)
		switch err := os.Mkdir(at, dirMode); {
		case errors.Is(err, fs.ErrExist):
		case err != nil:
			return err
		default:
			if err := syncDir(parent); err != nil {
				return err
			}
		}
	}
	return nil
}

// claim writes the object under a name of its own and links it: a link is never made over another file. File systems
// without links get it in place, where a crash in between leaves a torn one.
func (s *fileStore) claim(_ context.Context, key string, content []byte) error {
	if err := s.makeDirs(path.Dir(key)); err != nil {
		return s.fail(rightWrite, key, err)
	}
	name := s.file(key)
	own := name + "-" + rand.Text() + tmpSuffix
	defer func() { _ = os.Remove(own) }()
	write := func(w io.Writer) error { _, err := w.Write(content); return err }
	if _, err := writeDurably(own, time.Time{}, write); err != nil {
		return s.fail(rightWrite, key, err) // in place it would find no more room than here
	}
	err := os.Link(own, name)
	if err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) {
		err = claimInPlace(name, content)
	}
	if err == nil {
		err = syncDir(filepath.Dir(name))
	}
	if errors.Is(err, fs.ErrExist) {
		err = errors.Join(errClaimed, err)
	}
	return s.fail(rightWrite, key, err)
}

// claimInPlace takes away what it could not write: a torn object would count as another's.
func claimInPlace(name string, content []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

func (s *fileStore) open(_ context.Context, key string, offset, size int64) (io.ReadCloser, error) {
	f, err := os.Open(s.file(key))
	if err != nil {
		return nil, s.fail(rightRead, key, err)
	}
	if offset > 0 {
		if _, err := f.Seek(offset, io.SeekStart); err != nil {
			_ = f.Close()
			return nil, s.fail(rightRead, key, err)
		}
	}
	if size <= 0 {
		return f, nil
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(f, size), f}, nil
}

func (s *fileStore) whole(_ context.Context, key string, size int64, buf []byte) ([]byte, error) {
	content, err := readFile(s.file(key), size, buf)
	return content, s.fail(rightRead, key, err)
}

func (s *fileStore) list(_ context.Context, dir, from string) iter.Seq2[object, error] {
	return func(yield func(object, error) bool) {
		entries, err := s.entries(dir)
		if err != nil {
			yield(object{}, s.fail(rightList, dir, err))
			return
		}
		first, _ := slices.BinarySearchFunc(entries, from, func(e fs.DirEntry, from string) int { return cmp.Compare(e.Name(), from) })
		files := slices.DeleteFunc(entries[first:], func(e fs.DirEntry) bool { return e.IsDir() || strings.HasSuffix(e.Name(), tmpSuffix) })
		for some := range slices.Chunk(files, lookAt) {
			for i, look := range looks(some) {
				if errors.Is(look.err, fs.ErrNotExist) {
					continue // removed since the folder was read
				}
				if look.err != nil {
					yield(object{}, s.fail(rightList, dir, look.err))
					return
				}
				if !yield(object{name: some[i].Name(), size: look.info.Size(), at: look.info.ModTime().UTC()}, nil) {
					return
				}
			}
		}
	}
}

const (
	// lookAt is of how many files the sizes and times are asked for before any is told.
	lookAt = 512
	// lookers is how many ask side by side, where there are more than a few.
	lookers = 8
)

// look is what was said of a file.
type look struct {
	info fs.FileInfo
	err  error
}

// looks asks for the sizes and times of files. One after another, that takes as long for thousands as reading them, and on a
// network many times as long.
func looks(files []fs.DirEntry) []look {
	all := make([]look, len(files))
	ask := func(from, step int) {
		for i := from; i < len(files); i += step {
			all[i].info, all[i].err = files[i].Info()
		}
	}
	if len(files) <= 4*lookers {
		ask(0, 1)
		return all
	}
	var asking sync.WaitGroup
	for i := range lookers {
		asking.Go(func() { ask(i, lookers) })
	}
	asking.Wait()
	return all
}

// entries reads a folder; one that is missing below the root is empty.
func (s *fileStore) entries(dir string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(s.file(dir))
	if !errors.Is(err, fs.ErrNotExist) {
		return entries, err
	}
	_, err = os.Stat(s.root)
	return nil, err
}

func (s *fileStore) dirs(_ context.Context, dir string) ([]string, error) {
	entries, err := s.entries(dir)
	if err != nil {
		return nil, s.fail(rightList, dir, err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (s *fileStore) remove(_ context.Context, key string) error {
	err := os.Remove(s.file(key))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err = os.Stat(s.root); err == nil {
			return nil
		}
	}
	return s.fail(rightDelete, key, err)
}

func (s *fileStore) sweep(_ context.Context, dir string, before time.Time) (left int, err error) {
	err = filepath.WalkDir(s.file(dir), func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || e.IsDir() || !strings.HasSuffix(path, tmpSuffix) {
			return err
		}
		fi, err := e.Info()
		if err == nil && !fi.ModTime().Before(before) {
			left++
			return nil
		}
		if err == nil {
			err = os.Remove(path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it came to its end since the folder was read
		}
		return err
	})
	return left, s.fail(rightDelete, dir, err)
}

func (s *fileStore) duplicate(ctx context.Context, from, to string) error {
	in, err := os.Open(s.file(from))
	if err != nil {
		return s.fail(rightRead, from, err)
	}
	defer func() { _ = in.Close() }() // only read
	fi, err := in.Stat()
	if err != nil {
		return s.fail(rightRead, from, err)
	}
	_, err = s.put(ctx, to, fi.ModTime(), func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
	return err
}

// create makes the root where its parent exists.
func (s *fileStore) create(context.Context) error {
	err := os.Mkdir(s.root, dirMode)
	if err == nil {
		err = syncDir(filepath.Dir(s.root))
	}
	if errors.Is(err, fs.ErrExist) {
		var fi fs.FileInfo
		if fi, err = os.Stat(s.root); err == nil && !fi.IsDir() {
			err = &fs.PathError{Op: "mkdir", Path: s.root, Err: errNotDir}
		}
	}
	return s.fail(rightWrite, "", err)
}

func (s *fileStore) close() error { return nil }
