// Command devserver serves the page on a loopback port, for work on it and for its tests in a browser:
//
//	go run ./frontend/devserver                      the scripted agent, in the scene "protected"
//	go run ./frontend/devserver -scene new -auto 1s  another scene, whose long operations go on by themselves
//	go run ./frontend/devserver -agent SOCKET        a real agent
//
// It prints its address. POST /dev/scene {"name"} changes the scene and POST /dev/step lets a long operation of the
// scripted agent do its next step. It is no part of the product: only the window and the agent's socket are.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/coditect-ai/coditect-sync/frontend"
)

func main() {
	scene := flag.String("scene", "protected", "the scene to begin with")
	agent := flag.String("agent", "", "the socket of a real agent, instead of a scene")
	page := flag.String("page", "", "a folder with a built page, instead of the one that was built in")
	listen := flag.String("listen", "127.0.0.1:0", "where to listen; loopback only")
	auto := flag.Duration("auto", 0, "how often long operations do a step by themselves; 0 = only by /dev/step")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *scene, *agent, *page, *listen, *auto); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, scene, agent, page, listen string, auto time.Duration) error {
	api, err := backend(ctx, scene, agent, auto)
	if err != nil {
		return err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	if tcp, ok := ln.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		return errors.Join(fmt.Errorf("%s is not a loopback address", ln.Addr()), ln.Close())
	}
	fmt.Printf("http://%s\n", ln.Addr())
	srv := &http.Server{Handler: handler(pageFS(page), api), ReadHeaderTimeout: 5 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func pageFS(folder string) fs.FS {
	if folder != "" {
		return os.DirFS(folder)
	}
	return frontend.Page()
}

// backend is what answers /api and /dev.
func backend(ctx context.Context, scene, agent string, auto time.Duration) (http.Handler, error) {
	if agent != "" {
		return proxy(agent), nil
	}
	d := newDesk()
	if err := d.show(scene); err != nil {
		return nil, err
	}
	if auto > 0 {
		go d.play(ctx, auto) // ends with ctx, as the program does
	}
	return d.handler(), nil
}
