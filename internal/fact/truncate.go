package fact

// Parts are what may be taken from a fact that is too large for a message, in the order of least harm. The cut tags of the fields say
// what is what.
type Parts struct {
	References []*[]string // the text shows most of them
	Texts      []*string
	Lists      []*[]string
	IDs        []*string // the keys are kept in their place
}
