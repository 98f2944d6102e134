// Package store answers: where are the sessions kept?
//
// [Redis] and [Memory] make everything that a program keeps, by one call.
//
// [RedisStore] keeps them in Redis, under the keys and in the bytes of connect-redis,
// so that Node's programs share them. [MemoryStore] keeps them in the process: for
// tests, and for a program that runs once and may forget at its end. Both pass
// package sessiontest, and both have every ability that package session asks for.
//
// The others, in Redis and in memory, keep what strategies need to
// remember: counts within a window of time, values that can be taken once, and values that
// are changed by comparing first.
package store
