// Runs one stack and starts applications of it on demand, each on its own port.
//
//   node main.mjs STACK URL-OF-REDIS-OR-THE-DATABASE
//
// It prints the port of its control server. There, POST / with an application's
// options starts it and returns its port. It ends when its standard input ends.

import { createServer } from 'node:http'
import { once } from 'node:events'
import { json } from 'node:stream/consumers'

import { expressApp } from './express.mjs'
import { stacks } from './stacks.mjs'

const [name, url] = process.argv.slice(2)
if (!stacks[name]) throw new Error(`no stack ${name}: there are ${Object.keys(stacks).join('; ')}`)

const stack = await stacks[name]()
const makeStore = await stack.connect(url)
const makeApp = stack.makeApp ?? expressApp

async function listen(handler) {
  const server = createServer(handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server.address().port
}

const port = await listen(async (req, res) => {
  try {
    const { session = {}, store = {}, identity = 'number' } = await json(req)
    const options = { resave: false, saveUninitialized: false, ...session }
    const app = await makeApp(stack, { store: await makeStore(store), options, identity })
    res.end(String(await listen(app)))
  } catch (err) {
    res.writeHead(500).end(err.stack)
  }
})
console.log(port)
process.stdin.on('end', () => process.exit()).resume()
