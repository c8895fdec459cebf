import { useCallback } from 'react'
import { useParams } from 'wouter'
import type { UpdateWithContent } from '../../../src/client/api-types.ts'
import { formatUpdateId, type UpdateId } from '../../../src/domain/update-id.ts'
import { AuditTrail } from '../audit/audit-trail.tsx'
import { useLoaded } from '../server/use-loaded.ts'
import { useServer } from '../server/use-server.ts'
import { Loading } from '../show/loading.tsx'
import { Page } from '../show/page.tsx'
import { Section } from '../show/section.tsx'
import { Trail } from '../show/trail.tsx'
import { Compatibility } from './compatibility.tsx'
import { DeleteUpdate } from './delete-update.tsx'
import { Essentials } from './essentials.tsx'
import { Files } from './files.tsx'
import { ImportManifest } from './import-manifest.tsx'
import { References } from './references.tsx'
import { Steps } from './steps.tsx'

/** Everything that is known of one update. */
export default function UpdatePage() {
  const { provider = '', name = '', version = '' } = useParams<{ provider: string; name: string; version: string }>()
  const title = `${provider} ${name} ${version}`
  return <UpdateNamed key={title} updateId={{ provider, name, version }} title={title} />
}

function UpdateNamed({ updateId: { provider, name, version }, title }: { updateId: UpdateId; title: string }) {
  const { client, may } = useServer()
  const load = useCallback(
    () => client.getUpdateWithContent({ provider, name, version }),
    [client, provider, name, version],
  )
  const update = useLoaded(load)
  const mayDelete = may('updates/delete') && update.loaded.kind === 'ready'
  return (
    <>
      <Trail to="/updates" title="Updates" here={formatUpdateId({ provider, name, version })} />
      <Page title={title} actions={mayDelete && <DeleteUpdate updateId={{ provider, name, version }} />}>
        <Loading of={update} what="the update">
          {(value) => <Parts update={value} />}
        </Loading>
      </Page>
    </>
  )
}

function Parts({ update }: { update: UpdateWithContent }) {
  const { may } = useServer()
  const { compatibility, instructions, files, referencedBy = [], references = [], operationId, updateId } = update
  return (
    <>
      <Essentials update={update} />
      <Section title="Compatibility">
        <Compatibility sets={compatibility} />
      </Section>
      {instructions !== undefined && (
        <Section title="Installation instructions">
          <Steps steps={instructions.steps} />
        </Section>
      )}
      <Section title="Files">
        <Files files={files} />
      </Section>
      {referencedBy.length + references.length > 0 && (
        <Section title="References">
          <References parents={referencedBy} referenced={references} />
        </Section>
      )}
      <Section title="Import manifest">
        <ImportManifest updateId={updateId} />
      </Section>
      {may('management/read') && (
        <Section title="Audit log">
          <AuditTrail operationId={operationId} updateId={updateId} />
        </Section>
      )}
    </>
  )
}
