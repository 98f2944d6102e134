// The stacks: versions of express-session, connect-redis and passport that are in
// use together, each with the Redis client of its time. A process loads one of them:
// passport before 0.6 changes every request of the process.

const load = async name => (await import(name)).default

const withClient = name => async url => {
  const client = (await load(name)).createClient({ url })
  await client.connect()
  return client
}

export const stacks = {
  'express-session 1.17, connect-redis 6, passport 0.4': async () => {
    const session = await load('express-session-1.17')
    return {
      session,
      Store: (await load('connect-redis-6'))(session),
      connect: async url => new (await load('ioredis'))(url),
      Passport: (await load('passport-0.4')).Passport,
      logOutAtOnce: true, // req.logout takes no callback before passport 0.6
    }
  },
  'express-session 1.18, connect-redis 7, passport 0.6': async () => ({
    session: await load('express-session-1.18'),
    Store: await load('connect-redis-7'),
    connect: withClient('redis-4'),
    Passport: (await load('passport-0.6')).Passport,
  }),
  'express-session 1.19, connect-redis 10, passport 0.7': async () => ({
    session: await load('express-session'),
    Store: (await import('connect-redis-10')).RedisStore,
    connect: withClient('redis'),
    Passport: (await load('passport')).Passport,
  }),
  'Nest 11, express-session 1.19, connect-redis 10, passport 0.7': async () => ({
    session: await load('express-session'),
    Store: (await import('connect-redis-10')).RedisStore,
    connect: withClient('redis'),
    makeApp: (await import('./nest.mjs')).nestApp,
  }),
}
