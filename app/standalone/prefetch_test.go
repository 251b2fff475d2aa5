package standalone

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/superfly/ltx"
)

// slowClient has objects of which each takes its own time to come; its content is its number.
type slowClient struct {
	replicaClient
	failAt ltx.TXID

	mu         sync.Mutex
	open, most int // how many are open, and were at most
}

var errBroken = errors.New("broken")

func (c *slowClient) count(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open += n
	c.most = max(c.most, c.open)
}

func (c *slowClient) OpenLTXFile(ctx context.Context, _ int, minTXID, _ ltx.TXID, _, _ int64) (_ io.ReadCloser, err error) {
	c.count(1)
	defer func() {
		if err != nil {
			c.count(-1)
		}
	}()
	select {
	case <-time.After(time.Duration(1+rand.N(20)) * time.Millisecond):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if minTXID == c.failAt {
		return nil, errBroken
	}
	return &slowObject{bytes.NewReader(bytes.Repeat([]byte{byte(minTXID)}, int(minTXID)%1000+1)), c}, nil
}

type slowObject struct {
	io.Reader
	c *slowClient
}

func (o *slowObject) Close() error {
	o.c.count(-1)
	return nil
}

// objectsOf are n of them, of which every large one is only opened.
func objectsOf(n int, large func(i int) bool) (out []*ltx.FileInfo) {
	for i := range n {
		f := &ltx.FileInfo{MinTXID: ltx.TXID(i + 1), MaxTXID: ltx.TXID(i + 1), Size: int64(i+1)%1000 + 1}
		if large(i) {
			f.Size = prefetchWhole + 1
		}
		out = append(out, f)
	}
	return out
}

// Objects are handed out in order, each whole, small and large ones mixed; no more than some are open at a time, and none is
// left open, whether all of them were wanted or not.
func TestObjectsComeInOrder(t *testing.T) {
	for name, large := range map[string]func(int) bool{
		"small": func(int) bool { return false }, "large": func(int) bool { return true }, "mixed": func(i int) bool { return i%7 == 3 },
	} {
		for _, wanted := range []int{0, 1, 500, 2000} {
			synctest.Test(t, func(t *testing.T) {
				c := &slowClient{}
				objects := objectsOf(2000, large)
				p := prefetch(t.Context(), c, objects, 0)
				for i := range wanted {
					o, err := p.next(t.Context())
					if err != nil || o.f != objects[i] {
						t.Fatalf("%s, %d: %+v, %v", name, i, o, err)
					}
					b, err := o.w.peek((i+1)%1000 + 1)
					if err != nil || b[0] != byte(i+1) || b[len(b)-1] != byte(i+1) {
						t.Fatalf("%s, %d: %d bytes, %v", name, i, len(b), err)
					}
					p.mu.Lock()
					if held := p.held; held > prefetchAhead+prefetchWhole {
						t.Errorf("%s: %d bytes are read ahead", name, held)
					}
					p.mu.Unlock()
					o.close()
				}
				if wanted == len(objects) {
					if o, err := p.next(t.Context()); o != nil || err != nil {
						t.Errorf("%s: after the last came %+v, %v", name, o, err)
					}
				}
				p.close()
				if c.most > 2*prefetchObjects || c.open != 0 {
					t.Errorf("%s: at most %d were open, %d still are", name, c.most, c.open)
				}
			})
		}
	}
}

// What fails is handed out in its turn, and being stopped ends the waiting.
func TestAFailureComesInItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := prefetch(t.Context(), &slowClient{failAt: 100}, objectsOf(200, func(int) bool { return false }), 0)
		for i := range 99 {
			if _, err := p.next(t.Context()); err != nil {
				t.Fatalf("%d: %v", i, err)
			}
		}
		if o, err := p.next(t.Context()); !errors.Is(err, errBroken) || o.f.MinTXID != 100 {
			t.Errorf("%v", err)
		}
		p.close()

		ctx, stop := context.WithCancel(t.Context())
		p = prefetch(ctx, &slowClient{}, objectsOf(200, func(int) bool { return false }), 0)
		stop()
		if _, err := p.next(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		p.close()
	})
}
