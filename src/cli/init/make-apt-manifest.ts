import { ConfigurationError } from '../../config/read-settings.ts'
import { type AptManifest, readAptManifest, writeAptManifest } from '../../domain/authoring/apt-manifest.ts'
import { withoutControls } from '../terminal/without-controls.ts'
import { refuseExisting, writeOutput } from './write-output.ts'

export interface AptOptions {
  name?: string
  version?: string
  package?: string[]
  agentRestartRequired?: true
  output?: string
  force?: true
}

/** `aduana init apt`: an APT manifest from flags. Throws a `ConfigurationError` with every mistake, told by the flags. */
export async function makeAptManifest({ force = undefined, output, ...options }: AptOptions): Promise<void> {
  refuseExisting(output, { force: force ?? false })
  const given = { ...options, packages: (options.package ?? []).map(packageOf) }
  const missing = (['name', 'version', 'package'] as const).filter((flag) => options[flag] === undefined)
  const text = writeAptManifest({ ...given, name: given.name ?? '', version: given.version ?? '' })
  const { errors, warnings } = readAptManifest(new TextEncoder().encode(text))
  const flagOf = (pointer = '') => {
    const [, first, second] = pointer.split('/')
    if (first !== 'packages') return `--${first}`
    const name = options.package?.[Number(second)]
    return name === undefined ? '--package' : `--package ${name}`
  }
  const mistakes = errors
    .map(({ code, target, message }) => ({ flag: flagOf(target), line: `${flagOf(target)}: ${message} (${code})` }))
    .filter(({ flag }) => !missing.some((name) => flag === `--${name}`))
    .map(({ line }) => line)
  if (missing.length > 0) mistakes.unshift(`These flags are missing: ${missing.map((name) => `--${name}`).join(', ')}.`)
  if (mistakes.length > 0) throw new ConfigurationError(mistakes.map(withoutControls))
  for (const { target, message } of warnings) {
    console.error(`aduana: ${withoutControls(`warning: ${flagOf(target)}: ${message}`)}`)
  }
  if (output === undefined) process.stdout.write(text)
  else {
    writeOutput(output, text, { force: force ?? false })
    console.error(`aduana: wrote ${output}: APT manifest ${given.name} ${given.version}`)
  }
}

/** `tzdata`, or `tzdata=2026a-1`. */
function packageOf(word: string): AptManifest['packages'][number] {
  const at = word.indexOf('=')
  return at < 0 ? { name: word } : { name: word.slice(0, at), version: word.slice(at + 1) }
}
