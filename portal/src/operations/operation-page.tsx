import { Button } from '@fluentui/react-button'
import { useLocation, useParams } from 'wouter'
import type { OperationWithProgress } from '../../../src/client/api-types.ts'
import { useKeptForm } from '../import/kept-form.ts'
import { Fact, Facts } from '../show/data-list.tsx'
import { Loading } from '../show/loading.tsx'
import { Page } from '../show/page.tsx'
import { Section } from '../show/section.tsx'
import { Time } from '../show/time.tsx'
import { Trail } from '../show/trail.tsx'
import { UpdateLinks } from '../updates/references.tsx'
import { Failure } from './failure.tsx'
import { FilesProgress } from './files-progress.tsx'
import { kindWord, Status, subjectOf } from './operation-words.tsx'
import { useOperation } from './use-operation.ts'
import { Warnings } from './warnings.tsx'

/** One operation, live. */
export default function OperationPage() {
  const { operationId = '' } = useParams<{ operationId: string }>()
  const operation = useOperation(operationId)
  const title = operation.loaded.kind === 'ready' ? titleOf(operation.loaded.value) : 'Operation'
  return (
    <>
      <Trail to="/operations" title="Operations" here={operationId} />
      <Page title={title}>
        <Loading of={operation} what="the operation">
          {(value) => <Parts operation={value} />}
        </Loading>
      </Page>
    </>
  )
}

function titleOf(operation: OperationWithProgress): string {
  return `${kindWord(operation.kind)} of ${subjectOf(operation) ?? 'an update'}`
}

function Parts({ operation }: { operation: OperationWithProgress }) {
  const {
    kind,
    status,
    updates,
    files,
    error,
    warnings = [],
    createdDateTime,
    lastActionDateTime,
    operationId,
  } = operation
  // What was deleted has no page any more.
  const isThere = kind === 'import' && status === 'Succeeded'
  const ids = updates.map(({ updateId }) => updateId)
  return (
    <>
      {/* Screen readers tell the changes, and not each byte. */}
      <p role="status">{announcement(operation)}</p>
      {error !== undefined && <Failure error={error} />}
      {error !== undefined && <Again operationId={operationId} />}
      {warnings.length > 0 && <Warnings warnings={warnings} />}
      <Facts>
        <Fact title="Status">
          <Status status={status} />
        </Fact>
        {isThere && (
          <Fact title={ids.length === 1 ? 'Update' : 'Updates'}>
            <UpdateLinks updates={ids} />
          </Fact>
        )}
        <Fact title="Asked for on">
          <Time at={createdDateTime} />
        </Fact>
        <Fact title="Last change">
          <Time at={lastActionDateTime} />
        </Fact>
        <Fact title="Operation id">{operationId}</Fact>
      </Facts>
      {files.length > 0 && (
        <Section title="Files">
          <FilesProgress files={files} hasFailed={status === 'Failed'} />
        </Section>
      )}
    </>
  )
}

/** Back to the form of a failed import, as it was when it was sent; only in the page that sent it. */
function Again({ operationId }: { operationId: string }) {
  const [, navigate] = useLocation()
  if (useKeptForm().of(operationId) === undefined) return null
  return (
    <Button appearance="primary" onClick={() => navigate(`/import?again=${operationId}`)}>
      Change and import again
    </Button>
  )
}

/** What a status means, by what was asked for. */
const WORDS: Readonly<Record<OperationWithProgress['kind'], { running: string; succeeded: string; failed: string }>> = {
  import: {
    running: 'The import manifest is being fetched and checked.',
    succeeded: 'The update is imported.',
    failed: 'It failed, and has changed nothing.',
  },
  delete: {
    running: 'The update is being deleted.',
    succeeded: 'The update is deleted.',
    failed: 'It failed, and has changed nothing.',
  },
  check: {
    running: 'The import manifest is being fetched and checked. Nothing is kept.',
    succeeded: 'Nothing speaks against an import.',
    failed: 'An import would fail.',
  },
}

function announcement({ kind, status, files }: OperationWithProgress): string {
  if (status === 'NotStarted') return 'It waits for its turn.'
  if (status === 'Succeeded') return WORDS[kind].succeeded
  if (status === 'Failed') return WORDS[kind].failed
  if (files.length === 0) return WORDS[kind].running
  return `${files.filter(({ phase }) => phase === 'Done').length} of ${files.length} files are done.`
}
