// Package live has Go, Express and Nest applications share one database, and sends them
// visitors. Its own tests have them share a Redis, those of package sqltest a PostgreSQL or
// a MariaDB. They need Node and the servers:
//
//	cd internal/interop/live/node && npm ci
//	go test -tags integration ./internal/interop/live
//	cd internal/sqltest && go test -tags integration -run TestNode
//
// The applications of Node are in the folder node; their packages come from npm, in
// several versions, as the file stacks.mjs pairs them.
package live
