// The article's two users, and what passport stores of them in the session.

export const users = [
  { id: 1, firstName: 'Joe', lastName: 'Foo', email: 'joefoo@test.com', password: 'Passw0rd!', role: 'admin' },
  { id: 2, firstName: 'Jen', lastName: 'Bar', email: 'jenbar@test.com', password: 'P4ssword!', role: 'user' },
]

export const byPassword = (email, password) => users.find(u => u.email === email && u.password === password) ?? null

// identities are the forms in which applications store a user in the session.
export const identities = {
  number: { write: u => u.id, read: v => users.find(u => u.id === v) },
  string: { write: u => String(u.id), read: v => users.find(u => String(u.id) === v) },
  object: { write: u => ({ id: u.id, role: u.role }), read: v => users.find(u => u.id === v?.id) },
}
