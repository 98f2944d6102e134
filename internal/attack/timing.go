package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// timing checks whether the time of a refusal shows that an account exists. It measures known and unknown
// accounts in turn and counts how often a known one takes longer: half of the time, if the time shows
// nothing (the U of Mann and Whitney, divided by n·n).
func timing(c *client, report func(string, bool)) (string, error) {
	const rounds = 24
	accounts := make([]string, 4) // several users, so that none exceeds its budget
	for i := range accounts {
		accounts[i] = fmt.Sprintf("known%d.%d@test.com", i, time.Now().UnixNano())
		a, err := c.send("POST", "/auth/register", form("email", accounts[i], "password", "xkqj vwzp", "confirmationPassword", "xkqj vwzp", "firstName", "F", "lastName", "L"))
		if err != nil || a.status != 201 {
			return "", fmt.Errorf("register: %d, %w", a.status, err)
		}
	}
	var known, unknown []time.Duration
	for i := range rounds {
		a, err := c.logIn(accounts[i%len(accounts)], "wrong")
		if err != nil {
			return "", err
		}
		b, err := c.logIn(fmt.Sprintf("unknown%d.%d@test.com", i, i), "wrong")
		if err != nil {
			return "", err
		}
		if a.status != b.status {
			return "", fmt.Errorf("got %d and %d: the throttle is in the way", a.status, b.status)
		}
		known, unknown = append(known, a.took), append(unknown, b.took)
	}
	longer := superiority(known, unknown)
	// If the time shows nothing, longer differs from a half by more than this 3.5 times in ten thousand.
	most := 3.5 * math.Sqrt(float64(2*rounds+1)/(12*float64(rounds)*float64(rounds)))
	report("the time of a refusal shows who has an account", math.Abs(longer-0.5) <= most)
	return fmt.Sprintf("known: median %v, unknown: median %v, a known one takes longer in %.0f %% of pairs (50 %% ± %.0f %% tells nothing)",
		median(known), median(unknown), longer*100, most*100), nil
}

// superiority returns how often a value of a is greater than one of b.
func superiority(a, b []time.Duration) float64 {
	greater := 0.0
	for _, x := range a {
		for _, y := range b {
			switch {
			case x > y:
				greater++
			case x == y:
				greater += 0.5
			}
		}
	}
	return greater / float64(len(a)*len(b))
}

func median(list []time.Duration) time.Duration {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2].Round(100 * time.Microsecond)
}
