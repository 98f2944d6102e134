package reqstate

// Libraries has the headers by which libraries of scripts name themselves. It is not to be changed.
var Libraries = [...]string{"X-Requested-With", "Hx-Request", "Turbo-Frame", "X-Turbo-Request-Id", "X-Up-Version"}
