// Express with passport-jwt or passport-headerapikey, without sessions. The argument after the address of
// Redis says which.

import { createHash } from 'node:crypto'

import { byID, listen, protectedAnswer, require, secret } from './common.mjs'

const express = require('express')
const passport = require('passport')

const which = process.argv[3]
if (which === 'jwt') {
  const { Strategy, ExtractJwt } = require('passport-jwt')
  passport.use(new Strategy({
    jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
    secretOrKey: secret,
    algorithms: ['HS256'],
    issuer: 'https://id.example',
    audience: 'https://api.example'
  }, (claims, done) => done(null, byID(Number(claims.sub)))))
} else {
  const { HeaderAPIKeyStrategy } = require('passport-headerapikey')
  const hash = text => createHash('sha256').update(text).digest('hex')
  const users = new Map([[hash('bench_XpaQgOT3HA4B_xUCPBkBOt2R0lZij7GJ1XGYzl9Qowynt2iFUON'), byID(1)]])
  passport.use(new HeaderAPIKeyStrategy({ header: 'X-API-Key', prefix: '' }, false, (key, done) => done(null, users.get(hash(key)) ?? false)))
}

const app = express()
app.disable('etag')
app.get('/protected', passport.authenticate(which, { session: false }), (req, res) => res.send(protectedAnswer))
listen(app)
