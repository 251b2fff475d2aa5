package stream

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// output sends lines to one client, compressed where it asked for that, and flushes after each call.
type output struct {
	response http.ResponseWriter
	control  *http.ResponseController
	squeeze  interface {
		io.WriteCloser
		Flush() error
	} // nil = plain
	patience time.Duration
}

// zstdWindow bounds what a stream's compressor holds in memory.
const zstdWindow = 128 << 10

// begin sends the header.
func begin(w http.ResponseWriter, r *http.Request, patience time.Duration) (*output, error) {
	o := &output{response: w, control: http.NewResponseController(w), patience: patience}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("X-Accel-Buffering", "no") // proxies must pass lines on at once
	w.Header().Set("Cache-Control", "no-store")
	accepted := r.Header.Get("Accept-Encoding")
	var err error
	switch {
	case accepts(accepted, "zstd"):
		w.Header().Set("Content-Encoding", "zstd")
		o.squeeze, err = zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(zstdWindow))
	case accepts(accepted, "gzip"):
		w.Header().Set("Content-Encoding", "gzip")
		o.squeeze, err = gzip.NewWriterLevel(w, gzip.BestSpeed)
	}
	return o, err
}

// accepts says whether a header names an encoding without forbidding it.
func accepts(header, encoding string) bool {
	for _, part := range strings.Split(header, ",") {
		name, parameters, _ := strings.Cut(part, ";")
		if strings.TrimSpace(name) == encoding && strings.ReplaceAll(parameters, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

// send writes whole lines. It blocks while the client does not read, up to the patience.
func (o *output) send(lines []byte) error {
	if err := o.control.SetWriteDeadline(time.Now().Add(o.patience)); err != nil {
		return err
	}
	if o.squeeze == nil {
		if _, err := o.response.Write(lines); err != nil {
			return err
		}
		return o.control.Flush()
	}
	if _, err := o.squeeze.Write(lines); err != nil {
		return err
	}
	if err := o.squeeze.Flush(); err != nil {
		return err
	}
	return o.control.Flush()
}

// end sends what a proper end of the compressed stream needs.
func (o *output) end() error {
	if o.squeeze == nil {
		return nil
	}
	return o.squeeze.Close()
}
