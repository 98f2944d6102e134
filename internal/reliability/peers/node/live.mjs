// Sockets of socket.io with express-session and passport, as in https://socket.io/how-to/use-with-passport.
// The arguments are the URL of a Redis, and "disconnect" to end the session's sockets at log-out. It prints
// its port.

import { createServer } from 'node:http'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import { createClient } from 'redis'
import { Server } from 'socket.io'

const client = createClient({ url: process.argv[2] })
await client.connect()

passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((id, done) => done(null, id))

const app = express()
const server = createServer(app)
const io = new Server(server)
const sessions = session({ secret: 'a made-up secret of 32 bytes or more', store: new RedisStore({ client }), resave: false, saveUninitialized: false })
app.use(sessions)
app.use(passport.session())

app.post('/login', (req, res, next) => req.login(req.query.user, err => err ? next(err) : res.send('ok')))
app.post('/logout', (req, res, next) => {
  const id = req.session.id
  req.logout(err => {
    if (err) return next(err)
    if (process.argv[3] === 'disconnect') io.to(`session:${id}`).disconnectSockets()
    res.send('ok')
  })
})

const onlyForHandshake = middleware => (req, res, next) => req._query.sid === undefined ? middleware(req, res, next) : next()
io.engine.use(onlyForHandshake(sessions))
io.engine.use(onlyForHandshake(passport.session()))
io.engine.use(onlyForHandshake((req, res, next) => req.user ? next() : (res.writeHead(401), res.end())))
io.on('connection', socket => socket.join(`session:${socket.request.session.id}`))

server.listen(0, '127.0.0.1', () => console.log(server.address().port))
