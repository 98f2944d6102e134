// Runs @simplewebauthn/server for the Go tests. It reads one command per line, {"call": the function's name,
// "with": its argument}, and prints {"value": …} or {"error": text}. Bytes are sent as base64url.
import * as server from '@simplewebauthn/server'
import { createInterface } from 'node:readline'

const bytes = (v) => new Uint8Array(Buffer.from(v.bytes, 'base64url'))
const revive = (_, v) => (v?.bytes ? bytes(v) : v)
const text = (_, v) => (v instanceof Uint8Array ? { bytes: Buffer.from(v).toString('base64url') } : v)

for await (const line of createInterface({ input: process.stdin })) {
  let answer
  try {
    const command = JSON.parse(line, revive)
    answer = { value: await server[command.call](command.with) }
  } catch (err) {
    answer = { error: String(err) }
  }
  console.log(JSON.stringify(answer, text))
}
