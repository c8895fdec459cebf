import { existsSync } from 'node:fs'
import confirm from '@inquirer/confirm'
import input from '@inquirer/input'
import select from '@inquirer/select'
import type { Property, UpdateChoices } from '../../domain/authoring/choices.ts'
import { judgeChoices } from '../../domain/authoring/judge-choices.ts'
import type { Place } from '../../domain/authoring/place-of.ts'
import { suggestProperty } from '../../domain/authoring/suggest-property.ts'
import { KNOWN_HANDLERS } from '../../domain/manifest/known-handlers.ts'
import { readAptPayload } from '../read-apt-payload.ts'
import type { Draft, InlineStepDraft } from './draft.ts'
import { findFile } from './measure-files.ts'
import { singleStep } from './missing-flags.ts'

/** Questions stand on standard error: the answer to `aduana init > FILE` goes into the file. */
const TERMINAL = { output: process.stderr }

/**
 * Asks for what the flags leave open, and puts the answers into the draft. Each answer is judged at once, by the rules of the
 * import. `mayReplace` is that the person agreed to replace the output.
 */
export async function askForMissing(draft: Draft): Promise<{ mayReplace: boolean }> {
  const { updateId } = draft
  updateId.provider ??= await askFor('Provider: who makes the update', {
    judge: (provider) => ({ choices: { updateId: { ...ANY_ID, provider } }, place: ['updateId', 'provider'] }),
  })
  updateId.name ??= await askFor('Name of the update', {
    judge: (name) => ({ choices: { updateId: { ...ANY_ID, name } }, place: ['updateId', 'name'] }),
  })
  updateId.version ??= await askFor('Version', {
    suggestion: '1.0',
    judge: (version) => ({ choices: { updateId: { ...ANY_ID, version } }, place: ['updateId', 'version'] }),
  })
  if (draft.compatibility.length === 0) await askForDevices(draft)
  if (draft.steps.length === 0 || singleStep(draft) !== undefined) await askForStep(draft)
  return askForOutput(draft)
}

const ANY_ID = { provider: 'provider', name: 'name', version: '1.0' }

async function askFor(
  message: string,
  {
    suggestion,
    judge,
  }: { suggestion?: string; judge: (answer: string) => { choices: Partial<UpdateChoices>; place: Place } },
): Promise<string> {
  return input(
    {
      message,
      ...(suggestion !== undefined && { default: suggestion }),
      validate: (answer) => {
        const { choices, place } = judge(answer)
        return problemAt(place, choices) ?? true
      },
    },
    TERMINAL,
  )
}

/** What the reader of manifests finds wrong at a place, where the rest does not matter. */
function problemAt(place: Place, choices: Partial<UpdateChoices>): string | undefined {
  const { errors } = judgeChoices({
    manifestVersion: '5.0',
    updateId: ANY_ID,
    compatibility: [],
    steps: [],
    files: [],
    createdDateTime: '',
    ...choices,
  })
  return errors.find((error) => place.every((part, i) => error.place[i] === part))?.message
}

async function askForDevices(draft: Draft): Promise<void> {
  const { manifestVersion, updateId } = draft
  do {
    const isFirst = draft.compatibility.length === 0
    const words = await askFor('Properties of the devices it is for', {
      ...(isFirst && { suggestion: `manufacturer=${updateId.provider} model=${updateId.name}` }),
      judge: (answer) => ({
        choices: { manifestVersion, compatibility: [pairsOf(answer)] },
        place: ['compatibility', 0],
      }),
    })
    draft.compatibility.push(pairsOf(words))
  } while (await confirm({ message: 'Is it for another kind of device as well?', default: false }, TERMINAL))
}

/** `manufacturer=Contoso Ltd model=Toaster 2`: a value ends where the next name begins. */
function pairsOf(answer: string): Property[] {
  return answer
    .trim()
    .split(/\s+(?=[^\s=]+=)/)
    .map((pair) => {
      const [name = '', ...value] = pair.split('=')
      return { name, value: value.join('=').trim() }
    })
}

async function askForStep(draft: Draft): Promise<void> {
  const step: InlineStepDraft = singleStep(draft) ?? { type: 'inline', properties: [], files: [] }
  if (draft.steps.length === 0) draft.steps.push(step)
  const isNew = step.handler === undefined
  step.handler ??= await askForHandler()
  if (step.files.length === 0) await askForFiles(step)
  if (isNew) await askForProperties(step, draft)
}

async function askForHandler(): Promise<string> {
  const handler = await select(
    {
      message: 'What installs it on the device?',
      choices: [
        ...[...KNOWN_HANDLERS].map(([value, { summary }]) => ({ value, description: summary })),
        { value: '', name: 'something else', description: 'A handler of your own.' },
      ],
    },
    TERMINAL,
  )
  if (handler !== '') return handler
  return askFor('Handler', {
    judge: (handler) => ({
      choices: { steps: [{ type: 'inline', handler, files: [] }] },
      place: ['steps', 0, 'handler'],
    }),
  })
}

async function askForFiles(step: InlineStepDraft): Promise<void> {
  const known = KNOWN_HANDLERS.get(step.handler ?? '')
  for (;;) {
    const isFirst = step.files.length === 0
    const takes = known ? ` (it takes ${known.files.words})` : ''
    const path = await input(
      {
        message: isFirst ? `File${takes}` : 'Another file (Enter: no more)',
        validate: async (answer) => {
          if (answer === '') return !isFirst || 'A step has at least one file.'
          try {
            await findFile(answer)
            return true
          } catch (error) {
            return `${answer}: ${error instanceof Error ? error.message : error}`
          }
        },
      },
      TERMINAL,
    )
    if (path === '') return
    step.files.push({ path, properties: [], relatedFiles: [] })
  }
}

async function askForProperties(step: InlineStepDraft, { manifestVersion, updateId }: Draft): Promise<void> {
  const { handler = '' } = step
  const names = await Promise.all(step.files.map(async ({ path }) => (await findFile(path)).fileName))
  const [file] = step.files
  const { aptManifest } = handler === 'microsoft/apt:1' && file ? await readAptPayload(file.path) : {}
  // What has a default that is nearly always right is not asked for.
  const open = (KNOWN_HANDLERS.get(handler)?.properties ?? []).filter(
    ({ name, values }) => values === undefined && !step.properties.some((given) => given.name === name),
  )
  for (const { name, words, isRequired, isFileName } of open) {
    if (manifestVersion === '2.0' && name !== 'installedCriteria') continue
    const isNeeded = isRequired || manifestVersion === '2.0'
    const suggestion = suggestProperty(name, {
      version: updateId.version ?? '',
      aptManifest,
      step: { handler, files: names },
    })
    const message = `${name}: ${words}`
    const value = isFileName
      ? await select({ message, choices: names, ...(suggestion !== undefined && { default: suggestion }) }, TERMINAL)
      : await input(
          {
            message: isNeeded ? message : `${message} (Enter: ${suggestion ?? 'none'})`,
            ...(suggestion !== undefined && { default: suggestion }),
            required: isNeeded,
          },
          TERMINAL,
        )
    if (value !== '') step.properties.push({ name, value })
  }
}

async function askForOutput(draft: Draft): Promise<{ mayReplace: boolean }> {
  if (draft.output !== undefined || !process.stdout.isTTY) return { mayReplace: false }
  const { provider, name, version } = draft.updateId
  for (;;) {
    const output = await input(
      {
        message: 'Write the manifest to',
        default: `${provider}.${name}.${version}.importmanifest.json`.toLowerCase(),
        required: true,
      },
      TERMINAL,
    )
    const mayReplace = existsSync(output)
    if (!mayReplace || (await confirm({ message: `${output} is there. Replace it?`, default: false }, TERMINAL))) {
      draft.output = output
      return { mayReplace }
    }
  }
}
