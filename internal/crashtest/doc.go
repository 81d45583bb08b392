// Package crashtest kills the program and its servers, by a signal that none of them can catch, and proves that nothing is
// lost and nothing doubled. It has nothing but tests.
//
// It promises deaths between every two effects on a message's way (read, published, cursor saved; fetched, committed, facts
// published, marked, acknowledged; facts fetched, inserted, acknowledged), alone and in a row; of PostgreSQL, of ClickHouse
// and of the whole program in mid-import; and a judgement that does not rest on the program's own verification: what the
// stores must hold is computed by the generator of the input, and again by a run that nobody disturbed. It does not pull
// the plug: what the kernel has taken is never lost here.
package crashtest
