// Controls Chromium for the Go tests. It reads one command per line, {"do": name, …}, and prints the result,
// {"value": …} or {"error": text}. The argument is the browser's path.
import { chromium } from 'playwright-core'
import { createInterface } from 'node:readline'

const limit = 90_000 // milliseconds, for each command
const browser = await chromium.launch({
  executablePath: process.argv[2],
  headless: true,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
  ],
})
let context, page, devtools, authenticatorId

const commands = {
  // fresh opens a browser without cookies. Its authenticator has the given options of the DevTools protocol.
  async fresh({ url, options }) {
    await context?.close()
    context = await browser.newContext()
    page = await context.newPage()
    page.setDefaultTimeout(limit)
    devtools = await context.newCDPSession(page)
    await devtools.send('WebAuthn.enable', { enableUI: false })
    authenticatorId = (await devtools.send('WebAuthn.addVirtualAuthenticator', { options })).authenticatorId
    await page.goto(url)
  },
  // run runs the body of an async function in the page.
  async run({ script }) {
    return page.evaluate(`(async () => {${script}})().then((value) => ({ value }), (e) => ({ thrown: e.name + ': ' + e.message }))`)
  },
  async open({ url }) {
    await page.goto(url)
    return page.textContent('body')
  },
  async click({ selector }) { await page.click(selector) },
  async fill({ selector, text }) { await page.fill(selector, text) },
  async wait({ text }) {
    await page.waitForFunction((text) => document.body.innerText.includes(text), text)
    return page.innerText('body')
  },
  async screenshot({ path }) { await page.screenshot({ path }) },
  async cookies() { return context.cookies() },
  async expire({ name }) { await context.clearCookies({ name }) },
  // devtools calls the domain WebAuthn of the DevTools protocol for this authenticator.
  async devtools({ method, params }) { return devtools.send('WebAuthn.' + method, { authenticatorId, ...params }) },
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line)
  let answer, timer
  try {
    const late = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error(`${line} took more than ${limit} ms`)), limit) })
    answer = { value: (await Promise.race([commands[command.do](command), late])) ?? null }
  } catch (err) {
    answer = { error: String(err) }
  }
  clearTimeout(timer)
  console.log(JSON.stringify(answer))
}
await Promise.race([browser.close(), new Promise((resolve) => setTimeout(resolve, 10_000))])
process.exit()
