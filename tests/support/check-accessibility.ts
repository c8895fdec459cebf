import assert from 'node:assert/strict'
import axe from 'axe-core'
import type { Page } from 'playwright-core'

interface Results {
  violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[]
}

/** Lets axe-core examine a page as it is now, with every rule that it has. Fails with what it found. */
export async function checkAccessibility(page: Page, what: string): Promise<void> {
  // Colours are mixed while something fades in.
  await page.evaluate(`Promise.all(document.getAnimations()
    .filter(({ effect }) => effect.getComputedTiming().iterations !== Infinity)
    .map(({ finished }) => finished.catch(() => {}))).then(() => undefined)`)
  // By these, Fluent UI notices that the focus leaves a group or a dialog; whoever comes upon one is moved on at once.
  const context = { exclude: ['[data-tabster-dummy]'] }
  // The page allows no script of others; what runs here is not of the page.
  const results = (await page.evaluate(
    `${axe.source}; axe.run(${JSON.stringify(context)}, { resultTypes: ['violations'] })`,
  )) as Results
  const found = results.violations.map(
    ({ id, help, nodes }) => `${id} (${help}): ${nodes.map(({ html }) => html.slice(0, 300)).join(' | ')}`,
  )
  assert.deepEqual(found, [], what)
}
