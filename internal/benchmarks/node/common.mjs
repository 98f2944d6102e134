// What the Node stacks share: the user, the store, and how to start. package-lock.json pins the packages.

import { createServer } from 'node:http'
import { createRequire } from 'node:module'

export const require = createRequire(import.meta.url)

const session = require('express-session')

const joe = { id: 1, email: 'joefoo@test.com' }
export const byID = id => id === joe.id ? joe : false
export const byPassword = (email, password) => email === joe.email && password === 'Passw0rd!' ? joe : false
export const secret = 'a made-up secret of 32 bytes or more'
export const publicAnswer = 'This message is public to all!'
export const protectedAnswer = 'You can only see this if you are authenticated'

async function store(url) {
  if (url.startsWith('postgres:')) {
    const PgStore = require('connect-pg-simple')(session)
    return new PgStore({ pool: new (require('pg').Pool)({ connectionString: url, max: 16 }) })
  }
  const { RedisStore } = require('connect-redis')
  const client = require('redis').createClient({ url })
  await client.connect()
  return new RedisStore({ client })
}

export async function sessions() {
  return session({ store: await store(process.argv[2]), secret, resave: false, saveUninitialized: false })
}

export function listen(app) {
  const server = createServer(app).listen(0, '127.0.0.1', () => console.log(`127.0.0.1:${server.address().port}`))
  process.stdin.on('end', () => process.exit()).resume()
}
