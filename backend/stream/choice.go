package stream

import (
	"slices"

	"github.com/coditect-ai/coditect-sync/backend/stream/rules"
	"github.com/coditect-ai/coditect-sync/backend/stream/wire"
)

// choice is which streams a client gets, why, and how urgently.
type choice struct {
	streams  []int // indexes into the definition's
	listed   []wire.Stream
	priority map[int]int
	why      map[int]string
}

// choose takes the default streams unless the client does not want them, and those it asks for. A stream that does not
// exist is left out, without an error.
func choose(all []rules.Stream, request wire.Request) choice {
	c := choice{priority: map[int]int{}, why: map[int]string{}}
	for i, s := range all {
		if s.Default && request.Defaults {
			c.add(i, s, wire.DefaultWhy(len(c.listed)))
		}
	}
	for n, asked := range request.Asked {
		i := slices.IndexFunc(all, func(s rules.Stream) bool { return s.Name == asked.Stream })
		if i < 0 {
			continue
		}
		c.add(i, all[i], wire.AskedWhy(n))
		if asked.Priority != nil && *asked.Priority >= 0 && *asked.Priority <= 3 {
			c.priority[i] = *asked.Priority
		}
	}
	return c
}

func (c *choice) add(i int, s rules.Stream, why string) {
	if before, known := c.why[i]; known {
		c.why[i] = before + "," + why
		return
	}
	c.streams = append(c.streams, i)
	c.listed = append(c.listed, wire.Stream{Name: s.Name, Default: s.Default})
	c.priority[i], c.why[i] = s.Priority, why
}
