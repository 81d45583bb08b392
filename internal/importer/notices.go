package importer

import (
	"cmp"
	"slices"

	"github.com/agrichat/agrichat/producers"
)

// Notice is something that an import assumed, guessed, joined or left out.
type Notice struct {
	Code      string   `json:"code"`
	Text      string   `json:"text"`
	Option    string   `json:"option,omitempty"` // what settles it
	Count     int      `json:"count"`            // records concerned
	Files     []string `json:"files"`            // the first MaxListed
	FileCount int      `json:"file_count"`
}

// notices are those of all files of an import.
type notices []Notice

// add adds those of one file; equal ones are counted together.
func (n *notices) add(path string, of []producers.Notice) {
	for _, o := range of {
		i := slices.IndexFunc(*n, func(s Notice) bool { return s.Code == o.Code && s.Text == o.Text && s.Option == o.Option })
		if i < 0 {
			i = len(*n)
			*n = append(*n, Notice{Code: o.Code, Text: o.Text, Option: o.Option})
		}
		s := &(*n)[i]
		s.Count += o.Count
		if s.FileCount++; len(s.Files) < MaxListed {
			s.Files = append(s.Files, path)
		}
	}
}

// sorted returns them, those of most records first.
func (n notices) sorted() []Notice {
	out := slices.Clone(n)
	slices.SortStableFunc(out, func(a, b Notice) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Text, b.Text))
	})
	return out
}
