package cli

import (
	"bytes"
	"encoding/json"
)

// writeJSON writes v, indented, to stdout.
func (p *program) writeJSON(v any) { p.encode(v, "  ") }

// writeJSONLine writes v in one line.
func (p *program) writeJSONLine(v any) { p.encode(v, "") }

func (p *program) encode(v any, indent string) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		p.err.line(wrong.of("The result cannot be written as JSON: %v.", err))
		return
	}
	p.answered = true
	p.out.raw(string(cleanJSON(b.Bytes())))
}
