import type { UpdateWithContent } from '../../../src/client/api-types.ts'
import { Fact, Facts } from '../show/data-list.tsx'
import { PageLink } from '../show/page-link.tsx'
import { Time } from '../show/time.tsx'
import { Verdict } from '../show/verdict.tsx'

/** What an update is, at a glance. */
export function Essentials({ update }: { update: UpdateWithContent }) {
  const { updateId, friendlyName, description, isDeployable = true, updateType, installedCriteria } = update
  return (
    <Facts>
      <Fact title="Provider">{updateId.provider}</Fact>
      <Fact title="Name">{updateId.name}</Fact>
      <Fact title="Version">{updateId.version}</Fact>
      {friendlyName !== undefined && <Fact title="Friendly name">{friendlyName}</Fact>}
      {description !== undefined && <Fact title="Description">{description}</Fact>}
      <Fact title="Deployable">
        {isDeployable ? 'Yes' : 'No: it is only installed as a part of updates that reference it'}
      </Fact>
      {updateType !== undefined && <Fact title="Update type">{updateType}</Fact>}
      {installedCriteria !== undefined && <Fact title="Installed criteria">{installedCriteria}</Fact>}
      <Fact title="Malware scan">
        <Verdict result={update.scanResult} />
      </Fact>
      <Fact title="Imported on">
        <Time at={update.importedDateTime} />
      </Fact>
      <Fact title="Created on">
        <Time at={update.createdDateTime} />
      </Fact>
      <Fact title="Import manifest version">{update.manifestVersion}</Fact>
      <Fact title="Import operation">
        <PageLink to={`/operations/${update.operationId}`}>{update.operationId}</PageLink>
      </Fact>
    </Facts>
  )
}
