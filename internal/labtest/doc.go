// Package labtest is a data centre on one machine: etcd, PostgreSQL under Patroni and NATS with three servers each, the roles of
// the pipeline, and ClickHouse, every one on a host of its own. A host is a network namespace with an address on a bridge, and
// a namespace of processes, mounts and names; tests stand beside the hosts, on the bridge.
//
// It promises that servers are started with the files of deploy/; that a host can be killed, frozen, cut off (packets vanish,
// nothing is refused) and filled up without any other noticing more than that; that all processes of a host end with its
// first one, and that one with the process that called Up, however it ends, unless Options.Stay says otherwise; and that Down
// leaves no process, namespace, bridge, mount, rule or folder.
//
// It cannot lose power: everything stands on one kernel, and all data lies in its memory (tmpfs), so that fsync costs nothing
// and proves nothing here. On the machine's one disk, which servers in earnest do not share, etcd would miss its heartbeats
// whenever PostgreSQL writes. All hosts share one clock and the few processors that there are: times measured here are those
// of a small machine. The servers talk without TLS, and one lab at a time fits on a machine. Only tests and the command beside it
// import it; it needs root, Linux, and the Debian root that .ci/lab makes.
package labtest
