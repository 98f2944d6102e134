// Logs in with Chromium, as a person would. The argument is JSON: {"chromium": path,
// "start": the application's URL, "login": user, "action": "" or "cancel"}. Prints the
// browser's last address as JSON.
import { close, open } from './chromium.mjs'

const job = JSON.parse(process.argv[2])
const browser = await open(job.chromium)
try {
  const page = await (await browser.newContext()).newPage()
  page.setDefaultTimeout(45_000)
  await page.goto(job.start)
  await page.click('#login')
  await page.fill('input[name=login]', job.login)
  await page.click(`button[value=${job.cancel ? 'no' : 'yes'}]`)
  if (!job.cancel) await page.click('button:text("consent")')
  await page.waitForURL((url) => url.origin === new URL(job.start).origin)
  const cookies = await page.context().cookies(job.start)
  const result = { url: page.url(), text: await page.textContent('body'), cookies: cookies.map((c) => c.name) }
  if (job.logout) {
    await page.click('#logout')
    await page.click('button:text("Log out")')
    await page.waitForURL((url) => url.origin === new URL(job.start).origin)
    result.after = await page.textContent('body')
  }
  console.log(JSON.stringify(result))
} catch (err) {
  console.error(err)
  process.exitCode = 1
} finally {
  await close(browser)
}
