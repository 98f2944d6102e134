// Makes session/testdata/interop/node.json: what the real npm packages sign,
// parse, set and store, with a stopped clock. The output depends only on the
// packages' versions.
//
//   node generate.mjs           writes the file
//   node generate.mjs --check   fails if the file has other content

import './clock.mjs'

import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { now } from './clock.mjs'

// Imported only now, so that the packages use the stopped clock.
const cookies = await import('./cookies.mjs')
const records = await import('./records.mjs')

const output = join(dirname(fileURLToPath(import.meta.url)), '../../session/testdata/interop/node.json')
const packages = ['express-session', 'connect-redis', 'cookie', 'cookie-signature', 'passport', 'connect-flash']

const require = createRequire(import.meta.url)
const version = name => JSON.parse(readFileSync(join(require.resolve.paths(name)[0], name, 'package.json'))).version

const fixtures = {
  generatedWith: Object.fromEntries(packages.map(name => [name, version(name)])),
  now,
  signatures: cookies.signatures(),
  unsign: cookies.unsign(),
  requests: await cookies.requests(),
  cookieParse: cookies.cookieParse(),
  percentEncode: cookies.percentEncode(),
  percentDecode: cookies.percentDecode(),
  cookieSerialize: cookies.cookieSerialize(),
  cookieName: cookies.cookieName(),
  cookieValue: cookies.cookieValue(),
  cookiePath: cookies.cookiePath(),
  layouts: await records.layouts(),
  ttl: await records.ttl(),
  json: records.json(),
  records: await records.records(),
  loaded: await records.loaded(),
  reserved: await records.reserved(),
}

// One row per line, so that a change of a row changes one line; ASCII, so that
// every editor shows every character.
const text = '{\n' + Object.entries(fixtures).map(([section, rows]) =>
  `${JSON.stringify(section)}: ` + (Array.isArray(rows)
    ? '[\n' + rows.map(row => JSON.stringify(row)).join(',\n') + '\n]'
    : JSON.stringify(rows))).join(',\n').replace(/[\u007f-\uffff]/g, c => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0')) + '\n}\n'

const rows = Object.values(fixtures).reduce((n, rows) => n + (Array.isArray(rows) ? rows.length : 0), 0)

if (process.argv.includes('--check')) {
  const committed = readFileSync(output, 'utf8').split('\n')
  const made = text.split('\n')
  const line = made.findIndex((line, i) => line !== committed[i])
  if (line >= 0 || committed.length !== made.length) {
    console.error(`node.json differs at line ${line + 1}:\n  file ${committed[line]}\n  Node ${made[line]}`)
    console.error('run node internal/interop/generate.mjs and look at the difference')
    process.exit(1)
  }
  console.log(`node.json is what Node makes: ${rows} rows`)
} else {
  writeFileSync(output, text)
  console.log(`${rows} rows`)
}
