// Runs steps with Chromium, as a person would. The argument is JSON: {"chromium": path, "steps": [...]}. A
// step is ["goto", url], ["click", selector], ["fill", selector, text], ["wait", origin], ["stranger"], which
// removes all cookies, or ["goto", "callback"], which is the last address at a path that begins with
// /callback. Prints a list in JSON with the browser's page after each step. A step that fails ends it, with
// the error as the text. Each step is logged on standard error before it begins.
import { close, open } from './chromium.mjs'

const job = JSON.parse(process.argv[2])
const about = (what) => process.stderr.write(`${what}\n`)
about('start Chromium')
const browser = await open(job.chromium)
const seen = []
try {
  const page = await (await browser.newContext()).newPage()
  page.setDefaultTimeout(45_000)
  let callback = ''
  page.on('request', (r) => {
    if (r.isNavigationRequest() && new URL(r.url()).pathname.startsWith('/callback')) callback = r.url()
  })
  for (const [verb, what, text] of job.steps) {
    about([verb, what].join(' '))
    try {
      if (verb === 'stranger') await page.context().clearCookies()
      if (verb === 'goto') await page.goto(what === 'callback' ? callback : what)
      if (verb === 'click') await page.click(what)
      if (verb === 'fill') await page.fill(what, text)
      if (verb === 'wait') await page.waitForURL((url) => url.origin === what)
      await page.waitForLoadState()
      await page.waitForFunction(() => !document.querySelector('meta[http-equiv=refresh]'))
      seen.push({ url: page.url(), text: await page.textContent('body') })
    } catch (err) {
      seen.push({ url: page.url(), text: `failed: ${verb} ${what}: ${err.message}` })
      break
    }
  }
  console.log(JSON.stringify(seen))
} catch (err) {
  console.error(err)
  process.exitCode = 1
} finally {
  about('close Chromium')
  await close(browser)
}
