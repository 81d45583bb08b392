package normalise

import (
	"sync"
	"time"
)

// cache is what a process remembers between transactions of the store's identity. The copies of a store that write through other gates
// share it.
type cache struct {
	mu          sync.Mutex // covers all below
	valid       bool       // under token, the database has its generation and the incarnation of the stream
	token       uint64
	created     time.Time     // of the stream
	started     time.Time     // of the Postgres server
	incarnation int32         // for those who only read; 0: to be read
	newest      storeIdentity // of the newest transaction that this process has committed
	counter     int64         // of that transaction
	floor       uint64        // the ledger has no gap up to it
	floorOf     storeIdentity // under which floor was read
	replaced    storeIdentity // its generation and incarnation were found to be another store's, or another stream's
}

func newCache() *cache { return &cache{replaced: storeIdentity{generation: -1}} }

// invalidate has the next transaction read the identities of store and stream again.
func (c *cache) invalidate() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.valid, c.incarnation = false, 0
}

// under returns when the stream was created, if that was read under the token.
func (c *cache) under(token uint64) (created time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.created, c.valid && c.token == token
}

// put keeps what was read under a token.
func (c *cache) put(token uint64, created time.Time, ident storeIdentity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.valid, c.token, c.created, c.started, c.incarnation = true, token, created, ident.started, ident.incarnation
}

// reading returns the incarnation that readers know, 0 if none, and when the stream was created.
func (c *cache) reading() (incarnation int32, created time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.incarnation, c.created
}

// putReading keeps what a reader found out.
func (c *cache) putReading(incarnation int32, created time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.incarnation = incarnation
	if !c.valid {
		c.created = created
	}
}

// isReplaced reports whether one of the two must not be used any more; -1 and 0 ask for nothing.
func (c *cache) isReplaced(generation, incarnation int32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return generation >= 0 && generation == c.replaced.generation || incarnation > 0 && incarnation == c.replaced.incarnation
}

// replace notes that a generation, or an incarnation, must not be used any more; -1 and 0 leave things as they are.
func (c *cache) replace(generation, incarnation int32) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation >= 0 {
		c.replaced.generation = generation
	}
	if incarnation > 0 {
		c.replaced.incarnation = incarnation
	}
	return errReplaced
}

// sameServer reports whether a transaction runs on the server process that was looked at.
func (c *cache) sameServer(started time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started.Equal(started)
}

// committed returns the newest counter that this process has committed under the token and generation.
func (c *cache) committed(ident storeIdentity) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.newest.token != ident.token || c.newest.generation != ident.generation {
		return 0
	}
	return c.counter
}

// commit keeps the counter of a committed transaction.
func (c *cache) commit(ident storeIdentity, counter int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.newest.token == ident.token && c.newest.generation == ident.generation {
		counter = max(counter, c.counter)
	}
	c.newest, c.counter = ident, counter
}

// floorFor returns up to which sequence the ledger has no gap. It counts only for the server, token, generation and incarnation that
// it was read under.
func (c *cache) floorFor(ident storeIdentity) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.floorOf != ident {
		return 0
	}
	return c.floor
}

// raiseFloor notes that the ledger holds first to last.
func (c *cache) raiseFloor(ident storeIdentity, first, last uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.floorOf != ident {
		c.floor, c.floorOf = 0, ident
	}
	if first <= c.floor+1 {
		c.floor = max(c.floor, last)
	}
}
