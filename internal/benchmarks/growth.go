package main

import (
	"context"
	"fmt"
	"time"
)

// growthRow is the cost of an authenticated read while Redis holds that many other sessions.
type growthRow struct {
	sessions int
	rate     float64
	p50, p99 time.Duration
	redis    time.Duration // CPU of Redis per request
	memory   int64         // bytes that Redis uses in all
}

// measureGrowth measures reads with 0, 1 million and 10 million other sessions of the usual size in Redis,
// which generates them itself (DEBUG POPULATE).
func (r *run) measureGrowth() error {
	server, err := startRedis("--enable-debug-command", "local")
	if err != nil {
		return err
	}
	defer server.stop()
	p, err := start(stack{name: "passport"}, server.addr)
	if err != nil {
		return err
	}
	defer p.stop()
	ctx := context.Background()
	read := workloads()[0]
	for _, n := range []int{0, 1_000_000, 10_000_000} {
		if n > 0 {
			if err := server.client.WithTimeout(5*time.Minute).Do(ctx, "debug", "populate", n, "sess:other", 250).Err(); err != nil {
				return fmt.Errorf("debug populate: %w", err)
			}
		}
		cookies, err := logInMany(p, read)
		if err != nil {
			return err
		}
		row := growthRow{sessions: n}
		var rates []float64
		var p50, p99 []time.Duration
		requests := 0
		for range r.rounds {
			before, err := cpu(server.cmd.Process.Pid)
			if err != nil {
				return err
			}
			res, err := load(p.addr, read.visitors, r.length, read.script(), cookies)
			if err != nil {
				return err
			}
			after, err := cpu(server.cmd.Process.Pid)
			if err != nil {
				return err
			}
			rates, p50, p99 = append(rates, res.rate()), append(p50, res.quantile(0.5)), append(p99, res.quantile(0.99))
			row.redis += after - before
			requests += res.requests
		}
		row.rate, row.p50, row.p99 = median(rates), medianTime(p50), medianTime(p99)
		row.redis /= time.Duration(max(requests, 1))
		if row.memory, err = server.memory(); err != nil {
			return err
		}
		r.growth = append(r.growth, row)
	}
	return nil
}
