// Package store answers: where are the sessions kept?
//
// [OpenRedis], [Redis] and [Memory] make all stores of a program with one call.
//
// [RedisStore] keeps them in Redis, under the keys and in the bytes of connect-redis,
// so that Node's programs share them. [MemoryStore] keeps them in the process: for
// tests, and for a program that runs as one process and may lose them when it ends.
// Both pass package sessiontest, and both have every ability that package session asks
// for.
//
// The others, in Redis and in memory, are for strategies: counters within a window of
// time, values that can be taken once, and values that are changed by compare-and-swap.
package store
