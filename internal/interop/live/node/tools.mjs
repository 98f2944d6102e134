// Routes for tests that read and change a session, for Express and Nest.

import { once, EventEmitter } from 'node:events'

import { stringifySetCookie } from 'cookie'
import { sign } from 'cookie-signature'
import { Router } from 'express'

// Gates hold requests until the test releases them.
class Gates extends EventEmitter {
  arrived = new Set()
  released = new Set()

  async pass(name) {
    this.arrived.add(name)
    this.emit('arrived ' + name)
    if (!this.released.has(name)) await once(this, 'released ' + name)
  }

  async wait(name) {
    if (!this.arrived.has(name)) await once(this, 'arrived ' + name)
  }

  release(name) {
    this.released.add(name)
    this.emit('released ' + name)
  }
}

// promised calls an old method with a callback, or a new one that returns a promise.
export const promised = (object, method) => new Promise((resolve, reject) => {
  const result = object[method]((err, value) => err ? reject(err) : resolve(value))
  result?.then?.(resolve, reject)
})

// outside are the routes that do not touch the session.
export function outside({ store, gates = new Gates() }) {
  const router = Router()
  router.get('/gate/wait', async (req, res) => res.json(await gates.wait(req.query.name) ?? null))
  router.post('/gate/release', (req, res) => res.json(gates.release(req.query.name) ?? null))
  for (const method of ['all', 'ids', 'length', 'clear', 'pruneSessions', 'clearExpiredSessions', 'dbCleanup']) {
    router.post('/store/' + method, async (req, res) => res.json(await promised(store, method) ?? null))
  }
  return { router, gates }
}

// inside are the routes that work on req.session.
export function inside({ gates, options }) {
  const router = Router()
  const done = (res, next) => err => err ? next(err) : res.json('done')

  router.get('/session', (req, res) => res.json(req.session))
  router.get('/get', (req, res) => res.json(req.session[req.query.key] ?? null))
  router.post('/set', (req, res) => {
    Object.assign(req.session, req.body)
    res.json('done')
  })
  router.post('/delete', (req, res) => {
    delete req.session[req.query.key]
    res.json('done')
  })
  router.post('/age', (req, res) => {
    req.session.cookie.maxAge = Number(req.query.ms)
    req.session.aged = req.query.ms // a change of only the cookie is not saved: express-session's hash does not include it
    res.json('done')
  })
  router.post('/destroy', (req, res, next) => req.session.destroy(done(res, next)))
  router.post('/regenerate', (req, res, next) => req.session.regenerate(done(res, next)))
  // copy regenerates the id, and copies the session's values itself.
  router.post('/copy', (req, res, next) => {
    const { cookie, ...all } = req.session
    req.session.regenerate(err => done(res, next)(err ?? void Object.assign(req.session, all)))
  })
  router.post('/flash', (req, res) => {
    req.flash(req.query.kind, req.query.text)
    res.json('done')
  })
  router.get('/flash', (req, res) => res.json(req.flash(req.query.kind)))

  // slow has loaded its session when it waits at the gate, and saves it after that.
  router.post('/slow', async (req, res) => {
    await gates.pass(req.query.name)
    Object.assign(req.session, req.body)
    res.json('done')
  })

  // raw sends the session's cookie as cookie 2.x writes it: without percent-encoding.
  router.get('/raw', (req, res) => {
    const value = 's:' + sign(req.sessionID, [options.secret].flat()[0])
    res.setHeader('Set-Cookie', stringifySetCookie({ name: 'connect.sid', value, path: '/', httpOnly: true }))
    res.json('done')
  })
  return router
}
