// Command benchmarks measures an authenticated request of this library beside its
// peers: real HTTP, a real redis-server, every stack a process of its own, the stacks
// taken in turns within one run.
//
//	cd internal/benchmarks && GOWORK=off go run .
//
// It needs redis-server, PostgreSQL, MariaDB, node and npm, and nothing else: the load generator is its
// own. It writes the tables of docs/PERFORMANCE.md, the plot beside it, and README's
// line of figures. It is a module of its own, outside of go.work, so that no peer becomes a dependency of the library.
package main
