package event_test

// Made once by another program than ours, from the description: SHA-256 over the parts, each preceded by its length in
// eight bytes, cut to sixteen.
const (
	goldenThing = "f5ca162353898eee77dc516bd914432c"
	goldenEvent = "b9be169a0cf942f690f7471e30dd287d"
)
