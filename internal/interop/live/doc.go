// Package live runs Go, Express and Nest applications on one shared database, and sends them visitors. Its
// own tests share a Redis, those of package sqltest a PostgreSQL or a MariaDB. They need Node and the
// servers:
//
//	cd internal/interop/live/node && npm ci
//	go test -tags integration ./internal/interop/live
//	cd internal/sqltest && go test -tags integration -run TestNode
//
// The applications of Node are in the folder node. Their packages come from npm, in several versions, which
// the file stacks.mjs combines.
package live
