package main

import "github.com/redis/go-redis/v9"

// Embedded returns a client of an embedded Redis, and what closes both.
func Embedded() (*redis.Client, func(), error) {
	b, err := embedded()
	return b.client, b.close, err
}
