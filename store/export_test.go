package store

// Held returns how many records and notes m holds, live or expired.
func Held(m *MemoryStore) int { return int(m.held.Load()) }

// HeldLabels returns how many labels m holds, live or expired.
func HeldLabels(m *MemoryStore) int { return len(m.labels.sets.entries) }

// ReadsTogether reports whether r reads records together under load.
func ReadsTogether(r *RedisStore) bool { return r.reads.batches != nil }

// SendsTogether reports whether r sends scripts together under load.
func SendsTogether(r *RedisStore) bool { return r.main.batches != nil }

// Busy makes all calls of r go together, also those that are made one after the other.
func Busy(r *RedisStore) *RedisStore { r.load.From = 1; return r }

// Large makes r treat all records as large ones.
func Large(r *RedisStore) *RedisStore { r.large.from = 0; return r }

// LargeRefused reports whether r has given up the commands for large records.
func LargeRefused(r *RedisStore) bool { return r.large.refused.Load() }

// Gather holds back what r sends together until send is called once, which sends it as one batch. waiting
// returns how many calls wait. No call of r may be running.
func Gather(r *RedisStore) (waiting func() int, send func()) { return r.main.batches.calls.Hold() }
