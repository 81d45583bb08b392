// Package engine runs the servers that AGriChat brings along: NATS inside this process, PostgreSQL and ClickHouse as its
// children. One command shows the whole pipeline with them, and the tests run against them.
//
// It promises that a server started here listens on loopback only and asks for a password, that it keeps its port,
// password and data in the one folder it was given, that two processes cannot run one folder at a time, that a server left
// behind by a killed process is stopped before its successor starts, and that Run returns only when the server is gone.
// Whatever a server has acknowledged survives the killing of any process.
//
// It does not restart what died (call Run again), it knows no schema, and it is not for production clusters: those are given
// by configuration and never touch this package.
package engine
