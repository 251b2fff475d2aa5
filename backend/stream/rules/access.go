package rules

// Who are the people a token stands for, one text per lookup whose claims it has: what Grant.Who is compared with.
func (d Definition) Who(claims map[string]string) map[string]string {
	who := map[string]string{}
	for _, l := range d.Lookups {
		if key, ok := key(l.Claims, claims); ok {
			who[l.Name] = key
		}
	}
	return who
}

// Visible is one bucket that a person sees.
type Visible struct {
	Bucket string
	Stream int // index into Definition.Streams
}

// Visible are the buckets of some streams (by index) for a token's claims and the keys that each lookup grants it, in
// the order of the streams. A token without a claim that a stream needs sees no bucket of that stream.
func (d Definition) Visible(streams []int, claims map[string]string, granted map[string][]string) []Visible {
	var all []Visible
	for _, i := range streams {
		s := d.Streams[i]
		if s.Lookup == "" {
			if key, ok := key(s.Claims, claims); ok {
				all = append(all, Visible{s.Name + key, i})
			}
			continue
		}
		for _, key := range granted[s.Lookup] {
			all = append(all, Visible{s.Name + key, i})
		}
	}
	return all
}

func key(names []string, claims map[string]string) (string, bool) {
	values := make([]string, len(names))
	for i, name := range names {
		value, ok := claims[name]
		if !ok {
			return "", false
		}
		values[i] = value
	}
	return Key(values), true
}
