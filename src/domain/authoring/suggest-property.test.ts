import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addNeededProperties } from './suggest-property.ts'

const inline = (handler: string, files: string[], properties: Record<string, string> = {}) => ({
  type: 'inline' as const,
  handler,
  files,
  handlerProperties: Object.entries(properties).map(([name, value]) => ({ name, value })),
})

test('what a handler needs follows from the version and the names of the files, where these leave no choice', () => {
  const added = (...step: Parameters<typeof inline>) =>
    Object.fromEntries(
      addNeededProperties(inline(...step), { manifestVersion: '5.0', version: '1.2' }).added.map(({ name, value }) => [
        name,
        value,
      ]),
    )
  assert.deepEqual(added('microsoft/swupdate:1', ['a.swu']), { installedCriteria: '1.2' })
  assert.deepEqual(added('microsoft/swupdate:2', ['a.swu', 'a.sh']), {
    installedCriteria: '1.2',
    swuFileName: 'a.swu',
    scriptFileName: 'a.sh',
  })
  assert.deepEqual(added('microsoft/swupdate:2', ['a.swu', 'b.swu', 'a.sh', 'b.sh']), { installedCriteria: '1.2' })
  assert.deepEqual(added('microsoft/script:1', ['run', 'install.sh']), { scriptFileName: 'install.sh' })
  assert.deepEqual(added('microsoft/script:1', ['run']), { scriptFileName: 'run' })
  assert.deepEqual(added('microsoft/script:1', ['run'], { ScriptFileName: 'run' }), {})
  assert.deepEqual(added('microsoft/simulator:1', ['a']), {})
  assert.deepEqual(added('contoso/own:1', ['a.sh']), {})
})

test('the criteria of an apt step are name and version of its APT manifest', () => {
  const aptManifest = { name: 'base-data', version: '3' }
  const { step } = addNeededProperties(inline('microsoft/apt:1', ['apt.json'], { other: 'x' }), {
    manifestVersion: '5.0',
    version: '1.2',
    aptManifest,
  })
  assert.deepEqual(step, inline('microsoft/apt:1', ['apt.json'], { other: 'x', installedCriteria: 'base-data-3' }))
})

test('manifest 2.0 needs the criteria and nothing else, whatever the handler is', () => {
  const context = { manifestVersion: '2.0', version: '1.2' } as const
  for (const handler of ['microsoft/script:1', 'microsoft/swupdate:2', 'contoso/own:1']) {
    assert.deepEqual(addNeededProperties(inline(handler, ['a.sh']), context).added, [
      { name: 'installedCriteria', value: '1.2' },
    ])
  }
})
