package crashtest

// place is where a message stands, under the id that its network gave it.
type place struct{ Source, Namespace, Channel, ID string }

// message is what must be known of a message. Times are seconds since 1970, zero where there is none.
type message struct {
	Kind, Text, Reply string
	Edited, Deleted   int64
}

// reactor is a person with an emoji on a message; those whom nobody named are one reactor without a person.
type reactor struct {
	place
	Person, Emoji string
}

// model is what the stores must hold.
type model struct {
	Messages  map[place]message
	Reactions map[reactor]int
	Members   map[place]string // by the person's id: the state
}

func newModel() *model {
	return &model{Messages: map[place]message{}, Reactions: map[reactor]int{}, Members: map[place]string{}}
}
