import { AUTHORED_VERSIONS, type Property } from '../../domain/authoring/choices.ts'
import { readProperties } from '../../domain/authoring/read-properties.ts'
import { AppError } from '../../domain/errors.ts'
import { quote } from '../../domain/json-document.ts'
import { nearestName } from '../../domain/nearest-name.ts'
import type { Draft, FileDraft, InlineStepDraft, RelatedFileDraft, StepDraft } from './draft.ts'
import type { FlagGroup } from './flags.ts'

export interface FlagReading {
  draft: Draft
  /** Sentences about flags that cannot be understood. */
  mistakes: string[]
}

/** Understands the flags of `aduana init`, as far as they can be understood. What they mean for a manifest is judged elsewhere. */
export function readFlags(groups: readonly FlagGroup[]): FlagReading {
  const reader = new FlagReader()
  for (const group of groups) reader.take(group)
  return reader.end()
}

class FlagReader {
  readonly #draft: Draft = { manifestVersion: '5.0', updateId: {}, compatibility: [], steps: [] }
  readonly #mistakes: string[] = []
  readonly #given = new Set<string>()
  /** The step that `--handler`, `--property` and `--file` describe where no `--step` does. */
  readonly #single: InlineStepDraft = { type: 'inline', properties: [], files: [] }
  #file: FileDraft | undefined

  take({ flag, words }: FlagGroup): void {
    const draft = this.#draft
    switch (flag) {
      case 'compat':
        draft.compatibility.push(this.#pairs('--compat', words))
        return
      case 'step':
        this.#file = undefined
        draft.steps.push(this.#readStep(`--step ${draft.steps.length + 1}`, words))
        return
      case 'property':
        this.#stepFor('--property')?.properties.push(...this.#pairs('--property', words))
        return
      case 'file':
        this.#takeFiles(words)
        return
      case 'related-file':
        this.#takeRelatedFiles(words)
        return
    }
    const [value = '', ...rest] = words
    if (this.#given.has(flag)) this.#mistakes.push(`--${flag} is given twice.`)
    if (rest.length > 0) this.#mistakes.push(`--${flag} takes one value; put it in quotes if it has blanks.`)
    this.#given.add(flag)
    switch (flag) {
      case 'provider':
      case 'name':
      case 'version':
        draft.updateId[flag] = value
        return
      case 'description':
      case 'output':
        draft[flag] = value
        return
      case 'handler':
        this.#single.handler = value
        return
      case 'is-deployable':
        if (!/^(true|false)$/i.test(value)) this.#mistakes.push('--is-deployable must be true or false.')
        draft.isDeployable = value.toLowerCase() !== 'false'
        return
      case 'manifest-version': {
        const version = AUTHORED_VERSIONS.find((version) => version === value)
        if (version !== undefined) draft.manifestVersion = version
        else {
          const versions = AUTHORED_VERSIONS.join(', ')
          this.#mistakes.push(`--manifest-version is ${quote(value)}, but must be one of ${versions}.`)
        }
        return
      }
    }
  }

  end(): FlagReading {
    const { steps } = this.#draft
    const single = this.#single
    if (steps.length === 0) {
      if (single.handler !== undefined || single.files.length > 0 || single.properties.length > 0) steps.push(single)
    } else {
      if (single.handler !== undefined) {
        this.#mistakes.push(
          '--handler is for updates with one step and without --step. Write --step handler=… instead.',
        )
      }
      for (const { path } of single.files) {
        this.#mistakes.push(
          `--file ${path} stands before every --step. A file belongs to the nearest --step before it.`,
        )
      }
      if (single.properties.length > 0) this.#mistakes.push('--property stands before every --step.')
    }
    return { draft: this.#draft, mistakes: this.#mistakes }
  }

  #stepFor(flag: string): InlineStepDraft | undefined {
    const step = this.#draft.steps.at(-1) ?? this.#single
    if (step.type === 'inline') return step
    this.#mistakes.push(`${flag} belongs to ${step.label}, which installs another update and has none of its own.`)
    return undefined
  }

  #readStep(label: string, words: readonly string[]): StepDraft {
    const { handler, properties, description, desc, files, ...id } = this.#keyed(label, words, STEP_KEYS)
    const text = description ?? desc
    const described = text === undefined ? {} : { description: text }
    const isReference = Object.keys(id).length > 0
    if (isReference === (handler !== undefined)) {
      this.#mistakes.push(
        `${label} needs either handler=… or all of updateId.provider=…, updateId.name=…, updateId.version=….`,
      )
    }
    if (isReference) {
      if (properties !== undefined || files !== undefined) {
        this.#mistakes.push(`${label} installs another update, so it has neither properties nor files of its own.`)
      }
      const { 'updateId.provider': provider, 'updateId.name': name, 'updateId.version': version } = id
      return { type: 'reference', label, ...described, updateId: { provider, name, version } }
    }
    return {
      type: 'inline',
      label,
      ...(handler !== undefined && { handler }),
      ...described,
      properties: this.#json(label, properties),
      files: [],
      ...(files !== undefined && { fileNames: files.split(',').map((name) => name.trim()) }),
    }
  }

  #takeFiles(words: readonly string[]): void {
    const step = this.#stepFor('--file')
    const { paths, downloadHandler, properties } = this.#pathWords('--file', words, FILE_KEYS)
    const details = {
      properties: this.#json('--file', properties),
      ...(downloadHandler !== undefined && { downloadHandlerId: downloadHandler }),
    }
    const files = paths.map((path): FileDraft => ({ path, ...details, relatedFiles: [] }))
    step?.files.push(...files)
    this.#file = files.at(-1)
  }

  #takeRelatedFiles(words: readonly string[]): void {
    const { paths, properties } = this.#pathWords('--related-file', words, RELATED_FILE_KEYS)
    const details = { properties: this.#json('--related-file', properties) }
    const files = paths.map((path): RelatedFileDraft => ({ path, ...details }))
    if (this.#file !== undefined) this.#file.relatedFiles.push(...files)
    else this.#mistakes.push(`--related-file ${paths.join(' ')} belongs to a --file. Put it behind that.`)
  }

  /** Bare words are paths, so that a shell may expand `dist/*`; what is said by keys is said of a single file. */
  #pathWords<Key extends string>(
    label: string,
    words: readonly string[],
    keys: readonly Key[],
  ): Partial<Record<Key, string>> & { paths: string[] } {
    const isKeyed = (word: string) => keys.some((key) => word.startsWith(`${key}=`))
    const looksKeyed = (word: string) => {
      const [name = '', value] = word.split('=', 2)
      return value !== undefined && nearestName(name, keys) !== undefined
    }
    const keyed = this.#keyed(
      label,
      words.filter((word) => isKeyed(word) || looksKeyed(word)),
      keys,
    )
    const bare = words.filter((word) => !isKeyed(word) && !looksKeyed(word))
    const path = (keyed as { path?: string }).path
    const paths = path === undefined ? bare : [path, ...bare]
    if (paths.length === 0)
      this.#mistakes.push(`${label} needs a path: ${label} install.sh, or ${label} path=install.sh.`)
    if (paths.length > 1 && Object.keys(keyed).length > 0) {
      this.#mistakes.push(`${label} with ${keys.map((key) => `${key}=`).join(', ')} takes one file. Give each its own.`)
    }
    return { ...keyed, paths }
  }

  #keyed<Key extends string>(
    label: string,
    words: readonly string[],
    keys: readonly Key[],
  ): Partial<Record<Key, string>> {
    const found: Partial<Record<Key, string>> = {}
    for (const { name, value } of this.#pairs(label, words)) {
      const key = keys.find((key) => key === name)
      if (key === undefined) {
        const near = nearestName(name, keys)
        const hint = near ? `Did you mean ${near}=?` : `Known are ${keys.map((key) => `${key}=`).join(', ')}.`
        this.#mistakes.push(`${label} has ${quote(name)}, which is not known here. ${hint}`)
      } else if (found[key] !== undefined) this.#mistakes.push(`${label} has ${key}= twice.`)
      else found[key] = String(value)
    }
    return found
  }

  #pairs(label: string, words: readonly string[]): Property[] {
    return words.flatMap((word) => {
      const at = word.indexOf('=')
      if (at > 0) return { name: word.slice(0, at), value: word.slice(at + 1) }
      this.#mistakes.push(`${label} takes words of the form KEY=VALUE, but ${quote(word)} is none.`)
      return []
    })
  }

  #json(label: string, text: string | undefined): Property[] {
    if (text === undefined) return []
    try {
      return readProperties(text, { what: `properties= of ${label}` })
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      this.#mistakes.push(error.message)
      return []
    }
  }
}

const STEP_KEYS = [
  'handler',
  'properties',
  'description',
  'desc',
  'files',
  'updateId.provider',
  'updateId.name',
  'updateId.version',
] as const
const FILE_KEYS = ['path', 'downloadHandler', 'properties'] as const
const RELATED_FILE_KEYS = ['path', 'properties'] as const
