import { makeStyles } from '@griffel/react'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { BaseFileChoice } from '../../../../src/domain/authoring/choices.ts'
import { judgeChoices } from '../../../../src/domain/authoring/judge-choices.ts'
import { placeOf } from '../../../../src/domain/authoring/place-of.ts'
import { formatUpdateId } from '../../../../src/domain/update-id.ts'
import type { PickedFile } from '../files/picked-file.ts'
import type { Files } from '../files/use-files.ts'
import { checkFindings } from '../run/check-findings.ts'
import { ImportActions } from '../run/import-actions.tsx'
import type { OwnBytes, PlannedInput } from '../run/import-plan.ts'
import type { Run } from '../run/use-run.ts'
import { useUpdatesThere } from '../use-updates-there.ts'
import { CompatibilityFields } from './compatibility-fields.tsx'
import { choicesOf, type Draft, readUpdate } from './draft.ts'
import { FileList } from './file-list.tsx'
import { type Finding, findingsAt } from './findings-at.ts'
import { IdentityFields } from './identity-fields.tsx'
import { judgeMaking } from './judge-making.ts'
import { type Making, MakingContext } from './make-context.ts'
import { ManifestText } from './manifest-text.tsx'
import { StepsFields } from './steps-fields.tsx'

const useStyles = makeStyles({
  columns: {
    display: 'grid',
    gridTemplateColumns: 'minmax(0, 3fr) minmax(0, 2fr)',
    gap: '24px',
    alignItems: 'start',
    '@media (max-width: 1100px)': { gridTemplateColumns: 'minmax(0, 1fr)' },
  },
  text: { position: 'sticky', top: '16px', '@media (max-width: 1100px)': { position: 'static' } },
})

/** A form that makes the import manifest, which grows beside it. */
export function MakePanel({
  files,
  run,
  draft,
  change,
}: {
  files: Files
  run: Run
  draft: Draft
  change: (next: (draft: Draft) => Draft) => void
}) {
  const styles = useStyles()
  const [isAttempted, setIsAttempted] = useState(false)
  const form = useRef<HTMLDivElement>(null)
  const { payload } = files
  const ids = useMemo(
    () => [
      draft.updateId,
      ...draft.steps.flatMap((step) => (step.type === 'reference' ? readUpdate(step.update) : [])),
    ],
    [draft],
  )
  const there = useUpdatesThere(ids)
  const judged = useMemo(() => {
    const drafted = payload.map(({ key, name, file, hashing, aptManifest }) => {
      return { key, name, sizeInBytes: file.size, sha256: hashing.kind === 'done' ? hashing.sha256 : '', aptManifest }
    })
    const choices = choicesOf(draft, drafted)
    return { choices, ...judgeMaking(choices, { draft, files: payload, there, judgement: judgeChoices(choices) }) }
  }, [draft, payload, there])
  const { choices, text, errors, warnings } = judged
  // What the server said of the form no longer holds.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text says all.
  useEffect(run.forget, [text])

  const found = checkFindings(run.state).map(({ target = '', message }): Finding => {
    const index = choices.files.findIndex(({ fileName }) => fileName === target)
    return { message, place: index < 0 ? placeOf(target) : ['files', index] }
  })
  const making: Making = {
    draft,
    change,
    choices,
    files: payload,
    tell(place, { isEmpty = false, alsoInside = false } = {}) {
      const wrong = findingsAt([...errors, ...found], place, { alsoInside })
      if (wrong !== undefined && (!isEmpty || isAttempted))
        return { validationMessage: wrong, validationState: 'error' }
      const advice = findingsAt(warnings, place, { alsoInside })
      return advice === undefined || (isEmpty && !isAttempted)
        ? {}
        : { validationMessage: advice, validationState: 'warning' }
    },
  }
  const name = `${formatUpdateId(draft.updateId)
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '.')}.importmanifest.json`
  const isHashing = payload.some(({ hashing }) => hashing.kind === 'running')
  const plan = async (): Promise<PlannedInput[]> => {
    const blob = new Blob([text], { type: 'application/json' })
    const sha256 = await files.hash(blob)
    const named = choices.files.flatMap((file) => [file, ...(file.relatedFiles ?? [])])
    return [
      {
        manifest: { origin: { kind: 'own', name, blob, sha256 }, sizeInBytes: blob.size, sha256 },
        files: named.map((file) => ({ fileName: file.fileName, origin: originOf(file, payload) })),
      },
    ]
  }
  return (
    <MakingContext value={making}>
      <div className={styles.columns}>
        <div ref={form}>
          <IdentityFields />
          <CompatibilityFields />
          <FileList onRemove={files.remove} />
          <StepsFields />
        </div>
        <div className={styles.text}>
          <ManifestText text={text} name={name} />
        </div>
      </div>
      <ImportActions
        readiness={{
          plan: errors.length > 0 || isHashing ? undefined : plan,
          problems: [...new Set(errors.map(({ message }) => message))],
          waiting: isHashing ? 'The files are being read, to know their hashes.' : undefined,
        }}
        run={run}
        form={form}
        isAttempted={isAttempted}
        onAttempt={() => setIsAttempted(true)}
      />
    </MakingContext>
  )
}

/** Whichever file has the content: it is the same. */
function originOf({ fileName, sha256 }: BaseFileChoice, files: readonly PickedFile[]): OwnBytes {
  const found = files.find(({ hashing }) => hashing.kind === 'done' && hashing.sha256 === sha256)
  if (found === undefined) throw new Error(`${fileName} is not here any more.`)
  return { kind: 'own', name: fileName, blob: found.file, sha256 }
}
