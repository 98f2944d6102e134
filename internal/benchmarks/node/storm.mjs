// The Express stack, with passwords hashed in Node's thread pool, as npm's bcrypt does too. It uses scrypt,
// which needs no package, at about the cost of bcrypt 12.

import { scrypt } from 'node:crypto'

import { byID, byPassword, listen, protectedAnswer, require, sessions } from './common.mjs'

const express = require('express')
const passport = require('passport')
const { Strategy } = require('passport-local')

passport.use(new Strategy({ usernameField: 'email' }, (email, password, done) => {
  scrypt(password, 'salt', 32, { N: 1 << 16, r: 8, p: 1, maxmem: 1 << 28 }, err => done(err, byPassword(email, password)))
}))
passport.serializeUser((user, done) => done(null, user.id))
passport.deserializeUser((id, done) => done(null, byID(id)))

const app = express()
app.disable('etag')
app.use(await sessions())
app.use(passport.session())
app.use(express.urlencoded({ extended: false }))
app.get('/protected', (req, res) => req.isAuthenticated() ? res.send(protectedAnswer) : res.status(401).send('Unauthorized'))
app.post('/login', passport.authenticate('local'), (req, res) => res.send('done'))
listen(app)
