// What express-session, connect-redis, passport and connect-flash store, set and
// load.

import flash from 'connect-flash'
import session from 'express-session'
import passport from 'passport'

import { now } from './clock.mjs'
import { FakeRedis, newStore, sessionSecret, visit } from './express.mjs'

// layout saves a session with passport.user 1 under the given options.
async function layout(label, opts, { req, mutate, url } = {}) {
  const redis = new FakeRedis()
  let live
  const visited = await visit(redis, {
    options: opts,
    headers: { ...req },
    url,
    handler: request => {
      if (!request.session) return
      request.session.passport = { user: 1 }
      if (mutate) Object.assign(request.session.cookie, mutate)
      live = request
    },
  })
  const row = { label, secret: sessionSecret, opts, req, url, mutate }
  if (visited.error) return { ...row, error: visited.error.message }
  if (!live) return { ...row, note: 'req.session undefined (path mismatch)' }
  return { ...row, setCookie: visited.setCookie, stored: redis.data.get('sess:ID'), live: JSON.stringify(live.session) }
}

export async function layouts() {
  const https = { req: { 'x-forwarded-proto': 'https' } }
  const rows = [await layout('defaults', {})]

  const alone = {
    maxAge: [0, 1, 999, 1000, 60000, 1500.7, 86400000, 400 * 86400000, -1000, null],
    expires: [new Date(now + 60000), new Date(now), new Date(now - 1000), new Date(Date.UTC(2030, 0, 1)), null, false],
    httpOnly: [true, false],
    secure: [false, 'auto'],
    domain: ['example.com', '.example.com', ''],
    path: ['/', ''],
    sameSite: [true, false, 'lax', 'strict', 'none', 'Lax', 'auto', 'nope'],
    priority: ['low', 'medium', 'high', 'High', 'nope'],
    partitioned: [true, false],
  }
  for (const [name, values] of Object.entries(alone)) {
    for (const value of values) rows.push(await layout(`${name} ${JSON.stringify(value)}`, { cookie: { [name]: value } }))
  }

  for (const value of [true, 'auto']) {
    rows.push(await layout(`secure ${value}, https by proxy`, { proxy: true, cookie: { secure: value } }, https))
    rows.push(await layout(`secure ${value}, http behind proxy`, { proxy: true, cookie: { secure: value } }))
  }
  rows.push(await layout('sameSite auto, https by proxy', { proxy: true, cookie: { sameSite: 'auto' } }, https))
  rows.push(await layout('path /app, visited', { cookie: { path: '/app' } }, { url: '/app/x' }))
  rows.push(await layout('path /app, elsewhere', { cookie: { path: '/app' } }, { url: '/' }))
  rows.push(await layout('another name', { name: 'sid' }))
  rows.push(await layout('two secrets', { secret: ['first', 'second'] }))
  rows.push(await layout('unicode secret', { secret: '日本語の秘密の鍵' }))

  const typical = { maxAge: 60000, httpOnly: false, secure: true, domain: 'example.com', path: '/x', sameSite: 'lax', priority: 'high', partitioned: true }
  const names = Object.keys(typical)
  for (let i = 0; i < names.length; i++) {
    for (let j = i + 1; j < names.length; j++) {
      const cookie = { [names[i]]: typical[names[i]], [names[j]]: typical[names[j]] }
      rows.push(await layout(`${names[i]} and ${names[j]}`, { proxy: true, cookie }, { ...https, url: '/x' }))
    }
  }
  rows.push(await layout('every option', { proxy: true, cookie: typical }, { ...https, url: '/x' }))

  for (const mutate of [
    { maxAge: 5000 }, { maxAge: 0 }, { maxAge: null }, { maxAge: false }, { expires: new Date(now + 1000) }, { expires: null }, { expires: false },
    { originalMaxAge: 5000 }, { originalMaxAge: null }, { httpOnly: false }, { sameSite: 'strict' }, { secure: false }, { path: '/x' }, { domain: 'example.com' },
  ]) {
    rows.push(await layout(`maxAge 60000, then ${JSON.stringify(mutate)}`, { cookie: { maxAge: 60000 } }, { mutate }))
  }
  return rows
}

// ttl records the commands of a set and a touch.
export async function ttl() {
  const rows = []
  async function add(label, storeOpts, cookie, shown = storeOpts) {
    const redis = new FakeRedis()
    const store = newStore(redis, storeOpts)
    const sess = { cookie }
    const call = method => new Promise(resolve => store[method]('ID', sess, err => resolve(err?.message)))
    const setError = await call('set')
    const touchError = await call('touch')
    rows.push({ label, storeOpts: shown, sess, commands: redis.commands, setError, touchError })
  }
  const expiring = ms => ({ originalMaxAge: 60000, expires: new Date(now + ms).toISOString(), httpOnly: true, path: '/' })
  const endless = { originalMaxAge: null, expires: null, httpOnly: true, path: '/' }

  for (const ms of [60000, 60001, 59999, 1000, 1001, 999, 500, 2, 1, 0, -1, -1000, 86400000, 400 * 86400000]) await add(`${ms} ms`, {}, expiring(ms))
  await add('no expiry', {}, endless)
  await add('expires false', {}, { ...endless, originalMaxAge: false, expires: false })
  await add('expires missing', {}, { originalMaxAge: null, httpOnly: true, path: '/' })
  await add('expires number', {}, { ...expiring(60000), expires: now + 60000 })
  await add('expires not a date', {}, { ...endless, expires: 'tomorrow' })
  await add('no cookie', {}, undefined)
  await add('option ttl 300, no expiry', { ttl: 300 }, endless)
  await add('option ttl 300, expires in 60 s', { ttl: 300 }, expiring(60000))
  await add('option ttl 0', { ttl: 0 }, endless)
  await add('option ttl function', { ttl: () => 77 }, expiring(60000), { ttl: '[function: 77]' })
  await add('option disableTTL', { disableTTL: true }, expiring(60000))
  await add('option disableTTL, expired', { disableTTL: true }, expiring(-1))
  await add('option disableTouch', { disableTouch: true }, expiring(60000))
  await add('option prefix empty', { prefix: '' }, endless)
  await add('option prefix app:', { prefix: 'app:' }, endless)
  return rows
}

const values = {
  'null': null,
  'true': true,
  'false': false,
  'zero': 0,
  'minus zero': -0,
  'one': 1,
  'minus one': -1,
  'fraction': 1.5,
  'a tenth': 0.1,
  'sum of tenths': 0.1 + 0.2,
  'trailing zero': 1.0,
  '2^31': 2 ** 31,
  '2^53 - 1': 2 ** 53 - 1,
  '2^53': 2 ** 53,
  '2^53 + 1, mangled': Number('9007199254740993'),
  '2^53 + 2': 2 ** 53 + 2,
  '2^63, mangled': 2 ** 63,
  'snowflake, mangled': Number('1234567890123456789'),
  '1e20': 1e20,
  '1e21': 1e21,
  '1e-6': 1e-6,
  '1e-7': 1e-7,
  'largest': Number.MAX_VALUE,
  'smallest': Number.MIN_VALUE,
  'nan and infinities': [NaN, Infinity, -Infinity],
  'undefined and function in array': [undefined, () => 0, 1],
  'undefined and function in object': { a: undefined, b: () => 0, c: 1 },
  'empty string': '',
  'digits string': '1',
  'html': '<a href="x">&amp;</a>',
  'quotes and backslash': '"\\/\'',
  'short escapes': '\b\f\n\r\t',
  'controls': Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join(''),
  'delete': '\u007f\u0080\u009f',
  'line separators': '\u2028\u2029',
  'latin': 'éüß',
  'composed and decomposed': ['\u00e9', 'e\u0301'],
  'japanese': '日本語',
  'emoji': '🔑👩‍👩‍👧',
  'lone surrogates': ['\ud800', '\udc00', 'a\ud83d', '\udd11b'],
  'noncharacters': '\ufffe\uffff\ufeff',
  'nul': '\u0000',
  'empty array': [],
  'empty object': {},
  'nested': { a: [{ b: [[[]], { c: { d: [1, 'x', null, { e: false }] } }] }] },
  'deep': JSON.parse('['.repeat(100) + ']'.repeat(100)),
  'integer-like keys first': { b: 1, a: 2, 10: 3, 2: 4, '-1': 5, '01': 6, 4294967294: 7, 4294967295: 8, '1.5': 9, '': 10 },
  'odd keys': { '<>&': 1, '\u2028': 2, 'ü': 3, '"': 4, 'a b': 5, '🔑': 6 },
  'date': new Date(now),
  'date in object': { d: new Date(now) },
  'toJSON': { toJSON: () => ({ made: 'by toJSON' }) },
  'map and set': [new Map([[1, 2]]), new Set([1])],
  'boxed': [Object('s'), Object(1), Object(false)],
  'buffer': Buffer.from('hi'),
  'sparse array': Object.assign(Array(3), { 1: 'x' }),
  'error': new Error('x'),
}

export const json = () => Object.entries(values).map(([label, value]) => ({ label, js: JSON.stringify(value) }))

// found loads the record that redis holds and reports what Node finds in it: the
// keys in order and passport.user as JSON, null if there is none. The text of V8's
// own errors changes with its version, so only their kind is reported.
async function found(redis) {
  let seen
  const visited = await visit(redis, {
    headers: { cookie: await cookieOfID() },
    handler: req => {
      const user = req.session.passport?.user
      seen = { keys: Object.keys(req.session), user: user === undefined ? null : JSON.stringify(user) }
    },
  })
  return visited.error ? { error: visited.error.name } : seen
}

async function cookieOfID() {
  const { setCookie } = await visit(new FakeRedis(), { handler: req => { req.session.x = 1 } })
  return setCookie.split(';')[0]
}

// records are sessions as the real middlewares store them in Redis.
export async function records() {
  const rows = []
  async function add(label, handler, { user, options, before = [] } = {}) {
    const redis = new FakeRedis()
    const p = new passport.Passport()
    p.serializeUser((value, done) => done(null, value.is))
    p.deserializeUser((value, done) => done(null, { is: value }))
    p.use('right', { authenticate() { this.success({ is: user }, { message: 'Welcome <back> & hello' }) } })
    p.use('wrong', { authenticate() { this.fail({ message: 'Wrong password' }) } })
    const authenticate = (req, name, opts) => new Promise((resolve, reject) => {
      const res = { redirect: resolve, setHeader() {}, end: resolve }
      p.authenticate(name, opts)(req, res, err => err ? reject(err) : resolve())
    })
    const logIn = req => authenticate(req, 'right', {})
    const logOut = req => new Promise((resolve, reject) => req.logOut(err => err ? reject(err) : resolve()))
    const { error } = await visit(redis, {
      options,
      before: [p.initialize(), p.session(), flash()],
      handler: req => handler(req, { authenticate, logIn, logOut }),
    })
    if (error) throw new Error(label, { cause: error })
    const stored = redis.data.get('sess:ID')
    rows.push({ label, stored, ...(stored === undefined ? {} : { found: await found(redis) }) })
  }

  const users = {
    'number': 1, 'zero': 0, 'negative': -1, 'string of digits': '1', 'uuid': '6c84fb90-12c4-11e1-840d-7b25c5ee775a', 'email': 'joefoo@test.com', 'unicode': 'José 日本 🔑', 'html': '<b>&',
    'separators': '\u2028', 'object': { id: 1, role: 'admin' }, 'object in another order': { role: 'admin', id: 1 }, 'array': [1, 'x'], 'true': true, 'fraction': 1.5, '2^53': 2 ** 53, '2^53 + 2': 2 ** 53 + 2, '1e21': 1e21,
  }
  for (const [label, user] of Object.entries(users)) await add(`user ${label}`, (req, { logIn }) => logIn(req), { user })
  await add('user with a cookie of a minute', (req, { logIn }) => logIn(req), { user: 1, options: { cookie: { maxAge: 60000 } } })
  await add('logged in and out', async (req, { logIn, logOut }) => {
    await logIn(req)
    await logOut(req)
    req.session.seen = true
  }, { user: 1 })
  await add('user removed', async (req, { logIn }) => {
    await logIn(req)
    delete req.session.passport.user
  }, { user: 1 })
  for (const user of [null, false, '']) await add(`user set to ${JSON.stringify(user)}`, req => { req.session.passport = { user } })
  await add('passport null', req => { req.session.passport = null; req.session.x = 1 })
  await add('passport with more than the user', req => { req.session.passport = { user: 1, more: [1], at: 2 } })
  await add('passport with the user last', req => { req.session.passport = { z: 'user', more: { user: 2 }, user: 1 } })
  await add('returnTo', async (req, { logIn }) => {
    await logIn(req)
    req.session.returnTo = '/orders?id=1&x=<y>'
  }, { user: 1 })
  await add('returnTo kept by keepSessionInfo', async (req, { authenticate }) => {
    req.session.returnTo = '/orders'
    await authenticate(req, 'right', { keepSessionInfo: true })
  }, { user: 1 })
  await add('flash of one message', req => req.flash('info', 'email <sent>'))
  await add('flash of several types', req => {
    req.flash('info', ['a', 'b'])
    req.flash('error', 'c')
    req.flash('1', 'digit')
  })
  await add('flash read again', req => {
    req.flash('info', 'a')
    req.flash('info')
    req.session.x = 1
  })
  await add('flash emptied', req => {
    req.flash('info', 'a')
    req.flash()
  })
  await add('failureFlash', (req, { authenticate }) => authenticate(req, 'wrong', { failureFlash: true, failureRedirect: '/login' }))
  await add('failureMessage', (req, { authenticate }) => authenticate(req, 'wrong', { failureMessage: true, failureRedirect: '/login' }))
  await add('failureMessage twice', async (req, { authenticate }) => {
    await authenticate(req, 'wrong', { failureMessage: true, failureRedirect: '/login' })
    await authenticate(req, 'wrong', { failureMessage: 'Again', failureRedirect: '/login' })
  })
  await add('successFlash and successMessage, kept', (req, { authenticate }) => authenticate(req, 'right', { successFlash: true, successMessage: true, keepSessionInfo: true }), { user: 1 })
  await add('keys in their order', req => {
    for (const key of ['z', 'a', 'm', 'ü', '<>&', 'a b', '"', '']) req.session[key] = key
  })
  await add('integer-like keys first', req => {
    for (const key of ['b', '10', 'a', '2', '01', '-1']) req.session[key] = key
  })
  for (const [label, value] of Object.entries(values)) {
    await add(`value ${label}`, req => { req.session.passport = { user: 1 }; req.session.v = value })
  }
  return rows
}

// loaded are records that other programs wrote, and what Node finds in them.
export async function loaded() {
  const cookie = '"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"}'
  const past = '"cookie":{"originalMaxAge":60000,"expires":"2026-11-23T13:00:00.000Z","httpOnly":true,"path":"/"}'
  const texts = {
    'cookie last': `{"passport":{"user":1},${cookie}}`,
    'blanks': ` {\n ${cookie} ,\t"passport" : { "user" : 1 } }\r\n`,
    'expires in the past': `{${past},"passport":{"user":1}}`,
    'cookie empty': '{"cookie":{},"passport":{"user":1}}',
    'cookie with more': '{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/","x":1},"passport":{"user":1}}',
    'a field of ours': `{${cookie},"passport":{"user":1,"go":{"for":1,"at":1795442400123}},"_go":{"b":1795442400123,"v":"x"}}`,
    'user twice': `{${cookie},"passport":{"user":1,"user":2}}`,
    'passport twice': `{${cookie},"passport":{"user":1},"passport":{"user":2}}`,
    'user escaped': `{${cookie},"p\\u0061ssport":{"us\\u0065r":1}}`,
    'number spelled otherwise': `{${cookie},"passport":{"user":1.0},"n":[1e2,-0,0.10,12345678901234567890]}`,
    'no cookie': '{"passport":{"user":1}}',
    'cookie null': '{"cookie":null,"passport":{"user":1}}',
    'array': '[]',
    'null': 'null',
    'number': '1',
    'truncated': `{${cookie},"passport":{"user":1}`,
    'not JSON': 'hello',
    'empty object': '{}',
  }
  const rows = []
  for (const [label, stored] of Object.entries(texts)) {
    const redis = new FakeRedis()
    redis.data.set('sess:ID', stored)
    rows.push({ label, stored, ...await found(redis) })
  }
  return rows
}

// reserved lists the top-level keys that Node drops when it loads a session, and a
// few other names.
export async function reserved() {
  const names = new Set([
    ...Object.getOwnPropertyNames(Object.prototype), ...Object.getOwnPropertyNames(session.Session.prototype),
    'id', 'req', 'cookie', 'user', 'passport', 'flash', 'messages', 'data', 'maxAge', 'regenerated', 'Save', 'prototype', 'then', 'length', 'name',
  ])
  const rows = []
  for (const name of [...names].sort()) {
    if (name === 'cookie') continue
    const redis = new FakeRedis()
    redis.data.set('sess:ID', `{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},${JSON.stringify(name)}:"kept"}`)
    const { keys, error } = await found(redis)
    rows.push({ name, kept: !error && keys.includes(name) })
  }
  return rows
}
