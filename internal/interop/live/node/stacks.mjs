// The stacks: versions of express-session, a store and passport that are used
// together, each with a client of the same age. A process loads only one of them,
// since passport before 0.6 changes every request of the process.

import { promised } from './tools.mjs'

const load = async name => (await import(name)).default

// Each of these takes the versions of its packages, and returns a function that
// connects to a URL and returns a function that makes a store with given options.

const redis = (Store, name) => async url => {
  const client = (await load(name)).createClient({ url })
  await client.connect()
  return options => new Store({ client, ...options })
}

// The following stores make their tables at their first use.

const pgSimple = (session, version) => async connectionString => {
  const pool = new (await load('pg')).Pool({ connectionString })
  const Store = (await load(`connect-pg-simple-${version}`))(session)
  return async options => {
    const store = new Store({ pool, createTableIfMissing: true, pruneSessionInterval: false, ...options })
    await promised(store, 'pruneSessions')
    return store
  }
}

const mysql = session => async url => {
  const pool = (await load('mysql2/promise')).createPool(url)
  const Store = (await load('express-mysql-session'))(session)
  return async options => {
    const store = new Store({ clearExpired: false, ...options }, pool)
    await store.onReady()
    return store
  }
}

// better-sqlite3 is libsql here, which has the same API and file format, and needs no compiler.
const knex = client => async url => {
  const connection = client === 'better-sqlite3' ? { filename: url } : url
  const db = (await load('knex'))({ client, connection, useNullAsDefault: true })
  const { ConnectSessionKnexStore } = await import('connect-session-knex')
  return async options => {
    const store = new ConnectSessionKnexStore({ knex: db, cleanupInterval: 0, ...options })
    await store.ready
    if (client === 'mysql2') { // MariaDB's json refuses half of a surrogate pair, and that error ends the process
      await db.raw(`alter table ${store.options.tableName} modify sess longtext character set utf8mb4 collate utf8mb4_bin not null`)
    }
    return store
  }
}

// withStore makes a stack of express-session and passport, given by their names here, and
// a store, given by connect.
const withStore = (sessionName, passportName, connect) => async () => {
  const session = await load(sessionName)
  return {
    session,
    connect: await connect(session),
    Passport: (await load(passportName)).Passport,
    logOutAtOnce: passportName === 'passport-0.4', // before passport 0.6, req.logout takes no callback
  }
}

const old = ['express-session-1.17', 'passport-0.4']
const middle = ['express-session-1.18', 'passport-0.6']
const newest = ['express-session', 'passport']

export const stacks = {
  'express-session 1.17, connect-redis 6, passport 0.4': withStore(...old, async session => {
    const Store = (await load('connect-redis-6'))(session)
    return async url => {
      const client = new (await load('ioredis'))(url)
      return options => new Store({ client, ...options })
    }
  }),
  'express-session 1.18, connect-redis 7, passport 0.6': withStore(...middle, async () => redis(await load('connect-redis-7'), 'redis-4')),
  'express-session 1.19, connect-redis 10, passport 0.7': withStore(...newest, async () => redis((await import('connect-redis-10')).RedisStore, 'redis')),
  'Nest 11, express-session 1.19, connect-redis 10, passport 0.7': async () => ({
    session: await load('express-session'),
    connect: redis((await import('connect-redis-10')).RedisStore, 'redis'),
    makeApp: (await import('./nest.mjs')).nestApp,
  }),
  'express-session 1.17, connect-pg-simple 9, passport 0.4': withStore(...old, session => pgSimple(session, 9)),
  'express-session 1.18, connect-pg-simple 9, passport 0.6': withStore(...middle, session => pgSimple(session, 9)),
  'express-session 1.19, connect-pg-simple 10, passport 0.7': withStore(...newest, session => pgSimple(session, 10)),
  'express-session 1.17, express-mysql-session 3, passport 0.4': withStore(...old, mysql),
  'express-session 1.18, express-mysql-session 3, passport 0.6': withStore(...middle, mysql),
  'express-session 1.19, express-mysql-session 3, passport 0.7': withStore(...newest, mysql),
  'express-session 1.19, connect-session-knex 5, passport 0.7': withStore(...newest, () => knex('pg')),
  'express-session 1.19, connect-session-knex 5 with mysql2, passport 0.7': withStore(...newest, () => knex('mysql2')),
  'express-session 1.19, connect-session-knex 5 with better-sqlite3, passport 0.7': withStore(...newest, () => knex('better-sqlite3')),
}
