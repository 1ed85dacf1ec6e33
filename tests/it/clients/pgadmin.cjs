// A person at pgAdmin's page: connects to each of the named servers, opens the query tool on
// database app, runs a query, and prints what its grid shows. SCREENSHOTS names a directory for
// pictures of it.

const { chromium } = require('playwright-core')

const [, , url, profile, ...servers] = process.argv
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

async function query(page, server) {
  const node = (name) => page.locator('.file-name', { hasText: new RegExp(`^${name}$`) })
  await page.goto(url)
  await page.locator('.file-name', { hasText: 'Servers' }).first().dblclick()
  const answered = page.waitForResponse((response) => response.url().includes('/server/connect/'))
  await node(server).dblclick()
  const asked = (await answered).status() === 428
  if (asked) {
    // For a password: none is needed.
    await page.locator('button', { hasText: 'OK' }).click()
  }
  await node('Databases').dblclick()
  await node('app').click()
  await page.locator('button[data-label="Query Tool"]:not([disabled])').click()
  const tool = page.frameLocator('iframe:visible').last()
  await tool.locator('.cm-content:not([aria-readonly=true]):visible').first().click()
  await page.keyboard.type("select current_user || '|' || current_database() || '|' || 6 * 7")
  await page.keyboard.press('F5')
  const cell = tool.locator('[role=gridcell]', { hasText: '|app|42' })
  console.log(`${server}:${asked ? ' asked for a password,' : ''} ${(await cell.textContent()).trim()}`)
}

async function main() {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM,
    headless: true,
    args: ARGUMENTS,
    viewport: { width: 1400, height: 900 },
  })
  for (const server of servers) {
    const page = await context.newPage()
    page.setDefaultTimeout(30_000)
    await query(page, server).catch((error) => console.log(`${server}: ${error}`))
    if (process.env.SCREENSHOTS) {
      await page.screenshot({ path: `${process.env.SCREENSHOTS}/${server}.png` })
    }
    await page.close()
    await context.clearCookies()
  }
  await context.close()
}

main()
