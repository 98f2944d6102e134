package store

// Held returns how many records and notes m holds, live or expired.
func Held(m *MemoryStore) int { return int(m.held.Load()) }

// HeldLabels returns how many labels m holds, live or expired.
func HeldLabels(m *MemoryStore) int { return len(m.labels.sets.entries) }

// ReadsTogether reports whether r reads records together under load.
func ReadsTogether(r *RedisStore) bool { return r.reads.batches != nil }

// Busy makes r read all records together, also those that are read one after the other.
func Busy(r *RedisStore) *RedisStore { r.reads.from = 1; return r }
