// What the journeys share: people with browsers, their mail, their authenticator apps, and the checks of each
// page.
import { chromium } from 'playwright-core'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

// The pictures of the README, or with WHOLE=1 of all pages, are written to the folder pictures.
const [binary, url, pictures] = process.argv.slice(2)
export const site = url
const inReadme = [...readFileSync('../../README.md', 'utf8').matchAll(/pictures\/([\w-]+)\.png/g)].map((m) => m[1])
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const limit = 20_000 // milliseconds, for each step

const browser = await chromium.launch({
  executablePath: binary,
  headless: true,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
  ],
})

export function check(ok, text) {
  if (!ok) throw new Error(text)
}

// unescaped returns the text of an HTML attribute.
function unescaped(text) { return text.replaceAll('&#43;', '+').replaceAll('&amp;', '&') }

let people = 0

// Person is a person with a browser.
export class Person {
  static async meet(options = {}) {
    const p = new Person()
    // Each browser has an address of its own: the site limits how many mails one address can cause.
    const extraHTTPHeaders = { 'X-Forwarded-For': `192.0.2.${++people}` }
    p.context = await browser.newContext({ viewport: { width: 1000, height: 800 }, reducedMotion: 'reduce', extraHTTPHeaders, ...options })
    p.complaints = []
    p.page = await p.tab()
    return p
  }

  // tab opens another tab. An error in the browser's console, such as one of the Content-Security-Policy,
  // fails the journey.
  async tab() {
    const page = await this.context.newPage()
    page.setDefaultTimeout(limit)
    page.on('response', (r) => r.status() >= 500 && this.complaints.push(`${r.url()} is answered ${r.status()}`))
    page.on('pageerror', (e) => this.complaints.push(String(e)))
    page.on('console', (m) => m.type() === 'error' && !/status of 4\d\d/.test(m.text()) && this.complaints.push(m.text()))
    return page
  }

  async leave() {
    await this.context.close()
    check(this.complaints.length === 0, 'the browser complains: ' + this.complaints.join('; '))
  }

  // go opens a page, also while the second request of a double click is in progress.
  async go(path) {
    const address = path.startsWith('http') ? path : site + path
    return this.page.goto(address).catch((e) => {
      if (!/interrupted/.test(e.message)) throw e
      return this.page.goto(address)
    })
  }

  fill(label, text) { return this.page.getByLabel(label, { exact: true }).fill(text) }
  press(name) { return this.page.getByRole('button', { name, exact: true }).click() }
  follow(name) { return this.page.getByRole('link', { name, exact: true }).first().click() }

  // at waits until the browser shows the page of that path, and a text in it. The second click of a double
  // click can cancel a navigation.
  async at(path, text) {
    const until = Date.now() + limit
    while (new URL(this.page.url()).pathname !== path) {
      check(Date.now() < until, `want the page ${path}, got ${this.page.url()}: ${await this.page.innerText('body').catch(() => '')}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await this.page.waitForLoadState('domcontentloaded').catch(() => {})
    if (text) await this.sees(text)
  }

  async sees(text) {
    try {
      await this.page.getByText(text).first().waitFor()
    } catch {
      throw new Error(`want ${JSON.stringify(text)}, got at ${this.page.url()}: ${await this.page.innerText('main').catch(() => '')}`)
    }
  }

  // refused waits for the error of a field. The field's ARIA description has to be the error.
  async refused(label, text) {
    await this.sees(text)
    const field = this.page.getByLabel(label, { exact: true })
    const described = (await field.getAttribute('aria-describedby') ?? '').split(' ')
    const texts = await Promise.all(described.filter(Boolean).map((id) => this.page.locator('#' + id).innerText()))
    check(texts.some((t) => t.includes(text)), `the error ${text} is not tied to ${label}`)
    check(await field.getAttribute('aria-invalid') === 'true', `${label} is not marked as invalid`)
    await this.focused(label)
  }

  // focused waits until the field has the focus: a browser gives it when it draws the page.
  async focused(label) {
    const field = this.page.getByLabel(label, { exact: true })
    await field.and(this.page.locator(':focus')).waitFor().catch(() => { throw new Error(`${label} has not the focus`) })
  }

  // mail returns the link in the newest mail to an address, and checks its subject.
  async mail(to, subject) {
    const letters = (await (await fetch(site + '/outbox')).text()).split('<article').slice(1)
    const letter = letters.find((text) => text.includes(`To ${to} `))
    check(letter?.includes(`<h2>${subject}</h2>`), `the newest mail to ${to} is ${letter}`)
    return unescaped(/href="([^"]*)"/.exec(letter)?.[1] ?? '')
  }

  double(name) { return this.page.getByRole('button', { name, exact: true }).dblclick() }

  // authenticator gives the browser a virtual authenticator, which answers at once and syncs its passkeys.
  async authenticator() {
    const devtools = await this.context.newCDPSession(this.page)
    await devtools.send('WebAuthn.enable', { enableUI: false })
    const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', { options: {
      protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true, hasUserVerification: true,
      isUserVerified: true, automaticPresenceSimulation: true, defaultBackupEligibility: true, defaultBackupState: true,
    } })
    return { present: (enabled) => devtools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled }) }
  }

  // register makes an account without the pages, which the first journey checks.
  async register(email, secret) {
    const send = (path, form) => this.context.request.post(site + path, { form })
    const asked = await send('/register', { email })
    check(asked.url() === site + '/mailed', `registering ${email} leads to ${asked.url()}`)
    const link = await (await this.context.request.get(await this.mail(email, 'Your new account'))).text()
    const token = unescaped(/name="token" value="([^"]*)"/.exec(link)?.[1] ?? '')
    const done = await send('/register/finish', { token, email, password: secret })
    check(done.url() === site + '/account' && (await done.text()).includes('Welcome.'), `${email} has no account: ${await done.text()}`)
    await this.go('/account')
  }

  // registerInPages makes an account by the pages, as people do.
  async registerInPages(email, secret) {
    await this.go('/register')
    await this.fill('E-mail address', email)
    await this.press('Mail me the link')
    await this.at('/mailed')
    await this.go(await this.mail(email, 'Your new account'))
    await this.fill('New password', secret)
    await this.press('Create account')
    await this.at('/account', 'Welcome.')
  }

  async logIn(email, secret) {
    await this.go('/login')
    await this.fill('E-mail address', email)
    await this.fill('Password', secret)
    await this.press('Log in')
  }

  async secondStep(code) {
    await this.fill('Code', code)
    await this.press('Go on')
  }

  async askForLink(email) {
    await this.go('/login')
    await this.fill('E-mail address', email)
    await this.press('Mail me a link instead')
    await this.at('/mailed', 'Look into your mail')
  }

  async makeKey(name) {
    await this.go('/account/keys')
    await this.fill('What is it for?', name)
    await this.press('Make a key')
    await this.sees('Your new key')
  }

  // shownApp returns an authenticator app with the key that the page shows.
  async shownApp() {
    await this.page.getByText('No camera?').click()
    return new App(await this.page.locator('details code').innerText())
  }

  // addApp sets up an authenticator app and returns it.
  async addApp() {
    await this.go('/account/security')
    await this.press('Set up an app')
    const app = await this.shownApp()
    await this.fill('Enter the code that it shows', app.code())
    await this.press('Confirm')
    await this.at('/account/security', 'Your app is set up.')
    return app
  }

  // look checks that axe finds no error on the page, light and dark, and that it does not scroll sideways at
  // 320 px. It also takes the pictures of the README.
  async look(name) {
    const page = this.page
    await page.evaluate(axe)
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme })
      const { violations } = await page.evaluate((o) => axe.run(o), colorScheme === 'dark' ? { runOnly: ['color-contrast'] } : {})
      check(violations.length === 0, `axe, ${colorScheme}, ${page.url()}: ` + JSON.stringify(violations.map((v) => [v.id, v.nodes.map((n) => n.html + ' ' + n.failureSummary)])))
      const picture = name + (colorScheme === 'dark' ? '-dark' : '')
      if (process.env.WHOLE || inReadme.includes(picture)) await page.screenshot({ path: `${pictures}/${picture}.png`, fullPage: !!process.env.WHOLE })
    }
    await page.emulateMedia({ colorScheme: 'light' })
    const before = page.viewportSize()
    await page.setViewportSize({ width: 320, height: 640 })
    const wide = await page.evaluate(() => document.documentElement.scrollWidth)
    check(wide <= 320, `${page.url()} is ${wide} px wide on a screen of 320`)
    if (process.env.WHOLE) await page.screenshot({ path: `${pictures}/${name}-320.png`, fullPage: true })
    await page.setViewportSize(before)
  }
}

// App is an authenticator app: RFC 6238, with SHA-1, six digits and thirty seconds. A code is valid once, so
// the second one is that of the next thirty seconds, which the server also accepts.
class App {
  constructor(key) {
    const bits = [...key.replace(/ /g, '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('')
    this.key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)))
    this.step = 0 // the time step of the last code
  }

  // code returns the next code that was not used: at most two within thirty seconds. It stays valid for
  // thirty seconds more, so the browser may be slow.
  code() {
    this.step = Math.max(this.step + 1, Math.floor(Date.now() / 30_000))
    const counter = Buffer.alloc(8)
    counter.writeBigUInt64BE(BigInt(this.step))
    const mac = createHmac('sha1', this.key).update(counter).digest()
    const offset = mac.at(-1) & 15
    return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
  }
}

// run runs the journeys one by one, and prints a line of JSON for each.
export async function run(journeys) {
  for (const [name, journey] of Object.entries(journeys)) {
    if (process.env.JOURNEY && !new RegExp(process.env.JOURNEY).test(name)) continue
    const began = Date.now()
    const people = []
    const meet = async (options) => people[people.push(await Person.meet(options)) - 1]
    let error
    try {
      await journey(meet)
      for (const p of people) await p.leave()
    } catch (e) {
      error = String(e.stack ?? e)
      for (const p of people) await p.context.close()
    }
    console.log(JSON.stringify({ name, ms: Date.now() - began, error }))
  }
  await Promise.race([browser.close(), new Promise((resolve) => setTimeout(resolve, 10_000))])
  process.exit()
}
