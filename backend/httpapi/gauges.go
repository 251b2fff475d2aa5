package httpapi

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Gauge is a number that somebody else knows. Read is called when Prometheus asks, for ten seconds at most; what it cannot
// tell is not exported.
type Gauge struct {
	Name, Help string
	Read       func(ctx context.Context) (float64, error)
}

// Add exports more gauges beside the API's own metrics. Names must be new. It is called before anything is served.
func (a *API) Add(gauges ...Gauge) {
	for _, g := range gauges {
		a.metrics.registry.MustRegister(reader{g, prometheus.NewDesc(g.Name, g.Help, nil, nil)})
	}
}

// reader is a Gauge as Prometheus sees it.
type reader struct {
	gauge Gauge
	desc  *prometheus.Desc
}

// Describe says which metric it is.
func (r reader) Describe(to chan<- *prometheus.Desc) { to <- r.desc }

// Collect reads it.
func (r reader) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if value, err := r.gauge.Read(ctx); err == nil {
		to <- prometheus.MustNewConstMetric(r.desc, prometheus.GaugeValue, value)
	}
}
