package app

// Choice chooses rows of a moment that are to be brought back as ordinary changes, in the place of the whole file.
type Choice struct {
	Tables []string `json:"tables"`
	// IDs are primary keys, as text, and Where is a condition in SQL on the rows as they were; each narrows down a single
	// table, and only one of the two is given.
	IDs   []string `json:"ids,omitempty"`
	Where string   `json:"where,omitempty"`
}

// Back is what is, or would be, brought back.
type Back struct {
	Tables []TableBack `json:"tables"`
	// Reach is whom it reaches; nil where nobody else sees any of it.
	Reach *Reach `json:"reach,omitempty"`
	// Projects are those of the rows, by id, without those of no project.
	Projects []string `json:"projects,omitempty"`
}

// TableBack counts rows of a table.
type TableBack struct {
	Table string `json:"table"`
	// Again are rows that were gone, Changed those that had other values. Rows that are new since stay as they are.
	Again   int64 `json:"again"`
	Changed int64 `json:"changed"`
	// Differ are those of them that are not as they were after all: a trigger of the file changed them at once, or another program.
	Differ int64 `json:"differ,omitempty"`
}

// Rows is how many rows there are.
func (b Back) Rows() (n int64) {
	for _, t := range b.Tables {
		n += t.Again + t.Changed
	}
	return n
}

// Reach is who sees rows, this person included. No people is that it cannot be told now.
type Reach struct {
	People   int      `json:"people"`
	Machines int      `json:"machines,omitempty"` // those of them that are signed in; 0 where the server does not tell
	Projects []string `json:"projects,omitempty"` // their names, of those that others see
}
