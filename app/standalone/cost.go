package standalone

import (
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// prices are what a target bills, in US dollars. They differ by region and contract, and change: an estimate says whose
// they are.
type prices struct {
	write, read     float64 // a request that writes or lists, one that reads
	stored, fetched float64 // a GB for a month, a GB out to the internet
	source          string
}

const (
	// Google Cloud Storage, Standard storage in us-east1, data transfer to the Americas and EMEA below 1 TB:
	// as in https://cloud.google.com/storage/pricing-examples. Neither these nor those below follow the vendors' pages by
	// themselves, so they are shown as what they are: those that this version was built with.
	gcsWrite, gcsRead     = 0.005 / 1000, 0.0004 / 1000
	gcsStored, gcsFetched = 0.020, 0.12
	gcsSource             = "Google Cloud Storage, Standard in us-east1, as built into this version"
	// Amazon S3, S3 Standard in us-east-1, first tiers; today's are at https://aws.amazon.com/s3/pricing/.
	s3Write, s3Read     = 0.005 / 1000, 0.0004 / 1000
	s3Stored, s3Fetched = 0.023, 0.09
	s3Source            = "Amazon S3, Standard in us-east-1, as built into this version"

	aMonth  = 30 * 24 * time.Hour
	billion = 1e9
)

// pricesOf are those of a location; none for a folder, which costs nothing, and ok is false where they are not known.
func pricesOf(at location) (p prices, ok bool) {
	switch {
	case at.kind == kindFile:
		return prices{}, true
	case at.kind == kindGCS:
		return prices{gcsWrite, gcsRead, gcsStored, gcsFetched, gcsSource}, true
	case at.kind == kindS3 && at.endpoint == "":
		return prices{s3Write, s3Read, s3Stored, s3Fetched, s3Source}, true
	}
	return prices{}, false
}

// MonthlyCost estimates a month at a target from what was counted. Requests are counted for a day at least before they
// are projected, reading for as long as test restores are apart, so that the first copy does not count thirty times. It is
// Unpriced where the prices are not known, and nil where nothing was counted yet.
func MonthlyCost(targetURL string, u app.Usage, now time.Time) *app.Cost {
	at, err := parseLocation(targetURL)
	if err != nil {
		return nil
	}
	p, ok := pricesOf(at)
	if u.Since.IsZero() {
		return nil
	}
	if at.kind == kindFile {
		return &app.Cost{Stored: u.Stored, Measured: u.Since}
	}
	passed := now.Sub(u.Since).Truncate(time.Hour) // so that a status does not change with every look
	daily, drills := monthsWorth(passed, 24*time.Hour), monthsWorth(passed, drillPaid)
	c := &app.Cost{
		Writes: int64(float64(u.Writes) * daily), Reads: int64(float64(u.Reads) * daily), Fetched: int64(float64(u.Fetched) * drills),
		Stored: u.Stored, Measured: u.Since, Prices: p.source, Unpriced: !ok,
	}
	c.Requests = float64(c.Writes)*p.write + float64(c.Reads)*p.read
	c.Storage = float64(c.Stored) / billion * p.stored
	c.Fetching = float64(c.Fetched) / billion * p.fetched
	c.Total = c.Requests + c.Storage + c.Fetching
	return c
}

// monthsWorth is how often what was counted in passed, or in least where that is longer, comes in a month.
func monthsWorth(passed, least time.Duration) float64 {
	return float64(aMonth) / float64(max(passed, least))
}
