// Starts and ends Chromium for the scripts beside it.
import { chromium } from 'playwright-core'

// open starts the browser at path.
export const open = (path) => chromium.launch({
  executablePath: path,
  headless: true,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
  ],
})

// close ends the browser and this process. Playwright's close has no time limit, so this one has; after it,
// the browser is killed with the process.
export async function close(browser) {
  await Promise.race([browser.close(), new Promise((resolve) => setTimeout(resolve, 10_000))])
  process.exit()
}
