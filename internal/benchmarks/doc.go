// Command benchmarks compares an authenticated request in this library with the same request in its peers. It
// uses real HTTP and a real redis-server. Each stack is a separate process, and the stacks take turns within
// one run.
//
//	cd internal/benchmarks && GOWORK=off go run .
//
// It needs redis-server, PostgreSQL, MariaDB, node and npm; the load generator is built in. It writes the
// tables of docs/PERFORMANCE.md, the plot next to that page, and the row of figures in README.md. It is a
// separate module, outside go.work, so that no peer becomes a dependency of the library.
package main
