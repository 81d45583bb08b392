package live

import "sync"

// defaultBufferSize bounds the lines that are read while the runner publishes: the talk of a busy channel for hours, little memory.
const defaultBufferSize = 8 << 20

// queue buffers lines between the goroutine that reads them and the one that makes events of them. Putting never blocks: a line that does not
// fit the buffer is dropped, and so are those after it until all before it are taken; then taking returns how many.
type queue struct {
	ready chan struct{} // holds a value when there may be something to take
	limit int           // bytes

	mu      sync.Mutex // covers all below
	lines   []received
	bytes   int
	dropped int
	closed  bool
}

func newQueue(most int) *queue { return &queue{ready: make(chan struct{}, 1), limit: most} }

func (q *queue) put(r received) {
	q.mu.Lock()
	if size := len(r.raw) + lineOverhead; q.dropped > 0 || q.bytes+size > q.limit && len(q.lines) > 0 {
		q.dropped++
	} else {
		q.lines, q.bytes = append(q.lines, r), q.bytes+size
	}
	q.mu.Unlock()
	q.wake()
}

// lineOverhead is about what a parsed line takes beside its bytes.
const lineOverhead = 200

// close says that no more lines come.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.wake()
}

func (q *queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// take returns the next line. There may be none yet; open is false if there will be none.
func (q *queue) take() (r received, ok, open bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case len(q.lines) > 0:
		r, q.lines[0] = q.lines[0], received{}
		q.lines = q.lines[1:]
		q.bytes -= len(r.raw) + lineOverhead
		if len(q.lines) == 0 {
			q.lines = nil
		}
		return r, true, true
	case q.dropped > 0:
		r.dropped, q.dropped = q.dropped, 0
		return r, true, true
	}
	return r, false, !q.closed
}
