package standalone

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// Resume is Fetch for a file of the caller's own that an interrupted call may have left in part. What is in it is believed
// as far as notes, a private file, says so by checksum; the rest is fetched, and had is how much need not be. What is not of
// this point is made anew. When it fails for a reason that passes, both files stay; else, and with nothing to keep, they go.
// After a success the caller removes the notes.
func (r *Replica) Resume(ctx context.Context, plan app.RestorePlan, to, notes string, progress func(done, total int64)) (had int64, err error) {
	of := nameOfImage(r.cfg.Target, r.cfg.User, plan)
	err = r.making(ctx, plan, func(p *planned) error {
		again := func() error {
			a := r.assembly(p.machine, p.history, p.objects)
			a.progress = progress
			err := a.resume(ctx, to, notes, of)
			had = a.had
			return err
		}
		err := again()
		if had > 0 && isDamage(err) && !isGone(err) { // good objects are not blamed for what was left of an earlier fetch
			r.log.Warn("a restore that went on begins anew", "error", err)
			err = again()
		}
		return err
	})
	return had, err
}

func isDamage(err error) bool {
	_, ok := errors.AsType[*damage](err)
	return ok
}

// nameOfImage says what an image is of. The time is in it because copies that began anew have other points of the same numbers.
func nameOfImage(t *Target, user string, plan app.RestorePlan) string {
	return strings.Join([]string{t.URL(), user, plan.Machine, plan.Point.ID, strconv.FormatInt(plan.Point.Time.UnixMilli(), 10)}, "\n")
}

// resume makes the image out of what is there and what is not.
func (a *assembly) resume(ctx context.Context, to, path, of string) (err error) {
	f, n, left, err := a.reopen(to, path, of)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, n.close(), f.Close())
		if err != nil && !a.worthKeeping(err) {
			_, _ = os.Remove(path), os.Remove(to) // they would be reported as the cause, which they are not
		}
	}()
	if err := a.read(ctx, f, left); err != nil {
		return err
	}
	return f.Sync()
}

// worthKeeping tells whether the next fetch may go on after a failure: not where the objects or this disk are at fault.
func (a *assembly) worthKeeping(err error) bool {
	return a.image != nil && a.image.err == nil && (!isDamage(err) || isGone(err))
}

// reopen opens image and notes for going on where that is possible, else anew, and says what is left to read.
func (a *assembly) reopen(to, path, of string) (f *os.File, n *notes, left []*ltx.FileInfo, err error) {
	found, err := readNotes(path, of)
	if err == nil && found != nil {
		f, n, left, err = a.goOn(found, to, path)
	}
	if err != nil || f != nil {
		return f, n, left, err
	}
	for _, stale := range []string{to, path} {
		if err := os.Remove(stale); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, nil, nil, err
		}
	}
	if f, err = os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode); err != nil {
		return nil, nil, nil, err
	}
	w, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		w = nil // see notes
	}
	a.notes = &notes{of, newSlabSums(), w}
	return f, a.notes, a.newestFirst(), nil
}

// goOn opens what was found; no file when nothing of it can be believed.
func (a *assembly) goOn(found *remains, to, path string) (_ *os.File, _ *notes, _ []*ltx.FileInfo, err error) {
	f := openLeft(to)
	if f == nil {
		return nil, nil, nil, nil
	}
	a.total = bytesOf(a.objects)
	sums, err := slabSumsBy(found.Key)
	if err != nil {
		return nil, nil, nil, f.Close() // notes of another version
	}
	last, left := a.believed(found, sums, f)
	if last < 0 {
		return nil, nil, nil, f.Close()
	}
	w, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, nil, errors.Join(err, f.Close())
	}
	_, err = w.Seek(found.lines[last].end, 0)
	err = errors.Join(err, w.Truncate(found.lines[last].end))
	if err == nil {
		a.notes = &notes{found.Of, sums, w}
		err = a.take(found, last, f)
	}
	if err != nil {
		return nil, nil, nil, errors.Join(err, w.Close(), f.Close())
	}
	return f, a.notes, left, nil
}

// openLeft opens an image that was left; nil for what is none, or cannot be opened, which is then made anew.
func openLeft(path string) *os.File {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	return f
}

// believed is the last line from which this fetch can go on and up to which the image is as it was written, -1 for none, and
// what is left to read then.
func (a *assembly) believed(found *remains, sums slabSums, f *os.File) (last int, left []*ltx.FileInfo) {
	held := make([]bool, len(found.lines))
	bad := len(found.lines)
	for bad >= 0 {
		last, left = a.useful(found.lines[:bad])
		bad = a.firstBad(found, sums, f, last, left, held)
	}
	if last >= 0 {
		a.had = a.coverage(left, found.lines[last].Part)
	}
	return last, left
}

// firstBad is the first of the lines up to last that is not as it was written, -1 for none. What lies behind the image counts only
// as long as it is not in the image.
func (a *assembly) firstBad(found *remains, sums slabSums, f *os.File, last int, left []*ltx.FileInfo, held []bool) int {
	needed := map[int]bool{}
	for _, i := range found.waiting(last) {
		needed[i] = true
	}
	buf := make([]byte, slabBytes)
	for i := range last + 1 {
		line := &found.lines[i]
		if held[i] || line.isLater() && !needed[i] {
			continue
		}
		if held[i] = found.holds(line, sums, f, buf); !held[i] {
			return i
		}
		if a.progress != nil {
			a.progress(a.coverage(left, found.lines[last].Part)*int64(i+1)/int64(last+1), a.total)
		}
	}
	return -1
}

// coverage is how many bytes of the plan need not be read.
func (a *assembly) coverage(left []*ltx.FileInfo, p *part) int64 {
	n := a.total - bytesOf(left)
	if p != nil {
		n += p.At
	}
	return n
}

// useful is the last line from which the objects of this plan lead on: one between two objects, or in one of them.
func (a *assembly) useful(lines []written) (last int, left []*ltx.FileInfo) {
	newest := a.newestFirst()
	for last = len(lines) - 1; last >= 0; last-- {
		p := lines[last].place
		left = newest
		for len(left) > 0 && p.Low > 0 && left[0].MinTXID >= p.Low {
			left = left[1:]
		}
		if p.Part == nil || len(left) > 0 && nameOf(left[0]) == p.Part.Object {
			return last, left
		}
	}
	return -1, nil
}

// take makes the assembly what it was at a line. The writer of the image is started.
func (a *assembly) take(found *remains, last int, f *os.File) (err error) {
	a.image, err = newImage(f, found.PageSize, found.Commit, ltx.LockPgno(found.PageSize), func() {})
	if err != nil {
		return err
	}
	for i := range last + 1 {
		found.lines[i].pages(func(_ int, pgno uint32) { a.image.mark(pgno) })
	}
	a.image.laterRoom = a.laterRoom
	if err := a.image.keepAgain(found, last); err != nil {
		return errors.Join(err, a.image.finish())
	}
	p := found.lines[last].place
	a.image.said = p
	a.low, a.from = p.Low, p.Part
	for _, v := range p.Voices {
		a.voices = append(a.voices, voice{v.Node, v.Object.info()})
	}
	a.image.notes, a.image.here = a.notes, a.here
	return nil
}
