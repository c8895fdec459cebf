import { Button } from '@fluentui/react-button'
import { Field } from '@fluentui/react-field'
import { Input } from '@fluentui/react-input'
import { Text } from '@fluentui/react-text'
import { type Dispatch, type SetStateAction, useMemo, useRef, useState } from 'react'
import { readImportManifest } from '../../../../src/domain/read-import-manifest.ts'
import type { Files } from '../files/use-files.ts'
import { checkFindings, foundAbout } from '../run/check-findings.ts'
import { ImportActions } from '../run/import-actions.tsx'
import type { Run } from '../run/use-run.ts'
import { useCardStyles } from '../use-card-styles.ts'
import { judgeTyped, type Typed } from './judge-typed.ts'

/** What is in a storage already, named by URLs, which the server fetches: the two steps that users of Device Update know. */
export function UrlsPanel({
  files,
  run,
  typed,
  change: setTyped,
}: {
  files: Files
  run: Run
  typed: Typed
  change: Dispatch<SetStateAction<Typed>>
}) {
  const card = useCardStyles()
  const [isAttempted, setIsAttempted] = useState(false)
  const [filled, setFilled] = useState('')
  const form = useRef<HTMLDivElement>(null)
  const chooser = useRef<HTMLInputElement>(null)
  const { mistakes, readiness } = useMemo(() => judgeTyped(typed), [typed])
  const change = (next: Partial<Typed>) => {
    setTyped((current) => ({ ...current, ...next }))
    run.forget()
  }
  const changeFile = (key: number, next: { name?: string; url?: string }) =>
    change({ files: typed.files.map((file) => (file.key === key ? { ...file, ...next } : file)) })
  const found = checkFindings(run.state)
  const tell = (text: string, mistake: string | undefined) =>
    mistake !== undefined && (text !== '' || isAttempted)
      ? { validationMessage: mistake, validationState: 'error' as const }
      : {}
  const address = { inputMode: 'url', autoComplete: 'off', spellCheck: false, className: card.input } as const

  const fillIn = async (file: File) => {
    const [sha256, { manifest }] = await Promise.all([
      files.hash(file),
      file.arrayBuffer().then((bytes) => readImportManifest(new Uint8Array(bytes))),
    ])
    const names = manifest?.files.flatMap(({ fileName, relatedFiles }) => [
      fileName,
      ...relatedFiles.map((related) => related.fileName),
    ])
    change({
      sizeInBytes: String(file.size),
      sha256,
      ...(names && {
        files: names.map((name, key) => ({ key, name, url: typed.files.find((one) => one.name === name)?.url ?? '' })),
      }),
    })
    setFilled(
      names
        ? `Filled in the size, the hash and ${names.length} file names from ${file.name}.`
        : `Filled in the size and the hash. ${file.name} has mistakes: drop it on the first tab to see them.`,
    )
  }

  return (
    <>
      <div ref={form}>
        <p>
          The server fetches everything from these addresses, such as read-only SAS URLs of Azure Blob Storage that are
          good for some hours. Your browser asks none of them, and keeps none.
        </p>
        <section className={card.card} aria-label="Import manifest">
          <Text as="h2" weight="semibold" size={400} className={card.title}>
            Import manifest
          </Text>
          <Field
            label="URL of the import manifest"
            required
            {...tell(typed.url, mistakes.url ?? foundAbout(found, ''))}
          >
            <Input value={typed.url} onChange={(_event, { value }) => change({ url: value.trim() })} {...address} />
          </Field>
          <Text>
            The API needs the size and the hash of the manifest. If you have the file here, they are taken from it; it
            is not uploaded.
          </Text>
          <div className={card.buttons}>
            <Button onClick={() => chooser.current?.click()}>Fill in from the manifest file</Button>
            <span role="status">{filled}</span>
          </div>
          <input
            ref={chooser}
            type="file"
            accept=".json,application/json"
            hidden
            data-choose="manifest"
            onChange={({ target }) => {
              const [file] = target.files ?? []
              if (file !== undefined) void fillIn(file)
              target.value = ''
            }}
          />
          <div className={card.row}>
            <Field
              label="Size in bytes"
              required
              className={card.grow}
              {...tell(typed.sizeInBytes, mistakes.sizeInBytes)}
              hint="As in: wc -c FILE"
            >
              <Input
                value={typed.sizeInBytes}
                inputMode="numeric"
                onChange={(_event, { value }) => change({ sizeInBytes: value.trim() })}
                className={card.input}
              />
            </Field>
            <Field
              label="SHA-256 in base64"
              required
              className={card.grow}
              {...tell(typed.sha256, mistakes.sha256)}
              hint="As in: openssl dgst -sha256 -binary FILE | base64"
            >
              <Input
                value={typed.sha256}
                spellCheck={false}
                onChange={(_event, { value }) => change({ sha256: value.trim() })}
                className={card.input}
              />
            </Field>
          </div>
        </section>
        <section className={card.card} aria-label="Files">
          <Text as="h2" weight="semibold" size={400} className={card.title}>
            Files that the manifest names
          </Text>
          {typed.files.map(({ key, name, url }, index) => (
            <div key={key} className={card.row}>
              <Field label={`File name ${index + 1}`} className={card.grow} {...tell(name, mistakes.names[index])}>
                <Input
                  value={name}
                  onChange={(_event, { value }) => changeFile(key, { name: value })}
                  className={card.input}
                />
              </Field>
              <Field
                label={`URL of file ${index + 1}`}
                className={card.grow}
                {...tell(url, mistakes.urls[index] ?? foundAbout(found, name))}
              >
                <Input
                  value={url}
                  onChange={(_event, { value }) => changeFile(key, { url: value.trim() })}
                  {...address}
                />
              </Field>
              <Button
                className={card.beside}
                aria-label={`Remove file ${index + 1}`}
                onClick={() => change({ files: typed.files.filter((file) => file.key !== key) })}
              >
                Remove
              </Button>
            </div>
          ))}
          {typed.files.length === 0 && <Text>None: right for a manifest that only references other updates.</Text>}
          <div className={card.buttons}>
            <Button
              onClick={() => {
                const key = Math.max(-1, ...typed.files.map((file) => file.key)) + 1
                change({ files: [...typed.files, { key, name: '', url: '' }] })
              }}
            >
              Add a file
            </Button>
          </div>
        </section>
      </div>
      <ImportActions
        readiness={readiness}
        run={run}
        form={form}
        isAttempted={isAttempted}
        onAttempt={() => setIsAttempted(true)}
      />
    </>
  )
}
