// Runs one request through the real express-session and connect-redis, without a
// network: the Redis client is an object that records its commands.

import { Writable } from 'node:stream'
import { IncomingMessage, ServerResponse } from 'node:http'

import { RedisStore } from 'connect-redis'
import session from 'express-session'

// FakeRedis is the part of node-redis that connect-redis uses.
export class FakeRedis {
  data = new Map()
  commands = []

  async get(key) {
    return this.data.get(key) ?? null
  }

  async set(key, value, options) {
    const { type, value: ttl } = options?.expiration ?? {}
    this.commands.push(type ? ['SET', key, value, type, ttl] : ['SET', key, value])
    this.data.set(key, value)
  }

  async expire(key, ttl) {
    this.commands.push(['EXPIRE', key, ttl])
  }

  async del(keys) {
    this.commands.push(['DEL', ...keys])
    for (const key of keys) this.data.delete(key)
  }
}

export const newStore = (client, options = {}) => new RedisStore({ client, ...options })

export const sessionSecret = 's'

// visit sends one request through express-session. handler(req, res) may be async
// and must not end the response.
export async function visit(redis, { options = {}, headers = {}, url = '/', handler = () => {}, before = [] }) {
  const req = new IncomingMessage(null)
  Object.assign(req, { method: 'GET', url, originalUrl: url, headers, connection: {} })
  const res = new ServerResponse(req)
  const socket = new Writable({ write: (chunk, encoding, done) => done() })
  res.assignSocket(socket)

  const errors = []
  const run = middleware => new Promise(resolve => {
    middleware(req, res, err => {
      // express-session calls next a second time when it cannot set the cookie.
      if (err) errors.push(err)
      resolve()
    })
  })
  await run(session({
    secret: sessionSecret,
    genid: () => 'ID',
    store: newStore(redis),
    resave: false,
    saveUninitialized: false,
    ...options,
  }))
  for (const middleware of before) await run(middleware)
  if (errors.length === 0) await handler(req, res)
  await new Promise(resolve => res.on('finish', resolve).end())
  await new Promise(setImmediate)
  return { req, error: errors[0], setCookie: res.getHeader('set-cookie')?.[0] }
}
