package cloud

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// road is the way from one machine to the server: TCP, where toxiproxy makes the faults of a network, and then an office,
// which makes those of a request.
type road struct {
	URL    string // for the machine
	office *office

	mu    sync.Mutex
	proxy *toxiproxy.Proxy
	toxic string // the one that is on
	shut  bool
	to    string
}

// newRoad is a good one.
func newRoad(t testing.TB, server string) *road {
	t.Helper()
	zerolog.SetGlobalLevel(zerolog.Disabled) // it tells of every fault
	o := newOffice(t, server)
	r := &road{office: o, to: strings.TrimPrefix(o.server.URL, "http://")}
	if err := r.build("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	r.URL = "http://" + r.proxy.Listen
	t.Cleanup(func() { r.soon(r.proxy.Stop) })
	return r
}

func (r *road) build(listen string) error {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	r.proxy = toxiproxy.NewProxy(server, "road", listen, r.to)
	return r.proxy.Start()
}

// soon does something with the proxy that may never return: it waits for a connection whose reader has gone, now and then.
func (r *road) soon(what func()) (done bool) {
	ended := make(chan struct{})
	go func() { defer close(ended); what() }()
	select {
	case <-ended:
		return true
	case <-time.After(2 * time.Second):
		return false
	}
}

// cut closes every connection; new ones are refused until it heals.
func (r *road) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shut = true
	r.soon(r.proxy.Stop)
}

// poison makes every connection worse, those that are open too.
func (r *road) poison(kind, direction, attributes string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shut || r.toxic != "" {
		return
	}
	text := fmt.Sprintf(`{"name":"t","type":%q,"stream":%q,"attributes":%s}`, kind, direction, attributes)
	proxy := r.proxy
	r.soon(func() { _, _ = proxy.Toxics.AddToxicJson(strings.NewReader(text)) })
	r.toxic = "t"
}

// eases takes the fault away and leaves the connections as they are.
func (r *road) eases() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.office.heal()
	if proxy, toxic := r.proxy, r.toxic; toxic != "" && r.soon(func() { _ = proxy.Toxics.RemoveToxic(context.Background(), toxic) }) {
		r.toxic = ""
	}
}

// heal makes the road a good one again, with new connections: toxiproxy lets some of those that had a fault hang. What is
// late has arrived when it returns.
func (r *road) heal() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.office.heal()
	r.soon(r.proxy.Stop)
	r.toxic, r.shut = "", false
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := r.build(r.proxy.Listen)
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// mischief is what an office does with requests.
type mischief int

const (
	honest  mischief = iota
	loses            // the server has done it, and nobody hears of it
	doubles          // the server gets it twice, at the same time
	belated          // the connection breaks at once, and the request arrives after later ones
	swaps            // requests are held for a while, so that later ones pass by
)

// office hands requests to a server, and what it answers back.
type office struct {
	server *httptest.Server
	next   *httputil.ReverseProxy
	// saw, which may be nil, is called with every request that is handed on. Where it returns true it has answered.
	saw func(w http.ResponseWriter, r *http.Request, body []byte) bool

	mu    sync.Mutex
	does  mischief
	spent sync.WaitGroup // on what is late
	done  map[mischief]int
}

func newOffice(t testing.TB, server string) *office {
	t.Helper()
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	o := &office{done: map[mischief]int{}}
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 20}
	o.next = &httputil.ReverseProxy{Transport: transport, FlushInterval: -1, ErrorLog: log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	o.server = httptest.NewServer(o)
	t.Cleanup(func() {
		o.heal()
		o.server.CloseClientConnections()
		o.server.Close()
		transport.CloseIdleConnections()
	})
	return o
}

func (o *office) turns(to mischief) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.does = to
}

func (o *office) heal() {
	o.turns(honest)
	o.spent.Wait()
}

func (o *office) now(r *http.Request) mischief {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.URL.Path == "/sync/stream" || o.does == honest {
		return honest
	}
	o.done[o.does]++
	if o.does == belated {
		o.spent.Add(1)
	}
	return o.does
}

func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	switch o.now(r) {
	case loses:
		o.hand(httptest.NewRecorder(), r, body)
		panic(http.ErrAbortHandler)
	case doubles:
		o.twice(w, r, body)
	case belated:
		again := r.Clone(context.WithoutCancel(r.Context()))
		go func() {
			defer o.spent.Done()
			time.Sleep(rand.N(1500 * time.Millisecond))
			o.hand(httptest.NewRecorder(), again, body)
		}()
		panic(http.ErrAbortHandler)
	case swaps:
		time.Sleep(rand.N(500 * time.Millisecond))
		o.hand(w, r, body)
	case honest:
		o.hand(w, r, body)
	}
}

// hand gives a request to the server.
func (o *office) hand(w http.ResponseWriter, r *http.Request, body []byte) {
	if o.saw != nil && o.saw(w, r, body) {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	o.next.ServeHTTP(w, r)
}

// twice answers with what came last.
func (o *office) twice(w http.ResponseWriter, r *http.Request, body []byte) {
	answers := make(chan *httptest.ResponseRecorder, 2)
	for range 2 {
		again := r.Clone(context.WithoutCancel(r.Context()))
		go func() {
			a := httptest.NewRecorder()
			o.hand(a, again, body)
			answers <- a
		}()
	}
	<-answers
	last := <-answers
	for name, values := range last.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(last.Code)
	_, _ = w.Write(last.Body.Bytes())
}
