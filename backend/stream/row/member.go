package row

import "encoding/json"

// Member is the value of a document's column as it stands there, nil where the document has no such column. The document
// is one that AppendDocument made: flat, without white space.
func Member(document, column string) []byte {
	name := string(AppendString(nil, column))
	for at := 1; at < len(document); {
		end := skip(document, at)
		value := end + 1
		if value >= len(document) {
			return nil
		}
		after := skip(document, value)
		if document[at:end] == name {
			return []byte(document[value:after])
		}
		at = after + 1
	}
	return nil
}

// skip is the end of the string, number or word that begins at i.
func skip(document string, i int) int {
	if document[i] != '"' {
		for i < len(document) && document[i] != ',' && document[i] != '}' && document[i] != ':' {
			i++
		}
		return i
	}
	for i++; i < len(document) && document[i] != '"'; i++ {
		if document[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(document))
}

// Get is a value as text, and whether it is set. A value out of line counts as set and empty.
func (v Value) Get() (string, bool) {
	if v.Kind != JSON {
		return string(v.Data), v.Kind != Null
	}
	var text string
	if json.Unmarshal(v.Data, &text) == nil {
		return text, string(v.Data) != "null"
	}
	return string(v.Data), true
}
