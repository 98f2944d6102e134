// Package live has Go, Express and Nest applications share one Redis, and sends them
// visitors. It has tests only, which need Node and redis-server:
//
//	cd internal/interop/live/node && npm ci
//	go test -tags integration ./internal/interop/live
//
// The applications of Node are in the folder node; their packages come from npm, in
// several versions, as the file stacks.mjs pairs them.
package live
