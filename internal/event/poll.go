package event

import "cmp"

// WithoutResults is the poll as it was asked: question and options.
func (p *Poll) WithoutResults() *Poll {
	out := &Poll{Question: p.Question}
	if p.Options != nil {
		out.Options = make([]PollOption, len(p.Options))
	}
	for i, o := range p.Options {
		out.Options[i].Text = o.Text
	}
	return out
}

// Compare orders results of one poll of which no time tells the later: a closed poll does not open again, and votes are seldom
// taken back.
func (p *Poll) Compare(o *Poll) int {
	closed := func(p *Poll) int {
		if p.Closed {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(closed(p), closed(o)), cmp.Compare(p.votes(), o.votes()), cmp.Compare(p.Voters, o.Voters))
}

func (p *Poll) votes() (n int) {
	for _, o := range p.Options {
		n += o.Votes
	}
	return n
}
