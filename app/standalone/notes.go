package standalone

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"

	"github.com/superfly/ltx"
)

// # Going on
//
// A fetch that is to survive its end writes down, for every slab of pages, which pages they are, a sum of them, and how far
// reading had come: which changes are in the image whole, and of the object that is being read the place between two pages
// with the running checksum of what came before. The next fetch of the same point reads the slabs back from the disk, in
// order, and believes them as far as they are what was written down. Nothing is made durable on the way: what a power cut
// took is not as it was written down. The object's own checksum at its end then covers what was read before and after.
//
// Pages are put into an image newest first, so a page that is in it is that of the point, whatever objects lead there.
// So it does not matter if they were merged or thinned meanwhile; only a part of an object counts for nothing if that
// object is not read to its end.

// notes is a file in which a fetch writes down what it wrote. It is private: its sums are believed. Where it cannot be written,
// on a full disk, the fetch goes on without: an interrupted one then begins after the last line, or anew.
type notes struct {
	of   string   // what the image is of
	sums slabSums // of the pages
	f    *os.File // nil once it cannot be written
}

// noted is the first line.
type noted struct {
	Of       string `json:"of"`
	Key      []byte `json:"key"` // of the sums
	PageSize uint32 `json:"page_size"`
	Commit   uint32 `json:"commit"`
}

// written is any other line: pages that are in the image, or compressed behind it, and how far reading had come when they were
// all read.
type written struct {
	Pages  [][2]uint32 `json:"pages"` // runs: the first, and how many
	Sum    []byte      `json:"gmac"`
	Sizes  []int       `json:"sizes,omitempty"` // of pages behind the image
	Behind int64       `json:"behind,omitempty"`
	place
	end int64 // of the line in the file
}

// place is how far a fetch has come: every change from Low on is in the image (0 for none), and of the object before them
// a part.
type place struct {
	Low    ltx.TXID   `json:"low"`
	Part   *part      `json:"part,omitempty"`
	Voices []heardOne `json:"voices,omitempty"`
}

// part is a piece of an object, from its beginning.
type part struct {
	Object named  `json:"object"`
	Header []byte `json:"header"`
	spot
}

// named is what tells an object from others at a target.
type named struct {
	Level   int      `json:"level"`
	MinTXID ltx.TXID `json:"min"`
	MaxTXID ltx.TXID `json:"max"`
	Size    int64    `json:"size"`
}

type heardOne struct {
	Node   uint64 `json:"node"`
	Object named  `json:"object"`
}

func nameOf(f *ltx.FileInfo) named { return named{f.Level, f.MinTXID, f.MaxTXID, f.Size} }

func (n named) info() *ltx.FileInfo {
	return &ltx.FileInfo{Level: n.Level, MinTXID: n.MinTXID, MaxTXID: n.MaxTXID, Size: n.Size}
}

// here is how far the assembly has come.
func (a *assembly) here() place {
	p := place{Low: a.low}
	for _, v := range a.voices {
		p.Voices = append(p.Voices, heardOne{v.node, nameOf(v.object)})
	}
	if a.now.f == nil || a.now.At <= ltx.HeaderSize {
		return p
	}
	if header, err := a.now.hdr.MarshalBinary(); err == nil {
		p.Part = &part{Object: nameOf(a.now.f), Header: header, spot: a.now.spot}
	}
	return p
}

func (n *notes) begin(pageSize, commit uint32) error {
	return n.line(noted{n.of, n.sums.key, pageSize, commit})
}

func (n *notes) add(s *slab) error {
	return n.line(written{Pages: runs(s.pages), Sum: n.sums.of(s.buf), Sizes: s.sizes, Behind: s.behind, place: s.upTo})
}

// line writes one line behind its own checksum, so that a torn one is known.
func (n *notes) line(v any) error {
	text, err := json.Marshal(v)
	if err != nil || n.f == nil {
		return err
	}
	if _, err := n.f.Write(append(append([]byte(sumOf(text)), text...), '\n')); err != nil {
		_ = n.close()
	}
	return nil
}

func (n *notes) close() error {
	f := n.f
	if n.f = nil; f == nil {
		return nil
	}
	return f.Close()
}

const sumDigits = 16

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:sumDigits/2])
}

func runs(pages []uint32) (out [][2]uint32) {
	for _, p := range pages {
		if n := len(out); n > 0 && out[n-1][0]+out[n-1][1] == p {
			out[n-1][1]++
		} else {
			out = append(out, [2]uint32{p, 1})
		}
	}
	return out
}

// remains is what notes say of an image.
type remains struct {
	noted
	lines []written
}

// readNotes reads as far as the lines are whole. Nil where there are none of that image.
func readNotes(path, of string) (*remains, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	r := bufio.NewReader(f)
	var out remains
	end, ok := nextLine(r, &out.noted)
	for ok && out.Of == of {
		var w written
		var n int64
		if n, ok = nextLine(r, &w); ok {
			end += n
			w.end = end
			out.lines = append(out.lines, w)
		}
	}
	if len(out.lines) == 0 {
		return nil, nil
	}
	return &out, nil
}

// nextLine reads a line into v and tells whether it is one that was written.
func nextLine(r *bufio.Reader, v any) (n int64, ok bool) {
	text, err := r.ReadBytes('\n')
	if err != nil || len(text) < sumDigits || sumOf(text[sumDigits:len(text)-1]) != string(text[:sumDigits]) {
		return 0, false
	}
	return int64(len(text)), json.Unmarshal(text[sumDigits:], v) == nil
}

// holds tells whether the pages of a line are in the image, or behind it, as they were written. They are read into buf, which has
// room for a slab.
func (r *remains) holds(w *written, sums slabSums, image io.ReaderAt, buf []byte) bool {
	pageSize := int64(r.PageSize)
	if w.isLater() {
		n := 0
		w.pages(func(int, uint32) { n++ })
		content, err := r.content(w, image)
		return err == nil && n == len(w.Sizes) && slices.Min(w.Sizes) > 0 && sums.are(content, w.Sum)
	}
	n := int64(0)
	for _, run := range w.Pages {
		at, size := (int64(run[0])-1)*pageSize, int64(run[1])*pageSize
		if run[0] == 0 || size > int64(len(buf))-n {
			return false
		}
		if _, err := image.ReadAt(buf[n:n+size], at); err != nil {
			return false
		}
		n += size
	}
	return sums.are(buf[:n], w.Sum)
}
